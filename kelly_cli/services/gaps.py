"""Gaps: where the balances that Safaricom tells do not follow from the movements that are known.

Known are the payments of every source and the movements of applied statements. What the books know
without a balance explains what it can: pulled payments, prompts, reversals made in the portal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.chain import Gap, Link, Loose, find_gaps
from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.daraja.statement_kinds import receives_payments
from kelly_cli.store import hour_total_rows, proof_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from kelly_cli.store.database import Database
    from kelly_cli.store.proof_rows import Moved, Paid


class Chain(NamedTuple):
    """The chain of one short code. ``links`` 0 = nobody told a balance: nothing can be said."""

    short_code: str
    links: int
    gaps: list[Gap]


def chains(
    database: Database,
    codes: Sequence[str] | None,
    first: date | None = None,
    last: date | None = None,
) -> list[Chain]:
    """Return the chain of each short code, with the gaps of these days (None = no bound)."""
    with database.reading() as connection:
        wanted = hour_total_rows.codes_with_payments(connection) if codes is None else codes
        return [
            _chain(
                code,
                proof_rows.paid_to(connection, code),
                proof_rows.moved_on(connection, code),
                (first, last),
            )
            for code in wanted
        ]


def _chain(
    code: str, paid: list[Paid], moved: list[Moved], days: tuple[date | None, date | None]
) -> Chain:
    here = [each for each in moved if receives_payments(each.account)]
    links, loose = split(code, paid, here)
    first, last = days
    gaps = [
        gap
        for gap in find_gaps(links, loose)
        if (first is None or gap.to_at.date() >= first)
        and (last is None or gap.from_at.date() <= last)
    ]
    return Chain(code, len(links), gaps)


def split(code: str, paid: list[Paid], moved: list[Moved]) -> tuple[list[Link], list[Loose]]:
    """Return what hangs together by balances, and what is known without one."""
    links = [
        Link(each.receipt, each.paid_at, each.amount_cents, each.balance_cents)
        for each in paid
        if each.short_code == code and each.balance_cents is not None
    ]
    linked = {link.receipt for link in links}
    others = [each for each in moved if each.kind != "payment" or each.receipt not in linked]
    links += [
        Link(each.receipt, each.completed_at, each.amount_cents, each.balance_cents)
        for each in others
        if each.balance_cents is not None
    ]
    linked.update(each.receipt for each in others if each.kind == "payment")
    loose = [
        Loose(each.receipt, each.completed_at, each.completed_at, each.amount_cents)
        for each in others
        if each.balance_cents is None
    ]
    loose += [
        Loose(each.receipt, each.paid_at, each.paid_at, each.amount_cents)
        for each in paid
        if each.receipt not in linked
    ]
    told = {each.linked_receipt for each in moved if each.kind == "reversal"}
    loose += [
        Loose("", each.paid_at, nairobi_wall_clock(each.reversed_at), -each.amount_cents)
        for each in paid
        if each.reversed_at is not None and each.receipt not in told
    ]
    return links, loose
