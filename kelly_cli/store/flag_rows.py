"""Flags on payments, and the payments among which doubles and large days show."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from sqlalchemy import func, select
from sqlmodel import col

from kelly_cli.core.flags import Told
from kelly_cli.store import hot
from kelly_cli.store.book_rows import as_wall
from kelly_cli.store.database import fetch_in
from kelly_cli.store.payment_rows import paid_to
from kelly_cli.store.tables import Base, Customer, Payment, PaymentFlag

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    Beside: TypeAlias = tuple[int, int, int | None, bool]

_FLAGS = Base.metadata.tables["payment_flags"]


class Flagged(NamedTuple):
    """A flag of a payment. ``paid_at``: Nairobi wall-clock; ``short_code``: where it was paid."""

    flag: str
    receipt: str
    amount_cents: int
    paid_at: datetime
    bill_ref: str | None
    customer_id: str | None
    short_code: str | None
    detail: str


class LargeDay(NamedTuple):
    """What one customer paid in a day."""

    customer_id: str
    payments: int
    cents: int


def add_flags(
    connection: Connection, rows: Sequence[tuple[int, str, str]], created_at: datetime
) -> None:
    """Write flags (payment row, flag, detail); one that stands already stays as it is."""
    if not rows:
        return
    mark = hot.mark(connection.dialect)
    at = hot.ready_value(connection, _FLAGS, "created_at", created_at)
    connection.exec_driver_sql(
        "INSERT INTO payment_flags (payment_id, flag, detail, created_at) "
        f"VALUES ({mark}, {mark}, {mark}, {mark}) ON CONFLICT DO NOTHING",
        [(*row, at) for row in rows],
    )


def flags_of_days(
    connection: Connection,
    start: datetime,
    end: datetime,
    short_codes: Collection[str] | None = None,
) -> list[Flagged]:
    """Return the flags of payments that stand, from ``start`` to ``end`` (exclusive), by time."""
    rows = connection.execute(
        select(
            col(PaymentFlag.flag),
            col(Payment.mpesa_receipt_number),
            col(Payment.amount_cents),
            col(Payment.transaction_date),
            col(Payment.bill_ref_number),
            col(Customer.customer_id),
            col(Payment.short_code),
            col(PaymentFlag.detail),
        )
        .join(Payment, col(Payment.id) == col(PaymentFlag.payment_id))
        .outerjoin(Customer, col(Customer.id) == col(Payment.customer_id))
        .where(*_standing(start, end, short_codes))
        .order_by(col(Payment.transaction_date), col(Payment.id))
    )
    return [Flagged(*row[:7], row[7] or "") for row in rows]


def flags_of_payment(connection: Connection, payment_row: int) -> list[tuple[str, str]]:
    """Return (flag, detail) of one payment."""
    rows = connection.execute(
        select(col(PaymentFlag.flag), col(PaymentFlag.detail))
        .where(col(PaymentFlag.payment_id) == payment_row)
        .order_by(col(PaymentFlag.id))
    )
    return [(row[0], row[1] or "") for row in rows]


def payments_between(
    connection: Connection,
    before: datetime,
    start: datetime,
    end: datetime,
    short_codes: Collection[str] | None = None,
) -> Sequence[Beside]:
    """Return every payment that stands, from ``before`` to ``end`` (exclusive).

    The last of each says whether it is from ``start`` on.
    """
    mark = hot.mark(connection.dialect)
    walls = _walls(connection, start, before, end)
    codes = list(short_codes or ())
    only = "" if short_codes is None else f" AND short_code IN ({', '.join([mark] * len(codes))})"
    # The driver's own rows: a busy day has tens of thousands, and few of them are looked at.
    found: Sequence[Beside] = hot.fetch(
        connection,
        f"SELECT id, amount_cents, customer_id, transaction_date >= {mark} FROM payments "
        f"WHERE transaction_date >= {mark} AND transaction_date < {mark} "
        f"AND status <> 'REVERSED'{only}",
        (*walls, *codes),
    )
    return found


def told_of(connection: Connection, rows: Collection[int]) -> list[Told]:
    """Return these payments as far as a double shows in them."""
    found = fetch_in(
        connection,
        "SELECT id, mpesa_receipt_number, amount_cents, transaction_date, bill_ref_number, "
        "msisdn, payer_name FROM payments",
        "id",
        list(rows),
    )
    return [Told(row[0], row[1], row[2], as_wall(row[3]), row[4], row[5], row[6]) for row in found]


def of_amount(
    connection: Connection, amount_cents: int, start: datetime, end: datetime
) -> list[int]:
    """Return the payments (row ids) of one amount that stand in a stretch of time."""
    rows = connection.execute(
        select(col(Payment.id)).where(
            *_standing(start, end, None), col(Payment.amount_cents) == amount_cents
        )
    )
    return [row[0] for row in rows if row[0] is not None]


def paid_between(
    connection: Connection, customer: int, start: datetime, end: datetime
) -> tuple[int, int]:
    """Return how often a customer (row) paid, and how much, from ``start`` to ``end`` (exclusive).

    Payments that stand, in cents.
    """
    found = connection.execute(
        select(
            func.count(col(Payment.id)), func.coalesce(func.sum(col(Payment.amount_cents)), 0)
        ).where(*_standing(start, end, None), col(Payment.customer_id) == customer)
    ).one()
    return found[0], int(found[1])


def large_days_between(
    connection: Connection, start: datetime, end: datetime, most_cents: int
) -> list[tuple[int, date]]:
    """Return customers (rows) and the days on which they paid more, newest day first."""
    day = func.date(col(Payment.transaction_date))
    rows = connection.execute(
        select(col(Payment.customer_id), day)
        .where(*_standing(start, end, None), col(Payment.customer_id).is_not(None))
        .group_by(col(Payment.customer_id), day)
        .having(func.sum(col(Payment.amount_cents)) > most_cents)
        .order_by(day.desc(), col(Payment.customer_id))
    )
    return [(int(row[0] or 0), _date(row[1])) for row in rows]


def _date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def last_moment(connection: Connection) -> datetime | None:
    """Return when the last payment was made, None = there is none."""
    found: datetime | None = connection.execute(
        select(func.max(col(Payment.transaction_date)))
    ).scalar()
    return found


def names_of(connection: Connection, customers: Collection[int]) -> dict[int, str]:
    """Return the public ids of customers by row."""
    select_names = "SELECT id, customer_id FROM customers"
    return dict(fetch_in(connection, select_names, "id", list(customers)))


def _walls(connection: Connection, *moments: datetime) -> list[Any]:
    """Return wall-clock times as the driver gets them."""
    payments = Base.metadata.tables["payments"]
    return [hot.ready_value(connection, payments, "transaction_date", each) for each in moments]


def _standing(
    start: datetime, end: datetime, short_codes: Collection[str] | None
) -> list[ColumnElement[bool]]:
    moment = col(Payment.transaction_date)
    found = [moment >= start, moment < end, col(Payment.reversed_at).is_(None)]
    return found if short_codes is None else [*found, paid_to(short_codes)]
