"""Times in which a document was void or reversed and came back, told from the audit.

A document says since when it is void now; of what was taken back it keeps nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.store import hot
from kelly_cli.store.database import fetch_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

_NAIROBI = timedelta(hours=3)


class Spell(NamedTuple):
    """From when to when a document was gone; Nairobi wall-clock."""

    gone_at: datetime
    back_at: datetime

    def holds(self, moment: datetime) -> bool:
        """Tell whether the document was gone then."""
        return self.gone_at <= moment < self.back_at


class Actions(NamedTuple):
    """The words of the audit for going and for coming back."""

    gone: str
    back: str


VOIDS = Actions("invoice.void", "invoice.revive")
REVERSALS = Actions("payment.reverse", "payment.restore")


def in_nairobi(instant: Any) -> datetime:
    """Return the Nairobi wall-clock of an instant as the driver gave it (SQLite: text, UTC)."""
    found = instant if isinstance(instant, datetime) else datetime.fromisoformat(instant)
    return found.replace(tzinfo=None) + _NAIROBI  # no summer time there: 3 hours since 1960


def gone_at(connection: Connection, actions: Actions, moment: datetime) -> list[str]:
    """Return the documents that were gone at a Nairobi wall-clock and came back, by public id."""
    sql = f"SELECT DISTINCT subject FROM audit WHERE action = '{actions.back}'"
    back = [row[0] for row in hot.fetch(connection, sql)]
    return [
        document
        for document, spells in spells_of(connection, actions, back).items()
        if any(spell.holds(moment) for spell in spells)
    ]


def spells_of(
    connection: Connection, actions: Actions, documents: Sequence[str]
) -> dict[str, list[Spell]]:
    """Return the past spells of these documents, by public id; those without any are left out."""
    tail = f"AND action IN ('{actions.gone}', '{actions.back}') ORDER BY id"
    rows = fetch_in(connection, "SELECT subject, action, at FROM audit", "subject", documents, tail)
    gone: dict[str, datetime] = {}
    found: dict[str, list[Spell]] = {}
    for document, action, at in rows:
        if action == actions.gone:
            gone[document] = in_nairobi(at)
        elif document in gone:
            found.setdefault(document, []).append(Spell(gone.pop(document), in_nairobi(at)))
    return found
