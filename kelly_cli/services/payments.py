"""Payments: find and show money that came in."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.flags import OVER_LIMIT, POSSIBLE_DOUBLE
from kelly_cli.core.refs import fold
from kelly_cli.core.slips import SAME, lookalikes, one_slip
from kelly_cli.errors import NotFoundError
from kelly_cli.services import flagged
from kelly_cli.services.customers import get_customer
from kelly_cli.store import counter_rows, log_rows, payment_rows
from kelly_cli.store.payment_rows import PaymentFilter

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from kelly_cli.core.verdicts import Spent
    from kelly_cli.store.database import Database
    from kelly_cli.store.log_rows import LogView
    from kelly_cli.store.payment_rows import PaymentView

CALLBACK_ONLY = "callback"
"""Known from a callback, and no second source has confirmed it yet."""

LONGEST_RECEIPT = 20
MOST_MEANT = 3
"""Receipts that are named when none is as it was typed."""

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
    short_codes: Collection[str] | None = None
    verified_by: str | None = None
    flag: str | None = None


class PaymentDetail(NamedTuple):
    """A payment and the logs that told of it, oldest first, at most ``MOST_LOGS``.

    ``flags``: each with its detail; ``claim``: the one that stands.
    """

    payment: PaymentView
    logs: Sequence[LogView]
    flags: Sequence[tuple[str, str]] = ()
    claim: Spent | None = None


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
            short_codes=query.short_codes,
            verified_by=query.verified_by,
            flag=query.flag,
        )
        if query.flag == POSSIBLE_DOUBLE:
            wanted = flagged.only_doubles(connection, wanted)
        elif query.flag == OVER_LIMIT:
            wanted = flagged.also_large_days(connection, wanted)
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
        seen = counter_rows.find_seen(counter_rows.asking(connection), payment.mpesa_receipt_number)
        flags = flagged.flags_of_payment(connection, payment)
        return PaymentDetail(payment, logs, flags, seen.claim if seen else None)


def list_credit(
    database: Database,
    *,
    customer_id: str | None = None,
    pinned: bool | None = None,
    short_codes: Collection[str] | None = None,
    limit: int,
) -> Sequence[PaymentView]:
    """Return the payments with free money of customers, oldest first; None = any.

    Raises:
        NotFoundError: no such customer.
    """
    with database.reading() as connection:
        customer = None if customer_id is None else get_customer(connection, customer_id).row
        return payment_rows.list_credit(
            connection,
            customer_row=customer,
            pinned=pinned,
            short_codes=short_codes,
            limit=limit,
        )


def get_payment(connection: Connection, receipt: str) -> PaymentView:
    """Return the payment of a receipt, in any case and with blanks around it.

    Raises:
        NotFoundError: no such payment.
    """
    key = canonical_receipt(receipt)
    found = payment_rows.find_payment(connection, key) if key else None
    if found is None:
        raise NotFoundError(
            f"no payment has the receipt {receipt!r}",
            hint=_meant(connection, receipt) or "Look for it: kelly payment list --search TEXT",
            code="payment_not_found",
        )
    return found


def _meant(connection: Connection, typed: str) -> str:
    """Name the receipts that are one slip away; never one in place of what was typed."""
    folded = fold(typed)
    if folded is None or len(folded) > LONGEST_RECEIPT:
        return ""
    points = {folded: SAME}
    for reading in (*lookalikes(folded), *one_slip(folded)):
        points[reading.key] = max(points.get(reading.key, 0), reading.points)
    known = payment_rows.known_receipts(connection, points.keys())
    best = max((points[each] for each in known), default=0)
    known = [each for each in known if points[each] == best][:MOST_MEANT]
    return f"Is it {' or '.join(known)}? Look well, and type it again" if known else ""


def canonical_receipt(text: str) -> str | None:
    """Return a typed receipt as the books hold it, or None when no receipt looks like it.

    The numbers of recorded payments may be typed with dashes: ``csh-20260203-0001``.
    """
    receipt = text.strip().upper().replace("-", "")
    return receipt if receipt.isascii() and receipt.isprintable() else None


def _end_of(day: date) -> datetime | None:
    """Return the moment after a day; None = the calendar ends there."""
    try:
        return datetime.combine(day, time.min) + timedelta(days=1)
    except OverflowError:
        return None
