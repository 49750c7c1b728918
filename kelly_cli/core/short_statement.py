"""A statement as one message: what is owed, where to pay it, and what it is for, if that fits.

Balance, place and account number always stand in it whole. Names give way first, then the list of
invoices. Length is counted as phones count it: a sign beyond the basic plane is two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import kes_for_people

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from kelly_cli.core.paying import PayTo

LONGEST = 300
_CUT = ".."
_NAMES = 40
"""What two names keep at most of a full message, together."""


class Owed(NamedTuple):
    """An open invoice, as one line of a message."""

    invoice_id: str
    owed_cents: int
    due_on: date | None


def short_statement(
    business: str,
    name: str,
    day: date,
    owed_cents: int,
    to: PayTo,
    open_invoices: Sequence[Owed] = (),
) -> str:
    """Return the message. ``owed_cents`` below zero = credit; ``business`` "" = not named."""
    body = _body(day, owed_cents, to)
    room = LONGEST - length(body)
    details = _details(open_invoices) if owed_cents > 0 else []
    names = _greeting(business, name, max(room, 0))
    text = names + body
    for detail in details:
        if length(text) + length(detail) > LONGEST:
            break
        text += detail
    return text


def length(text: str) -> int:
    """Return how long a message is for a phone."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _body(day: date, owed_cents: int, to: PayTo) -> str:
    account = f", account {to.account}"
    amount = f"KES {kes_for_people(abs(owed_cents))}"
    if owed_cents > 0:
        return f"you owe {amount} on {day}. Pay by M-Pesa: {to.place}{account}."
    if owed_cents < 0:
        return f"you have {amount} of credit on {day}. To pay: {to.place}{account}."
    return f"you owe nothing (KES 0.00) on {day}. To pay: {to.place}{account}."


def _details(open_invoices: Sequence[Owed]) -> list[str]:
    found = []
    for place, each in enumerate(open_invoices):
        due = f" due {each.due_on}" if each.due_on else ""
        words = f"{each.invoice_id} {kes_for_people(each.owed_cents)}{due}"
        found.append((" For: " if place == 0 else "; ") + words)
    return found


def _greeting(business: str, name: str, room: int) -> str:
    """Return ``Name, Business: `` in at most ``room`` units, the longer of the two cut first."""
    return _joined(_cut(name, _NAMES), _cut(business, _NAMES), room)


def _joined(name: str, business: str, room: int) -> str:
    while True:
        parts = [part for part in (business, name) if part]
        text = ": ".join(parts) + (", " if parts else "")
        if length(text) <= room or not parts:
            return text
        if length(name) >= length(business):
            name = _cut(name, length(name) - 1)
        else:
            business = _cut(business, length(business) - 1)


def _cut(text: str, most: int) -> str:
    """Return a text of at most ``most`` units, with two dots where something is missing."""
    if length(text) <= most:
        return text
    kept = text.rstrip(".")
    while kept and length(kept) + len(_CUT) > most:
        kept = kept[:-1]
    return kept.rstrip() + _CUT if kept else ""
