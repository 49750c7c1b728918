"""The rollup: payments by Nairobi hour, short code and status, kept as the payments change.

Every door that writes payments says so here, in its own unit of work: ``added`` for new ones,
``following`` around a change. The database check recomputes it all (I-38).
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.store import hot
from kelly_cli.store.database import fetch_in
from kelly_cli.store.tables import Base

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from sqlalchemy import Connection, Dialect

    Key = tuple[date, int, str, str]
    Change = tuple[int, int]

_TOTALS = Base.metadata.tables["hour_totals"]
_PIECES = {
    "sqlite": "substr(transaction_date, 1, 10), CAST(substr(transaction_date, 12, 2) AS INTEGER)",
    "postgresql": (
        "CAST(transaction_date AS DATE), CAST(extract(hour FROM transaction_date) AS INTEGER)"
    ),
}


class HourTotal(NamedTuple):
    """The payments of one hour, or of one day (``hour`` None). ``short_code`` None = no code."""

    day: date
    hour: int | None
    short_code: str | None
    status: str
    payments: int
    cents: int


class Difference(NamedTuple):
    """A total that is kept otherwise than its payments are. ``short_code`` "" = no code."""

    day: str
    hour: int
    short_code: str
    status: str
    kept: int
    kept_cents: int
    payments: int
    cents: int


def added(
    connection: Connection, payments: Iterable[tuple[datetime, str | None, str, int]]
) -> None:
    """Count new payments: Nairobi wall-clock, short code, status, cents."""
    changes: dict[Key, Change] = {}
    for paid_at, code, status, cents in payments:
        key = (paid_at.date(), paid_at.hour, code or "", status)
        count, total = changes.get(key, (0, 0))
        changes[key] = (count + 1, total + cents)
    _apply(connection, changes)


@contextmanager
def following(connection: Connection, payments: Collection[int]) -> Iterator[None]:
    """Count payments (row ids) anew that the block changes."""
    before = _standing(connection, payments)
    yield
    changes = dict(_standing(connection, payments))
    for key, (count, cents) in before.items():
        now_count, now_cents = changes.get(key, (0, 0))
        changes[key] = (now_count - count, now_cents - cents)
    _apply(connection, changes)


def totals(
    connection: Connection,
    first: date,
    last: date,
    codes: Collection[str] | None = None,
    *,
    by_hour: bool = False,
) -> list[HourTotal]:
    """Return the payments from ``first`` to ``last`` by day, short code and status; by hour too.

    ``codes``: only of these.
    """
    if codes is not None and not codes:
        return []
    mark = hot.mark(connection.dialect)
    among = "" if codes is None else f" AND short_code IN ({', '.join([mark] * len(codes))})"
    hour = "hour" if by_hour else "NULL"
    rows = hot.fetch(
        connection,
        f"SELECT day, {hour}, short_code, status, sum(payments), sum(amount_cents) "
        f"FROM hour_totals WHERE day BETWEEN {mark} AND {mark}{among} "
        f"GROUP BY day, {'hour, ' if by_hour else ''}short_code, status "
        "HAVING sum(payments) <> 0 ORDER BY 1, 2, 3, 4",
        (
            hot.ready_value(connection, _TOTALS, "day", first),
            hot.ready_value(connection, _TOTALS, "day", last),
            *(codes or ()),
        ),
    )
    return [
        HourTotal(_date(day), hour, code or None, status, int(count), int(cents))
        for day, hour, code, status, count, cents in rows
    ]


def of_status(
    connection: Connection, status: str, codes: Collection[str] | None = None
) -> tuple[int, int]:
    """Return (count, cents) of all payments of a status. ``codes``: only of these."""
    if codes is not None and not codes:
        return 0, 0
    mark = hot.mark(connection.dialect)
    among = "" if codes is None else f" AND short_code IN ({', '.join([mark] * len(codes))})"
    count, cents = hot.fetch(
        connection,
        "SELECT coalesce(sum(payments), 0), coalesce(sum(amount_cents), 0) FROM hour_totals "
        f"WHERE status = {mark}{among}",
        (status, *(codes or ())),
    )[0]
    return int(count), int(cents)


def codes_with_payments(connection: Connection) -> list[str]:
    """Return the short codes that payments name."""
    sql = "SELECT DISTINCT short_code FROM hour_totals WHERE payments <> 0 AND short_code <> ''"
    return sorted(row[0] for row in hot.fetch(connection, sql))


def differences(connection: Connection) -> list[Difference]:
    """Return where the totals say otherwise than the payments. Reads every payment.

    Keys are the database's own words: a damaged one need not be a day or a status.
    """
    pieces = _PIECES[connection.dialect.name]
    rows = hot.fetch(
        connection,
        "SELECT CAST(day AS TEXT), hour, short_code, status, sum(kept), sum(kept_cents), "
        "sum(payments), sum(cents) FROM (SELECT day, hour, short_code, status, payments AS kept, "
        "amount_cents AS kept_cents, 0 AS payments, 0 AS cents FROM hour_totals UNION ALL "
        f"SELECT {pieces}, coalesce(short_code, ''), status, 0, 0, count(*), sum(amount_cents) "
        "FROM payments GROUP BY 1, 2, 3, 4) x GROUP BY 1, 2, 3, 4 "
        "HAVING sum(kept) <> sum(payments) OR sum(kept_cents) <> sum(cents) ORDER BY 1, 2, 3, 4",
    )
    return [Difference(*row[:4], *(int(each) for each in row[4:])) for row in rows]


def make_anew(connection: Connection) -> None:
    """Count every payment again in the place of all totals."""
    connection.exec_driver_sql("DELETE FROM hour_totals")
    connection.exec_driver_sql(
        "INSERT INTO hour_totals (day, hour, short_code, status, payments, amount_cents) "
        f"SELECT {_PIECES[connection.dialect.name]}, coalesce(short_code, ''), status, count(*), "
        "sum(amount_cents) FROM payments GROUP BY 1, 2, 3, 4"
    )


def first_day(connection: Connection) -> date | None:
    """Return the day of the first payment, None = there is none."""
    found = hot.fetch(connection, "SELECT min(day) FROM hour_totals WHERE payments <> 0")[0][0]
    return None if found is None else _date(found)


def _standing(connection: Connection, payments: Collection[int]) -> Mapping[Key, Change]:
    """Return how these payments stand: count and cents by key."""
    if not payments:
        return {}
    found: dict[Key, Change] = {}
    rows = fetch_in(
        connection,
        f"SELECT {_PIECES[connection.dialect.name]}, coalesce(short_code, ''), status, "
        "amount_cents FROM payments",
        "id",
        list(payments),
    )
    for day, hour, code, status, cents in rows:
        key = (_date(day), hour, code, status)
        count, total = found.get(key, (0, 0))
        found[key] = (count + 1, total + cents)
    return found


def _apply(connection: Connection, changes: Mapping[Key, Change]) -> None:
    day = hot.ready(connection, _TOTALS, "day")
    rows = [
        (day(key[0]) if day else key[0], *key[1:], *change)
        for key, change in sorted(changes.items())
        if change != (0, 0)
    ]
    if not rows:
        return
    sql = _upsert(connection.dialect)
    if connection.dialect.name == "sqlite":
        hot.run(connection, sql, rows, many=True)
    else:
        connection.exec_driver_sql(sql, rows)


@lru_cache(maxsize=8)
def _upsert(dialect: Dialect) -> str:
    marks = ", ".join([hot.mark(dialect)] * 6)
    return (
        "INSERT INTO hour_totals (day, hour, short_code, status, payments, amount_cents) "
        f"VALUES ({marks}) ON CONFLICT (day, hour, short_code, status) DO UPDATE SET "
        "payments = hour_totals.payments + excluded.payments, "
        "amount_cents = hour_totals.amount_cents + excluded.amount_cents"
    )


def _date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)
