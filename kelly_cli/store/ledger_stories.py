"""Documents that changed hands, told from the audit: whose each was, and what was left of it then.

Only these, and what was void or reversed for a while, are held in memory; all others are their
owner's of today from the beginning.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core import ledger
from kelly_cli.core.owners import MOVES, Change, Key, Owners, Story, story
from kelly_cli.store import hot
from kelly_cli.store.book_rows import as_wall
from kelly_cli.store.database import fetch_in
from kelly_cli.store.spells import REVERSALS, VOIDS, Spell, in_nairobi, spells_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

OPENING_CREDIT = "bank Opening balance"
"""How the type of a payment begins that is credit from before the books."""

_OF_PAYMENTS = ("suspense.assign", "payment.allocate", "payment.unallocate")
_ACTIONS = (
    *_OF_PAYMENTS,
    "customer.merge",
    "customer.unmerge",
    "webhook.reprocess",
    VOIDS.back,
    REVERSALS.back,
)


class _Told(NamedTuple):
    """One document that changed hands. ``moves``: what took from it."""

    name: str
    amount_cents: int
    story: Story
    moves: list[tuple[Key, int]]


class Stories:
    """The owners of every moment, and what was gone for a while.

    ``names``: customer row → public id, None → None; ``voids``, ``reversals``: by public id.
    """

    def __init__(self, names: dict[int | None, str | None]) -> None:
        self.names = names
        self.payments: dict[int, _Told] = {}
        self.invoices: dict[int, _Told] = {}
        self.voids: dict[str, list[Spell]] = {}
        self.reversals: dict[str, list[Spell]] = {}

    @property
    def owners(self) -> Owners:
        """Whose each document was, by row."""
        return Owners(
            {row: told.story for row, told in self.payments.items()},
            {row: told.story for row, told in self.invoices.items()},
        )

    def handovers(self) -> Iterator[ledger.Entry]:
        """Give an entry for each change of hands in which something was left."""
        for documents, owed in ((self.payments, False), (self.invoices, True)):
            for told in documents.values():
                yield from ledger.handed_over(
                    told.name, told.story, told.amount_cents, sorted(told.moves), owed=owed
                )


class _Changes:
    """What the audit says, in its order; by receipt, by invoice and by log row."""

    def __init__(self) -> None:
        self.payments: defaultdict[str, list[tuple[int, Change]]] = defaultdict(list)
        self.invoices: defaultdict[str, list[tuple[int, Change]]] = defaultdict(list)
        self.logs: defaultdict[int, list[tuple[int, Change]]] = defaultdict(list)
        self.back: defaultdict[str, set[str]] = defaultdict(set)

    def read(self, number: int, at: datetime, action: str, subject: str, told: Any) -> None:
        before, after = told
        if action in {VOIDS.back, REVERSALS.back}:
            self.back[action].add(subject)
        elif action in _OF_PAYMENTS:
            change = Change(at, before.get("customer_id"), after.get("customer_id"))
            if change.before != change.after:
                self.payments[subject].append((number, change))
        elif action == "webhook.reprocess":
            for log in set(after.get("logs", ())) - set(after.get("made", ())):
                self.logs[log].append((number, Change(at, None, None, told=False)))
        else:
            gone, into = subject, after["into"]
            change = Change(at, gone, into)
            if action == "customer.unmerge":
                change = Change(at, into, gone)
            for receipt in after["moved"]["payments"]:
                self.payments[receipt].append((number, change))
            for invoice in after["moved"]["invoices"]:
                self.invoices[invoice].append((number, change))


def read_stories(connection: Connection) -> Stories:
    """Read what changed hands."""
    rows = hot.fetch(connection, "SELECT id, customer_id FROM customers")
    names: dict[int | None, str | None] = {None: None, **{row[0]: row[1] for row in rows}}
    stories = Stories(names)
    changes = _Changes()
    quoted = ", ".join(f"'{action}'" for action in _ACTIONS)
    for number, at, action, subject, before, after in hot.fetch(
        connection,
        'SELECT id, at, action, subject, "before", "after" FROM audit '
        f"WHERE action IN ({quoted}) ORDER BY id",
    ):
        told = json.loads(before or "{}"), json.loads(after or "{}")
        changes.read(number, in_nairobi(at), action, subject, told)
    stories.voids = spells_of(connection, VOIDS, sorted(changes.back[VOIDS.back]))
    stories.reversals = spells_of(connection, REVERSALS, sorted(changes.back[REVERSALS.back]))
    _read_payments(connection, stories, changes)
    _read_invoices(connection, stories, changes)
    return stories


def _read_payments(connection: Connection, stories: Stories, changes: _Changes) -> None:
    columns = (
        "SELECT id, mpesa_receipt_number, customer_id, amount_cents, transaction_date, "
        "reversed_at, log_id FROM payments"
    )
    rows = {
        row[0]: row
        for column, values in (
            ("mpesa_receipt_number", list(changes.payments)),
            ("log_id", list(changes.logs)),
        )
        for row in fetch_in(connection, columns, column, values)
    }
    for row, receipt, customer, amount_cents, paid_at, reversed_at, log in rows.values():
        told = sorted([*changes.payments.get(receipt, ()), *changes.logs.get(log, ())])
        now, earliest = stories.names.get(customer), as_wall(paid_at)
        found = story([change for _, change in told], now, earliest)
        if not found.steps and found.first == now:
            continue
        moves: list[tuple[Key, int]] = []
        if reversed_at is not None:
            at = max(in_nairobi(reversed_at), earliest)
            moves.append(((at, ledger.LEAVES), amount_cents))
        moves += _gone(stories.reversals.get(receipt, ()), earliest, amount_cents)
        stories.payments[row] = _Told(receipt, amount_cents, found, moves)
    for row, cents, made_at, issued_on in fetch_in(
        connection,
        "SELECT a.payment_id, a.amount_cents, a.created_at, i.issued_on "
        "FROM allocations a JOIN invoices i ON i.id = a.invoice_id",
        "a.payment_id",
        list(stories.payments),
    ):
        at = max(in_nairobi(made_at), as_wall(rows[row][4]), _midnight(issued_on))
        stories.payments[row].moves.append(((at, MOVES), cents))


def _read_invoices(connection: Connection, stories: Stories, changes: _Changes) -> None:
    rows = {}
    for row, name, customer, amount_cents, issued_on, voided_at in fetch_in(
        connection,
        "SELECT id, invoice_id, customer_id, amount_cents, issued_on, voided_at FROM invoices",
        "invoice_id",
        list(changes.invoices),
    ):
        rows[row] = earliest = _midnight(issued_on)
        told = [change for _, change in changes.invoices[name]]
        moves: list[tuple[Key, int]] = []
        if voided_at is not None:
            moves.append(((max(in_nairobi(voided_at), earliest), ledger.LEAVES), amount_cents))
        moves += _gone(stories.voids.get(name, ()), earliest, amount_cents)
        found = story(told, stories.names.get(customer), earliest)
        stories.invoices[row] = _Told(name, amount_cents, found, moves)
    for row, cents, made_at, paid_at in (
        *fetch_in(
            connection,
            "SELECT a.invoice_id, a.amount_cents, a.created_at, p.transaction_date "
            "FROM allocations a JOIN payments p ON p.id = a.payment_id",
            "a.invoice_id",
            list(rows),
        ),
        *fetch_in(
            connection,
            "SELECT invoice_id, amount_cents, created_at, NULL FROM invoice_adjustments",
            "invoice_id",
            list(rows),
        ),
    ):
        at = max(in_nairobi(made_at), rows[row], as_wall(paid_at) if paid_at else rows[row])
        stories.invoices[row].moves.append(((at, MOVES), cents))


def _gone(
    spells: Iterable[Spell], earliest: datetime, amount_cents: int
) -> Iterator[tuple[Key, int]]:
    """Give what a document lost while it was gone, and got back."""
    for spell in spells:
        yield (max(spell.gone_at, earliest), ledger.LEAVES), amount_cents
        yield (max(spell.back_at, earliest), ledger.ARRIVES), -amount_cents


def _midnight(day: Any) -> datetime:
    return ledger.midnight(day if isinstance(day, date) else date.fromisoformat(day))
