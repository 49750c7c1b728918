"""What people add to the books by hand or from a file: imported with the books by ``tables``.

``actor`` is whoever ran the command. A row that is taken back stays and says when: ``retired_at``,
``undone_at``. A statement's times are Nairobi wall-clock, as the portal writes them.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Date, DateTime, Index, UniqueConstraint
from sqlmodel import Field

from kelly_cli.store.columns import Base, cents, one_of, points_to, row_id, whole, words

LIVE_ALIAS = "retired_at IS NULL"
LIVE_CLAIM = "undone_at IS NULL"


class InvoiceAdjustment(Base, table=True):
    """What is no longer owed: a write-off or a credit note. Append-only.

    An undo is another row with the other sign; ``invoices.adjusted_cents`` is their sum.
    """

    __tablename__ = "invoice_adjustments"
    __table_args__ = (
        CheckConstraint("amount_cents <> 0", name="amount"),
        *whole("amount_cents"),
        one_of("kind", "writeoff", "credit_note"),
        Index("ix_invoice_adjustments_invoice_id", "invoice_id"),
    )

    id: int | None = row_id()
    invoice_id: int = points_to("invoices.id")
    kind: str = words()
    amount_cents: int = cents()
    reason: str | None = words(default=None)
    actor: str = words()
    created_at: datetime


class PayerAlias(Base, table=True):
    """By what else a customer pays, learnt by hand: only ever a suggestion.

    ``value``: as ``kind`` writes it; ``amount_cents``: the usual amount, None = any;
    ``learnt_from``: the receipt of the payment that taught it.
    """

    __tablename__ = "payer_aliases"
    __table_args__ = (
        CheckConstraint("amount_cents IS NULL OR amount_cents > 0", name="amount"),
        CheckConstraint(
            "amount_cents IS NULL OR typeof(amount_cents) = 'integer'", name="amount_cents_whole"
        ).ddl_if(dialect="sqlite"),
        CheckConstraint("length(value) > 0", name="value_given"),
        one_of("kind", "phone", "hash", "masked", "name", "reference"),
        Index(
            "ix_payer_aliases_live",
            "kind",
            "value",
            "customer_id",
            unique=True,
            info={"where": LIVE_ALIAS},
        ),
        Index("ix_payer_aliases_customer_id", "customer_id"),
    )

    id: int | None = row_id()
    customer_id: int = points_to("customers.id")
    kind: str = words()
    value: str = words()
    amount_cents: int | None = Field(default=None, sa_type=BigInteger)
    learnt_from: str | None = words(default=None)
    actor: str = words()
    created_at: datetime
    retired_at: datetime | None = None


class PaymentClaim(Base, table=True):
    """A receipt that was shown at the counter and is spent; ``sale_id`` None = for no sale here."""

    __tablename__ = "payment_claims"
    __table_args__ = (
        Index(
            "ix_payment_claims_live",
            "payment_id",
            unique=True,
            info={"where": LIVE_CLAIM},
        ),
    )

    id: int | None = row_id()
    payment_id: int = points_to("payments.id")
    sale_id: int | None = points_to("pos_sales.id", default=None)
    note: str | None = words(default=None)
    actor: str = words()
    created_at: datetime
    undone_at: datetime | None = None


class PaymentFlag(Base, table=True):
    """Something that a person should look at. Never moves money."""

    __tablename__ = "payment_flags"
    __table_args__ = (
        one_of("flag", "late", "possible_double", "over_limit"),
        UniqueConstraint("payment_id", "flag"),
    )

    id: int | None = row_id()
    payment_id: int = points_to("payments.id")
    flag: str = words()
    detail: str | None = words(default=None)
    created_at: datetime


class Statement(Base, table=True):
    """An export of the organisation portal that was applied: which stretch of time it proves."""

    __tablename__ = "statements"
    __table_args__ = (
        CheckConstraint("from_at <= to_at", name="forward"),
        CheckConstraint(
            "(opening_cents IS NULL OR typeof(opening_cents) = 'integer')"
            " AND (closing_cents IS NULL OR typeof(closing_cents) = 'integer')",
            name="balances_whole",
        ).ddl_if(dialect="sqlite"),
        Index("ix_statements_short_code", "short_code", "from_at"),
    )

    id: int | None = row_id()
    short_code: str = words(foreign_key="short_codes.code")
    account: str | None = words(default=None)
    file_name: str = words()
    sha256: str = words()
    from_at: datetime = Field(sa_type=DateTime)
    to_at: datetime = Field(sa_type=DateTime)
    opening_cents: int | None = Field(default=None, sa_type=BigInteger)
    closing_cents: int | None = Field(default=None, sa_type=BigInteger)
    lines: int = Field(default=0)
    actor: str = words()
    created_at: datetime


class StatementMovement(Base, table=True):
    """One completed line of a statement: money in above zero, money out below.

    ``occurrence``: the how-manieth of equal lines, so that any overlap or repetition adds nothing
    and two real charges of one receipt stay two.
    """

    __tablename__ = "statement_movements"
    __table_args__ = (
        CheckConstraint("amount_cents <> 0", name="amount"),
        CheckConstraint("occurrence > 0", name="occurrence"),
        *whole("amount_cents"),
        CheckConstraint(
            "balance_cents IS NULL OR typeof(balance_cents) = 'integer'",
            name="balance_cents_whole",
        ).ddl_if(dialect="sqlite"),
        one_of("kind", "payment", "charge", "settlement", "reversal", "withdrawal", "other"),
        UniqueConstraint(
            "short_code",
            "receipt",
            "kind",
            "amount_cents",
            "occurrence",
            name="uq_statement_movements_line",
        ),
        Index("ix_statement_movements_completed_at", "short_code", "completed_at"),
        Index("ix_statement_movements_statement_id", "statement_id"),
        Index("ix_statement_movements_payment_id", "payment_id"),
    )

    id: int | None = row_id()
    statement_id: int = points_to("statements.id")
    short_code: str = words(foreign_key="short_codes.code")
    receipt: str = words()
    kind: str = words()
    amount_cents: int = cents()
    occurrence: int = Field(default=1)
    completed_at: datetime = Field(sa_type=DateTime)
    linked_receipt: str | None = words(default=None)
    balance_cents: int | None = Field(default=None, sa_type=BigInteger)
    reference: str | None = words(default=None)
    other_party: str | None = words(default=None)
    details: str | None = words(default=None)
    payment_id: int | None = points_to("payments.id", default=None)


class DayClose(Base, table=True):
    """A closed day as it stood then: ``frozen`` is its JSON, chained by hash like the audit."""

    __tablename__ = "day_closes"
    __table_args__ = (
        UniqueConstraint("number"),
        UniqueConstraint("hash"),
        CheckConstraint("number > 0", name="number"),
        Index("ix_day_closes_day", "day"),
    )

    id: int | None = row_id()
    number: int
    day: date = Field(sa_type=Date)
    frozen: str = words()
    actor: str = words()
    created_at: datetime
    previous_hash: str = words()
    hash: str = words()


class Import(Base, table=True):
    """A file of customers, open invoices or products that was read in."""

    __tablename__ = "imports"
    __table_args__ = (one_of("kind", "customers", "invoices", "products"),)

    id: int | None = row_id()
    kind: str = words()
    file_name: str = words()
    sha256: str = words()
    row_count: int = Field(default=0)
    actor: str = words()
    created_at: datetime
    undone_at: datetime | None = None


class ImportRow(Base, table=True):
    """The verdict on one row of an import. ``subject``: the public id that it made."""

    __tablename__ = "import_rows"
    __table_args__ = (UniqueConstraint("import_id", "line"),)

    id: int | None = row_id()
    import_id: int = points_to("imports.id")
    line: int
    verdict: str = words()
    subject: str | None = words(default=None)
    error: str | None = words(default=None)
