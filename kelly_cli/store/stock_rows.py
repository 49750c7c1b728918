"""Moves of stock: written in the unit of work that pays a sale, voids it, or counts a shelf."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, insert, select, update
from sqlmodel import col

from kelly_cli.core.goods import moves_due
from kelly_cli.store import hot
from kelly_cli.store.database import fetch_in
from kelly_cli.store.tables import Base, PosSale, Product, StockMove

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from kelly_cli.core.books import Books
    from kelly_cli.store.audit_rows import Hand

_MOVES = Base.metadata.tables["stock_moves"]
_COLUMNS = ("product_id", "sale_id", "quantity", "kind", "actor", "created_at")
BY_ITSELF = "kelly"
"""The actor of moves that follow from money."""

_SOLD = (
    "SELECT s.id, t.catalogue_id, t.quantity, "
    "CASE WHEN i.status = 'PAID' AND s.voided_at IS NULL THEN 1 ELSE 0 END "
    "FROM pos_sales s JOIN invoices i ON i.id = s.invoice_id JOIN pos_items t ON t.sale_id = s.id"
)


class MoveView(NamedTuple):
    """One move as people see it. ``quantity`` below zero went; ``pos_id``: the sale it was for."""

    quantity: int
    kind: str
    pos_id: str | None
    reason: str | None
    actor: str
    created_at: datetime


def turned(books: Books) -> list[int]:
    """Return the invoices (rows) that became settled, or are no longer."""
    moved: defaultdict[int, int] = defaultdict(int)
    for _, invoice, amount_cents, _ in books.allocations:
        moved[invoice.row] += amount_cents
    return [
        row
        for row, invoice in books.changed_invoices.items()
        if (invoice.open_cents == 0) != (invoice.open_cents + moved[row] == 0)
    ]


def has_catalogue(connection: Connection) -> bool:
    """Tell whether there is any product: without one, no money moves stock."""
    return bool(hot.fetch(connection, "SELECT 1 FROM products LIMIT 1"))


def settle(connection: Connection, invoices: Collection[int], at: datetime) -> None:
    """Let the stock follow the sales of these invoices (rows), whose state is written already.

    Pieces of a paid sale are gone, pieces of any other are not; doing it again moves nothing.
    """
    if not invoices:
        return
    tail = "AND t.catalogue_id IS NOT NULL"
    sold = fetch_in(connection, _SOLD, "s.invoice_id", sorted(invoices), tail)
    if not sold:
        return
    pieces: defaultdict[int, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    gone = {}
    for sale, product, quantity, is_paid in sold:
        pieces[sale][product] += quantity
        gone[sale] = bool(is_paid)
    moved: defaultdict[int, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    select_moves = "SELECT sale_id, product_id, quantity FROM stock_moves"
    for sale, product, quantity in fetch_in(connection, select_moves, "sale_id", list(gone)):
        moved[sale][product] += quantity
    due = [
        (product, sale, quantity)
        for sale in sorted(gone)
        for product, quantity in moves_due(pieces[sale], moved[sale], is_gone=gone[sale]).items()
    ]
    _write(connection, due, at)


def _write(connection: Connection, due: Sequence[tuple[int, int, int]], at: datetime) -> None:
    if not due:
        return
    created_at = hot.ready_value(connection, _MOVES, "created_at", at)
    rows = [
        (product, sale, quantity, "sold" if quantity < 0 else "returned", BY_ITSELF, created_at)
        for product, sale, quantity in due
    ]
    hot.insert_rows(connection, _MOVES, _COLUMNS, rows)
    sums: defaultdict[int, int] = defaultdict(int)
    for product, _, quantity in due:
        sums[product] += quantity
    mark = hot.mark(connection.dialect)
    # What is not counted stays so: nothing added to NULL is NULL.
    sql = f"UPDATE products SET stock = stock + {mark} WHERE id = {mark}"
    changes = [(quantity, product) for product, quantity in sorted(sums.items()) if quantity]
    if changes:
        connection.exec_driver_sql(sql, changes)


def add_move(connection: Connection, hand: Hand, product: int, quantity: int, kind: str) -> None:
    """Write a move by hand (not zero). The product's stock is the caller's to set."""
    connection.execute(
        insert(StockMove).values(
            product_id=product,
            quantity=quantity,
            kind=kind,
            reason=hand.reason,
            actor=hand.actor,
            created_at=hand.at,
        )
    )


def sum_of(connection: Connection, product: int) -> int:
    """Return the sum of a product's moves: its stock, if it were counted."""
    total = select(func.coalesce(func.sum(col(StockMove.quantity)), 0))
    found: Any = connection.execute(total.where(col(StockMove.product_id) == product)).scalar_one()
    return int(found)


def set_stock(connection: Connection, product: int, stock: int | None) -> None:
    """Write what is in stock; None = it is not counted."""
    connection.execute(update(Product).where(col(Product.id) == product).values(stock=stock))


def moves_of(connection: Connection, product: int, *, limit: int) -> Sequence[MoveView]:
    """Return the moves of a product, the newest first."""
    rows = connection.execute(
        select(
            col(StockMove.quantity),
            col(StockMove.kind),
            col(PosSale.pos_id),
            col(StockMove.reason),
            col(StockMove.actor),
            col(StockMove.created_at),
        )
        .outerjoin(PosSale, col(PosSale.id) == col(StockMove.sale_id))
        .where(col(StockMove.product_id) == product)
        .order_by(col(StockMove.id).desc())
        .limit(limit)
    )
    return [MoveView(*row) for row in rows]
