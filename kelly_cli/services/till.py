"""Till money: pending sales and payments without a reference, paired only where nothing else fits.

What is paired goes the way of ``suspense.assign``, with its audit row; a clash is for a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.till import pair_up, same_payer
from kelly_cli.services import suspense
from kelly_cli.store import till_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database


class SaleSide(NamedTuple):
    """A sale that waits. ``sold_at``: Nairobi wall-clock, None = only its day is known."""

    pos_id: str
    amount_cents: int
    sold_at: datetime | None
    customer_id: str | None
    customer_name: str | None


class MoneySide(NamedTuple):
    """A payment without a reference. ``paid_at``: Nairobi wall-clock."""

    receipt: str
    amount_cents: int
    paid_at: datetime
    payer_name: str | None
    msisdn: str | None
    short_code: str | None


class Offer(NamedTuple):
    """A pair. ``same_payer``: the payer is the sale's customer, None = nobody can tell."""

    sale: SaleSide
    payment: MoneySide
    apart: timedelta
    same_payer: bool | None


class Doubt(NamedTuple):
    """What fits, and why it is no pair (a code of ``core.till``)."""

    why: str
    sales: list[SaleSide]
    payments: list[MoneySide]


class Found(NamedTuple):
    """All pairs and clashes, oldest first."""

    pairs: list[Offer]
    clashes: list[Doubt]


def look(
    database: Database, within: timedelta, *, short_codes: Collection[str] | None = None
) -> Found:
    """Return what could be paired. ``short_codes``: only what came there, against all money."""
    with database.reading() as connection:
        return _found(connection, within, short_codes)


def apply(
    database: Database,
    hand: Hand,
    within: timedelta,
    *,
    short_codes: Collection[str] | None = None,
    limit: int = 100,
) -> Found:
    """Place the money of the first ``limit`` pairs on their sales; return what was found.

    One unit of work, in which it is looked for again: what another clerk placed is not there.
    """
    with database.writing() as connection:
        found = _found(connection, within, short_codes)
        placed = found._replace(pairs=found.pairs[:limit])
        for pair in placed.pairs:
            told = f"till money: the same amount, {_minutes(pair.apart)} apart"
            signed = hand if hand.reason else hand._replace(reason=told)
            suspense.assign_now(connection, signed, pair.payment.receipt, pair.sale.pos_id)
        return placed


def _found(connection: Connection, within: timedelta, short_codes: Collection[str] | None) -> Found:
    sales = till_rows.pending_sales(connection)
    if not sales:
        return Found([], [])
    first = min(each.sold.first for each in sales.values())
    last = max(each.sold.last for each in sales.values())
    money = till_rows.till_money(connection, first - within, last + within)
    matched = pair_up(
        (each.sold for each in sales.values()), (each.came for each in money.values()), within
    )

    def sale_side(row: int) -> SaleSide:
        sold, pos_id, customer_id = sales[row]
        sold_at = sold.first if sold.exact else None
        return SaleSide(pos_id, sold.amount_cents, sold_at, customer_id, sold.customer)

    def money_side(row: int) -> MoneySide:
        came, receipt, code = money[row]
        return MoneySide(receipt, came.amount_cents, came.at, came.payer, came.msisdn, code)

    pairs = [
        Offer(
            sale_side(each.sale.row),
            money_side(each.payment.row),
            each.apart,
            same_payer(each.sale, each.payment),
        )
        for each in matched.pairs
    ]
    clashes = [
        Doubt(
            each.why,
            [sale_side(sale.row) for sale in each.sales],
            [money_side(payment.row) for payment in each.payments],
        )
        for each in matched.clashes
    ]
    return Found(
        [each for each in pairs if _came_to([each.payment], short_codes)],
        [each for each in clashes if _came_to(each.payments, short_codes)],
    )


def _came_to(payments: Iterable[MoneySide], short_codes: Collection[str] | None) -> bool:
    return short_codes is None or any(each.short_code in short_codes for each in payments)


def _minutes(apart: timedelta) -> str:
    minutes = round(apart.total_seconds() / 60)
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
