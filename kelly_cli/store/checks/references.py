"""I-27: one name space. What a payer types stands for one customer, invoice or sale."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kelly_cli.core.refs import MAX_KEY, fold

if TYPE_CHECKING:
    from kelly_cli.store.checks.shape import Found, Snapshot

_NOUNS = (
    ("customers", "customer_id", "customer_id"),
    ("invoices", "invoice_id", "invoice_id"),
    ("pos_sales", "pos_id", "sale_id"),
)
"""Table, its public id, and the column of ``reference_keys`` that points to it."""

_DATED = (("invoices", "invoice_id", "issued_on", "INV"), ("pos_sales", "pos_id", "sold_on", "POS"))


def keys_stand_for_their_ids(books: Snapshot) -> Found:
    """A key is the folded id of what it points to, or of a customer that was merged into that."""
    merged = set(_merged(books))
    for key, *public_ids in books.rows(
        "SELECT k.key, c.customer_id, i.invoice_id, s.pos_id FROM reference_keys k "
        "LEFT JOIN customers c ON c.id = k.customer_id "
        "LEFT JOIN invoices i ON i.id = k.invoice_id LEFT JOIN pos_sales s ON s.id = k.sale_id"
    ):
        named = [public_id for public_id in public_ids if public_id is not None]
        if len(named) != 1:
            yield str(key), f"the key stands for {len(named)} things, not for one"
        elif fold(named[0]) != key and (key, named[0]) not in merged:
            yield str(key), f"the key points to {named[0]}, which folds to {fold(named[0])}"
        elif len(key) > MAX_KEY:
            yield key, f"the key is longer than the {MAX_KEY} characters that a payer can type"


def _merged(books: Snapshot) -> dict[tuple[str, str], str]:
    """Return (key, the customer that it stands for) → the customer that was merged into that."""
    into: dict[str, str] = {}
    for action, gone, after in books.rows(
        "SELECT action, subject, after FROM audit "
        "WHERE action IN ('customer.merge', 'customer.unmerge') ORDER BY id"
    ):
        into.pop(gone, None)
        if action == "customer.merge":
            into[gone] = json.loads(after)["into"]
    found = {}
    for gone in into:
        last, seen = gone, set()
        while last in into and last not in seen:
            seen.add(last)
            last = into[last]
        found[fold(gone) or "", last] = gone
    return found


def everything_has_its_key(books: Snapshot) -> Found:
    """Every customer, invoice and sale can be named by a payer."""
    gone = set(_merged(books).values())
    for table, public_id, pointer in _NOUNS:
        things, keys = (
            books.first(f"SELECT count({column}) FROM {source}")[0]
            for column, source in (("id", table), (pointer, "reference_keys"))
        )
        # Keys were held to the ids above: with as many of both, none is missing.
        if things != keys or gone:
            for subject, detail in books.found(
                f"SELECT {public_id} FROM {table} WHERE NOT EXISTS "
                f"(SELECT 1 FROM reference_keys k WHERE k.{pointer} = {table}.id)",
                "no reference key: no payer can name it",
            ):
                if subject not in gone:
                    yield subject, detail
            yield from _too_many_keys(books, table, pointer, len(gone))


def _too_many_keys(books: Snapshot, table: str, pointer: str, merged: int) -> Found:
    # Keys of merged customers were held to the audit above.
    most = 1 + merged if table == "customers" else 1
    yield from books.found(
        f"SELECT min(key), {pointer}, count(*) AS keys FROM reference_keys "
        f"WHERE {pointer} IS NOT NULL GROUP BY {pointer} HAVING count(*) > {most:d}",
        f"{table} row {{{pointer}}} has {{keys}} keys",
    )


def ids_are_taken_once(books: Snapshot) -> Found:
    """No two customers, invoices or sales share an id, and no key stands twice."""
    for table, public_id in (*(noun[:2] for noun in _NOUNS), ("reference_keys", "key")):
        yield from books.found(
            f"SELECT {public_id}, count(*) AS times FROM {table} GROUP BY {public_id} "
            "HAVING count(*) > 1",
            f"stands {{times}} times in {table}",
        )


def dated_ids(books: Snapshot) -> Found:
    """The id of an invoice or sale carries its day and number, and the day's counter knows it."""
    for table, public_id, day, prefix in _DATED:
        highest: dict[str, int] = {}
        for name, on, number in books.rows(f"SELECT {public_id}, {day}, number FROM {table}"):
            counter = f"{prefix}-{str(on).replace('-', '')}"
            if name != f"{counter}-{number:04d}":
                yield name, f"its day is {on} and its number {number}"
            if number > highest.get(counter, 0):
                highest[counter] = number
        for counter, number in books.rows("SELECT name, value FROM counters"):
            if highest.pop(counter, 0) > number:
                yield counter, f"the counter says {number}, and higher numbers are taken"
        for counter in highest:
            yield counter, "there is no counter, and numbers are taken"
