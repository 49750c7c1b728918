"""What each account holds, summed by the database: equal to the journal's own sums, to the cent.

The database sums documents by the few facts that decide their accounts; each sum is posted as one
document by ``core.ledger``, which is linear in the amount. What is special (it changed hands, or
was owed before the books began) is taken out of the sums as they have it and put in as it was.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core import ledger
from kelly_cli.core.ledger import Adjustment, Allocation, Invoice, Movement, Payment
from kelly_cli.core.owners import Owners
from kelly_cli.store import hot
from kelly_cli.store.database import fetch_in
from kelly_cli.store.ledger_documents import (
    ADJUSTED,
    ADJUSTMENTS,
    ALLOCATED,
    ALLOCATIONS,
    ALWAYS,
    BOOKED,
    COMPLETED,
    INVOICES,
    ISSUED,
    ON_INVOICES,
    PAID,
    PAYMENTS,
    REVERSED,
    TO_INVOICES,
    VOIDED,
    Documents,
    Span,
)
from kelly_cli.store.ledger_facts import Fact, fact, key_of, values_of, yes_or_no
from kelly_cli.store.ledger_goods import Goods
from kelly_cli.store.ledger_rows import Reader
from kelly_cli.store.ledger_stories import OPENING_CREDIT
from kelly_cli.store.spells import in_nairobi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Connection

    from kelly_cli.core.ledger import Entry
    from kelly_cli.store.ledger_documents import When

_METHODS = tuple((method, False) for method in ledger.METHODS)
_METHOD = Fact(
    f"CASE WHEN p.method = 'bank' AND substr(p.transaction_type, 1, {len(OPENING_CREDIT)}) = "
    f"'{OPENING_CREDIT}' THEN {len(_METHODS)} ELSE {fact('p.method', *ledger.METHODS).sql} END",
    (*_METHODS, ("bank", True)),
)
"""How it came, and whether it is credit from before the books."""
_ADJUSTMENT = fact("a.kind", "writeoff", "credit_note")
_MOVEMENT = fact("m.kind", "charge", "settlement", "withdrawal", "reversal", "payment", "other")
_DAY = date(1970, 1, 1)
_MOMENT = datetime(1970, 1, 1)  # noqa: DTZ001 - wall-clock
_TODAYS = Owners()
"""Whose everything would be if nothing had changed hands."""


class Turnover(NamedTuple):
    """What was posted: account → cents of all its debits, and of all its credits."""

    debits: dict[str, int]
    credits: dict[str, int]

    def balances(self) -> dict[str, int]:
        """Return account → cents, debit above zero."""
        return {
            name: self.debits.get(name, 0) - self.credits.get(name, 0)
            for name in self.debits.keys() | self.credits.keys()
        }


class Held(NamedTuple):
    """What was posted before a stretch of time, and in it."""

    before: Turnover
    within: Turnover


def sum_journal(
    connection: Connection,
    span: Span = ALWAYS,
    *,
    takes_payments: Callable[[str | None], bool] = lambda _: True,
) -> Held:
    """Return what the journal of the span makes, and what stood before it.

    ``takes_payments``: whether payers pay into a statement's account.
    """
    documents = Documents(connection, span)
    sums = _Sums(documents)
    sums.invoices(ISSUED)
    sums.invoices(VOIDED)
    sums.payments(PAID)
    sums.payments(REVERSED)
    sums.allocations()
    sums.adjustments()
    sums.movements()
    for posted in Goods(documents).sums():
        sums.post(posted.entries, within=posted.within)
    sums.post_dated(Reader(documents, takes_payments).seldom())
    documents.close()
    # An account of documents that were all taken out again was never used.
    used = [
        Turnover(*({name: cents for name, cents in side.items() if cents} for side in turnover))
        for turnover in sums.held
    ]
    return Held(*used)


class _Sums:
    """Sums of entries, by account."""

    def __init__(self, documents: Documents) -> None:
        self.held = Held(Turnover({}, {}), Turnover({}, {}))
        self._documents = documents
        self._connection = documents.connection
        self._names = documents.names
        self._owners = documents.owners
        names = [
            self._names.get(row or None)
            for row in range(max(filter(None, self._names), default=0) + 1)
        ]
        self._payer = Fact("coalesce(p.customer_id, 0)", names)
        self._debtor = Fact("coalesce(i.customer_id, 0)", names)

    # What is plain

    def invoices(self, when: When) -> None:
        """Post what is owed, or what is void, by customer."""
        void = when is VOIDED
        condition = "i.voided_at IS NOT NULL" if void else ""
        for within, customer, cents in self._rows(
            "FROM invoices i", (self._debtor,), when, condition
        ):
            whole = Invoice(0, "", customer, cents, _DAY)
            self.post([_invoice(whole, _MOMENT if void else None, _TODAYS)], within=within)
        opening = sorted(self._documents.opening)
        rows = {
            row[0]: row
            for column, values in (("i.invoice_id", opening), ("i.id", self._told_invoices))
            for row in fetch_in(self._connection, INVOICES, column, values)
            if row[6] is not None or not void
        }
        for row in rows.values():
            told = self._documents.invoice(row)
            at = in_nairobi(row[6]) if void else None
            plain = _invoice(told._replace(opening=False), at, _TODAYS)
            self._instead(plain, _invoice(told, at, self._owners))

    def payments(self, when: When) -> None:
        """Post what came, or what went back, by customer and method."""
        gone = when is REVERSED
        facts = (self._payer, _METHOD)
        condition = "p.reversed_at IS NOT NULL" if gone else ""
        for within, payer, (method, opening), cents in self._rows(
            "FROM payments p", facts, when, condition
        ):
            whole = Payment(0, "", payer, cents, _MOMENT, method, opening)
            self.post([_payment(whole, _MOMENT if gone else None, _TODAYS)], within=within)
        for row in fetch_in(self._connection, PAYMENTS, "p.id", self._told_payments):
            if row[8] is not None or not gone:
                told = self._documents.payment(row)
                at = in_nairobi(row[8]) if gone else None
                self._instead(_payment(told, at, _TODAYS), _payment(told, at, self._owners))

    def allocations(self) -> None:
        """Post what paid invoices, by payer and debtor."""
        facts = (self._payer, self._debtor)
        for within, payer, debtor, cents in self._rows(TO_INVOICES, facts, ALLOCATED):
            move = Allocation(0, 0, cents, _MOMENT, "", "", payer, _MOMENT, "", debtor, _DAY)
            self.post([ledger.allocated(move, _TODAYS)], within=within)
        rows = {
            row[11]: row
            for column, values in (
                ("a.payment_id", self._told_payments),
                ("a.invoice_id", self._told_invoices),
            )
            for row in fetch_in(self._connection, ALLOCATIONS, column, values)
        }
        for told in map(self._documents.allocation, rows.values()):
            self._instead(ledger.allocated(told, _TODAYS), ledger.allocated(told, self._owners))

    def adjustments(self) -> None:
        """Post what is no longer owed, by customer and kind."""
        facts = (self._debtor, _ADJUSTMENT)
        for within, debtor, kind, cents in self._rows(ON_INVOICES, facts, ADJUSTED):
            whole = Invoice(0, "", debtor, 0, _DAY)
            change = Adjustment(whole, kind, cents, _MOMENT)
            self.post([ledger.adjusted(change, _TODAYS)], within=within)
        for row in fetch_in(self._connection, ADJUSTMENTS, "i.id", self._told_invoices):
            told = self._documents.adjustment(row)
            self._instead(ledger.adjusted(told, _TODAYS), ledger.adjusted(told, self._owners))

    def movements(self) -> None:
        """Post the lines of statements, by kind."""
        source = "FROM statement_movements m"
        for within, kind, cents in self._rows(source, (_MOVEMENT,), COMPLETED, f"NOT {BOOKED}"):
            self.post([ledger.moved(Movement("", kind, cents, _MOMENT))], within=within)

    def _rows(
        self, source: str, facts: tuple[Fact, ...], when: When, condition: str = ""
    ) -> Iterator[tuple[Any, ...]]:
        """Give (within, each fact, cents); what goes back is summed apart from what goes.

        ``source``: FROM the table with the amounts, under a name of one letter.
        """
        cents = f"{source.split()[2]}.amount_cents"
        where = self._documents.where(when, condition, since=False)
        within = Fact(self._documents.within(when), (False, True))
        goes = yes_or_no(f"{cents} > 0")
        asked = (within, *facts, goes)
        sql = f"SELECT {key_of(asked)}, CAST(sum({cents}) AS BIGINT) {source}{where} GROUP BY 1"
        for key, total_cents in hot.fetch(self._connection, sql):
            yield (*values_of(asked, key)[:-1], int(total_cents))

    # What is special

    @property
    def _told_payments(self) -> list[int]:
        return list(self._documents.stories.payments)

    @property
    def _told_invoices(self) -> list[int]:
        return list(self._documents.stories.invoices)

    def _instead(self, plain: Entry, told: Entry) -> None:
        """Take out what the sums have of a document, and put in what it posts."""
        if plain[3:6] != told[3:6]:
            self.post_dated([plain], times=-1)
            self.post_dated([told])

    # Sums

    def post_dated(self, entries: Iterable[Entry], *, times: int = 1) -> None:
        """Add entries that count before the end of the span, as often as said."""
        start, end = self._documents.span
        for each in entries:
            if end is None or each.at < end:
                self.post([each], within=start is None or each.at >= start, times=times)

    def post(self, entries: Iterable[Entry], *, within: bool, times: int = 1) -> None:
        """Add entries to what stood before the span, or to what was posted in it."""
        debits, credits_ = self.held.within if within else self.held.before
        for each in entries:
            cents = each.amount_cents * times
            debits[each.debit] = debits.get(each.debit, 0) + cents
            credits_[each.credit] = credits_.get(each.credit, 0) + cents


def _invoice(invoice: Invoice, voided_at: datetime | None, owners: Owners) -> Entry:
    if voided_at is None:
        return ledger.issued(invoice, owners)
    return ledger.voided(invoice, voided_at, owners)


def _payment(payment: Payment, reversed_at: datetime | None, owners: Owners) -> Entry:
    if reversed_at is None:
        return ledger.received(payment, owners)
    return ledger.reversed_(payment, reversed_at, owners)
