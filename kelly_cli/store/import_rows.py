"""Imports: which file made what, and what an undo looks for before it takes that back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, insert, select, update
from sqlmodel import col

from kelly_cli.store.tables import (
    Customer,
    Import,
    ImportRow,
    Invoice,
    PayerAlias,
    Payment,
    PaymentPrompt,
    PosSale,
    ReferenceKey,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection


class ImportView(NamedTuple):
    """One import. ``undone_at`` None = it stands."""

    row: int
    kind: str
    file_name: str
    sha256: str
    created: int
    exists: int
    refused: int
    actor: str
    created_at: datetime
    undone_at: datetime | None


class RowView(NamedTuple):
    """The verdict on one row; ``subject``: what it made, or what was there."""

    line: int
    verdict: str
    subject: str | None
    error: str | None


class KnownCustomer(NamedTuple):
    """A customer behind a reference key. ``retired``: an undone import made it."""

    key: str
    row: int
    customer_id: str
    name: str
    phone: str | None
    retired: bool


class KnownInvoice(NamedTuple):
    """A live invoice, as far as an import compares it."""

    customer_row: int
    invoice_id: str
    amount_cents: int
    issued_on: date
    due_on: date | None
    description: str | None


def known_customers(connection: Connection) -> list[KnownCustomer]:
    """Return every customer by its keys; one that was merged stands behind its old key too."""
    rows = connection.execute(
        select(
            col(ReferenceKey.key),
            col(Customer.id),
            col(Customer.customer_id),
            col(Customer.name),
            col(Customer.phone),
            col(ReferenceKey.retired_at).is_not(None),
        ).join(Customer, col(Customer.id) == col(ReferenceKey.customer_id))
    )
    return [KnownCustomer(*_plain(row)) for row in rows]


def known_invoices(connection: Connection) -> list[KnownInvoice]:
    """Return every live invoice that has a customer, oldest first."""
    rows = connection.execute(
        select(
            col(Invoice.customer_id),
            col(Invoice.invoice_id),
            col(Invoice.amount_cents),
            col(Invoice.issued_on),
            col(Invoice.due_on),
            col(Invoice.description),
        )
        .where(col(Invoice.customer_id).is_not(None), col(Invoice.voided_at).is_(None))
        .order_by(col(Invoice.id))
    )
    return [KnownInvoice(*_plain(row)) for row in rows]


def _plain(row: Any) -> Any:
    return row


def earlier_rows(connection: Connection, kind: str, sha256: str) -> dict[int, str]:
    """Return line → what stands for it, of imports of the very same file that were not undone."""
    rows = connection.execute(
        select(col(ImportRow.line), col(ImportRow.subject))
        .join(Import, col(Import.id) == col(ImportRow.import_id))
        .where(
            col(Import.kind) == kind,
            col(Import.sha256) == sha256,
            col(Import.undone_at).is_(None),
            col(ImportRow.subject).is_not(None),
        )
    )
    return {line: str(subject) for line, subject in rows}


def add_import(
    connection: Connection, *, kind: str, file_name: str, sha256: str, actor: str, at: datetime
) -> int:
    """Write a new import; return its number."""
    values = {"kind": kind, "file_name": file_name, "sha256": sha256, "actor": actor}
    row = connection.execute(
        insert(Import).values(**values, row_count=0, created_at=at).returning(col(Import.id))
    ).scalar_one()
    return int(row or 0)


def add_rows(connection: Connection, number: int, rows: Sequence[RowView]) -> None:
    """Write verdicts of an import, and count them."""
    if rows:
        connection.execute(
            insert(ImportRow), [{"import_id": number, **row._asdict()} for row in rows]
        )
        connection.execute(
            update(Import)
            .where(col(Import.id) == number)
            .values(row_count=col(Import.row_count) + len(rows))
        )


def list_imports(connection: Connection, *, limit: int) -> Sequence[ImportView]:
    """Return imports, the newest first."""
    statement = _select().order_by(col(Import.id).desc()).limit(limit)
    return [ImportView(*row) for row in connection.execute(statement)]


def find_import(connection: Connection, number: int) -> ImportView | None:
    """Return one import by its number."""
    row = connection.execute(_select().where(col(Import.id) == number)).first()
    return ImportView(*row) if row else None


def _select() -> Any:
    def count(verdict: str) -> Any:
        return (
            select(func.count())
            .where(col(ImportRow.import_id) == col(Import.id), col(ImportRow.verdict) == verdict)
            .scalar_subquery()
        )

    columns: tuple[Any, ...] = (
        col(Import.id),
        col(Import.kind),
        col(Import.file_name),
        col(Import.sha256),
        count("created"),
        count("exists"),
        count("refused"),
        col(Import.actor),
        col(Import.created_at),
        col(Import.undone_at),
    )
    return select(*columns)


def rows_of(
    connection: Connection, number: int, *, verdict: str | None = None, limit: int | None = None
) -> Sequence[RowView]:
    """Return the verdicts of an import, in the order of the file."""
    statement = (
        select(
            col(ImportRow.line),
            col(ImportRow.verdict),
            col(ImportRow.subject),
            col(ImportRow.error),
        )
        .where(col(ImportRow.import_id) == number)
        .order_by(col(ImportRow.line))
        .limit(limit)
    )
    if verdict is not None:
        statement = statement.where(col(ImportRow.verdict) == verdict)
    return [RowView(*row) for row in connection.execute(statement)]


def set_undone(connection: Connection, number: int, at: datetime) -> None:
    """Mark an import as taken back."""
    connection.execute(update(Import).where(col(Import.id) == number).values(undone_at=at))


def revive(connection: Connection, key: str) -> None:
    """Let a key stand for its customer again."""
    connection.execute(
        update(ReferenceKey).where(col(ReferenceKey.key) == key).values(retired_at=None)
    )


def retire(connection: Connection, key: str, customer_row: int, at: datetime) -> None:
    """Take a customer out of use: its key stands for nothing, and its phone finds nobody."""
    connection.execute(
        update(ReferenceKey).where(col(ReferenceKey.key) == key).values(retired_at=at)
    )
    connection.execute(update(Customer).where(col(Customer.id) == customer_row).values(phone=None))


def hangs_on(
    connection: Connection,
    customer_row: int,
    invoices: Collection[str],
    receipts: Collection[str],
) -> str | None:
    """Say what else hangs on a customer, other than these; None = nothing."""
    found = connection.execute(
        select(col(Invoice.invoice_id)).where(
            col(Invoice.customer_id) == customer_row,
            col(Invoice.voided_at).is_(None),
            col(Invoice.invoice_id).not_in(list(invoices)),
        )
    ).scalar()
    found = (
        found
        or connection.execute(
            select(col(Payment.mpesa_receipt_number)).where(
                col(Payment.customer_id) == customer_row,
                col(Payment.reversed_at).is_(None),
                col(Payment.mpesa_receipt_number).not_in(list(receipts)),
            )
        ).scalar()
    )
    found = (
        found
        or connection.execute(
            select(col(PosSale.pos_id)).where(
                col(PosSale.customer_id) == customer_row, col(PosSale.voided_at).is_(None)
            )
        ).scalar()
    )
    if found is not None:
        return str(found)
    for column, told in (
        (col(PayerAlias.customer_id), "an alias"),
        (col(PaymentPrompt.customer_id), "a payment prompt"),
    ):
        statement = select(func.count()).where(column == customer_row)
        if told == "an alias":
            statement = statement.where(col(PayerAlias.retired_at).is_(None))
        if connection.execute(statement).scalar_one():
            return told
    merged = connection.execute(
        select(func.count()).where(col(ReferenceKey.customer_id) == customer_row)
    ).scalar_one()
    return "a customer that was merged into it" if merged > 1 else None
