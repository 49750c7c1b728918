"""Statements that were applied, their movements, and payments as a statement meets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import insert, or_, select, update
from sqlmodel import col

from kelly_cli.store import hot
from kelly_cli.store.book_rows import as_wall
from kelly_cli.store.database import fetch_in, reserve_ids
from kelly_cli.store.tables import Base, Payment, Statement, StatementMovement

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

_MOVEMENTS = Base.metadata.tables["statement_movements"]
_NEW = (
    "statement_id",
    "short_code",
    "receipt",
    "kind",
    "amount_cents",
    "occurrence",
    "completed_at",
    "linked_receipt",
    "balance_cents",
    "reference",
    "other_party",
    "details",
)


class MovementRow(NamedTuple):
    """One movement as it is kept. Out is below zero; ``completed_at``: Nairobi wall-clock."""

    statement: int
    short_code: str
    receipt: str
    kind: str
    amount_cents: int
    occurrence: int
    completed_at: datetime
    linked_receipt: str | None
    balance_cents: int | None
    reference: str | None
    other_party: str | None
    details: str | None


class KeptMovement(NamedTuple):
    """A movement that is kept already, as far as another telling of it is compared."""

    receipt: str
    kind: str
    amount_cents: int
    completed_at: datetime
    balance_cents: int | None
    occurrence: int


class OurPayment(NamedTuple):
    """A payment of a stretch of time; ``paid_at``: Nairobi wall-clock."""

    receipt: str
    amount_cents: int
    paid_at: datetime


class OpenReversal(NamedTuple):
    """A reversal that a statement tells of, and the payment in the books that it takes back."""

    receipt: str
    amount_cents: int
    payment_receipt: str
    payment_cents: int


def find_statement(connection: Connection, short_code: str, sha256: str) -> int | None:
    """Return the row of a file that was applied before."""
    statement = select(col(Statement.id)).where(
        col(Statement.short_code) == short_code, col(Statement.sha256) == sha256
    )
    return connection.execute(statement.limit(1)).scalar()


def add_statement(connection: Connection, values: dict[str, Any], at: datetime) -> int:
    """Keep which stretch of time a file proves; return its row."""
    row = reserve_ids(connection, "statements", 1)[0]
    connection.execute(insert(Statement).values(id=row, created_at=at, **values))
    return row


def kept_movements(
    connection: Connection, short_code: str, receipts: Collection[str]
) -> list[KeptMovement]:
    """Return the movements of these receipts that are kept."""
    rows = fetch_in(
        connection,
        "SELECT receipt, kind, amount_cents, completed_at, balance_cents, occurrence, short_code "
        "FROM statement_movements",
        "receipt",
        list(receipts),
    )
    return [
        KeptMovement(row[0], row[1], row[2], as_wall(row[3]), row[4], row[5])
        for row in rows
        if row[6] == short_code
    ]


def add_movements(connection: Connection, rows: Sequence[MovementRow]) -> None:
    """Keep movements."""
    place = _NEW.index("completed_at")
    wall = hot.ready(connection, _MOVEMENTS, "completed_at")
    ready: list[tuple[Any, ...]] = [
        row if wall is None else (*row[:place], wall(row[place]), *row[place + 1 :]) for row in rows
    ]
    hot.insert_rows(connection, _MOVEMENTS, _NEW, ready)


def link_movements(connection: Connection, short_code: str) -> None:
    """Point payment lines at the payments of their receipt and amount that stand in the books."""
    same = (
        select(col(Payment.id))
        .where(
            col(Payment.mpesa_receipt_number) == col(StatementMovement.receipt),
            col(Payment.amount_cents) == col(StatementMovement.amount_cents),
            or_(col(Payment.short_code).is_(None), col(Payment.short_code) == short_code),
        )
        .scalar_subquery()
    )
    connection.execute(
        update(StatementMovement)
        .where(
            col(StatementMovement.short_code) == short_code,
            col(StatementMovement.kind) == "payment",
            col(StatementMovement.payment_id).is_(None),
        )
        .values(payment_id=same)
    )


def open_reversals(connection: Connection, short_code: str) -> Sequence[OpenReversal]:
    """Return reversals of payments that still stand in the books, oldest first."""
    statement = (
        select(
            col(StatementMovement.receipt),
            col(StatementMovement.amount_cents),
            col(Payment.mpesa_receipt_number),
            col(Payment.amount_cents),
        )
        .join(
            Payment,
            col(Payment.mpesa_receipt_number) == col(StatementMovement.linked_receipt),
        )
        .where(
            col(StatementMovement.short_code) == short_code,
            col(StatementMovement.kind) == "reversal",
            col(StatementMovement.amount_cents) < 0,
            col(Payment.method) == "mpesa",
            col(Payment.reversed_at).is_(None),
            or_(col(Payment.short_code).is_(None), col(Payment.short_code) == short_code),
        )
        .order_by(col(StatementMovement.completed_at), col(StatementMovement.receipt))
    )
    return [OpenReversal(*row) for row in connection.execute(statement)]


def payments_between(
    connection: Connection, short_code: str, first: datetime, last: datetime
) -> Sequence[OurPayment]:
    """Return the M-Pesa payments to a short code in a stretch of time, both ends included."""
    statement = (
        select(
            col(Payment.mpesa_receipt_number),
            col(Payment.amount_cents),
            col(Payment.transaction_date),
        )
        .where(
            col(Payment.method) == "mpesa",
            col(Payment.short_code) == short_code,
            col(Payment.transaction_date) >= first,
            col(Payment.transaction_date) <= last,
        )
        .order_by(col(Payment.transaction_date), col(Payment.mpesa_receipt_number))
    )
    return [OurPayment(*row) for row in connection.execute(statement)]
