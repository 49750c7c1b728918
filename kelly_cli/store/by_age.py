"""A customer's open invoices and free money, the oldest first, as far as a piece of work reaches.

What lies behind that is never read: who pays on account for years has much of it.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.store import hot
from kelly_cli.store.database import fetch_in, holding
from kelly_cli.store.tables import FREE_MONEY, OPEN_INVOICE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from sqlalchemy import Connection

SELECT_INVOICE = (
    "SELECT id, invoice_id, customer_id, amount_cents, amount_paid_cents, issued_on, number, "
    "voided_at IS NOT NULL, on_hold, adjusted_cents FROM invoices"
)
SELECT_MONEY = (
    "SELECT id, mpesa_receipt_number, amount_cents, allocated_cents, customer_id, "
    "transaction_date, pinned, reversed_at IS NOT NULL FROM payments"
)
_CREDIT = f"{FREE_MONEY} AND NOT pinned"
_OPEN = f"{OPEN_INVOICE} AND NOT on_hold"
_FEW = 200
"""Rows that are gathered without counting what they make up."""


class Reach(NamedTuple):
    """How far a piece of work can reach, in cents; whatever is older is touched first.

    ``money_cents``: what can be paid with money that comes in; ``opened_cents``: what is newly
    open. Years of credit and invoices are not gathered for one payment.
    """

    money_cents: int = 0
    opened_cents: int = 0


def with_credit(connection: Connection, customers: Sequence[int]) -> set[int]:
    """Return those of the customers who have free money that is not pinned."""
    exists = f"SELECT 1 FROM payments WHERE customer_id = value AND {_CREDIT}"
    return holding(connection, customers, exists)


def credit(connection: Connection, customer: int, most_cents: int | None) -> Sequence[Any]:
    """Return a customer's free money that is not pinned (``SELECT_MONEY``), up to so much."""
    mark = hot.mark(connection.dialect)
    sql = f"{SELECT_MONEY} WHERE customer_id = {mark} AND {_CREDIT} ORDER BY transaction_date, id"
    return _oldest(connection, sql, customer, most_cents, lambda row: row[2] - row[3])


def open_invoices(
    connection: Connection,
    customers: Sequence[int],
    with_credit: Collection[int],
    reach: Reach | None,
) -> Sequence[Any]:
    """Return open invoices, each customer's by age, as far as money can reach them."""
    limit = "" if reach is None else f"LIMIT {_FEW + 1}"
    rows = fetch_in(connection, SELECT_INVOICE, "customer_id", customers, f"AND {_OPEN} {limit}")
    if reach is None or len(rows) <= _FEW:
        return sorted(rows, key=itemgetter(5, 6))
    mark = hot.mark(connection.dialect)
    sql = f"{SELECT_INVOICE} WHERE customer_id = {mark} AND {_OPEN} ORDER BY issued_on, number"
    found: list[Any] = []
    for customer in customers:
        # Credit may come in besides; as a rule there is none where something is open.
        most_cents = None if customer in with_credit else reach.money_cents
        found += _oldest(connection, sql, customer, most_cents, _open_cents)
    return found


def _open_cents(row: Any) -> int:
    return int(row[3] - row[4] - row[9])


def _oldest(
    connection: Connection,
    sql: str,
    customer: int,
    most_cents: int | None,
    cents_of: Callable[[Any], int],
) -> Sequence[Any]:
    """Return a customer's oldest rows until they make up ``most_cents``; None = all of them."""
    if most_cents is None:
        return hot.fetch(connection, sql, (customer,))
    limit, rows = _FEW, list[Any]()
    while most_cents > 0:
        rows = list(hot.fetch(connection, f"{sql} LIMIT {limit}", (customer,)))
        if len(rows) < limit or sum(map(cents_of, rows)) >= most_cents:
            break
        limit *= 8
    return rows
