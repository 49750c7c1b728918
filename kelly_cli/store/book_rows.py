"""Load the part of the books that a piece of work touches, and write its changes back."""

from __future__ import annotations

from collections import deque
from datetime import date, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from kelly_cli.core.books import Books, Invoice, Money, Sale, Target
from kelly_cli.core.refs import dated_id, fold, long_form
from kelly_cli.store import by_age, hot, hour_total_rows, stock_rows
from kelly_cli.store.by_age import SELECT_INVOICE, SELECT_MONEY, Reach
from kelly_cli.store.database import fetch_in, reserve_ids
from kelly_cli.store.numbers import next_number
from kelly_cli.store.tables import (
    MAX_CENTS,
    Allocation,
    Base,
    PosSale,
    ReferenceKey,
)
from kelly_cli.store.tables import (
    Invoice as InvoiceTable,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection

_TABLES = Base.metadata.tables
_SHORT_KINDS = ("I", "P")
_INVOICES = _TABLES[str(InvoiceTable.__tablename__)]
_ALLOCATIONS = _TABLES[str(Allocation.__tablename__)]
_KEYS = _TABLES[str(ReferenceKey.__tablename__)]
_SALES = _TABLES[str(PosSale.__tablename__)]
_PAYMENTS = _TABLES["payments"]

_SELECT_SALE = (
    "SELECT id, pos_id, customer_id, total_cents, sold_on, invoice_id, voided_at IS NOT NULL "
    "FROM pos_sales"
)
_NEW_INVOICE = (
    "id",
    "invoice_id",
    "customer_id",
    "amount_cents",
    "amount_paid_cents",
    "description",
    "issued_on",
    "number",
    "due_on",
    "created_at",
)


def as_date(value: Any) -> date:
    """Return a date as the driver gave it (SQLite: text)."""
    return value if isinstance(value, date) else date.fromisoformat(value)


def as_wall(value: Any) -> datetime:
    """Return Nairobi wall-clock as the driver gave it (SQLite: text)."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def find_keys(connection: Connection, keys: Collection[str]) -> dict[str, Target]:
    """Return what each folded reference stands for; unknown ones are left out.

    A short name stands for its invoice or sale, unless it is the id of something itself.
    """
    long_of = {key: long for key in keys if key[:1] in _SHORT_KINDS and (long := long_form(key))}
    rows = fetch_in(
        connection,
        "SELECT key, customer_id, invoice_id, sale_id FROM reference_keys",
        "key",
        [*keys, *long_of.values()] if long_of else list(keys),
        "AND retired_at IS NULL",
    )
    found = {row[0]: Target(row[1], row[2], row[3]) for row in rows}
    for short, long in long_of.items():
        if short not in found and long in found:
            found[short] = found[long]
    return found


def find_phones(connection: Connection, phones: Collection[str]) -> dict[str, list[int]]:
    """Return the customers of each phone (row ids)."""
    found: dict[str, list[int]] = {}
    select = "SELECT phone, id FROM customers"
    for phone, row in fetch_in(connection, select, "phone", list(phones), "ORDER BY id"):
        found.setdefault(phone, []).append(row)
    return found


def find_prompts(connection: Connection, prompts: Collection[str]) -> dict[str, Target]:
    """Return what each payment prompt (CheckoutRequestID) asked money for."""
    rows = fetch_in(
        connection,
        "SELECT checkout_request_id, customer_id, invoice_id, sale_id FROM payment_prompts",
        "checkout_request_id",
        list(prompts),
    )
    return {
        row[0]: Target(None if row[2] or row[3] else row[1], row[2], None if row[2] else row[3])
        for row in rows
        if row[1] or row[2] or row[3]
    }


def load_named(connection: Connection, targets: Collection[Target]) -> Books:
    """Gather the invoices and sales that these targets name, and nothing more."""
    books = Books()
    _load_sales(connection, books, {each.sale for each in targets if each.sale is not None})
    wanted = {target.invoice for target in targets if target.invoice is not None}
    _load_invoices(connection, books, wanted - books.invoices.keys())
    return books


def load(
    connection: Connection,
    targets: Collection[Target],
    *,
    aimed_cents: Mapping[int, int] | None = None,
    reach: Reach | None = None,
) -> Books:
    """Gather the books of these targets: their invoices, sales, customers' queues and credits.

    ``aimed_cents``: what each invoice (row) will get at most. The queue of a customer is left out
    when that fits in and he has no credit: nothing can reach it. None = anything may come.
    ``reach``: as for ``load_customers``; what becomes open of sales is added here.
    """
    books = load_named(connection, targets)
    customers = {target.customer for target in targets}
    customers.update(sale.customer for sale in books.sales.values())
    fitting: set[int | None] = set()
    for row, invoice in books.invoices.items():
        fits = aimed_cents is not None and aimed_cents.get(row, MAX_CENTS) <= invoice.open_cents
        (fitting if fits else customers).add(invoice.customer)
    if reach is not None:
        bare = (sale.total_cents for sale in books.sales.values() if sale.invoice is None)
        reach = reach._replace(opened_cents=reach.opened_cents + sum(bare))
    load_customers(
        connection,
        books,
        {row for row in customers if row is not None},
        fitting={row for row in fitting - customers if row is not None},
        reach=reach,
    )
    return books


def load_customers(
    connection: Connection,
    books: Books,
    customers: Collection[int],
    *,
    fitting: Collection[int] = (),
    reach: Reach | None = None,
) -> None:
    """Add the open invoices and the free money of these customers, the oldest first.

    ``fitting``: more customers, whose invoices are only asked for when they have free money.
    ``reach``: no more of either than can be reached. None = all of it.
    """
    waiting = [row for row in customers if row not in books.queues]
    for customer in (*waiting, *fitting):
        books.credits[customer] = deque()
    with_credit = by_age.with_credit(connection, [*waiting, *fitting])
    waiting += [row for row in fitting if row in with_credit]
    for customer in waiting:
        books.queues[customer] = deque()
    asked = waiting
    if reach is not None and not reach.money_cents:
        asked = [row for row in waiting if row in with_credit]
    for row in by_age.open_invoices(connection, asked, with_credit, reach):
        invoice = books.invoices.get(row[0])
        if invoice is None:
            invoice = books.invoices[row[0]] = _invoice(row)
        books.queues[row[2]].append(invoice)
    for customer in sorted(with_credit):
        most_cents = None
        if reach is not None:
            open_cents = sum(invoice.open_cents for invoice in books.queues[customer])
            most_cents = open_cents + reach.opened_cents
        rows = by_age.credit(connection, customer, most_cents)
        books.credits[customer].extend(map(money_of, rows))


def money_of(row: Any) -> Money:
    """Return the money of a row that starts as ``SELECT_MONEY`` does."""
    return Money(
        row=row[0],
        receipt=row[1],
        amount_cents=row[2],
        allocated_cents=row[3],
        customer=row[4],
        paid_at=as_wall(row[5]),
        pinned=bool(row[6]),
        reversed=bool(row[7]),
    )


def load_money(connection: Connection, rows: Collection[int]) -> dict[int, Money]:
    """Return payments by row id."""
    found = fetch_in(connection, SELECT_MONEY, "id", list(rows))
    return {row[0]: money_of(row) for row in found}


def _load_sales(connection: Connection, books: Books, rows: Collection[int]) -> None:
    found = fetch_in(connection, _SELECT_SALE, "id", list(rows))
    _load_invoices(connection, books, {row[5] for row in found if row[5] is not None})
    for row in found:
        books.sales[row[0]] = Sale(
            row=row[0],
            public_id=row[1],
            customer=row[2],
            total_cents=row[3],
            sold_on=as_date(row[4]),
            invoice=books.invoices[row[5]] if row[5] is not None else None,
            void=bool(row[6]),
        )


def _load_invoices(connection: Connection, books: Books, rows: Collection[int]) -> None:
    for row in fetch_in(connection, SELECT_INVOICE, "id", list(rows)):
        books.invoices[row[0]] = _invoice(row)


def _invoice(row: Any) -> Invoice:
    return Invoice(
        row=row[0],
        public_id=row[1],
        customer=row[2],
        amount_cents=row[3],
        paid_cents=row[4],
        issued_on=as_date(row[5]),
        number=row[6],
        void=bool(row[7]),
        on_hold=bool(row[8]),
        adjusted_cents=row[9],
    )


def add_invoice(
    connection: Connection,
    *,
    customer: int | None,
    amount_cents: int,
    issued_on: date,
    created_at: datetime,
    description: str | None = None,
    due_on: date | None = None,
) -> Invoice:
    """Write a new invoice with the next number of its day, and its reference key."""
    number = next_number(connection, f"INV-{issued_on:%Y%m%d}")
    public_id = dated_id("INV", issued_on, number)
    row = reserve_ids(connection, "invoices", 1)[0]
    values = (row, public_id, customer, amount_cents, 0, description, issued_on, number, due_on)
    ready = {
        name: hot.ready_value(connection, _INVOICES, name, value)
        for name, value in zip(_NEW_INVOICE, (*values, created_at), strict=True)
    }
    hot.insert_rows(connection, _INVOICES, _NEW_INVOICE, [tuple(ready.values())])
    hot.insert_rows(connection, _KEYS, ("key", "invoice_id"), [(fold(public_id), row)])
    return Invoice(row, public_id, customer, amount_cents, 0, issued_on, number)


def invoice_for_sale(connection: Connection, sale: Sale, created_at: datetime) -> Invoice:
    """Write the invoice of a sale (its day, its customer, its total) and tie them together."""
    invoice = add_invoice(
        connection,
        customer=sale.customer,
        amount_cents=sale.total_cents,
        issued_on=sale.sold_on,
        created_at=created_at,
        description=f"Sale {sale.public_id}",
    )
    hot.update_rows(connection, _SALES, ("invoice_id",), [(invoice.row, sale.row)])
    return invoice


def save(
    connection: Connection, books: Books, at: datetime, *, fresh: Collection[int] = ()
) -> None:
    """Write the changes back. ``fresh``: payments (row ids) that were inserted with their state."""
    hot.update_rows(
        connection,
        _INVOICES,
        ("amount_paid_cents",),
        [(invoice.paid_cents, row) for row, invoice in sorted(books.changed_invoices.items())],
    )
    payments = {
        row: (money.allocated_cents, money.customer, money.pinned, row)
        for row, money in sorted(books.changed_money.items())
        if row not in fresh
    }
    with hour_total_rows.following(connection, payments):
        columns = ("allocated_cents", "customer_id", "pinned")
        hot.update_rows(connection, _PAYMENTS, columns, list(payments.values()))
    if books.allocations and stock_rows.has_catalogue(connection):
        stock_rows.settle(connection, stock_rows.turned(books), at)
    created_at = hot.ready_value(connection, _ALLOCATIONS, "created_at", at)
    rows = reserve_ids(connection, "allocations", len(books.allocations))
    hot.insert_rows(
        connection,
        _ALLOCATIONS,
        ("id", "payment_id", "invoice_id", "amount_cents", "reason", "created_at"),
        # Numbered as they happened, written in the order of the index that is scattered: in a
        # large book each of its pages is then visited once a batch.
        sorted(
            (
                (row, money.row, invoice.row, amount_cents, reason, created_at)
                for row, (money, invoice, amount_cents, reason) in zip(
                    rows, books.allocations, strict=True
                )
            ),
            key=itemgetter(2),
        ),
    )
