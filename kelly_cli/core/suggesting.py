"""Who could money without an owner belong to? Ranked guesses, each with its reasons.

A score is the sum of the points of its reasons; the table of points is below. Best first, ties by
id: the same question always has the same answer. Never automatic: matching does not know this.

| what speaks for it | points |
| --- | --- |
| the reference, read with a slip (``slips.py``, ``readings.py``) | 20 to 75 |
| ... of something that is paid or void: for its customer | 15 less |
| the reference was remembered | 65 |
| the payer was remembered: a phone or its hash | 60 |
| ... a masked phone or a full name, with the usual amount | 50 |
| ... a masked phone or a full name, another amount | 20 |
| ... the usual amount, beside a remembered phone | 15 |
| the payer's phone, its hash or masked hash is the customer's | 40 |
| the payer's masked phone fits the customer's | 18 |
| the same payer was matched to the customer before: one phone | 30 |
| ... masked phone and the same name | 16 |
| the payer's name, two words or more | up to 20 |
| ... one word | 6 |
| just this amount is open on the invoice or sale | 25 |
| ... is all that the customer owes | 18 |
| ... is open on one of the customer's invoices | 12 |
| the name of the customer stands in the reference | up to 45 |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import kes_for_people
from kelly_cli.core.payers import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kelly_cli.core.payers import Payer
    from kelly_cli.core.slips import Reading

CLOSED = 15
REMEMBERED_REFERENCE = 65
REMEMBERED_PAYER = 60
REMEMBERED_USUAL = 50
REMEMBERED_WEAKLY = 20
USUAL_AMOUNT = 15
PAYERS_PHONE = 40
PAYERS_MASK = 18
PAID_BEFORE = 30
PAID_BEFORE_MASKED = 16
NAME = 20
FIRST_NAME = 6
NAME_IN_REFERENCE = 45
SAME_AMOUNT = 25
SAME_TOTAL = 18
SAME_DEBT = 12

LEAST_LIKE = 80
"""Names that are less alike (in percent) say nothing."""


class Question(NamedTuple):
    """Money without an owner. ``payer`` None = M-Pesa said nothing of the phone."""

    amount_cents: int
    payer: Payer | None = None


class Remembered(NamedTuple):
    """A person said so before: ``kind`` as in ``payer_aliases``; no amount = any."""

    kind: str
    value: str
    amount_cents: int | None


class Before(NamedTuple):
    """Payments of the same payer that went to the customer. ``sure``: one phone, no mask."""

    times: int
    sure: bool


class Person(NamedTuple):
    """What is known of a customer, held against the payment.

    ``name_percent``: how much its name is like the payer's, of which ``name_words`` were compared;
    ``reference_percent``: how much it is like the words in the reference.
    """

    customer_id: str
    phone_fits: bool = False
    name_percent: int = 0
    name_words: int = 0
    reference_percent: int = 0
    before: Before | None = None
    remembered: Sequence[Remembered] = ()


class Candidate(NamedTuple):
    """What the money could be for: a customer (``open_cents`` None), an invoice or a sale.

    ``readings``: what was typed, read as a name of this one. ``closed``: the same of its customer's
    invoices and sales that take no more money (id, reading). ``debts``: what is open on each of a
    customer's invoices.
    """

    target: str
    person: Person | None = None
    open_cents: int | None = None
    readings: Sequence[Reading] = ()
    closed: Sequence[tuple[str, Reading]] = ()
    debts: Sequence[int] = ()


class Suggestion(NamedTuple):
    """One answer. ``reasons``: in plain words, the weightiest first."""

    target: str
    score: int
    reasons: tuple[str, ...]


class _Clue(NamedTuple):
    points: int
    reason: str


def rank(question: Question, candidates: Iterable[Candidate]) -> list[Suggestion]:
    """Return a suggestion for each candidate that anything speaks for, best first, then by id.

    An invoice or sale needs a reason of its own: the reference or the amount.
    """
    found = []
    for candidate in candidates:
        own = [*_reference(candidate), *_amount(question, candidate)]
        if candidate.open_cents is not None and not own:
            continue
        clues = [*own, *_person(question, candidate)]
        if clues:
            clues.sort(key=lambda clue: -clue.points)
            score = sum(clue.points for clue in clues)
            reasons = tuple(clue.reason for clue in clues)
            found.append(Suggestion(candidate.target, score, reasons))
    return sorted(found, key=lambda each: (-each.score, each.target))


def _reference(candidate: Candidate) -> Iterable[_Clue]:
    best = max(candidate.readings, key=lambda reading: reading.points, default=None)
    if best is not None:
        yield _Clue(best.points, best.reason)
        return
    closed = max(candidate.closed, key=lambda each: (each[1].points, each[0]), default=None)
    if closed is not None:
        name, reading = closed
        told = f"like {name}, on which nothing is open ({reading.reason})"
        yield _Clue(max(reading.points - CLOSED, 1), told)


def _amount(question: Question, candidate: Candidate) -> Iterable[_Clue]:
    told = kes_for_people(question.amount_cents)
    if candidate.open_cents == question.amount_cents:
        yield _Clue(SAME_AMOUNT, f"{told} is just what is open on it")
    elif candidate.debts and sum(candidate.debts) == question.amount_cents:
        yield _Clue(SAME_TOTAL, f"{told} is all that {candidate.target} owes")
    elif question.amount_cents in candidate.debts:
        yield _Clue(SAME_DEBT, f"{told} is open on one of {candidate.target}'s invoices")


def _person(question: Question, candidate: Candidate) -> Iterable[_Clue]:
    person = candidate.person
    if person is None:
        return
    yield from _phone(question, person)
    yield from _before(person)
    yield from _names(person)
    if candidate.open_cents is None:
        yield from _remembered(question, person)


def _phone(question: Question, person: Person) -> Iterable[_Clue]:
    if question.payer is None or not person.phone_fits:
        return
    points = PAYERS_PHONE if question.payer.sure else PAYERS_MASK
    told = {
        Kind.PHONE: "paid from the phone of",
        Kind.HASH: "paid from the phone of (by its hash)",
        Kind.MASKED_HASH: "paid from the phone of (by its masked hash)",
        Kind.MASKED: "the masked phone fits the one of",
    }[question.payer.kind]
    yield _Clue(points, f"{told} {person.customer_id}")


def _before(person: Person) -> Iterable[_Clue]:
    if person.before is None:
        return
    times = "once" if person.before.times == 1 else f"{person.before.times} times"
    who = "the same phone" if person.before.sure else "the same masked phone and name"
    points = PAID_BEFORE if person.before.sure else PAID_BEFORE_MASKED
    yield _Clue(points, f"{who} paid for {person.customer_id} before, {times}")


def _names(person: Person) -> Iterable[_Clue]:
    if person.name_percent >= LEAST_LIKE:
        most = NAME if person.name_words > 1 else FIRST_NAME
        told = f"the payer's name is {_how_like(person.name_percent)} {person.customer_id}'s"
        yield _Clue(most * person.name_percent // 100, told)
    if person.reference_percent >= LEAST_LIKE:
        told = f"the reference is {_how_like(person.reference_percent)} {person.customer_id}'s name"
        yield _Clue(NAME_IN_REFERENCE * person.reference_percent // 100, told)


def _how_like(percent: int) -> str:
    return "the same as" if percent == 100 else f"{percent} % like"  # noqa: PLR2004 - the whole


def _remembered(question: Question, person: Person) -> Iterable[_Clue]:
    """Give the best that is remembered of the payer, and of the reference."""
    payers = [each for each in person.remembered if each.kind != "reference"]
    clues = [_remembered_payer(question, each) for each in payers]
    if clues:
        yield max(clues)
    for each in person.remembered:
        if each.kind == "reference":
            told = f"remembered: the reference {each.value} is for {person.customer_id}"
            yield _Clue(REMEMBERED_REFERENCE, told)
            return


def _remembered_payer(question: Question, alias: Remembered) -> _Clue:
    usual = alias.amount_cents == question.amount_cents
    with_it = f", usually {kes_for_people(question.amount_cents)}" if usual else ""
    what = {"phone": "phone", "hash": "phone (by its hash)", "masked": "masked phone"}
    told = f"remembered: this {what.get(alias.kind, alias.kind)} pays for this customer{with_it}"
    if alias.kind in {"phone", "hash"}:
        return _Clue(REMEMBERED_PAYER + USUAL_AMOUNT * usual, told)
    return _Clue(REMEMBERED_USUAL if usual else REMEMBERED_WEAKLY, told)
