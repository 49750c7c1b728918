"""Close a day: numbered without gaps, frozen, chained; a correction is another close.

What a close says is written down as text and never computed again. A payment that comes later for
a closed day is listed by the next close.
"""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core.closing import HAND_METHODS, Account, Line, Taken, account
from kelly_cli.core.money import kes
from kelly_cli.core.times import iso_nairobi, nairobi_day, nairobi_wall_clock
from kelly_cli.daraja.statement_kinds import receives_payments
from kelly_cli.errors import BrokenInvariantError, ConflictError, DomainError, NotFoundError
from kelly_cli.services.gaps import split
from kelly_cli.store import audit_rows, close_rows, proof_rows, report_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from kelly_cli.core.chain import Link, Loose
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.close_rows import CloseView
    from kelly_cli.store.database import Database

LOOK_BACK_DAYS = 7
"""How far back the chain of balances is read; further where no balance is known since."""

MOST_LATE = 1_000
"""Payments that came after closing which a close names; all of them are counted."""

_NONE = Taken(0, 0)


class Count(NamedTuple):
    """What a person counted, in cents. ``hand``: by method; ``mpesa``: by short code.

    ``again``: it corrects the close that the day has.
    """

    day: date
    codes: Sequence[str]
    hand: Mapping[str, int]
    mpesa: Mapping[str, int]
    again: bool = False


def close_day(
    database: Database, hand: Hand, counted: Count, *, dry_run: bool = False
) -> CloseView:
    """Close a day and freeze what it says; ``dry_run``: keep nothing.

    Raises:
        DomainError: ``bad_day``: it is still to come.
        ConflictError: ``day_closed``: it is closed; ``again`` corrects it.
        NotFoundError: ``not_closed``: there is nothing to correct.
    """
    if counted.day > nairobi_day(hand.at):
        raise DomainError(
            f"{counted.day} is still to come",
            hint="Close a day when it is over: kelly day close --date DAY",
            code="bad_day",
        )
    with database.rehearsing() if dry_run else database.writing() as connection:
        former = close_rows.find_close(connection, day=counted.day)
        _refuse(counted, former)
        last = close_rows.find_close(connection)
        number = last.number + 1 if last else 1
        told = _told(connection, hand, counted, last, former)
        frozen = json.dumps({"number": number, **told}, ensure_ascii=False)
        made = close_rows.add_close(
            connection,
            {
                "number": number,
                "day": counted.day,
                "frozen": frozen,
                "actor": hand.actor,
                "created_at": hand.at,
            },
        )
        audit_rows.record_audit(
            connection,
            hand,
            "day.close",
            f"day {number}",
            after={"day": counted.day.isoformat(), "hash": made.hash, "corrects": told["corrects"]},
        )
        return made


def show_close(
    database: Database, *, number: int | None = None, day: date | None = None
) -> CloseView:
    """Return a close by number, else the newest of a day, else the newest.

    Raises:
        NotFoundError: ``not_closed``.
        BrokenInvariantError: it is not as it was frozen.
    """
    with database.reading() as connection:
        found = close_rows.find_close(connection, number=number, day=day)
    if found is None:
        what = f"close {number}" if number is not None else f"close of {day or 'any day'}"
        raise NotFoundError(
            f"there is no {what}",
            hint="See what there is: kelly day list",
            code="not_closed",
        )
    if close_rows.close_hash(found._asdict()) != found.hash:
        raise BrokenInvariantError(
            f"close {found.number} was changed after it was frozen",
            hint="See what else is wrong: kelly db check",
        )
    return found


def list_closes(database: Database, *, limit: int = 100) -> Sequence[CloseView]:
    """Return closes, the newest first."""
    with database.reading() as connection:
        return close_rows.list_closes(connection, limit=limit)


def _refuse(counted: Count, former: CloseView | None) -> None:
    if former is not None and not counted.again:
        raise ConflictError(
            f"{counted.day} is closed already: close {former.number}",
            hint=f"See it: kelly day show {former.number}; to correct it, close it with --again",
            code="day_closed",
        )
    if former is None and counted.again:
        raise NotFoundError(
            f"{counted.day} is not closed: there is nothing to correct",
            hint="Leave --again out",
            code="not_closed",
        )


def _told(
    connection: Connection,
    hand: Hand,
    counted: Count,
    last: CloseView | None,
    former: CloseView | None,
) -> dict[str, Any]:
    day = counted.day
    start = datetime.combine(day, time.min)
    taken = close_rows.taken(connection, day)
    alone = len(counted.codes) == 1
    accounts = [
        account(code, *_chain(connection, code, day, alone=alone), start) for code in counted.codes
    ]
    seen = json.loads(last.frozen)["last_payment"] if last else 0
    late = close_rows.late_payments(connection, seen)
    rest = report_rows.without_owner(connection, day)
    return {
        "day": day.isoformat(),
        "corrects": former.number if former else None,
        "reason": hand.reason,
        "methods": [_line(line) for line in _lines(counted, taken, accounts)],
        "accounts": [_account(each) for each in accounts],
        "without_owner": {"count": rest.count, "total": kes(rest.cents)},
        "came_after_closing": [_late(each) for each in late[:MOST_LATE]],
        "came_after_closing_count": len(late),
        "not_closed_before": _not_closed(connection, day),
        "last_payment": close_rows.last_payment(connection),
        "closed_by": hand.actor,
        "closed_at": hand.at.isoformat(),
    }


def _chain(
    connection: Connection, code: str, day: date, *, alone: bool
) -> tuple[list[Link], list[Loose]]:
    """Return what moved an account up to the end of a day, with its balance and without.

    It goes back a week, further where no balance is known since. ``alone``: it is our only account,
    so money whose short code nobody told is its.
    """
    end = datetime.combine(day + timedelta(days=1), time.min)
    newest = proof_rows.newest_balance_at(connection, code, end) or end
    span = min(newest, end - timedelta(days=LOOK_BACK_DAYS)), end
    paid = [
        # What was reversed after the day was still there at its end.
        each._replace(reversed_at=None)
        if each.reversed_at and nairobi_wall_clock(each.reversed_at) >= end
        else each
        for each in proof_rows.paid_to(connection, code, span)
        if alone or each.short_code is not None
    ]
    moved = [
        each
        for each in proof_rows.moved_on(connection, code, span)
        if receives_payments(each.account)
    ]
    return split(code, paid, moved)


def _lines(
    counted: Count, taken: Mapping[tuple[str, str | None], Taken], accounts: Sequence[Account]
) -> list[Line]:
    lines = []
    for method in HAND_METHODS:
        got = taken.get((method, None), _NONE)
        if got.payments or method in counted.hand:
            lines.append(Line(method, None, got, got.cents, counted.hand.get(method)))
    for each in accounts:
        got = taken.get(("mpesa", each.short_code), _NONE)
        untold = taken.get(("mpesa", None), _NONE)
        if len(accounts) == 1:
            got = Taken(got.payments + untold.payments, got.cents + untold.cents)
        count = counted.mpesa.get(each.short_code)
        lines.append(Line("mpesa", each.short_code, got, each.expected_cents, count))
    return lines


def _line(line: Line) -> dict[str, Any]:
    return {
        "method": line.method,
        "short_code": line.short_code,
        "count": line.taken.payments,
        "total": kes(line.taken.cents),
        "expected": _kes(line.expected_cents),
        "counted": _kes(line.counted_cents),
        "difference": _kes(line.difference_cents),
    }


def _account(each: Account) -> dict[str, Any]:
    return {
        "short_code": each.short_code,
        "last_balance": None
        if each.last is None
        else {
            "receipt": each.last.receipt,
            "at": iso_nairobi(each.last.at),
            "balance": kes(each.last.balance_cents),
        },
        "moved_since": kes(each.since_cents),
        "gaps": [
            {
                "after": gap.after,
                "before": gap.before,
                "missing": kes(gap.missing_cents),
                "from": iso_nairobi(gap.from_at),
                "to": iso_nairobi(gap.to_at),
            }
            for gap in each.gaps
        ],
    }


def _late(each: close_rows.LatePayment) -> dict[str, Any]:
    return {
        "receipt": each.receipt,
        "method": each.method,
        "amount": kes(each.amount_cents),
        "paid_at": iso_nairobi(each.paid_at),
    }


def _not_closed(connection: Connection, day: date) -> list[str]:
    """Return the days with money since the last close before this day, a month at most."""
    before = close_rows.last_day_before(connection, day)
    if before is None:
        return []
    first = max(before, day - timedelta(days=31))
    return [each.isoformat() for each in close_rows.days_with_money(connection, first, day)]


def _kes(cents: int | None) -> str | None:
    return None if cents is None else kes(cents)
