"""Money that did not come by M-Pesa: cash, the bank, a cheque. It takes the one road like the rest.

Its log is what the person said; its receipt number is kelly's own, ``CSH202602030001``: method,
day, running number of the day. It is undone by ``kelly payment reverse``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import kes
from kelly_cli.core.times import EARLIEST_MPESA
from kelly_cli.daraja.by_hand import PREFIXES, ByHand, body_of
from kelly_cli.errors import BrokenInvariantError, DomainError
from kelly_cli.services.customers import get_customer
from kelly_cli.services.hand_audit import state_of
from kelly_cli.services.inbox import Delivery
from kelly_cli.services.invoices import get_invoice
from kelly_cli.services.payments import get_payment
from kelly_cli.services.sales import get_sale
from kelly_cli.store import audit_rows, payment_rows
from kelly_cli.store.numbers import next_number

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from kelly_cli.services.inbox import Inbox
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.payment_rows import PaymentView

METHODS = tuple(PREFIXES)
LONGEST_TEXT = 200


class NewMoney(NamedTuple):
    """A payment to record; at most one of the three ids, none = it waits in suspense.

    ``paid_at``: Nairobi wall-clock; ``number``: the cheque's or the bank's own; ``keep``: what its
    invoice does not need is pinned.
    """

    method: str
    amount_cents: int
    paid_at: datetime
    customer_id: str | None = None
    invoice_id: str | None = None
    pos_id: str | None = None
    payer: str | None = None
    number: str | None = None
    keep: bool = False


def record(
    database: Database, inbox: Inbox, hand: Hand, wanted: NewMoney, *, dry_run: bool = False
) -> PaymentView:
    """Book a payment that a person tells of, by the rules of the one road.

    ``dry_run``: keep nothing.

    Raises:
        DomainError: ``bad_day``: before M-Pesa began, or too far ahead; ``bad_text``.
        NotFoundError: no such customer, invoice or sale.
    """
    _check(wanted, inbox.wall_clock())
    with database.rehearsing() if dry_run else database.writing() as connection:
        return record_in(connection, inbox, hand, wanted)


def record_in(connection: Connection, inbox: Inbox, hand: Hand, wanted: NewMoney) -> PaymentView:
    """Do what ``record`` does once it has refused, in the caller's unit of work."""
    reference = _reference(connection, wanted)
    receipt = _next_receipt(connection, wanted)
    told = ByHand(
        wanted.method,
        receipt,
        wanted.amount_cents,
        wanted.paid_at.replace(microsecond=0),
        reference,
        wanted.payer,
        wanted.number,
        wanted.keep,
    )
    delivery = Delivery(body_of(told), "hand", "hand", f"hand:{receipt}")
    (entry,) = inbox.try_out(connection, [delivery])
    if entry.payment_row is None:
        raise BrokenInvariantError(f"{receipt} was not booked: {entry.error}")
    booked = get_payment(connection, receipt)
    asked = {"to": reference, "keep_credit": wanted.keep, "number": wanted.number}
    told_after = {"method": wanted.method, "amount": kes(wanted.amount_cents), "asked": asked}
    audit_rows.record_audit(
        connection, hand, "payment.record", receipt, after=state_of(booked) | told_after
    )
    return booked


def _check(wanted: NewMoney, now: datetime) -> None:
    if wanted.paid_at < EARLIEST_MPESA or wanted.paid_at.date() > now.date():
        raise DomainError(
            f"{wanted.paid_at.date()} is not a day on which money can have come",
            hint="Give --date the day it came, at the latest today",
            code="bad_day",
        )
    for option, text in (("--payer", wanted.payer), ("--number", wanted.number)):
        if text is not None and len(text) > LONGEST_TEXT:
            raise DomainError(
                f"{option}: longer than {LONGEST_TEXT} characters",
                hint="Put it in fewer words",
                code="bad_text",
            )


def _reference(connection: Connection, wanted: NewMoney) -> str | None:
    """Return what the payment is for, as the books call it."""
    if wanted.invoice_id is not None:
        return get_invoice(connection, wanted.invoice_id).invoice_id
    if wanted.pos_id is not None:
        return get_sale(connection, wanted.pos_id).pos_id
    if wanted.customer_id is not None:
        return get_customer(connection, wanted.customer_id).customer_id
    return None


def _next_receipt(connection: Connection, wanted: NewMoney) -> str:
    prefix, day = PREFIXES[wanted.method], f"{wanted.paid_at:%Y%m%d}"
    while True:
        receipt = f"{prefix}{day}{next_number(connection, f'{prefix}-{day}'):04d}"
        if payment_rows.find_payment(connection, receipt) is None:
            return receipt
