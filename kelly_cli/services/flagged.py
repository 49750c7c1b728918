"""What a person should look at: late money, possible doubles, amounts over M-Pesa's limits.

Late money and large payments are flagged as they come. Doubles and a customer's large day show
only beside other payments, which may come in any order and by any road: they are looked for when
somebody asks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core import flags
from kelly_cli.core.flags import DOUBLE_WITHIN, MOST_A_DAY_CENTS
from kelly_cli.services import limits
from kelly_cli.store import flag_rows
from kelly_cli.store.flag_rows import LargeDay

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from kelly_cli.core.flags import Double
    from kelly_cli.store.flag_rows import Beside, Flagged
    from kelly_cli.store.payment_rows import PaymentFilter, PaymentView

_DAY = timedelta(days=1)

LOOK_BACK_DAYS = 31
"""How far back a list of possible doubles looks that names no first day."""

MOST_DOUBLES = 5_000
"""The newest ones of a list; a database takes no longer list of rows."""


MOST_LARGE_DAYS = 200
"""The newest ones of a list; a database takes no longer condition."""


class FlagsOfDay(NamedTuple):
    """All flags of one Nairobi day, oldest first; customers with large days, the largest first."""

    late: list[Flagged]
    doubles: list[Double]
    over: list[Flagged]
    large_days: list[LargeDay]


def flags_of(
    connection: Connection, day: date, short_codes: Collection[str] | None = None
) -> FlagsOfDay:
    """Return what was flagged of one Nairobi day's payments that stand."""
    start = datetime.combine(day, time.min)
    end = start + _DAY
    kept = flag_rows.flags_of_days(connection, start, end, short_codes)
    beside = flag_rows.payments_between(connection, start - DOUBLE_WITHIN, start, end, short_codes)
    return FlagsOfDay(
        late=[each for each in kept if each.flag == flags.LATE],
        doubles=_doubles(connection, beside, start),
        over=[each for each in kept if each.flag == flags.OVER_LIMIT],
        large_days=_large_days(connection, beside),
    )


def doubles_between(
    connection: Connection,
    start: datetime,
    end: datetime,
    short_codes: Collection[str] | None = None,
) -> list[Double]:
    """Return the possible doubles among payments from ``start`` to ``end`` (exclusive)."""
    found: list[Double] = []
    # A day at a time: what is held in memory does not grow with the stretch.
    while start < end:
        until = min(start + _DAY, end)
        early = start - DOUBLE_WITHIN
        beside = flag_rows.payments_between(connection, early, start, until, short_codes)
        found += _doubles(connection, beside, start)
        start = until
    return found


def _doubles(connection: Connection, beside: Sequence[Beside], start: datetime) -> list[Double]:
    # Doubles share amount and customer with another, and little else does.
    alike = Counter([each[1:3] for each in beside])
    shared = [each[0] for each in beside if alike[each[1:3]] > 1]
    told = flag_rows.told_of(connection, shared)
    return [each for each in flags.doubles(told) if each.payment.paid_at >= start]


def _large_days(connection: Connection, beside: Sequence[Beside]) -> list[LargeDay]:
    paid: defaultdict[int, list[int]] = defaultdict(list)
    for _, amount_cents, customer, on_the_day in beside:
        if customer is not None and on_the_day:
            paid[customer].append(amount_cents)
    large = {row: each for row, each in paid.items() if sum(each) > MOST_A_DAY_CENTS}
    names = flag_rows.names_of(connection, large)
    found = [LargeDay(names[row], len(each), sum(each)) for row, each in large.items()]
    return sorted(found, key=lambda each: (-each.cents, each.customer_id))


def only_doubles(connection: Connection, wanted: PaymentFilter) -> PaymentFilter:
    """Return a filter narrowed to possible doubles; without a first day, of the last 31 days.

    The days are counted back from the last payment of the filter.
    """
    last = wanted.end or flag_rows.last_moment(connection)
    if last is None:
        return wanted._replace(rows=[])
    start = wanted.start or last - timedelta(days=LOOK_BACK_DAYS)
    found = doubles_between(connection, start, wanted.end or last + _DAY, wanted.short_codes)
    return wanted._replace(rows=[each.payment.row for each in found[-MOST_DOUBLES:]])


def also_large_days(connection: Connection, wanted: PaymentFilter) -> PaymentFilter:
    """Return a filter of large payments that takes in those of a customer's large day.

    Days without a first one are of the last 31, counted back from the last payment.
    """
    last = wanted.end or flag_rows.last_moment(connection)
    if last is None:
        return wanted
    first = wanted.start or last - timedelta(days=LOOK_BACK_DAYS)
    start = datetime.combine(first.date(), time.min)
    found = flag_rows.large_days_between(
        connection, start, wanted.end or last + _DAY, MOST_A_DAY_CENTS
    )
    return wanted._replace(flagged_days=found[:MOST_LARGE_DAYS])


def flags_of_payment(connection: Connection, payment: PaymentView) -> list[tuple[str, str]]:
    """Return (flag, detail) of one payment: a double and a large day are looked for."""
    found = flag_rows.flags_of_payment(connection, payment.row)
    paid_at = payment.transaction_date
    until = paid_at + timedelta(microseconds=1)
    near = flag_rows.of_amount(connection, payment.amount_cents, paid_at - DOUBLE_WITHIN, until)
    doubles = [
        each
        for each in flags.doubles(flag_rows.told_of(connection, near))
        if each.payment.row == payment.row
    ]
    found += [(flags.POSSIBLE_DOUBLE, each.detail) for each in doubles]
    return found + limits.large_day(connection, payment)
