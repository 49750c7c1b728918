"""Payments as people and scripts see them: rows, their net allocations, and the free money."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, and_, or_, select, text
from sqlmodel import col

from kelly_cli.store.database import fetch_in
from kelly_cli.store.tables import FREE_MONEY, Customer, Payment, PaymentFlag

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date

    from sqlalchemy import ColumnElement, Connection


_COLUMNS: tuple[Any, ...] = (
    col(Payment.id),
    col(Payment.mpesa_receipt_number),
    col(Payment.status),
    col(Payment.amount_cents),
    col(Payment.allocated_cents),
    col(Payment.transaction_date),
    col(Payment.method),
    col(Payment.short_code),
    col(Payment.bill_ref_number),
    col(Payment.msisdn),
    col(Payment.payer_name),
    col(Customer.customer_id).label("public_customer_id"),
    col(Payment.matched_by),
    col(Payment.unmatched_reason),
    col(Payment.verified_by),
    col(Payment.pinned),
    col(Payment.reversed_at),
    col(Payment.log_id),
    col(Payment.created_at),
)
"""In the order of ``PaymentView``."""


class NetAllocation(NamedTuple):
    """What a payment holds on one invoice after all corrections; never zero."""

    invoice_id: str
    amount_cents: int


class PaymentView(NamedTuple):
    """One payment. ``transaction_date`` is Nairobi wall-clock; ``customer_id`` the public id."""

    row: int
    mpesa_receipt_number: str
    status: str
    amount_cents: int
    allocated_cents: int
    transaction_date: datetime
    method: str
    short_code: str | None
    bill_ref_number: str | None
    msisdn: str | None
    payer_name: str | None
    customer_id: str | None
    matched_by: str | None
    unmatched_reason: str | None
    verified_by: str
    pinned: bool
    reversed_at: datetime | None
    log_row: int | None
    created_at: datetime
    allocations: tuple[NetAllocation, ...] = ()

    @property
    def unallocated_cents(self) -> int:
        """What is not allocated; a reversed payment has nothing left."""
        return 0 if self.reversed_at else self.amount_cents - self.allocated_cents


class PaymentFilter(NamedTuple):
    """Which payments to list; None = all. ``start`` and ``end`` (exclusive): Nairobi wall-clock.

    ``search``: part of receipt, reference, payer's name or phone. ``verified_by``: how it is known.
    ``flag``: one that is kept (``payment_flags``), or those of a customer (row) on a day; ``rows``:
    only these.
    """

    customer_row: int | None = None
    status: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    search: str | None = None
    short_codes: Collection[str] | None = None
    verified_by: str | None = None
    flag: str | None = None
    flagged_days: Sequence[tuple[int, date]] = ()
    rows: Sequence[int] | None = None


def list_payments(
    connection: Connection, wanted: PaymentFilter, *, limit: int
) -> Sequence[PaymentView]:
    """Return payments, the newest ``transaction_date`` first."""
    statement = (
        _select()
        .where(*_conditions(wanted))
        .order_by(col(Payment.transaction_date).desc(), col(Payment.id).desc())
        .limit(limit)
    )
    return _with_allocations(connection, connection.execute(statement))


def find_payment(connection: Connection, receipt: str) -> PaymentView | None:
    """Return the payment of a canonical receipt."""
    statement = _select().where(col(Payment.mpesa_receipt_number) == receipt)
    found = _with_allocations(connection, connection.execute(statement))
    return found[0] if found else None


def known_receipts(connection: Connection, receipts: Collection[str]) -> list[str]:
    """Return which of these canonical receipts are payments, in order."""
    select = "SELECT mpesa_receipt_number FROM payments"
    rows = fetch_in(connection, select, "mpesa_receipt_number", list(receipts))
    return sorted(row[0] for row in rows)


def list_ownerless(
    connection: Connection, *, short_codes: Collection[str] | None = None, limit: int
) -> Sequence[PaymentView]:
    """Return the payments with free money and no customer, the oldest first."""
    statement = (
        _select()
        .where(col(Payment.customer_id).is_(None), text(FREE_MONEY))
        .order_by(col(Payment.transaction_date), col(Payment.id))
    )
    if short_codes is not None:
        statement = statement.where(paid_to(short_codes))
    return _with_allocations(connection, connection.execute(statement.limit(limit)))


def _select() -> Select[Any]:
    return select(*_COLUMNS).outerjoin_from(
        Payment, Customer, col(Customer.id) == col(Payment.customer_id)
    )


def _conditions(wanted: PaymentFilter) -> list[ColumnElement[bool]]:
    found = []
    if wanted.customer_row is not None:
        found.append(col(Payment.customer_id) == wanted.customer_row)
    if wanted.status is not None:
        found.append(col(Payment.status) == wanted.status)
    if wanted.start is not None:
        found.append(col(Payment.transaction_date) >= wanted.start)
    if wanted.end is not None:
        found.append(col(Payment.transaction_date) < wanted.end)
    if wanted.short_codes is not None:
        found.append(paid_to(wanted.short_codes))
    if wanted.verified_by is not None:
        found.append(col(Payment.verified_by) == wanted.verified_by)
    if wanted.rows is not None:
        found.append(col(Payment.id).in_(wanted.rows))
    elif wanted.flag is not None:
        flagged = select(col(PaymentFlag.payment_id)).where(col(PaymentFlag.flag) == wanted.flag)
        of_days = [
            and_(
                col(Payment.customer_id) == customer,
                *_on(day),
                col(Payment.reversed_at).is_(None),
            )
            for customer, day in wanted.flagged_days
        ]
        found.append(or_(col(Payment.id).in_(flagged), *of_days))
    if wanted.search:
        found.append(_contains(wanted.search))
    return found


def _on(day: date) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    start = datetime.combine(day, time.min)
    moment = col(Payment.transaction_date)
    return moment >= start, moment < start + timedelta(days=1)


def paid_to(short_codes: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that money came to one of these paybills and tills."""
    return col(Payment.short_code).in_(short_codes)


def _contains(search: str) -> ColumnElement[bool]:
    columns = (
        Payment.mpesa_receipt_number,
        Payment.bill_ref_number,
        Payment.payer_name,
        Payment.msisdn,
    )
    return or_(*(col(column).icontains(search, autoescape=True) for column in columns))


def _with_allocations(connection: Connection, rows: Iterable[Any]) -> list[PaymentView]:
    views = [PaymentView(*row) for row in rows]
    held: dict[int, list[NetAllocation]] = {}
    sums = fetch_in(
        connection,
        "SELECT a.payment_id, i.invoice_id, sum(a.amount_cents) "
        "FROM allocations a JOIN invoices i ON i.id = a.invoice_id",
        "a.payment_id",
        [view.row for view in views if view.allocated_cents],
        "GROUP BY a.payment_id, i.invoice_id HAVING sum(a.amount_cents) <> 0 ORDER BY min(a.id)",
    )
    for payment_row, invoice_id, amount_cents in sums:
        held.setdefault(payment_row, []).append(NetAllocation(invoice_id, int(amount_cents)))
    return [view._replace(allocations=tuple(held.get(view.row, ()))) for view in views]


def list_credit(
    connection: Connection,
    *,
    customer_row: int | None,
    pinned: bool | None,
    short_codes: Collection[str] | None = None,
    limit: int,
) -> Sequence[PaymentView]:
    """Return the payments with free money of customers, the oldest first; None = any."""
    statement = (
        _select()
        .where(col(Payment.customer_id).is_not(None), text(FREE_MONEY))
        .order_by(col(Payment.transaction_date), col(Payment.id))
    )
    if customer_row is not None:
        statement = statement.where(col(Payment.customer_id) == customer_row)
    if pinned is not None:
        statement = statement.where(col(Payment.pinned).is_(pinned))
    if short_codes is not None:
        statement = statement.where(paid_to(short_codes))
    return _with_allocations(connection, connection.execute(statement.limit(limit)))
