"""The work of one callback does not grow with the books: SQLite's own steps, counted."""

import uuid

import pytest

from kelly_cli.services.inbox import Delivery
from kelly_cli.store import by_age, inbox_rows

FEW, MANY = 10, 60


def take(books, bodies, kind="confirmation"):
    deliveries = [Delivery(body, kind, "http", uuid.uuid4().hex) for body in bodies]
    return books.inbox.take(deliveries, narrate=True)


def grow(books, tag, count):
    """Add so many of everything that a callback could meet."""
    numbers = range(count)
    for n in numbers:
        books.customer(f"{tag}{n:03}")
    paid = [books.invoice(10, f"{tag}{n:03}") for n in numbers]
    take(books, [books.body(f"Q{tag}A{n:06}", 10, paid[n]) for n in numbers])
    for _ in numbers:
        books.invoice(1, "DEBTOR")
        books.invoice(1, "LOYAL")
    take(books, [books.body(f"Q{tag}F{n:06}", 1, "LOYAL") for n in numbers])
    sales = [books.sale(10) for _ in numbers]
    take(books, [books.body(f"Q{tag}B{n:06}", 10, sales[n]) for n in numbers[::2]])
    take(books, [books.body(f"Q{tag}C{n:06}", 10, "nobody") for n in numbers])
    take(books, [books.body(f"Q{tag}D{n:06}", 10, "CREDITOR") for n in numbers])
    take(books, [b"{" for _ in numbers])
    take(books, [books.stk(f"Q{tag}E{n:06}", 10, checkout=f"ws_{tag}{n}") for n in numbers], "stk")
    take(books, [books.body(f"Q{tag}A{n:06}", 10, paid[n]) for n in numbers])


def steps_of_each_kind(books, turn):
    """Return what became of a callback of each kind, and the steps that it took."""
    books.customer(f"T{turn}")
    invoice, _ = (books.invoice(1000, f"T{turn}") for _ in range(2))
    first = books.body(f"Z{turn}A0000001", 10, invoice)
    kinds = {
        "to an invoice": first,
        "more than an invoice": books.body(f"Z{turn}B0000001", 1500, invoice),
        "on account": books.body(f"Z{turn}C0000001", 10, "LOYAL"),
        "with much credit": books.body(f"Z{turn}D0000001", 10, "CREDITOR"),
        "with many open invoices": books.body(f"Z{turn}E0000001", 2, "DEBTOR"),
        "unknown": books.body(f"Z{turn}F0000001", 10, "whoever"),
        "a repeat": first,
        "a conflict": books.body(f"Z{turn}A0000001", 11, invoice),
        "malformed": b"{",
        "a sale": books.body(f"Z{turn}G0000001", 10, books.sale(10)),
    }
    return {name: steps(books, body) for name, body in kinds.items()}


def steps(books, body):
    with books.database.reading() as connection:
        raw = connection.connection.driver_connection
    counted = []
    raw.set_progress_handler(lambda: counted.append(1), 1)
    try:
        (entry,) = take(books, [body])
    finally:
        raw.set_progress_handler(None, 0)
    assert len(counted) > 50
    return (entry.processed, entry.is_duplicate, len(counted))


def test_a_callback_costs_in_large_books_what_it_costs_in_small_ones(books, monkeypatch):
    if not books.database.is_sqlite:
        pytest.skip("a server's steps cannot be counted")
    monkeypatch.setattr(by_age, "_FEW", 4)
    for name in ("CREDITOR", "DEBTOR", "LOYAL"):
        books.customer(name)
    grow(books, "A", FEW)
    steps_of_each_kind(books, 0)
    small = steps_of_each_kind(books, 1)
    grow(books, "B", MANY)
    large = steps_of_each_kind(books, 2)
    assert {name: each[:2] for name, each in large.items()} == {
        name: each[:2] for name, each in small.items()
    }
    grown = {n: large[n][2] - small[n][2] for n in small if large[n][2] > small[n][2] * 1.05}
    # What is paid of his own is passed by, in the order of the index: a few steps for each.
    assert grown.pop("on account") <= 12 * MANY
    assert not grown


def test_a_look_for_pending_logs_does_not_read_the_others(books):
    """A listener takes it at each start, under the write lock, with years of logs in the books."""
    if not books.database.is_sqlite:
        pytest.skip("a server's steps cannot be counted")

    def steps():
        counted = []
        with books.database.reading() as connection:
            raw = connection.connection.driver_connection
            raw.set_progress_handler(lambda: counted.append(1) and None, 1)
            inbox_rows.unfinished_logs(connection, after=0, limit=500, pending_only=True)
            raw.set_progress_handler(None, 0)
        return len(counted)

    books.take(*(books.body(f"QGK12X{n:04}", 10, "nobody") for n in range(3)))
    before = steps()
    books.customer()
    books.take(*(books.body(f"QGK13X{n:04}", 10, "CUST-001") for n in range(400)))
    assert steps() == before
