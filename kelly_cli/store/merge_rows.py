"""What belongs to a customer, moved to another and back. Nothing of it is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select, update
from sqlmodel import col

from kelly_cli.core.refs import fold
from kelly_cli.store.tables import (
    Allocation,
    AuditRow,
    Base,
    Customer,
    Invoice,
    PayerAlias,
    Payment,
    PaymentPrompt,
    PosSale,
    ReferenceKey,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

_OWNED: dict[str, tuple[type[Base], str]] = {
    "invoices": (Invoice, "invoice_id"),
    "sales": (PosSale, "pos_id"),
    "payments": (Payment, "mpesa_receipt_number"),
    "prompts": (PaymentPrompt, "id"),
    "aliases": (PayerAlias, "id"),
    "keys": (ReferenceKey, "key"),
}
"""Kind → its table and the column by which a list names its rows."""

KINDS = tuple(_OWNED)


class Told(NamedTuple):
    """The audit row of a merge. ``before`` and ``after``: JSON text."""

    at: datetime
    before: str
    after: str


class Crossing(NamedTuple):
    """Money of one customer that stands on the invoice of another (row ids)."""

    payment_row: int
    receipt: str
    invoice_row: int
    amount_cents: int


def owned(connection: Connection, customer_row: int) -> dict[str, list[Any]]:
    """Return all that belongs to a customer, by kind."""
    found = {}
    for kind, (table, name) in _OWNED.items():
        columns = Base.metadata.tables[str(table.__tablename__)].c
        rows = connection.execute(
            select(columns[name]).where(columns.customer_id == customer_row).order_by(columns[name])
        )
        found[kind] = [row[0] for row in rows]
    return found


def move(connection: Connection, kind: str, names: Sequence[Any], *, owner: int, to: int) -> int:
    """Move what is named and still belongs to ``owner``; return how many rows that were."""
    table, name = _OWNED[kind]
    columns = Base.metadata.tables[str(table.__tablename__)].c
    moved = 0
    for at in range(0, len(names), 500):
        done = connection.execute(
            update(table)
            .where(columns.customer_id == owner, columns[name].in_(names[at : at + 500]))
            .values(customer_id=to)
        )
        moved += done.rowcount
    return moved


def twice_known(connection: Connection, first: int, second: int) -> list[int]:
    """Return the live aliases of ``first`` that ``second`` has too (row ids)."""
    theirs = {(row[1], row[2]) for row in connection.execute(_live(second))}
    return [int(row[0]) for row in connection.execute(_live(first)) if (row[1], row[2]) in theirs]


def _live(customer_row: int) -> Any:
    return select(col(PayerAlias.id), col(PayerAlias.kind), col(PayerAlias.value)).where(
        col(PayerAlias.customer_id) == customer_row, col(PayerAlias.retired_at).is_(None)
    )


def crossings(connection: Connection, one: int, other: int) -> list[Crossing]:
    """Return money of one of two customers that stands on an invoice of the other."""
    total = func.sum(Allocation.amount_cents)
    rows = connection.execute(
        select(
            col(Allocation.payment_id),
            col(Payment.mpesa_receipt_number),
            col(Allocation.invoice_id),
            total,
        )
        .join(Payment, col(Payment.id) == col(Allocation.payment_id))
        .join(Invoice, col(Invoice.id) == col(Allocation.invoice_id))
        .where(
            col(Payment.customer_id).in_((one, other)),
            col(Invoice.customer_id).in_((one, other)),
            col(Payment.customer_id) != col(Invoice.customer_id),
        )
        .group_by(
            col(Allocation.payment_id),
            col(Payment.mpesa_receipt_number),
            col(Allocation.invoice_id),
        )
        .having(total != 0)
        .order_by(col(Allocation.payment_id), col(Allocation.invoice_id))
    )
    return [Crossing(row[0], row[1], row[2], int(row[3])) for row in rows]


def invoices_of_sales(connection: Connection, sales: Collection[str]) -> list[str]:
    """Return the invoices that these sales have by now."""
    names = list(sales)
    found: list[str] = []
    for at in range(0, len(names), 500):
        rows = connection.execute(
            select(col(Invoice.invoice_id))
            .join(PosSale, col(PosSale.invoice_id) == col(Invoice.id))
            .where(col(PosSale.pos_id).in_(names[at : at + 500]))
        )
        found += [row[0] for row in rows]
    return found


def last_merge(connection: Connection, customer_id: str) -> Told | None:
    """Return the audit row of the merge in which a customer went, None = it stands by itself."""
    row = connection.execute(
        select(col(AuditRow.action), col(AuditRow.at), col(AuditRow.before), col(AuditRow.after))
        .where(
            col(AuditRow.subject) == customer_id,
            col(AuditRow.action).in_(("customer.merge", "customer.unmerge")),
        )
        .order_by(col(AuditRow.id).desc())
        .limit(1)
    ).first()
    if row is None or row[0] != "customer.merge":
        return None
    return Told(row[1], str(row[2]), str(row[3]))


def merged_name(connection: Connection, key: str, into_row: int) -> str | None:
    """Return the id of the customer that went into another under this key, None = none did."""
    rows = connection.execute(
        select(col(AuditRow.subject))
        .where(col(AuditRow.action) == "customer.merge")
        .order_by(col(AuditRow.id).desc())
    )
    own = connection.execute(
        select(col(Customer.customer_id)).where(col(Customer.id) == into_row)
    ).scalar_one()
    if fold(own) == key:
        return None
    return next((row[0] for row in rows if fold(row[0]) == key), None)
