"""What a person should look at: late money, possible doubles, amounts over M-Pesa's limits.

A flag never moves money and never stops any.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import kes_for_people
from kelly_cli.core.payers import forms_of, payer_of
from kelly_cli.core.refs import fold, long_form

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from kelly_cli.core.books import Books, Target

LATE = "late"
POSSIBLE_DOUBLE = "possible_double"
OVER_LIMIT = "over_limit"

MOST_AT_ONCE_CENTS = 250_000_00
"""M-Pesa carries no more in one payment (daraja-facts 9.1)."""

MOST_A_DAY_CENTS = 500_000_00
"""Nor more of one customer in a day."""

DOUBLE_WITHIN = timedelta(minutes=60)
"""Payer, amount and bill repeat: so long after the first it is a possible double."""


class Told(NamedTuple):
    """A payment as far as a double shows in it. ``paid_at``: Nairobi wall-clock."""

    row: int
    receipt: str
    amount_cents: int
    paid_at: datetime
    bill_ref: str | None
    msisdn: str | None
    payer: str | None


class Double(NamedTuple):
    """A payment, and the one shortly before it that it repeats."""

    payment: Told
    first: Told

    @property
    def detail(self) -> str:
        """What it repeats, for people."""
        apart = self.payment.paid_at - self.first.paid_at
        minutes = (apart + timedelta(seconds=30)) // timedelta(minutes=1)
        unit = "minute" if minutes == 1 else "minutes"
        return f"the same payer, amount and account as {self.first.receipt}, {minutes} {unit} later"


def why_late(books: Books, target: Target) -> str | None:
    """Say why money for a target comes too late, or None. Only invoices and sales are closed."""
    if target.invoice is not None:
        invoice = books.invoices[target.invoice]
        if invoice.open_cents == 0:
            what = f"invoice {invoice.public_id}"
            return f"{what} is void" if invoice.void else f"nothing is owed on {what} any more"
    elif target.sale is not None:
        sale = books.sales[target.sale]
        if sale.void:
            return f"sale {sale.public_id} is void"
        if sale.invoice is not None and sale.invoice.open_cents == 0:
            return f"nothing is owed on sale {sale.public_id} any more"
    return None


def why_over(amount_cents: int) -> str:
    """Say that one payment is more than M-Pesa carries."""
    most = kes_for_people(MOST_AT_ONCE_CENTS)
    return f"KES {kes_for_people(amount_cents)} at once: M-Pesa carries {most}"


def why_large_day(customer_id: str, payments: int, cents: int, day: date) -> str:
    """Say that a customer's day is more than M-Pesa carries."""
    most = kes_for_people(MOST_A_DAY_CENTS)
    what = "a payment" if payments == 1 else f"{payments} payments"
    return (
        f"KES {kes_for_people(cents)} of {customer_id} on {day} in {what}: M-Pesa carries {most} "
        "of a customer in a day"
    )


def doubles(payments: Iterable[Told], within: timedelta = DOUBLE_WITHIN) -> list[Double]:
    """Return the payments that repeat payer, amount and account of one shortly before.

    Money without an account or without a payer repeats nothing. Each is held against the nearest
    one before it.
    """
    alike: defaultdict[tuple[int, str], list[Told]] = defaultdict(list)
    for told in payments:
        bill = fold(told.bill_ref or "")
        if bill:
            alike[told.amount_cents, long_form(bill) or bill].append(told)
    found: list[Double] = []
    for group in alike.values():
        if len(group) > 1:
            found += _doubles_of(sorted(group, key=lambda each: (each.paid_at, each.row)), within)
    return sorted(found, key=lambda each: (each.payment.paid_at, each.payment.row))


def _doubles_of(group: list[Told], within: timedelta) -> Iterable[Double]:
    for place, later in enumerate(group):
        for earlier in reversed(group[:place]):
            if later.paid_at - earlier.paid_at > within:
                break
            if _may_be_one(earlier, later):
                yield Double(later, earlier)
                break


def _may_be_one(a: Told, b: Told) -> bool:
    """Tell whether two payments can have one payer: by phone in any form, and by name."""
    if a.payer and b.payer and a.payer.casefold().split()[:1] != b.payer.casefold().split()[:1]:
        return False
    one, other = payer_of(a.msisdn), payer_of(b.msisdn)
    if one is None or other is None:
        return bool(a.payer and b.payer)
    return bool(set(forms_of(one)) & set(forms_of(other)))
