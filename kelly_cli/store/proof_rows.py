"""What proves the books from outside: balances of the account, and which time a second source told.

Wall-clock times are Nairobi's.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, or_, select
from sqlmodel import col

from kelly_cli.store.tables import Payment, Pull, Statement, StatementMovement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import TypeAlias

    from sqlalchemy import Connection

    Span: TypeAlias = tuple[datetime, datetime]


class Paid(NamedTuple):
    """A payment as its account's balance knows it. ``balance_cents`` None = nobody told."""

    receipt: str
    paid_at: datetime
    amount_cents: int
    balance_cents: int | None
    short_code: str | None
    reversed_at: datetime | None


class Moved(NamedTuple):
    """A movement of a statement; ``account``: of which account of the short code."""

    receipt: str
    completed_at: datetime
    amount_cents: int
    balance_cents: int | None
    kind: str
    account: str | None
    linked_receipt: str | None


class Told(NamedTuple):
    """A stretch of time of which a second source told all. ``account`` None = not said."""

    short_code: str
    start: datetime
    end: datetime
    account: str | None


class PaidDay(NamedTuple):
    """Payments of a short code on one day; ``proved``: how many of them a second source told."""

    day: date
    short_code: str
    payments: int
    total_cents: int
    proved: int


def paid_to(connection: Connection, short_code: str, span: Span | None = None) -> list[Paid]:
    """Return the M-Pesa payments to a short code, and those that name none.

    ``span``: from and before, None = all of them.
    """
    statement = select(
        col(Payment.mpesa_receipt_number),
        col(Payment.transaction_date),
        col(Payment.amount_cents),
        col(Payment.org_balance_cents),
        col(Payment.short_code),
        col(Payment.reversed_at),
    ).where(
        col(Payment.method) == "mpesa",
        or_(col(Payment.short_code) == short_code, col(Payment.short_code).is_(None)),
    )
    if span is not None:
        paid_at = col(Payment.transaction_date)
        statement = statement.where(paid_at >= span[0], paid_at < span[1])
    return [Paid(*row) for row in connection.execute(statement)]


def moved_on(connection: Connection, short_code: str, span: Span | None = None) -> list[Moved]:
    """Return every movement that statements told of. ``span``: as above."""
    statement = (
        select(
            col(StatementMovement.receipt),
            col(StatementMovement.completed_at),
            col(StatementMovement.amount_cents),
            col(StatementMovement.balance_cents),
            col(StatementMovement.kind),
            col(Statement.account),
            col(StatementMovement.linked_receipt),
        )
        .join(Statement, col(Statement.id) == col(StatementMovement.statement_id))
        .where(col(StatementMovement.short_code) == short_code)
    )
    if span is not None:
        at = col(StatementMovement.completed_at)
        statement = statement.where(at >= span[0], at < span[1])
    return [Moved(*row) for row in connection.execute(statement)]


def newest_balance_at(connection: Connection, short_code: str, end: datetime) -> datetime | None:
    """Return when the last balance before a moment came with a payment, None = none did."""
    found = connection.execute(
        select(col(Payment.transaction_date))
        .where(
            col(Payment.short_code) == short_code,
            col(Payment.org_balance_cents).is_not(None),
            col(Payment.transaction_date) < end,
        )
        .order_by(col(Payment.transaction_date).desc())
        .limit(1)
    )
    return found.scalar()


def told_by_statements(connection: Connection) -> list[Told]:
    """Return the time of every statement that was applied."""
    statement = select(
        col(Statement.short_code),
        col(Statement.from_at),
        col(Statement.to_at),
        col(Statement.account),
    )
    return [Told(*row) for row in connection.execute(statement)]


def told_by_pulls(connection: Connection) -> list[Told]:
    """Return the time of every pull that worked; "nothing" counts where one ever brought some."""
    brought = select(col(Pull.short_code)).where(col(Pull.state) == "ok").distinct()
    statement = select(col(Pull.short_code), col(Pull.from_at), col(Pull.to_at)).where(
        col(Pull.state).in_(("ok", "nothing")), col(Pull.short_code).in_(brought)
    )
    return [Told(*row, None) for row in connection.execute(statement)]


def paid_days(connection: Connection, first: datetime, end: datetime) -> Sequence[PaidDay]:
    """Return what was paid by day and short code; ``end`` is exclusive."""
    day = func.date(col(Payment.transaction_date))
    proved = func.count().filter(col(Payment.verified_by).not_in(("callback", "hand")))
    statement = (
        select(day, col(Payment.short_code), func.count(), func.sum(Payment.amount_cents), proved)
        .where(
            col(Payment.method) == "mpesa",
            col(Payment.short_code).is_not(None),
            col(Payment.transaction_date) >= first,
            col(Payment.transaction_date) < end,
        )
        .group_by(day, col(Payment.short_code))
    )
    return [
        PaidDay(_day(row[0]), row[1], row[2], int(row[3]), row[4])
        for row in connection.execute(statement)
    ]


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)
