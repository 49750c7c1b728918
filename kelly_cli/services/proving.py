"""Which days a second source proves: an applied statement, or pulls that worked.

A day is proved when the whole of it was told. A payment can be proved on a day that is not: the day
may still miss others.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.daraja.statement_kinds import receives_payments
from kelly_cli.store import hour_total_rows, proof_rows
from kelly_cli.store.proof_rows import PaidDay

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

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
        wanted = hour_total_rows.codes_with_payments(connection) if codes is None else codes
        start, end = _midnight(first), _midnight(last + _DAY)
        paid = {
            (each.day, each.short_code): each
            for each in proof_rows.paid_days(connection, start, end)
        }
        told = _told(connection)
    return [
        DayProof(
            *paid.get((day, code), PaidDay(day, code, 0, 0, 0)), *_state(told, code, day, last)
        )
        for day in (last - back * _DAY for back in range(count))
        for code in wanted
    ]


def states(
    database: Database, codes: Sequence[str] | None, *, last: date, count: int
) -> dict[date, set[str]]:
    """Return the states of each day on which money came, the newest first; see ``days``.

    Reads no payment, and so it may be asked for again and again.
    """
    first = last - (count - 1) * _DAY
    with database.reading() as connection:
        totals = hour_total_rows.totals(connection, first, last, codes)
        told = _told(connection)
    paid = sorted({(each.day, each.short_code) for each in totals if each.short_code}, reverse=True)
    found: dict[date, set[str]] = {}
    for day, code in paid:
        found.setdefault(day, set()).add(_state(told, code or "", day, last)[0])
    return found


def _told(connection: Connection) -> tuple[list[Told], list[Told]]:
    """Return the stretches of time that statements told of, and those that pulls did."""
    statements = proof_rows.told_by_statements(connection)
    return (
        [each for each in statements if receives_payments(each.account)],
        proof_rows.told_by_pulls(connection),
    )


def _state(
    told: tuple[list[Told], list[Told]], code: str, day: date, today: date
) -> tuple[str, str | None]:
    """Return state and ``by`` of a day of one short code."""
    start, end = _midnight(day), _midnight(day + _DAY)
    statements, pulls = ([each for each in some if each.short_code == code] for some in told)
    for name, some in (
        ("statement", statements),
        ("pull", pulls),
        ("both", statements + pulls),
    ):
        if _covers(some, start, end):
            return "proved", name
    if day >= today:
        return "open", None
    touched = any(each.start < end and each.end > start for each in statements + pulls)
    return ("partly" if touched else "unproved"), None


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
