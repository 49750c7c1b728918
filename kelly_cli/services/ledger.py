"""The ledger: what was posted, what each account holds, and one account line by line.

Everything is read from the documents each time, so no balance can be older than the books.
"""

from __future__ import annotations

import difflib
from collections import deque
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core import ledger
from kelly_cli.daraja.statement_kinds import receives_payments
from kelly_cli.errors import DomainError, NotFoundError
from kelly_cli.store.ledger_documents import Span, customer_ids, newest_day
from kelly_cli.store.ledger_rows import read_journal
from kelly_cli.store.ledger_sums import sum_journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from kelly_cli.core.ledger import Entry
    from kelly_cli.store.database import Database
    from kelly_cli.store.ledger_sums import Held

LOOK_BACK_DAYS = (7, 62, 366)
"""How far the newest entries are looked for before all of the journal is read."""

MOST_NAMED = 5


class Days(NamedTuple):
    """From one Nairobi day to another, both included; None = no bound."""

    first: date | None = None
    last: date | None = None


class Page(NamedTuple):
    """The newest entries of the wanted days, oldest first. ``more``: older ones are left out."""

    entries: list[Entry]
    more: bool


class Balance(NamedTuple):
    """What an account held, got, gave and holds, in cents; debit above zero."""

    account: str
    opening_cents: int
    debit_cents: int
    credit_cents: int

    @property
    def closing_cents(self) -> int:
        """What it holds at the end."""
        return self.opening_cents + self.debit_cents - self.credit_cents


class Line(NamedTuple):
    """An entry as one account sees it; ``other``: the account on its other side."""

    entry: Entry
    other: str
    debit_cents: int
    credit_cents: int
    balance_cents: int


class Sheet(NamedTuple):
    """One account, or all accounts under a name. ``opening_cents``: before the first line shown."""

    account: str
    opening_cents: int
    lines: list[Line]
    closing_cents: int
    more: bool


class Export(NamedTuple):
    """The whole journal of the wanted days. ``opening``: account → cents before the first."""

    opening: dict[str, int]
    entries: Iterator[Entry]


def list_entries(database: Database, days: Days, *, limit: int, today: date) -> Page:
    """Return the newest entries, oldest first."""
    with database.reading() as connection:
        found = _newest(connection, days, limit, today, lambda _: True)
    return Page(found[-limit:], more=len(found) > limit)


def list_balances(database: Database, days: Days) -> list[Balance]:
    """Return every account that was ever used, by name."""
    with database.reading() as connection:
        before, (debits, credits_) = _sum(connection, days)
    opening = before.balances()
    return [
        Balance(name, opening.get(name, 0), debits.get(name, 0), credits_.get(name, 0))
        for name in sorted({*opening, *debits, *credits_})
    ]


def show_account(database: Database, code: str, days: Days, *, limit: int, today: date) -> Sheet:
    """Return the newest lines of an account, and of all accounts under it, oldest first.

    ``code``: the whole name, or the end of one.

    Raises:
        NotFoundError: ``account_not_found``.
        DomainError: ``account_unclear``: several accounts are called so.
    """
    with database.reading() as connection:
        account = _account(code, customer_ids(connection))
        below = f"{account}:"

        def holds(name: str) -> bool:
            return f"{name}:".startswith(below)

        found = _newest(
            connection, days, limit, today, lambda each: holds(each.debit) or holds(each.credit)
        )
        turnovers = _sum(connection, days)
    closing = sum(
        cents for each in turnovers for name, cents in each.balances().items() if holds(name)
    )
    lines: list[Line] = []
    balance = closing
    for each in reversed(found[-limit:]):
        debit = each.amount_cents if holds(each.debit) else 0
        credit = each.amount_cents if holds(each.credit) else 0
        lines.append(Line(each, each.credit if debit else each.debit, debit, credit, balance))
        balance -= debit - credit
    return Sheet(account, balance, lines[::-1], closing, len(found) > limit)


@contextmanager
def exporting(database: Database, days: Days) -> Iterator[Export]:
    """Give the journal of the wanted days, to be read once, inside the block."""
    with database.reading() as connection:
        opening: dict[str, int] = {}
        if days.first is not None:
            # What came before the first day stands there whatever the last one is.
            opening = _sum(connection, Days(days.first, days.first)).before.balances()
        yield Export(
            {name: cents for name, cents in sorted(opening.items()) if cents},
            _read(connection, days),
        )


def _newest(
    connection: Connection,
    days: Days,
    limit: int,
    today: date,
    wanted: Callable[[Entry], bool],
) -> list[Entry]:
    """Return the newest wanted entries, one more than the limit if there are so many."""
    newest = min(days.last or today, newest_day(connection) or today)
    starts = [newest - timedelta(days=min(back, newest.toordinal() - 1)) for back in LOOK_BACK_DAYS]
    found: deque[Entry] = deque(maxlen=limit + 1)
    for first in (
        *(each for each in starts if days.first is None or each > days.first),
        days.first,
    ):
        found.clear()
        found.extend(filter(wanted, _read(connection, days._replace(first=first))))
        if len(found) > limit:
            break
    return list(found)


def _sum(connection: Connection, days: Days) -> Held:
    return sum_journal(connection, _span(days), takes_payments=receives_payments)


def _read(connection: Connection, days: Days) -> Iterator[Entry]:
    return read_journal(connection, _span(days), takes_payments=receives_payments)


def _span(days: Days) -> Span:
    start = ledger.midnight(days.first) if days.first else None
    end = ledger.midnight(days.last + timedelta(days=1)) if days.last else None
    return Span(start, end)


def _account(code: str, customers: list[str]) -> str:
    """Return the account that a person means."""
    wanted = " ".join(code.split()).casefold().strip(":")
    known = _known(customers)
    whole = [name for name in known if name.casefold() == wanted]
    named = whole or [name for name in known if name.casefold().endswith(f":{wanted}")]
    if len(named) == 1:
        return named[0]
    if named:
        raise DomainError(
            f"{code!r} is {' and '.join(named[:MOST_NAMED])}",
            hint=f"Give the whole name: kelly ledger account {named[0]}",
            code="account_unclear",
        )
    tails = {name.rpartition(":")[2].casefold(): name for name in known}
    alike = {**tails, **{name.casefold(): name for name in known}}
    near = [alike[each] for each in difflib.get_close_matches(wanted, alike, MOST_NAMED, 0.7)]
    raise NotFoundError(
        f"no account is called {code!r}",
        hint=f"Did you mean {', '.join(near)}?" if near else "See them: kelly ledger balances",
        code="account_not_found",
    )


def _known(customers: list[str]) -> list[str]:
    """Return every account that may be used, and the names above them."""
    own: tuple[Callable[[str], str], ...] = (ledger.receivable, ledger.credit_of)
    leaves = [*ledger.FIXED, *(account(each) for each in customers for account in own)]
    parents = {name.rpartition(":")[0] for name in leaves}
    tops = {name.partition(":")[0] for name in leaves}
    return sorted({*leaves, *parents, *tops})
