"""The journal as plain-text accounting: files for hledger and for beancount.

Each account is declared where it is first used, and what kelly says that each holds stands at the
end as an assertion, so that those programs check it themselves. Words from outside become harmless
for a terminal and have no meaning in either syntax. Knows nothing of where entries come from.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from kelly_cli.core.ledger import OPENING
from kelly_cli.core.money import kes
from kelly_cli.render.harmless import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from kelly_cli.core.ledger import Entry

BROUGHT_FORWARD = "brought forward"
ASSERTED = "as kelly has it"

_NOT_A_LINK = re.compile(r"[^A-Za-z0-9._/-]", re.ASCII)
_NOT_A_COMPONENT = re.compile(r"[^A-Za-z0-9-]", re.ASCII)
_MEANING_IN_HLEDGER = str.maketrans(";|", ",/")
_MEANING_IN_BEANCOUNT = str.maketrans({"\\": "\\\\", '"': '\\"'})


class _Told:
    """What was written so far: the accounts that are declared, and what each holds."""

    def __init__(self, opening: dict[str, int]) -> None:
        self.cents = dict(opening)
        self.last: date | None = None

    def add(self, entry: Entry) -> list[str]:
        """Count an entry; return its accounts that are new."""
        cents = self.cents
        new = [name for name in (entry.debit, entry.credit) if name not in cents]
        cents[entry.debit] = cents.get(entry.debit, 0) + entry.amount_cents
        cents[entry.credit] = cents.get(entry.credit, 0) - entry.amount_cents
        self.last = entry.at.date()
        return new


def hledger_lines(
    opening: dict[str, int], entries: Iterable[Entry], *, first: date | None = None
) -> Iterator[str]:
    """Write a journal for hledger, piece by piece.

    ``opening``: account → cents before ``first``.
    """
    told = _Told(_balanced(opening))
    yield "commodity 1,000.00 KES\n\n"
    if told.cents and first is not None:
        yield "".join(f"account {name}\n" for name in sorted(told.cents)) + "\n"
        yield from _hledger_sums(f"{first} * {BROUGHT_FORWARD}", told.cents, "    {0}  {1} KES\n")
    for entry in entries:
        declared = "".join(f"account {name}\n" for name in told.add(entry))
        amount = kes(entry.amount_cents)
        yield (
            f"{declared}{entry.at:%Y-%m-%d} * ({_link(entry.documents[0])}) {_said(entry)}\n"
            f"    {entry.debit}  {amount} KES\n    {entry.credit}  -{amount} KES\n\n"
        )
    if told.last is not None:
        head = f"{told.last} * {ASSERTED}"
        yield from _hledger_sums(head, told.cents, "    {0}  0.00 KES = {1} KES\n")


def beancount_lines(
    opening: dict[str, int], entries: Iterable[Entry], *, first: date | None = None
) -> Iterator[str]:
    """Write a journal for beancount, piece by piece.

    ``opening``: account → cents before ``first``.
    """
    told = _Told(_balanced(opening))
    yield 'option "title" "kelly"\noption "operating_currency" "KES"\n\n'
    if told.cents and first is not None:
        names = sorted(told.cents)
        yield "".join(f"{first} open {beancount_name(name)} KES\n" for name in names)
        yield f'\n{first} * "{BROUGHT_FORWARD}"\n'
        yield "".join(f"  {beancount_name(name)}  {kes(told.cents[name])} KES\n" for name in names)
        yield "\n"
    for entry in entries:
        day = f"{entry.at:%Y-%m-%d}"
        new = told.add(entry)
        declared = "".join(f"{day} open {beancount_name(name)} KES\n" for name in new)
        links = " ".join(f"^{_link(each)}" for each in entry.documents)
        amount = kes(entry.amount_cents)
        yield (
            f'{declared}{day} * "{_in_quotes(entry)}" {links}\n'
            f"  {beancount_name(entry.debit)}  {amount} KES\n"
            f"  {beancount_name(entry.credit)}  -{amount} KES\n\n"
        )
    if told.last is not None:
        day = str(told.last + timedelta(days=1))
        for name in sorted(told.cents):
            yield f"{day} balance {beancount_name(name)}  {kes(told.cents[name])} KES\n"


def beancount_name(account: str) -> str:
    """Return an account as beancount writes it: ``Assets:Receivables:CUST-001``.

    No two customers' ids are equal without their punctuation, so no two accounts become one.
    """
    found = _BEANCOUNT_NAMES.get(account)
    if found is None:
        parts = (_NOT_A_COMPONENT.sub("-", part) for part in account.split(":"))
        found = ":".join(part[0].upper() + part[1:] for part in parts)
        if len(_BEANCOUNT_NAMES) < _MOST_NAMES:
            _BEANCOUNT_NAMES[account] = found
    return found


_BEANCOUNT_NAMES: dict[str, str] = {}
_MOST_NAMES = 10_000


def _balanced(opening: dict[str, int]) -> dict[str, int]:
    """Return opening balances that make zero: they are the books' own, and do."""
    return {name: cents for name, cents in opening.items() if cents or name == OPENING}


def _hledger_sums(head: str, cents: dict[str, int], line: str) -> Iterator[str]:
    yield f"{head}\n"
    yield "".join(line.format(name, kes(cents[name])) for name in sorted(cents))
    yield "\n"


def _link(document: str) -> str:
    return _NOT_A_LINK.sub("-", document) or "-"


def _said(entry: Entry) -> str:
    words = " ".join((entry.kind, *map(_link, entry.documents[1:])))
    text = safe(entry.text).translate(_MEANING_IN_HLEDGER).strip()
    return f"{words} | {text}" if text else words


def _in_quotes(entry: Entry) -> str:
    text = safe(entry.text).strip()
    return f"{entry.kind}: {text}".translate(_MEANING_IN_BEANCOUNT) if text else entry.kind


WRITERS: dict[str, Callable[..., Iterator[str]]] = {
    "hledger": hledger_lines,
    "beancount": beancount_lines,
}
