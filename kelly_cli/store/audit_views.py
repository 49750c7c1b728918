"""The audit as people read it, and row by row for whoever verifies the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select
from sqlmodel import col

from kelly_cli.store.tables import AuditRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

PAGE_ROWS = 1_000


class AuditView(NamedTuple):
    """One action by hand. ``before`` and ``after`` are JSON texts, None = nothing is said."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str | None
    before: str | None
    after: str | None
    previous_hash: str
    hash: str


class AuditSearch(NamedTuple):
    """Which rows; None = any. ``action``: a whole one or its beginning (``invoice.``)."""

    subject: str | None = None
    action: str | None = None
    actor: str | None = None
    start: datetime | None = None
    end: datetime | None = None


_COLUMNS: tuple[Any, ...] = tuple(getattr(AuditRow, name) for name in AuditView._fields)


def list_audit(
    connection: Connection, wanted: AuditSearch, *, limit: int, newest_first: bool = True
) -> Sequence[AuditView]:
    """Return audit rows, newest first or in the order they were written."""
    statement = select(*_COLUMNS)
    if wanted.subject is not None:
        statement = statement.where(col(AuditRow.subject) == wanted.subject)
    if wanted.action is not None:
        statement = statement.where(col(AuditRow.action).startswith(wanted.action, autoescape=True))
    if wanted.actor is not None:
        statement = statement.where(col(AuditRow.actor) == wanted.actor)
    if wanted.start is not None:
        statement = statement.where(col(AuditRow.at) >= wanted.start)
    if wanted.end is not None:
        statement = statement.where(col(AuditRow.at) < wanted.end)
    order = col(AuditRow.id).desc() if newest_first else col(AuditRow.id)
    rows: Iterable[Any] = connection.execute(statement.order_by(order).limit(limit))
    return [AuditView(*row) for row in rows]


def walk_audit(connection: Connection) -> Iterator[AuditView]:
    """Give every row in the order of the chain, a page at a time."""
    last = 0
    while True:
        statement = select(*_COLUMNS).where(col(AuditRow.id) > last).order_by(col(AuditRow.id))
        rows: list[Any] = list(connection.execute(statement.limit(PAGE_ROWS)))
        if not rows:
            return
        yield from (AuditView(*row) for row in rows)
        last = rows[-1][0]
