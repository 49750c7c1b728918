"""What we asked of Safaricom, kept before it is asked: imported with the books by ``tables``.

A row in state ``intended`` whose process died is as good as ``unknown``: it may have been sent.
``environment`` is that of the configuration which sent it, so that a sandbox's rows never pass for
production's. ``actor`` is whoever ran the command.
"""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index
from sqlmodel import Field

from kelly_cli.store.columns import Base, cents, one_of, points_to, row_id, whole, words

UNSETTLED_PROMPT = "state IN ('intended', 'pending', 'unknown')"
_ENVIRONMENTS = ("local", "sandbox", "production")


class PaymentPrompt(Base, table=True):
    """A payment prompt (STK push) that we sent, kept before it is sent: what it asks money for.

    ``checkout_request_id`` is missing until Safaricom has given one. ``reference`` is the
    AccountReference that was sent, ``log_id`` the callback that settled it.
    """

    __tablename__ = "payment_prompts"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        *whole("amount_cents"),
        one_of("environment", *_ENVIRONMENTS),
        one_of("state", "intended", "pending", "paid", "refused", "unknown"),
        Index("ix_payment_prompts_unsettled", "phone", info={"where": UNSETTLED_PROMPT}),
    )

    id: int | None = row_id()
    checkout_request_id: str | None = words(default=None, unique=True)
    short_code: str | None = words(default=None, foreign_key="short_codes.code")
    phone: str = words()
    amount_cents: int = cents()
    customer_id: int | None = points_to("customers.id", default=None)
    invoice_id: int | None = points_to("invoices.id", default=None)
    sale_id: int | None = points_to("pos_sales.id", default=None)
    created_at: datetime
    merchant_request_id: str | None = words(default=None)
    environment: str = words()
    reference: str | None = words(default=None)
    state: str = words()
    result_code: str | None = words(default=None)
    result_desc: str | None = words(default=None)
    payment_id: int | None = points_to("payments.id", default=None)
    log_id: int | None = points_to("webhook_logs.id", default=None)
    answered_at: datetime | None = None
    updated_at: datetime
    actor: str = words()


class MpesaRegistration(Base, table=True):
    """URLs that we asked Safaricom to call, and its whole reply: no API reads them back."""

    __tablename__ = "mpesa_registrations"
    __table_args__ = (
        one_of("environment", *_ENVIRONMENTS),
        one_of("api", "v1", "v2", "pull"),
        one_of("response_type", "Completed", "Cancelled"),
        one_of("outcome", "intended", "accepted", "already_registered", "refused", "unknown"),
    )

    id: int | None = row_id()
    environment: str = words()
    short_code: str = words()
    api: str = words()
    confirmation_url: str = words()
    validation_url: str | None = words(default=None)
    response_type: str | None = words(default=None)
    outcome: str = words()
    reply: str | None = words(default=None)
    actor: str = words()
    created_at: datetime
    answered_at: datetime | None = None


class DarajaRequest(Base, table=True):
    """A request whose result comes later by callback, tied by either conversation id."""

    __tablename__ = "daraja_requests"
    __table_args__ = (
        CheckConstraint("amount_cents IS NULL OR amount_cents > 0", name="amount"),
        CheckConstraint(
            "amount_cents IS NULL OR typeof(amount_cents) = 'integer'", name="amount_cents_whole"
        ).ddl_if(dialect="sqlite"),
        one_of("kind", "status", "balance", "reversal"),
        one_of("environment", *_ENVIRONMENTS),
        one_of("state", "intended", "accepted", "done", "failed", "refused", "unknown"),
        Index("ix_daraja_requests_conversation_id", "conversation_id"),
        Index("ix_daraja_requests_originator_conversation_id", "originator_conversation_id"),
    )

    id: int | None = row_id()
    kind: str = words()
    environment: str = words()
    short_code: str = words()
    receipt: str | None = words(default=None)
    payment_id: int | None = points_to("payments.id", default=None)
    amount_cents: int | None = Field(default=None, sa_type=BigInteger)
    reason: str | None = words(default=None)
    actor: str = words()
    conversation_id: str | None = words(default=None)
    originator_conversation_id: str | None = words(default=None)
    state: str = words()
    result_code: str | None = words(default=None)
    result_desc: str | None = words(default=None)
    result: str | None = words(default=None)
    log_id: int | None = points_to("webhook_logs.id", default=None)
    created_at: datetime
    updated_at: datetime


class Pull(Base, table=True):
    """One question to the Pull API: which Nairobi wall-clock time it covered, what it brought."""

    __tablename__ = "pulls"
    __table_args__ = (
        one_of("environment", *_ENVIRONMENTS),
        one_of("state", "ok", "nothing", "failed"),
    )

    id: int | None = row_id()
    environment: str = words()
    short_code: str = words()
    from_at: datetime = Field(sa_type=DateTime)
    to_at: datetime = Field(sa_type=DateTime)
    state: str = words()
    records: int = Field(default=0)
    added: int = Field(default=0)
    note: str | None = words(default=None)
    created_at: datetime
