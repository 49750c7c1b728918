"""The figures of the morning screen, each by an index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select, text
from sqlmodel import col

from kelly_cli.store.tables import (
    FREE_MONEY,
    OPEN_INVOICE,
    UNSETTLED_PROMPT,
    Invoice,
    Payment,
    PaymentPrompt,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection


class Unplaced(NamedTuple):
    """Free money without a customer. ``oldest_at``: Nairobi wall-clock, None = there is none."""

    payments: int
    cents: int
    oldest_at: datetime | None


def money_between(
    connection: Connection, start: datetime, end: datetime, codes: Sequence[str] | None
) -> tuple[int, int]:
    """Return (count, cents) of the payments that stand; ``end`` is exclusive."""
    statement = select(func.count(), func.coalesce(func.sum(Payment.amount_cents), 0)).where(
        col(Payment.transaction_date) >= start,
        col(Payment.transaction_date) < end,
        col(Payment.status) != "REVERSED",
        *_to(codes),
    )
    row = connection.execute(statement).one()
    return int(row[0]), int(row[1])


def unplaced(connection: Connection, codes: Sequence[str] | None) -> Unplaced:
    """Return the free money that has no customer."""
    free = func.sum(Payment.amount_cents - Payment.allocated_cents)
    row = connection.execute(
        select(func.count(), func.coalesce(free, 0), func.min(Payment.transaction_date)).where(
            col(Payment.customer_id).is_(None), text(FREE_MONEY), *_to(codes)
        )
    ).one()
    return Unplaced(int(row[0]), int(row[1]), row[2])


def overdue(connection: Connection, today: date) -> tuple[int, int]:
    """Return (count, cents) of open invoices whose day has passed."""
    owed = Invoice.amount_cents - Invoice.adjusted_cents - Invoice.amount_paid_cents
    row = connection.execute(
        select(func.count(), func.coalesce(func.sum(owed), 0)).where(
            text(OPEN_INVOICE), col(Invoice.due_on) < today
        )
    ).one()
    return int(row[0]), int(row[1])


def open_prompts(connection: Connection) -> int:
    """Return how many payment prompts have no answer yet."""
    statement = select(func.count(col(PaymentPrompt.id))).where(text(UNSETTLED_PROMPT))
    return int(connection.execute(statement).scalar_one())


def _to(codes: Sequence[str] | None) -> list[Any]:
    return [] if codes is None else [col(Payment.short_code).in_(list(codes))]
