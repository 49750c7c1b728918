"""Plays a scenario: many payments in the past, and deliveries in the order that it wants.

The payments' times lie in the past, so that hours of them are dealt in seconds.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.daraja.sandbox import payloads
from kelly_cli.daraja.sandbox.delivering import Wanted, confirm, is_wanted, paid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kelly_cli.daraja.sandbox.state import Sandbox
    from kelly_cli.daraja.sandbox.truth import Dealt

NEAR = 50
"""A copy comes at most so many payments after the first."""


class Played(NamedTuple):
    """What was dealt. ``receipts`` in the order in which they were paid."""

    scenario: str
    payments: int
    cancelled: int
    lost: int
    posted: int
    garbage: int
    receipts: tuple[str, ...]


async def play(sandbox: Sandbox, short_code: str, wanted: Sequence[Wanted] = ()) -> Played:
    """Deal the payments of the sandbox's scenario, or those that are wanted; return when all is."""
    async with sandbox.playing:
        scenario, dice = sandbox.scenario, sandbox.payers.dice
        dealt = []
        for each in wanted or _wanted(sandbox, short_code):
            one = paid(sandbox, each)
            sandbox.truth.take(one, moved=await is_wanted(sandbox, one))
            dealt.append(one)
        moved = [each for each in dealt if each.state != "cancelled"]
        _draw_fates(sandbox, moved)
        garbage = [None] * scenario.deliveries.garbage
        keyed: list[tuple[float, Dealt | None]] = [*_in_order(sandbox, moved)]
        keyed += [(dice.uniform(0, len(moved)), each) for each in garbage]
        posts = [each for _, each in sorted(keyed, key=lambda pair: pair[0])]
        await _post_all(sandbox, short_code, posts)
    lost = sum(each.fate == "lost" for each in moved)
    receipts = tuple(each.receipt for each in dealt)
    return Played(
        scenario.name,
        len(moved),
        len(dealt) - len(moved),
        lost,
        len(posts) - len(garbage),
        len(garbage),
        receipts,
    )


def _wanted(sandbox: Sandbox, short_code: str) -> Iterator[Wanted]:
    """Yield payments in the order of their times, after all that the account was paid before."""
    payers, dice, now = sandbox.scenario.payers, sandbox.payers.dice, sandbox.now()
    low, high = payers.shillings
    # Earlier would make balances wrong that are told already.
    start = max(now - timedelta(hours=payers.hours), sandbox.truth.latest(short_code, now.min))
    for second in _seconds(sandbox, int((now - start).total_seconds())):
        yield Wanted(
            short_code,
            dice.randint(low, high) * 100,
            dice.choice(payers.references),
            None,
            payers.till,
            start + timedelta(seconds=second),
        )


def _seconds(sandbox: Sandbox, period_s: int) -> list[int]:
    """Return a second for each payment, no second twice while there are enough of them."""
    count, dice = sandbox.scenario.payers.count, sandbox.payers.dice
    if count <= period_s:
        return sorted(dice.sample(range(period_s + 1), count))
    return sorted(dice.randint(0, max(period_s, 0)) for _ in range(count))


def _draw_fates(sandbox: Sandbox, dealt: Sequence[Dealt]) -> None:
    """Say for each payment what becomes of it: exact shares, and all that falls in a blackout."""
    weather, now = sandbox.scenario.deliveries, sandbox.now()
    left = list(dealt)
    sandbox.payers.dice.shuffle(left)
    shares = (
        ("lost", weather.lost_percent),
        ("late", weather.late_percent),
        ("duplicate", weather.duplicate_percent),
    )
    for fate, percent in shares:
        share = round(len(dealt) * percent / 100)
        for each in left[:share]:
            each.fate = fate
        left = left[share:]
    if weather.blackout_hours:
        first, last = (now - timedelta(hours=hours) for hours in weather.blackout_hours)
        for each in dealt:
            if first <= each.paid_at <= last:
                each.fate = "lost"


def _in_order(sandbox: Sandbox, dealt: Sequence[Dealt]) -> Iterator[tuple[float, Dealt]]:
    """Yield every delivery with its place among the others."""
    weather, dice, last = sandbox.scenario.deliveries, sandbox.payers.dice, len(dealt)
    for index, each in enumerate(dealt):
        place: float = index
        if weather.order == "reversed":
            place = -index
        elif weather.order == "mixed":
            place = dice.uniform(0, last)
        if each.fate == "late":
            place = dice.uniform(2 * last, 3 * last)
        if each.fate == "lost":
            continue
        yield place, each
        if each.fate == "duplicate":
            for _ in range(weather.copies - 1):
                yield place + dice.uniform(0, NEAR), each


async def _post_all(sandbox: Sandbox, short_code: str, posts: Sequence[Dealt | None]) -> None:
    left = iter(posts)

    async def work() -> None:
        for each in left:
            if each is None:
                await _post_garbage(sandbox, short_code)
            else:
                await confirm(sandbox, each)

    await asyncio.gather(*(work() for _ in range(sandbox.scenario.deliveries.at_once)))


async def _post_garbage(sandbox: Sandbox, short_code: str) -> None:
    registered = sandbox.registered.get(short_code)
    if registered is not None:
        body, kind = payloads.garbage(sandbox.payers.dice)
        await sandbox.post("garbage", f"{len(body)} bytes", registered.confirmation_url, body, kind)
