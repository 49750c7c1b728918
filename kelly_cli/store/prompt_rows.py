"""Payment prompts' rows: what was asked of whom, and what became of it.

States only move on: a prompt that is paid stays paid, whatever a later answer says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, insert, or_, select, text, update
from sqlmodel import col

from kelly_cli.store.inbox_rows import raw_bytes
from kelly_cli.store.tables import (
    UNSETTLED_PROMPT,
    Customer,
    Invoice,
    Payment,
    PaymentPrompt,
    PosSale,
    WebhookLog,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

INTENDED, PENDING, PAID, REFUSED, UNKNOWN = STATES = (
    "intended",
    "pending",
    "paid",
    "refused",
    "unknown",
)


class NewPrompt(NamedTuple):
    """A prompt that is about to be sent. The three targets are row ids, at most one is given."""

    short_code: str
    environment: str
    phone: str
    amount_cents: int
    reference: str
    actor: str
    customer_id: int | None = None
    invoice_id: int | None = None
    sale_id: int | None = None


class PromptView(NamedTuple):
    """One prompt as people and scripts see it.

    ``checkout_request_id`` None = Safaricom's reply never came; ``receipt`` None = no payment of
    the books answers it; ``reference``: the AccountReference that was sent, None = not kept.
    """

    id: int
    state: str
    amount_cents: int
    phone: str
    reference: str | None
    invoice_id: str | None
    pos_id: str | None
    customer_id: str | None
    short_code: str | None
    environment: str
    checkout_request_id: str | None
    merchant_request_id: str | None
    result_code: str | None
    result_desc: str | None
    receipt: str | None
    log_id: int | None
    actor: str
    created_at: datetime
    answered_at: datetime | None
    updated_at: datetime

    @property
    def is_settled(self) -> bool:
        """Nothing more is expected: refused, or paid by a payment of the books."""
        return self.state == REFUSED or (self.state == PAID and self.receipt is not None)


class Answer(NamedTuple):
    """What became of a prompt. ``payment_row`` and ``log_row`` None = not known."""

    state: str
    result_code: str | None
    result_desc: str | None
    payment_row: int | None = None
    log_row: int | None = None


class Standing(NamedTuple):
    """As much of a prompt as decides whether an answer is news."""

    row: int
    state: str
    payment_row: int | None


class StkLog(NamedTuple):
    """The log of a prompt's callback. ``is_open``: failed or pending."""

    row: int
    raw: bytes
    is_open: bool


_COLUMNS: tuple[Any, ...] = (
    col(PaymentPrompt.id),
    col(PaymentPrompt.state),
    col(PaymentPrompt.amount_cents),
    col(PaymentPrompt.phone),
    col(PaymentPrompt.reference),
    col(Invoice.invoice_id),
    col(PosSale.pos_id),
    col(Customer.customer_id),
    col(PaymentPrompt.short_code),
    col(PaymentPrompt.environment),
    col(PaymentPrompt.checkout_request_id),
    col(PaymentPrompt.merchant_request_id),
    col(PaymentPrompt.result_code),
    col(PaymentPrompt.result_desc),
    col(Payment.mpesa_receipt_number),
    col(PaymentPrompt.log_id),
    col(PaymentPrompt.actor),
    col(PaymentPrompt.created_at),
    col(PaymentPrompt.answered_at),
    col(PaymentPrompt.updated_at),
)
"""In the order of ``PromptView``."""


def _select() -> Select[Any]:
    return (
        select(*_COLUMNS)
        .select_from(PaymentPrompt)
        .outerjoin(Invoice, col(Invoice.id) == col(PaymentPrompt.invoice_id))
        .outerjoin(PosSale, col(PosSale.id) == col(PaymentPrompt.sale_id))
        .outerjoin(Customer, col(Customer.id) == col(PaymentPrompt.customer_id))
        .outerjoin(Payment, col(Payment.id) == col(PaymentPrompt.payment_id))
    )


def add(connection: Connection, prompt: NewPrompt, at: datetime) -> int:
    """Write a prompt that is about to be sent; return its row."""
    values = {**prompt._asdict(), "state": INTENDED, "created_at": at, "updated_at": at}
    statement = insert(PaymentPrompt).values(**values).returning(col(PaymentPrompt.id))
    return int(connection.execute(statement).scalar_one() or 0)


def find(connection: Connection, row: int) -> PromptView | None:
    """Return the prompt of a row."""
    found = connection.execute(_select().where(col(PaymentPrompt.id) == row)).first()
    return PromptView(*found) if found else None


def find_by_checkout(connection: Connection, checkout_request_id: str) -> PromptView | None:
    """Return the prompt of a CheckoutRequestID."""
    statement = _select().where(col(PaymentPrompt.checkout_request_id) == checkout_request_id)
    found = connection.execute(statement).first()
    return PromptView(*found) if found else None


def list_prompts(
    connection: Connection,
    *,
    states: Collection[str],
    short_codes: Collection[str] | None = None,
    limit: int,
) -> Sequence[PromptView]:
    """Return prompts, newest first. No ``states`` = all; ``short_codes`` None = all."""
    statement = _select().order_by(col(PaymentPrompt.id).desc()).limit(limit)
    if short_codes is not None:
        statement = statement.where(col(PaymentPrompt.short_code).in_(short_codes))
    if states:
        statement = statement.where(col(PaymentPrompt.state).in_(states))
    return [PromptView(*row) for row in connection.execute(statement)]


def unsettled_like(connection: Connection, prompt: NewPrompt) -> PromptView | None:
    """Return the newest prompt to this phone that may still be paid, for the same thing.

    The same thing is the same invoice or sale, else the same amount.
    """
    same: ColumnElement[bool] = col(PaymentPrompt.amount_cents) == prompt.amount_cents
    if prompt.invoice_id is not None:
        same = or_(same, col(PaymentPrompt.invoice_id) == prompt.invoice_id)
    if prompt.sale_id is not None:
        same = or_(same, col(PaymentPrompt.sale_id) == prompt.sale_id)
    statement = (
        _select()
        .where(
            col(PaymentPrompt.phone) == prompt.phone, text(f"payment_prompts.{UNSETTLED_PROMPT}")
        )
        .where(col(PaymentPrompt.environment) == prompt.environment, same)
        .order_by(col(PaymentPrompt.id).desc())
        .limit(1)
    )
    found = connection.execute(statement).first()
    return PromptView(*found) if found else None


def set_sent(
    connection: Connection,
    row: int,
    *,
    checkout_request_id: str,
    merchant_request_id: str | None,
    at: datetime,
) -> None:
    """Note Safaricom's names of a prompt; it is on its way, unless an answer is known already."""
    connection.execute(
        update(PaymentPrompt)
        .where(col(PaymentPrompt.id) == row)
        .values(
            checkout_request_id=checkout_request_id,
            merchant_request_id=merchant_request_id,
            updated_at=at,
        )
    )
    connection.execute(
        update(PaymentPrompt)
        .where(col(PaymentPrompt.id) == row, col(PaymentPrompt.state).in_((INTENDED, UNKNOWN)))
        .values(state=PENDING)
    )


def standing(connection: Connection, checkouts: Collection[str]) -> dict[str, Standing]:
    """Return how the prompts of these CheckoutRequestIDs stand; unknown ones are left out."""
    columns: tuple[Any, ...] = (
        col(PaymentPrompt.checkout_request_id),
        col(PaymentPrompt.id),
        col(PaymentPrompt.state),
        col(PaymentPrompt.payment_id),
    )
    statement = select(*columns).where(col(PaymentPrompt.checkout_request_id).in_(checkouts))
    return {row[0]: Standing(*row[1:]) for row in connection.execute(statement)}


def amounts(connection: Connection, row: int, payment_row: int) -> tuple[int, int]:
    """Return what a prompt asked for, and what a payment brought, in cents."""
    asked = select(col(PaymentPrompt.amount_cents)).where(col(PaymentPrompt.id) == row)
    paid = select(col(Payment.amount_cents)).where(col(Payment.id) == payment_row)
    return connection.execute(asked).scalar_one(), connection.execute(paid).scalar_one()


def settle(connection: Connection, row: int, answer: Answer, at: datetime) -> None:
    """Write what became of a prompt. What is paid stays paid, with its first payment."""
    values: dict[str, Any] = {"updated_at": at}
    if answer.state in {PAID, REFUSED}:
        values["answered_at"] = at
    values |= {"state": answer.state, "result_code": answer.result_code}
    values["result_desc"] = answer.result_desc
    if answer.payment_row is not None:
        values["payment_id"] = answer.payment_row
    if answer.log_row is not None:
        values["log_id"] = answer.log_row
    statement = update(PaymentPrompt).where(
        col(PaymentPrompt.id) == row, col(PaymentPrompt.payment_id).is_(None)
    )
    if answer.state != PAID:
        statement = statement.where(col(PaymentPrompt.state) != PAID)
    connection.execute(statement.values(**values))


def stk_logs(connection: Connection, since: datetime) -> Sequence[StkLog]:
    """Return the callbacks of prompts that came since an instant, oldest first."""
    columns: tuple[Any, ...] = (
        col(WebhookLog.id),
        col(WebhookLog.raw_payload),
        col(WebhookLog.raw_encoding),
        col(WebhookLog.processed),
        col(WebhookLog.is_duplicate),
    )
    statement = (
        select(*columns)
        .where(col(WebhookLog.created_at) >= since, col(WebhookLog.kind) == "stk")
        .order_by(col(WebhookLog.id))
    )
    return [
        StkLog(row[0], raw_bytes(row[1], row[2]), not (row[3] or row[4]))
        for row in connection.execute(statement)
    ]


def nameless_like(connection: Connection, prompt: PromptView) -> int:
    """Count the prompts without a CheckoutRequestID that this one cannot be told from."""
    statement = select(col(PaymentPrompt.id)).where(
        col(PaymentPrompt.checkout_request_id).is_(None),
        col(PaymentPrompt.phone) == prompt.phone,
        col(PaymentPrompt.amount_cents) == prompt.amount_cents,
        text(f"payment_prompts.{UNSETTLED_PROMPT}"),
    )
    return len(connection.execute(statement).all())


def twins(connection: Connection, prompt: PromptView, since: datetime) -> dict[int, str]:
    """Return payments of the same amount since a moment (Nairobi wall-clock): row → reference.

    Those that answer another prompt are left out.
    """
    answered = select(col(PaymentPrompt.payment_id)).where(
        col(PaymentPrompt.payment_id).is_not(None)
    )
    columns: tuple[Any, ...] = (col(Payment.id), col(Payment.bill_ref_number))
    statement = select(*columns).where(
        col(Payment.transaction_date) >= since,
        col(Payment.amount_cents) == prompt.amount_cents,
        col(Payment.bill_ref_number).is_not(None),
        col(Payment.checkout_request_id).is_(None),
        col(Payment.id).not_in(answered),
    )
    return {row[0]: row[1] for row in connection.execute(statement)}
