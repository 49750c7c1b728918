"""Payments: find and show money that came in."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.errors import NotFoundError
from kelly_cli.services.customers import get_customer
from kelly_cli.store import log_rows, payment_rows
from kelly_cli.store.payment_rows import PaymentFilter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import Connection

    from kelly_cli.store.database import Database
    from kelly_cli.store.log_rows import LogView
    from kelly_cli.store.payment_rows import PaymentView

CALLBACK_ONLY = "callback"
"""Known from a callback, and no second source has confirmed it yet."""

MOST_LOGS = 100
"""Logs that one payment shows: the first ones."""


class PaymentQuery(NamedTuple):
    """What to list; None = all. ``first`` and ``last``: Nairobi days, both included.

    ``customer_id`` in any written form; ``search``: part of receipt, reference or payer;
    ``verified_by``: how it is known (``CALLBACK_ONLY``: from nothing but a callback).
    """

    customer_id: str | None = None
    status: str | None = None
    first: date | None = None
    last: date | None = None
    search: str | None = None
    short_code: str | None = None
    verified_by: str | None = None


class PaymentDetail(NamedTuple):
    """A payment and the logs that told of it, oldest first, at most ``MOST_LOGS``."""

    payment: PaymentView
    logs: Sequence[LogView]


def list_payments(
    database: Database, query: PaymentQuery | None = None, *, limit: int = 100
) -> Sequence[PaymentView]:
    """Return payments, newest first.

    Raises:
        NotFoundError: no such customer.
    """
    query = query or PaymentQuery()
    with database.reading() as connection:
        customer = None
        if query.customer_id is not None:
            customer = get_customer(connection, query.customer_id)
        wanted = PaymentFilter(
            customer_row=customer.row if customer else None,
            status=query.status,
            start=datetime.combine(query.first, time.min) if query.first else None,
            end=_end_of(query.last) if query.last else None,
            search=query.search,
            short_code=query.short_code,
            verified_by=query.verified_by,
        )
        return payment_rows.list_payments(connection, wanted, limit=limit)


def show_payment(database: Database, receipt: str) -> PaymentDetail:
    """Return one payment with the logs that told of it.

    Raises:
        NotFoundError: no such payment.
    """
    with database.reading() as connection:
        payment = get_payment(connection, receipt)
        logs = log_rows.list_logs_of_payment(
            connection, payment.row, payment.mpesa_receipt_number, limit=MOST_LOGS
        )
        return PaymentDetail(payment, logs)


def get_payment(connection: Connection, receipt: str) -> PaymentView:
    """Return the payment of a receipt, in any case and with blanks around it.

    Raises:
        NotFoundError: no such payment.
    """
    key = canonical_receipt(receipt)
    found = payment_rows.find_payment(connection, key) if key else None
    if found is None:
        near = payment_rows.receipts_like(connection, key) if key else []
        raise NotFoundError(
            f"no payment has the receipt {receipt!r}",
            hint=f"Did you mean {' or '.join(near)}?"
            if near
            else "Look for it: kelly payment list --search TEXT",
            code="payment_not_found",
        )
    return found


def canonical_receipt(text: str) -> str | None:
    """Return a typed receipt as the books hold it, or None when no receipt looks like it."""
    receipt = text.strip().upper()
    return receipt if receipt.isascii() and receipt.isprintable() else None


def _end_of(day: date) -> datetime | None:
    """Return the moment after a day; None = the calendar ends there."""
    try:
        return datetime.combine(day, time.min) + timedelta(days=1)
    except OverflowError:
        return None
