"""I-37: what is in stock is the sum of its moves, and sales moved what they sold, no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kelly_cli.store.checks.shape import Found, Snapshot

_WANTED = (
    "SELECT t.sale_id, t.catalogue_id AS product_id, CASE WHEN s.voided_at IS NULL "
    "AND i.amount_paid_cents + i.adjusted_cents = i.amount_cents AND i.voided_at IS NULL "
    "THEN -t.quantity ELSE 0 END AS wanted, 0 AS moved FROM pos_items t "
    "JOIN pos_sales s ON s.id = t.sale_id LEFT JOIN invoices i ON i.id = s.invoice_id "
    "WHERE t.catalogue_id IS NOT NULL"
)
_MOVED = (
    "SELECT sale_id, product_id, 0 AS wanted, quantity AS moved FROM stock_moves "
    "WHERE sale_id IS NOT NULL"
)


def sums_of_moves(books: Snapshot) -> Found:
    """What is stored of a counted product is the sum of its moves."""
    yield from books.found(
        "SELECT p.product_id, p.stock, CAST(coalesce(x.pieces, 0) AS BIGINT) AS moved "
        "FROM products p LEFT JOIN (SELECT product_id, sum(quantity) AS pieces FROM stock_moves "
        "GROUP BY product_id) x ON x.product_id = p.id "
        "WHERE p.stock IS NOT NULL AND p.stock <> coalesce(x.pieces, 0)",
        "{stock} pieces are stored as its stock; its moves make {moved}",
    )


def moves_of_sales(books: Snapshot) -> Found:
    """The pieces of a paid sale are gone, and those of any other are not."""
    yield from books.found(
        "SELECT s.pos_id, p.product_id, CAST(y.wanted AS BIGINT) AS wanted, "
        "CAST(y.moved AS BIGINT) AS moved FROM (SELECT sale_id, product_id, sum(wanted) AS wanted, "
        f"sum(moved) AS moved FROM ({_WANTED} UNION ALL {_MOVED}) x GROUP BY sale_id, product_id "
        "HAVING sum(wanted) <> sum(moved)) y JOIN pos_sales s ON s.id = y.sale_id "
        "JOIN products p ON p.id = y.product_id ORDER BY s.id, p.id",
        "it moved {moved} pieces of {product_id}, and should have moved {wanted}",
    )


def moved_by_hand(books: Snapshot) -> Found:
    """Every product, and every move that follows from no sale, has the audit row of a person."""
    yield from books.found(
        "SELECT p.product_id FROM products p WHERE NOT EXISTS (SELECT 1 FROM audit a "
        "WHERE a.subject = p.product_id AND a.action = 'product.create')",
        "no audit row product.create",
    )
    yield from books.found(
        "SELECT p.product_id, m.quantity, m.kind FROM stock_moves m "
        "JOIN products p ON p.id = m.product_id WHERE m.sale_id IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM audit a WHERE a.subject = p.product_id AND a.at = m.created_at "
        "AND a.action IN ('product.create', 'product.edit', 'product.receive'))",
        "{quantity} pieces were {kind}, and no audit row speaks of it",
    )
