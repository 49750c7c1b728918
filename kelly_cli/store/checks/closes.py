"""I-30: closed days are numbered without a gap, chained, and still say what they said."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kelly_cli.store.checks.shape import Found, Snapshot

_FIRST = "0" * 64


def closes(books: Snapshot) -> Found:
    """Each close follows the one before, and its hash is over what is frozen in it."""
    last_hash, expected = _FIRST, 1
    for number, day, frozen, actor, at, previous_hash, own_hash in books.rows(
        "SELECT number, day, frozen, actor, created_at, previous_hash, hash "
        "FROM day_closes ORDER BY number"
    ):
        subject = f"day {number}"
        if number != expected:
            yield subject, f"close {expected} is missing before it"
        if previous_hash != last_hash:
            yield subject, "it does not follow the close before it"
        if own_hash != _hash([previous_hash, number, str(day), frozen, actor, _moment(at)]):
            yield subject, "it was changed after it was frozen"
        told = json.loads(frozen)
        if (told["number"], told["day"]) != (number, str(day)):
            yield subject, f"it says that it is close {told['number']} of {told['day']}"
        last_hash, expected = own_hash, number + 1


def closed_by_hand(books: Snapshot) -> Found:
    """Every close has the audit row of the person who made it."""
    yield from books.found(
        "SELECT 'day ' || c.number FROM day_closes c WHERE NOT EXISTS (SELECT 1 FROM audit a "
        "WHERE a.subject = 'day ' || c.number AND a.action = 'day.close')",
        "no audit row day.close",
    )


def imported_by_hand(books: Snapshot) -> Found:
    """Every import has the audit row of the person who made it, and of who took it back."""
    yield from books.found(
        "SELECT 'import ' || i.id FROM imports i WHERE NOT EXISTS (SELECT 1 FROM audit a "
        "WHERE a.subject = 'import ' || i.id AND a.action = 'import.' || i.kind)",
        "no audit row speaks of it",
    )
    yield from books.found(
        "SELECT 'import ' || i.id FROM imports i WHERE i.undone_at IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM audit a WHERE a.subject = 'import ' || i.id "
        "AND a.action = 'import.undo')",
        "it is undone, and no audit row import.undo speaks of it",
    )


def _moment(at: Any) -> str:
    if isinstance(at, str):
        return at.replace(" ", "T") + "+00:00"
    return str(at.astimezone(UTC).isoformat("T", "microseconds"))


def _hash(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()
