"""I-18: money on account paid the oldest open invoice of its customer, replayed row by row.

An older invoice counts only where it was surely there and open at that moment: made, and not void,
by more than a writer may wait for its turn (the clock is read before the wait). One that is or was
on hold, written off or credited, or was void for a while, is left out.
"""

from __future__ import annotations

import heapq
import json
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.store.checks.ledger import LIVE, ledger_of
from kelly_cli.store.checks.shape import moment_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kelly_cli.store.checks.shape import Found, Snapshot

_NEVER = 2**63 - 1
"""The last allocation of an open invoice is still to come."""

RACE = timedelta(seconds=60)
"""Between reading the clock and writing, a writer waits for others at most so long."""

_ON_ACCOUNT = ("fifo", "credit")

_BY_AGE = (
    "SELECT customer_id, id FROM invoices WHERE customer_id IS NOT NULL "
    "ORDER BY customer_id, issued_on, number, id"
)
_ROWS = (
    "SELECT i.id AS invoice_row, i.invoice_id, i.issued_on, i.number, "
    "i.amount_cents, i.created_at AS made_at, i.voided_at, i.on_hold, a.id, "
    "a.amount_cents AS moved_cents, a.reason, a.created_at AS moved_at "
    "FROM invoices i LEFT JOIN allocations a ON a.invoice_id = i.id WHERE i.customer_id = ?"
)
_EVER_HELD = (
    "SELECT subject FROM audit WHERE action IN ('invoice.hold', 'invoice.release', "
    "'invoice.revive') "
    "UNION SELECT i.invoice_id FROM invoice_adjustments a JOIN invoices i ON i.id = a.invoice_id"
)
_MERGED = (
    "SELECT at, subject, after FROM audit "
    "WHERE action IN ('customer.merge', 'customer.unmerge') ORDER BY id"
)


class _Invoice:
    """One invoice during the replay. ``age``: the order in which invoices are paid."""

    __slots__ = ("age", "made_at", "open_cents", "public_id", "voided_at")

    def __init__(self, row: Any) -> None:
        self.age = (row.issued_on, row.number, row.invoice_row)
        self.public_id = row.invoice_id
        self.open_cents = row.amount_cents
        self.made_at = row.made_at
        self.voided_at = row.voided_at

    def is_void(self, at: Any) -> bool:
        """Tell whether it was void at that moment, and so for ever."""
        return self.voided_at is not None and moment_of(self.voided_at) <= moment_of(at)

    def surely_open(self, at: Any) -> bool:
        """Tell whether nothing but a mistake can have passed it over at that moment."""
        moment = moment_of(at)
        if moment_of(self.made_at) + RACE >= moment:
            return False
        return self.voided_at is None or moment_of(self.voided_at) - RACE > moment


class _Move(NamedTuple):
    id: int
    invoice_row: int
    amount_cents: int
    on_account: bool
    at: Any


def oldest_first(books: Snapshot) -> Found:
    """Replay the allocations of customers in the order they were made.

    Until two customers became one, or two again, neither one's money paid the other's invoices.
    """
    held = {row[0] for row in books.rows(_EVER_HELD)}
    merged = _merged(books)
    for customer in _to_replay(books):
        yield from _replay(books.rows(_ROWS, customer), held, merged.get(customer))


def _merged(books: Snapshot) -> dict[int, datetime]:
    """Return customer → when it last was merged or unmerged, with what a writer may have waited."""
    last: dict[str, datetime] = {}
    for at, gone, after in books.rows(_MERGED):
        last.update(dict.fromkeys((gone, json.loads(after)["into"]), moment_of(at) + RACE))
    rows = books.rows("SELECT id, customer_id FROM customers") if last else ()
    return {row: last[customer_id] for row, customer_id in rows if customer_id in last}


def _to_replay(books: Snapshot) -> list[int]:
    """Return the customers whose allocations may break the rule: few.

    They have one on account before the last one of an older invoice, or while that is open still.
    """
    ledger = ledger_of(books)
    invoices, first, last = ledger.invoices, ledger.first_on_account, ledger.last
    found = []
    customer, newest, done = 0, 0, False
    for owner, row in books.rows(_BY_AGE):
        if owner != customer:
            customer, newest, done = owner, 0, False
        if not done and first[row] and first[row] < newest:
            found.append(owner)
            done = True
        is_open = (
            invoices.state[row] == LIVE and invoices.rows_cents[row] < invoices.amount_cents[row]
        )
        newest = _NEVER if is_open else max(newest, last[row])
    return found


def _replay(rows: Iterable[Any], held: set[str], since: datetime | None) -> Found:
    """``since``: earlier moves are not judged, None = all are."""
    invoices: dict[int, _Invoice] = {}
    candidates: list[_Invoice] = []
    moves: list[_Move] = []
    for row in rows:
        if row.invoice_row not in invoices:
            invoice = invoices[row.invoice_row] = _Invoice(row)
            if not row.on_hold and invoice.public_id not in held:
                candidates.append(invoice)
        if row.id is not None:
            judged = since is None or moment_of(row.moved_at) > since
            on_account = judged and row.reason in _ON_ACCOUNT and row.moved_cents > 0
            moves.append(_Move(row.id, row.invoice_row, row.moved_cents, on_account, row.moved_at))
    moves.sort()
    candidates.sort(key=attrgetter("made_at"), reverse=True)
    yield from _in_order(invoices, candidates, moves)


def _in_order(
    invoices: dict[int, _Invoice], candidates: list[_Invoice], moves: list[_Move]
) -> Found:
    """``candidates``: invoices that may be passed over, the first made last."""
    may_be_passed = set(map(id, candidates))
    waiting: list[tuple[Any, int]] = []
    for move in moves:
        while candidates and candidates[-1].made_at < move.at:
            made = candidates.pop()
            heapq.heappush(waiting, (made.age, made.age[2]))
        target = invoices[move.invoice_row]
        if move.on_account:
            older = _older_open(invoices, waiting, target, move.at)
            if older is not None:
                yield (
                    target.public_id,
                    (
                        f"allocation {move.id} paid it on account while the older "
                        f"{older.public_id} was open"
                    ),
                )
        was_closed = target.open_cents <= 0
        target.open_cents -= move.amount_cents
        if was_closed and target.open_cents > 0 and id(target) in may_be_passed:
            heapq.heappush(waiting, (target.age, target.age[2]))


def _older_open(
    invoices: dict[int, _Invoice], waiting: list[tuple[Any, int]], target: _Invoice, at: Any
) -> _Invoice | None:
    """Return an invoice that had to be paid before ``target``; forget what is paid or void."""
    aside = []
    found = None
    while waiting and waiting[0][0] < target.age:
        invoice = invoices[waiting[0][1]]
        if invoice.open_cents > 0 and invoice.surely_open(at):
            found = invoice
            break
        entry = heapq.heappop(waiting)
        if invoice.open_cents > 0 and not invoice.is_void(at):
            aside.append(entry)
    for entry in aside:
        heapq.heappush(waiting, entry)
    return found
