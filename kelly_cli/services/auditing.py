"""The audit: what people did, and whether the record of it is whole.

Each row carries the hash of the one before. A row that was changed, taken out or put in breaks the
chain there; rows cut off at the end show only to whoever kept the last hash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.times import utc_range
from kelly_cli.store.audit_rows import GENESIS, chain_hash
from kelly_cli.store.audit_views import AuditSearch, list_audit, walk_audit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from kelly_cli.store.audit_views import AuditView
    from kelly_cli.store.database import Database


class AuditQuery(NamedTuple):
    """What to list; None = all. ``first`` and ``last``: Nairobi days, both included."""

    subject: str | None = None
    action: str | None = None
    actor: str | None = None
    first: date | None = None
    last: date | None = None


class Broken(NamedTuple):
    """The first row at which the chain does not hold, and how."""

    id: int
    action: str
    subject: str
    why: str


class Verified(NamedTuple):
    """How far the chain holds: ``rows`` of it. ``known`` False = the kept hash is nowhere in it."""

    rows: int
    last_hash: str
    broken: Broken | None
    known: bool = True

    @property
    def ok(self) -> bool:
        """The whole chain holds, and nothing after the kept hash is missing."""
        return self.broken is None and self.known


def list_actions(database: Database, query: AuditQuery, *, limit: int) -> Sequence[AuditView]:
    """Return actions by hand, newest first. A subject is found in any case."""
    start = end = None
    if query.first is not None:
        start = utc_range(query.first, query.first)[0]
    if query.last is not None:
        end = utc_range(query.last, query.last)[1]
    wanted = AuditSearch(query.subject, query.action, query.actor, start, end)
    with database.reading() as connection:
        found = list_audit(connection, wanted, limit=limit)
        if not found and query.subject is not None:
            wanted = wanted._replace(subject=query.subject.upper())
            found = list_audit(connection, wanted, limit=limit)
        return found


def verify(database: Database, *, known_hash: str | None = None) -> Verified:
    """Follow the chain to its first broken link.

    ``known_hash``: one that was written down before; it must still stand there.
    """
    rows, last_hash, seen = 0, GENESIS, known_hash is None
    with database.reading() as connection:
        for row in walk_audit(connection):
            why = _wrong(row, last_hash)
            if why is not None:
                return Verified(rows, last_hash, Broken(row.id, row.action, row.subject, why), seen)
            rows, last_hash = rows + 1, row.hash
            seen = seen or row.hash.startswith(known_hash or row.hash)
    return Verified(rows, last_hash, None, seen)


def _wrong(row: AuditView, last_hash: str) -> str | None:
    if row.previous_hash != last_hash:
        return "it does not follow the row before it: a row was changed, taken out or put in"
    if row.hash != chain_hash(row._asdict()):
        return "it was changed after it was written"
    return None
