"""Where everything stands in kelly's books, and what its own checks say: fast, for each step."""

from collections import namedtuple

from kelly_cli.services import checking
from kelly_cli.store.checks import run_checks
from kelly_cli.store.checks.shape import Snapshot


class Quick(Snapshot):
    """The same questions, asked of SQLite's own cursor: ten times faster on books this small."""

    def __init__(self, connection, now):
        super().__init__(connection, now)
        self.raw = connection.connection.driver_connection

    def rows(self, sql, *params):
        cursor = self.raw.execute(sql, params)
        if sql not in ROWS:
            names = [column[0] for column in cursor.description]
            ROWS[sql] = namedtuple("Row", names, rename=True)._make  # noqa: PYI024 - columns of any query
        return map(ROWS[sql], cursor)

    def first(self, sql):
        return self.raw.execute(sql).fetchone()


ROWS = {}


def violations(connection, now):
    """Run every check of the books; a check that cannot be made raises."""
    if connection.dialect.name != "sqlite":
        return run_checks(connection, now, checking.ALL_OF_THE_BOOKS).violations
    books = Quick(connection, now)
    return [
        (each.invariant, *found) for each in checking.ALL_OF_THE_BOOKS for found in each.look(books)
    ]


def _rows(connection, sql):
    return connection.exec_driver_sql(sql).cursor.fetchall()


def _invoices(connection):
    rows = _rows(
        connection,
        "SELECT i.invoice_id, i.amount_cents, i.amount_paid_cents, i.adjusted_cents, "
        "c.customer_id, i.status, i.on_hold, s.pos_id FROM invoices i "
        "LEFT JOIN customers c ON c.id = i.customer_id "
        "LEFT JOIN pos_sales s ON s.invoice_id = i.id",
    )
    return {row[0]: (*row[1:6], bool(row[6]), row[7]) for row in rows}


def _payments(connection):
    held = {}
    for receipt, invoice, cents in _rows(
        connection,
        "SELECT p.mpesa_receipt_number, i.invoice_id, sum(a.amount_cents) FROM allocations a "
        "JOIN payments p ON p.id = a.payment_id JOIN invoices i ON i.id = a.invoice_id "
        "GROUP BY p.mpesa_receipt_number, i.invoice_id HAVING sum(a.amount_cents) <> 0",
    ):
        held.setdefault(receipt, {})[invoice] = int(cents)
    rows = _rows(
        connection,
        "SELECT p.mpesa_receipt_number, p.amount_cents, c.customer_id, p.status, p.pinned "
        "FROM payments p LEFT JOIN customers c ON c.id = p.customer_id",
    )
    return {row[0]: (*row[1:4], bool(row[4]), held.get(row[0], {})) for row in rows}


def _sales(connection):
    rows = _rows(
        connection,
        "SELECT s.pos_id, s.total_cents, c.customer_id, i.invoice_id, s.voided_at IS NOT NULL "
        "FROM pos_sales s LEFT JOIN customers c ON c.id = s.customer_id "
        "LEFT JOIN invoices i ON i.id = s.invoice_id",
    )
    return {row[0]: (*row[1:4], bool(row[4])) for row in rows}


def _balances(connection):
    rows = _rows(
        connection,
        "SELECT c.customer_id, (SELECT coalesce(sum(i.amount_cents - i.amount_paid_cents "
        "- i.adjusted_cents), 0) FROM invoices i WHERE i.customer_id = c.id AND voided_at IS NULL) "
        "- (SELECT coalesce(sum(p.amount_cents - p.allocated_cents), 0) FROM payments p "
        "WHERE p.customer_id = c.id AND p.reversed_at IS NULL) FROM customers c",
    )
    return {row[0]: int(row[1]) for row in rows}


def _waiting(connection):
    rows = _rows(
        connection,
        "SELECT p.mpesa_receipt_number FROM payments p JOIN webhook_logs l ON l.id = p.log_id "
        "WHERE NOT l.processed AND NOT l.is_duplicate",
    )
    return {row[0] for row in rows}


READ = {
    "invoice": _invoices,
    "payment": _payments,
    "sale": _sales,
    "balance": _balances,
    "waits": _waiting,
}
