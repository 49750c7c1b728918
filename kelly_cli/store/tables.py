"""The books as tables. These classes own the schema; nothing here computes or decides.

Money is integer cents (``*_cents``). What can be derived is a generated column, so that it cannot
disagree with the money. Instants are UTC; ``transaction_date`` is M-Pesa's Nairobi wall-clock.
Enumerations are text under a CHECK. Rows of money are never deleted: every foreign key restricts.
"""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    Index,
    LargeBinary,
    MetaData,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from kelly_cli.store.aside_tables import Counter, Quarantined, ValidationRequest
from kelly_cli.store.back_office_tables import (
    DayClose,
    Import,
    ImportRow,
    InvoiceAdjustment,
    PayerAlias,
    PaymentClaim,
    PaymentFlag,
    Statement,
    StatementMovement,
)
from kelly_cli.store.columns import (
    Base,
    cents,
    generated,
    one_of,
    points_to,
    row_id,
    whole,
    words,
)
from kelly_cli.store.daraja_tables import (
    UNSETTLED_PROMPT,
    DarajaRequest,
    MpesaRegistration,
    PaymentPrompt,
    Pull,
)
from kelly_cli.store.goods_tables import PosItem, Product, Reminder, StockMove
from kelly_cli.store.revision import SCHEMA_REVISION
from kelly_cli.store.total_tables import HourTotal

__all__ = [
    "SCHEMA_REVISION",
    "UNSETTLED_PROMPT",
    "Base",
    "Counter",
    "DarajaRequest",
    "DayClose",
    "HourTotal",
    "Import",
    "ImportRow",
    "InvoiceAdjustment",
    "MpesaRegistration",
    "PayerAlias",
    "PaymentClaim",
    "PaymentFlag",
    "PaymentPrompt",
    "PosItem",
    "Product",
    "Pull",
    "Quarantined",
    "Reminder",
    "Statement",
    "StatementMovement",
    "StockMove",
    "ValidationRequest",
]

MAX_CENTS = 10**14

INVOICE_STATUS = (
    "CASE WHEN voided_at IS NOT NULL THEN 'VOID' "
    "WHEN amount_paid_cents + adjusted_cents = amount_cents THEN 'PAID' "
    "WHEN amount_paid_cents > 0 THEN 'PARTIALLY_PAID' ELSE 'UNPAID' END"
)
PAYMENT_STATUS = (
    "CASE WHEN reversed_at IS NOT NULL THEN 'REVERSED' "
    "WHEN customer_id IS NULL AND allocated_cents = 0 THEN 'UNMATCHED' ELSE 'COMPLETED' END"
)
PAYMENT_AMOUNT = "round(amount_cents / 100.0, 2)"

OPEN_INVOICE = "voided_at IS NULL AND amount_paid_cents + adjusted_cents < amount_cents"
FREE_MONEY = "reversed_at IS NULL AND allocated_cents < amount_cents"
OPEN_LOG = "NOT processed AND NOT is_duplicate"


class ShortCode(Base, table=True):
    """The paybills and tills that are or were ours (the configuration says which are now)."""

    __tablename__ = "short_codes"
    __table_args__ = (
        one_of("kind", "paybill", "till", "store"),
        one_of("environment", "local", "sandbox", "production"),
    )

    id: int | None = row_id()
    code: str = words(unique=True)
    kind: str = words(default="paybill")
    name: str | None = words(default=None)
    environment: str = words(default="local")
    created_at: datetime


class Customer(Base, table=True):
    """Who owes and pays. The balance is computed, never stored."""

    __tablename__ = "customers"
    __table_args__ = (
        CheckConstraint("length(customer_id) BETWEEN 1 AND 20", name="customer_id_length"),
        CheckConstraint("length(name) > 0", name="name_given"),
        CheckConstraint("phone IS NULL OR length(phone) = 12", name="phone_length"),
        Index("ix_customers_phone", "phone"),
    )

    id: int | None = row_id()
    customer_id: str = words(unique=True)
    name: str = words()
    phone: str | None = words(default=None)
    email: str | None = words(default=None)
    created_at: datetime


class Invoice(Base, table=True):
    """What is owed. ``number`` counts within the day; a sale's invoice may have no customer.

    ``adjusted_cents``: written off or credited, so no longer owed. Paid = nothing is owed any more.
    """

    __tablename__ = "invoices"
    __table_args__ = (
        CheckConstraint(f"amount_cents > 0 AND amount_cents <= {MAX_CENTS}", name="amount"),
        CheckConstraint(
            "amount_paid_cents >= 0 AND amount_paid_cents <= amount_cents", name="amount_paid"
        ),
        CheckConstraint("adjusted_cents >= 0", name="adjusted"),
        CheckConstraint("amount_paid_cents + adjusted_cents <= amount_cents", name="settled"),
        CheckConstraint(
            "voided_at IS NULL OR (amount_paid_cents = 0 AND adjusted_cents = 0)",
            name="void_holds_nothing",
        ),
        *whole("amount_cents", "amount_paid_cents", "adjusted_cents"),
        UniqueConstraint("issued_on", "number"),
        # Of all invoices: one of the open ones would be written anew by each payment.
        Index("ix_invoices_age", "customer_id", "issued_on", "number"),
    )

    id: int | None = row_id()
    invoice_id: str = words(unique=True)
    customer_id: int | None = points_to("customers.id", default=None)
    amount_cents: int = cents()
    amount_paid_cents: int = cents(default=0, sa_column_kwargs={"server_default": text("0")})
    description: str | None = words(default=None)
    issued_on: date = Field(sa_type=Date)
    number: int
    due_on: date | None = Field(default=None, sa_type=Date)
    on_hold: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    voided_at: datetime | None = None
    created_at: datetime
    adjusted_cents: int = cents(default=0, sa_column_kwargs={"server_default": text("0")})
    status: str = generated(Text, INVOICE_STATUS)


class PosSale(Base, table=True):
    """A sale at the counter. Its invoice is made by its first payment; its status follows it."""

    __tablename__ = "pos_sales"
    __table_args__ = (
        CheckConstraint(f"total_cents > 0 AND total_cents <= {MAX_CENTS}", name="total"),
        *whole("total_cents"),
        UniqueConstraint("sold_on", "number"),
        UniqueConstraint("invoice_id"),
        Index("ix_pos_sales_customer_id", "customer_id"),
    )

    id: int | None = row_id()
    pos_id: str = words(unique=True)
    customer_id: int | None = points_to("customers.id", default=None)
    total_cents: int = cents()
    sold_on: date = Field(sa_type=Date)
    number: int
    invoice_id: int | None = points_to("invoices.id", default=None)
    voided_at: datetime | None = None
    created_at: datetime


class ReferenceKey(Base, table=True):
    """The one name space of what a payer can type: folded id → customer, invoice or sale."""

    __tablename__ = "reference_keys"
    __table_args__ = (
        CheckConstraint("length(key) BETWEEN 1 AND 20", name="key_length"),
        CheckConstraint(
            "(CASE WHEN customer_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN invoice_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN sale_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="one_target",
        ),
    )

    key: str = Field(sa_type=Text, primary_key=True)
    customer_id: int | None = points_to("customers.id", default=None)
    invoice_id: int | None = points_to("invoices.id", default=None)
    sale_id: int | None = points_to("pos_sales.id", default=None)
    retired_at: datetime | None = None


class Payment(Base, table=True):
    """Money in: one row per receipt, whichever channel told of it first.

    ``pinned`` money was freed or kept back by a person and waits for one. ``log_id`` is the log
    that made the payment (no foreign key: the log points back).
    """

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint(f"amount_cents > 0 AND amount_cents <= {MAX_CENTS}", name="amount"),
        CheckConstraint(
            "allocated_cents >= 0 AND allocated_cents <= amount_cents", name="allocated"
        ),
        CheckConstraint(
            "reversed_at IS NULL OR allocated_cents = 0", name="reversed_holds_nothing"
        ),
        *whole("amount_cents", "allocated_cents"),
        one_of("method", "mpesa", "cash", "bank", "cheque"),
        one_of("verified_by", "callback", "pull", "statement", "status", "hand"),
        Index("ix_payments_day", "transaction_date", "status", "amount_cents", "allocated_cents"),
        Index(
            "ix_payments_free",
            "customer_id",
            "transaction_date",
            info={"where": FREE_MONEY},
        ),
    )

    id: int | None = row_id()
    mpesa_receipt_number: str = words(unique=True)
    method: str = words(default="mpesa", sa_column_kwargs={"server_default": text("'mpesa'")})
    channel: str = words()
    short_code: str | None = words(default=None, foreign_key="short_codes.code")
    amount_cents: int = cents()
    allocated_cents: int = cents(default=0, sa_column_kwargs={"server_default": text("0")})
    transaction_date: datetime = Field(sa_type=DateTime)
    bill_ref_number: str | None = words(default=None)
    msisdn: str | None = words(default=None)
    payer_name: str | None = words(default=None)
    transaction_type: str | None = words(default=None)
    org_balance_cents: int | None = cents(default=None)
    checkout_request_id: str | None = words(default=None)
    customer_id: int | None = points_to("customers.id", default=None)
    matched_by: str | None = words(default=None)
    unmatched_reason: str | None = words(default=None)
    verified_by: str = words(
        default="callback", sa_column_kwargs={"server_default": text("'callback'")}
    )
    pinned: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    reversed_at: datetime | None = None
    log_id: int | None = Field(default=None, sa_type=BigInteger)
    created_at: datetime
    status: str = generated(Text, PAYMENT_STATUS)
    amount: Decimal = generated(Numeric(18, 2), PAYMENT_AMOUNT)


class Allocation(Base, table=True):
    """Payment → invoice. Append-only: a correction is another row with the other sign."""

    __tablename__ = "allocations"
    __table_args__ = (
        CheckConstraint("amount_cents <> 0", name="amount"),
        *whole("amount_cents"),
        one_of("reason", "reference", "fifo", "credit", "hand", "void", "reversal"),
        Index("ix_allocations_payment_id", "payment_id"),
        Index("ix_allocations_invoice_id", "invoice_id"),
    )

    id: int | None = row_id()
    payment_id: int = points_to("payments.id")
    invoice_id: int = points_to("invoices.id")
    amount_cents: int = cents()
    reason: str = words()
    created_at: datetime


class WebhookLog(Base, table=True):
    """The inbox: the bytes as they came, and what became of them.

    Raw columns change in ``kelly db purge`` alone: ``raw_sha256`` is of what stands there,
    ``original_sha256`` of what came before. ``error`` without ``processed`` or ``is_duplicate`` =
    failed; no error = pending; ``is_duplicate`` with ``error`` = conflict, or settled by another.
    """

    __tablename__ = "webhook_logs"
    __table_args__ = (
        CheckConstraint("NOT (processed AND is_duplicate)", name="one_outcome"),
        one_of("kind", "confirmation", "stk", "result", "timeout", "pull", "statement", "hand"),
        one_of("raw_encoding", "utf-8", "base64"),
        CheckConstraint(
            "(purged_at IS NULL) = (original_sha256 IS NULL)", name="purged_keeps_its_digest"
        ),
        Index("ix_webhook_logs_created_at", "created_at", "processed", "is_duplicate"),
        Index(
            "ix_webhook_logs_open",
            "trans_id",
            info={"where": OPEN_LOG},
        ),
    )

    id: int | None = row_id()
    delivery_id: str = words(unique=True)
    kind: str = words()
    source: str = words()
    raw_payload: str = words()
    raw_encoding: str = words()
    raw_sha256: bytes = Field(sa_type=LargeBinary)
    trans_id: str | None = words(default=None)
    processed: bool
    is_duplicate: bool
    error: str | None = words(default=None)
    note: str | None = words(default=None)
    attempts: int = Field(default=0)
    payment_id: int | None = points_to("payments.id", default=None)
    created_at: datetime
    purged_at: datetime | None = None
    original_sha256: bytes | None = Field(default=None, sa_type=LargeBinary)


class AuditRow(Base, table=True):
    """One action by hand: who, when, why, before, after; chained by hash. Append-only.

    ``log_mark``: the last callback that was logged before it (0 = none), so that both can be done
    again in their order; None = written before there were marks.
    """

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject", "subject"),)

    id: int | None = row_id()
    at: datetime
    actor: str = words()
    action: str = words()
    subject: str = words()
    reason: str | None = words(default=None)
    before: str | None = words(default=None)
    after: str | None = words(default=None)
    previous_hash: str = words()
    hash: str = words(unique=True)
    log_mark: int | None = Field(default=None, sa_type=BigInteger)


def metadata_for(dialect_name: str) -> MetaData:
    """Return the tables with their partial indexes in the words of one dialect.

    Said in the table itself, those words would import PostgreSQL's dialect at every start (60 ms).
    """
    for table in Base.metadata.tables.values():
        for index in table.indexes:
            if "where" in index.info:
                index.dialect_options[dialect_name]["where"] = text(index.info["where"])
    return Base.metadata
