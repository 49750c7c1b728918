"""Which days a second source proves: an applied statement, or pulls that worked.

A day is proved when the whole of it was told. A payment can be proved on a day that is not: the day
may still miss others.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.daraja.statement_kinds import receives_payments
from kelly_cli.store import proof_rows
from kelly_cli.store.proof_rows import PaidDay

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kelly_cli.store.database import Database
    from kelly_cli.store.proof_rows import Told

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


class DayProof(NamedTuple):
    """One day of one short code.

    ``state``: ``proved``, ``partly``, ``unproved``, or ``open`` (the day is not over).
    ``by``: ``statement``, ``pull``, ``both`` together, None = not proved. ``proved``: payments that
    a second source told.
    """

    day: date
    short_code: str
    payments: int
    total_cents: int
    proved: int
    state: str
    by: str | None


def days(
    database: Database, codes: Sequence[str] | None, *, last: date, count: int
) -> list[DayProof]:
    """Return ``count`` days up to ``last``, which is today in Nairobi; the newest first.

    ``codes`` None = all that payments name.
    """
    first = last - (count - 1) * _DAY
    with database.reading() as connection:
        wanted = proof_rows.codes_with_payments(connection) if codes is None else codes
        start, end = _midnight(first), _midnight(last + _DAY)
        paid = {
            (each.day, each.short_code): each
            for each in proof_rows.paid_days(connection, start, end)
        }
        statements = [
            told
            for told in proof_rows.told_by_statements(connection)
            if receives_payments(told.account)
        ]
        pulls = proof_rows.told_by_pulls(connection)
    return [
        _proof(
            paid.get((day, code), PaidDay(day, code, 0, 0, 0)),
            [told for told in statements if told.short_code == code],
            [told for told in pulls if told.short_code == code],
            today=last,
        )
        for day in (last - back * _DAY for back in range(count))
        for code in wanted
    ]


def _proof(paid: PaidDay, statements: list[Told], pulls: list[Told], *, today: date) -> DayProof:
    start, end = _midnight(paid.day), _midnight(paid.day + _DAY)
    by = None
    for name, told in (
        ("statement", statements),
        ("pull", pulls),
        ("both", statements + pulls),
    ):
        if by is None and _covers(told, start, end):
            by = name
    if by is not None:
        state = "proved"
    elif paid.day >= today:
        state = "open"
    else:
        touched = any(told.start < end and told.end > start for told in statements + pulls)
        state = "partly" if touched else "unproved"
    return DayProof(*paid, state, by)


def _covers(told: Iterable[Told], start: datetime, end: datetime) -> bool:
    """Tell whether stretches of time leave nothing of a day out; ends are within their second."""
    reached = start
    for each in sorted(told, key=lambda each: each.start):
        if each.start > reached:
            break
        reached = max(reached, each.end + _SECOND)
    return reached >= end


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min)
