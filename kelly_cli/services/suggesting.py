"""Who could money in suspense belong to: gather what the books know, and let the core rank it.

Payers are recognised by our own customers' phones, hashed and masked here, and by what people
taught. Nothing is written, and nothing of it is ever used to match.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.payers import Kind, Payer, fits, forms_of, payer_of
from kelly_cli.core.readings import Readings, read
from kelly_cli.core.suggesting import Before, Candidate, Person, Question, Remembered, rank
from kelly_cli.services import names
from kelly_cli.services.aliases import Alias, aliases_for
from kelly_cli.services.payments import get_payment
from kelly_cli.services.suspense import refuse_placed
from kelly_cli.store import book_rows, suggestion_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from kelly_cli.core.books import Target
    from kelly_cli.core.slips import Reading
    from kelly_cli.core.suggesting import Suggestion
    from kelly_cli.store.database import Database
    from kelly_cli.store.payment_rows import PaymentView
    from kelly_cli.store.suggestion_rows import Debt, Known

MOST_OF_AMOUNT = 20
"""An amount that is open more often than this says nothing by itself."""

MOST_MASKED = 10
"""More customers than this behind one mask: their names must fit too."""

MOST_NAMED = 50
MOST_DEBTS = 1000

_ALIKE = 80


class Advice(NamedTuple):
    """A payment in suspense, and who it could be for: best first."""

    payment: PaymentView
    suggestions: Sequence[Suggestion]


@dataclass(slots=True)
class _Found:
    """What was found so far; customers by row id."""

    invoices: dict[int, list[Reading]] = field(default_factory=dict)
    sales: dict[int, list[Reading]] = field(default_factory=dict)
    customers: dict[int, list[Reading]] = field(default_factory=dict)
    closed: dict[int, list[tuple[str, Reading]]] = field(default_factory=dict)
    before: dict[int, Before] = field(default_factory=dict)
    aliases: dict[int, list[Remembered]] = field(default_factory=dict)
    debts: list[Debt] = field(default_factory=list)


def suggest(database: Database, receipt: str, *, limit: int = 5) -> Advice:
    """Return who money in suspense could belong to, at most ``limit``.

    Raises:
        NotFoundError: no such payment.
        DomainError: ``not_in_suspense``.
    """
    with database.reading() as connection:
        payment = get_payment(connection, receipt)
        refuse_placed(payment)
        return Advice(payment, suggest_for(connection, payment)[:limit])


def suggest_for(connection: Connection, payment: PaymentView) -> list[Suggestion]:
    """Return all suggestions for a payment."""
    payer = payer_of(payment.msisdn)
    question = Question(payment.unallocated_cents, payer)
    found = _Found()
    _by_reference(connection, found, read(payment.bill_ref_number, payment.transaction_date.date()))
    _by_amount(connection, found, question.amount_cents)
    _by_payer(connection, found, payer, payment)
    _by_name(connection, found, payment)
    for alias in aliases_for(connection, payment):
        _remember(found, alias)
    return rank(question, _candidates(connection, found, payment, payer))


def _by_reference(connection: Connection, found: _Found, readings: Readings) -> None:
    for key, target in book_rows.find_keys(connection, readings.keys.keys()).items():
        _meant(found, target, readings.keys[key])
    owners = suggestion_rows.customers_of_phones(connection, readings.phones.keys())
    for phone, row in owners:
        found.customers.setdefault(row, []).append(readings.phones[phone])


def _meant(found: _Found, target: Target, reading: Reading) -> None:
    if target.invoice is not None:
        found.invoices.setdefault(target.invoice, []).append(reading)
    elif target.sale is not None:
        found.sales.setdefault(target.sale, []).append(reading)
    elif target.customer is not None:
        found.customers.setdefault(target.customer, []).append(reading)


def _by_amount(connection: Connection, found: _Found, cents: int) -> None:
    for search, into in (
        (suggestion_rows.invoices_of_amount, found.invoices),
        (suggestion_rows.sales_of_amount, found.sales),
    ):
        rows = search(connection, cents, most=MOST_OF_AMOUNT + 1)
        if len(rows) <= MOST_OF_AMOUNT:
            for row in rows:
                into.setdefault(row, [])


def _by_payer(
    connection: Connection, found: _Found, payer: Payer | None, payment: PaymentView
) -> None:
    if payer is None:
        return
    owners = _owners(connection, payer)
    if not payer.sure and len(owners) > MOST_MASKED:
        known = suggestion_rows.customers(connection, owners)
        owners = [each.row for each in known if _same_name(each.name, payment.payer_name)]
    for row in owners:
        found.customers.setdefault(row, [])
    for row, before in _matched_before(connection, payer, payment).items():
        found.customers.setdefault(row, [])
        found.before[row] = before


def _owners(connection: Connection, payer: Payer) -> list[int]:
    """Return the customers whose phone can be the payer's."""
    if payer.kind == Kind.PHONE:
        phones = suggestion_rows.customers_of_phones(connection, [payer.value])
    else:
        head, tail = payer.ends if payer.kind == Kind.MASKED else ("254", "")
        phones = suggestion_rows.customers_of_ends(connection, head, tail)
    return [row for phone, row in phones if fits(payer, phone)]


def _matched_before(
    connection: Connection, payer: Payer, payment: PaymentView
) -> dict[int, Before]:
    """Count the payments of this payer by the customer that they went to."""
    # Phones and masks are written in many ways: what they end with is always the same.
    masked_hash = forms_of(payer)[-1]
    head, tail = masked_hash.ends if payer.kind in {Kind.HASH, Kind.MASKED_HASH} else ("", "")
    tail = tail or (payer.value[-9:] if payer.sure else payer.ends[1])
    counted: dict[int, int] = {}
    rows = suggestion_rows.matched_before(connection, head, tail, but=payment.row)
    for row, msisdn, name, times in rows:
        theirs = payer_of(msisdn)
        if theirs is None or not (theirs in forms_of(payer) or payer in forms_of(theirs)):
            continue
        same = theirs.sure and payer.sure
        if same or (name and _same_name(name, payment.payer_name)):
            counted[row] = counted.get(row, 0) + times
    return {row: Before(times, payer.sure) for row, times in counted.items()}


def _same_name(ours: str, theirs: str | None) -> bool:
    return names.likeness(ours, theirs).percent >= _ALIKE


def _by_name(connection: Connection, found: _Found, payment: PaymentView) -> None:
    for text, fewest in ((payment.payer_name, 2), (payment.bill_ref_number, 1)):
        stems = names.stems_of(text)
        if len(stems) < fewest:
            continue
        rows = suggestion_rows.customers_named(connection, stems, most=MOST_NAMED + 1)
        if len(rows) <= (MOST_NAMED if len(stems) > 1 else 1):
            for row in rows:
                found.customers.setdefault(row, [])


def _remember(found: _Found, alias: Alias) -> None:
    found.customers.setdefault(alias.customer_row, [])
    told = Remembered(alias.kind, alias.value, alias.amount_cents)
    found.aliases.setdefault(alias.customer_row, []).append(told)


def _candidates(
    connection: Connection, found: _Found, payment: PaymentView, payer: Payer | None
) -> Iterable[Candidate]:
    debts = [
        (debt, found.invoices[debt.row])
        for debt in suggestion_rows.invoices(connection, found.invoices)
    ]
    debts += [
        (debt, found.sales[debt.row]) for debt in suggestion_rows.sales(connection, found.sales)
    ]
    for debt, readings in debts:
        if debt.open_cents <= 0 and debt.customer is not None:
            closed = found.closed.setdefault(debt.customer, [])
            closed += [(debt.public_id, reading) for reading in readings]
    for row in found.closed:
        found.customers.setdefault(row, [])
    found.debts = suggestion_rows.open_invoices_of(connection, found.customers, most=MOST_DEBTS)
    known = {debt.row for debt, _ in debts}
    same = [debt for debt in found.debts if debt.open_cents == payment.unallocated_cents]
    debts += [(debt, []) for debt in same if debt.row not in known]
    rows = {debt.customer for debt, _ in debts if debt.customer is not None}
    people = {
        each.row: each
        for each in suggestion_rows.customers(connection, rows | found.customers.keys())
    }
    for debt, readings in debts:
        if debt.open_cents > 0:
            customer = people.get(debt.customer or 0)
            person = _person(found, customer, payment, payer) if customer else None
            yield Candidate(debt.public_id, person, debt.open_cents, readings)
    for row, readings in found.customers.items():
        if row not in people:
            continue
        yield Candidate(
            people[row].customer_id,
            _person(found, people[row], payment, payer),
            None,
            readings,
            found.closed.get(row, ()),
            [debt.open_cents for debt in found.debts if debt.customer == row],
        )


def _person(found: _Found, known: Known, payment: PaymentView, payer: Payer | None) -> Person:
    like = names.likeness(known.name, payment.payer_name)
    typed = names.likeness(known.name, payment.bill_ref_number)
    return Person(
        customer_id=known.customer_id,
        phone_fits=bool(payer and known.phone and fits(payer, known.phone)),
        name_percent=like.percent,
        name_words=like.words,
        reference_percent=typed.percent if typed.words > 1 else min(typed.percent, _ALIKE),
        before=found.before.get(known.row),
        remembered=found.aliases.get(known.row, ()),
    )
