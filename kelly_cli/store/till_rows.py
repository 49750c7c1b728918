"""Pending sales and till money, as far as they can belong to each other."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, or_, select, text
from sqlmodel import col

from kelly_cli.core.till import Came, Sold
from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.store.tables import (
    FREE_MONEY,
    OPEN_INVOICE,
    Customer,
    Invoice,
    Payment,
    PaymentClaim,
    PosSale,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

_OPEN = "invoices." + OPEN_INVOICE.replace(" AND ", " AND invoices.")
_DAY = timedelta(days=1)

_SALE: tuple[Any, ...] = (
    col(PosSale.id),
    col(PosSale.pos_id),
    col(PosSale.total_cents)
    - func.coalesce(col(Invoice.amount_paid_cents) + col(Invoice.adjusted_cents), 0),
    col(PosSale.sold_on),
    col(PosSale.created_at),
    col(Customer.customer_id),
    col(Customer.name),
    col(Customer.phone),
)
_MONEY: tuple[Any, ...] = (
    col(Payment.id),
    col(Payment.amount_cents),
    col(Payment.transaction_date),
    col(Payment.payer_name),
    col(Payment.msisdn),
    col(Payment.pinned),
    col(Payment.mpesa_receipt_number),
    col(Payment.short_code),
)


class SoldAs(NamedTuple):
    """A pending sale and its public names."""

    sold: Sold
    pos_id: str
    customer_id: str | None


class CameAs(NamedTuple):
    """Till money and its public names."""

    came: Came
    receipt: str
    short_code: str | None


def pending_sales(connection: Connection) -> dict[int, SoldAs]:
    """Return the sales that wait for money and for which no receipt is claimed, by row."""
    claimed = select(col(PaymentClaim.sale_id)).where(
        col(PaymentClaim.undone_at).is_(None), col(PaymentClaim.sale_id).is_not(None)
    )
    rows = connection.execute(
        select(*_SALE)
        .outerjoin(Invoice, col(Invoice.id) == col(PosSale.invoice_id))
        .outerjoin(Customer, col(Customer.id) == col(PosSale.customer_id))
        .where(
            col(PosSale.voided_at).is_(None),
            or_(col(PosSale.invoice_id).is_(None), text(_OPEN)),
            col(PosSale.id).not_in(claimed),
        )
    )
    found = {}
    for row, pos_id, open_cents, sold_on, created_at, customer_id, name, phone in rows:
        made_at = nairobi_wall_clock(created_at)
        exact = made_at.date() == sold_on
        first = made_at if exact else datetime.combine(sold_on, time.min)
        last = made_at if exact else first + _DAY
        sold = Sold(row, int(open_cents), first, last, exact, name, phone)
        found[row] = SoldAs(sold, pos_id, customer_id)
    return found


def till_money(connection: Connection, first: datetime, last: datetime) -> dict[int, CameAs]:
    """Return whole M-Pesa payments that name no account, have no owner and are not claimed, by row.

    ``first`` and ``last`` moment: Nairobi wall-clock, both included.
    """
    claimed = select(col(PaymentClaim.payment_id)).where(col(PaymentClaim.undone_at).is_(None))
    rows = connection.execute(
        select(*_MONEY).where(
            col(Payment.customer_id).is_(None),
            text(FREE_MONEY),
            col(Payment.allocated_cents) == 0,
            col(Payment.method) == "mpesa",
            func.trim(func.coalesce(col(Payment.bill_ref_number), "")) == "",
            col(Payment.transaction_date) >= first,
            col(Payment.transaction_date) <= last,
            col(Payment.id).not_in(claimed),
        )
    )
    return {row[0]: CameAs(Came(*row[:6]), row[6], row[7]) for row in rows}
