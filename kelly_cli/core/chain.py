"""The chain of balances: each confirmation tells what the account holds after it.

What an account held before one movement is what it held after the one before. So the movements
whose balances are known hang together like links, in whatever order they came; where two links do
not fit, something moved the account that nobody told of. Movements that are known without their
balance explain such a break, or part of it. A hint, never a proof. Source: daraja-facts 4.7.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from datetime import timedelta
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

SLACK = timedelta(seconds=3)
"""The times of neighbouring links may be so far out of order."""

LOOSE_SLACK = timedelta(minutes=2)
"""Another channel may tell the time of a movement so much earlier or later."""

_AT_ONCE = timedelta(0)
_MOST_CELLS = 10_000
_MOST_TRIED = 12
"""Of so many loose movements near a break every choice is tried, and of more these and all."""


class Link(NamedTuple):
    """A movement with the balance after it. ``at``: Nairobi wall-clock; out is below zero."""

    receipt: str
    at: datetime
    amount_cents: int
    balance_cents: int

    @property
    def before_cents(self) -> int:
        """What the account held before it."""
        return self.balance_cents - self.amount_cents


class Loose(NamedTuple):
    """A movement without its balance, somewhere between two moments."""

    receipt: str
    first_at: datetime
    last_at: datetime
    amount_cents: int


class Gap(NamedTuple):
    """A hole: between two receipts the account moved by so much more than is known.

    ``missing_cents`` above zero: money came that nobody told of; below: money left.
    """

    after: str
    before: str
    missing_cents: int
    from_at: datetime
    to_at: datetime


def find_gaps(links: Iterable[Link], loose: Iterable[Loose] = ()) -> list[Gap]:
    """Return the holes in the chain of one account, oldest first. A receipt counts once."""
    ordered = sorted(links, key=lambda link: (link.at, link.balance_cents, link.receipt))
    if not ordered:
        return []
    chain = _chained(ordered)
    hops = list(pairwise(chain))
    missing = [later.before_cents - earlier.balance_cents for earlier, later in hops]
    _explain(hops, missing, loose)
    return [
        Gap(earlier.receipt, later.receipt, cents, earlier.at, later.at)
        for (earlier, later), cents in zip(hops, missing, strict=True)
        if cents
    ]


# Which link follows which


def _chained(links: Sequence[Link]) -> list[Link]:
    """Return all links in the order in which they moved the account."""
    after = _matched(links)
    followed = set(after.values())
    owned: set[int] = set()
    runs = [_run(place, after, owned) for place in range(len(links)) if place not in followed]
    rings = [_run(place, after, owned) for place in range(len(links)) if place not in owned]
    while rings:
        left = [ring for ring in rings if not _joined(ring, runs, links)]
        if len(left) == len(rings):
            runs.append(_cut(left.pop(0), runs, links))
        rings = left
    runs.sort(key=lambda run: (links[run[0]].at, run[0]))
    for earlier, later in pairwise(runs):
        _untangle(earlier, later, links)
    runs.sort(key=lambda run: _middle(run, links))
    for place in range(len(runs) - 1):
        if _turned(runs[place], runs[place + 1], links):
            runs[place], runs[place + 1] = runs[place + 1], runs[place]
    return [links[place] for run in runs for place in run]


def _middle(run: Sequence[int], links: Sequence[Link]) -> tuple[datetime, int]:
    first, last = links[run[0]].at, links[run[-1]].at
    return first + (last - first) // 2, run[0]


def _turned(earlier: list[int], later: list[int], links: Sequence[Link]) -> bool:
    """Tell whether two runs at one time make sense the other way round alone: money came."""
    first, last = links[earlier[0]], links[earlier[-1]]
    start, end = links[later[0]], links[later[-1]]
    at_once = abs(start.at - last.at) <= SLACK and abs(end.at - first.at) <= SLACK
    missing = start.before_cents - last.balance_cents
    turned = first.before_cents - end.balance_cents
    return at_once and missing < 0 < turned


def _matched(links: Sequence[Link]) -> dict[int, int]:
    """Return link → its follower, where the balances fit and nothing can stand between them."""
    times = [link.at for link in links]
    starts: defaultdict[int, list[int]] = defaultdict(list)
    for place, link in enumerate(links):
        starts[link.before_cents].append(place)
    ends: defaultdict[int, list[int]] = defaultdict(list)
    for place, link in enumerate(links):
        if link.balance_cents in starts:
            ends[link.balance_cents].append(place)
    after: dict[int, int] = {}
    for cents, places in ends.items():
        after.update(_pairs(places, starts[cents], times))
    return after


def _pairs(
    ends: Sequence[int], starts: Sequence[int], times: Sequence[datetime]
) -> Iterator[tuple[int, int]]:
    """Pair the links that end at a balance with those that start from it.

    As many as can be, in the order of time, and of those ways the one with the shortest steps.
    """
    group: list[int] = []
    low = high = 0
    for end in ends:
        first, last = _window(end, starts, times)
        if first == last:
            continue
        if group and first >= high:
            yield from _aligned(group, starts[low:high], times)
            group = []
        low = min(low, first) if group else first
        high = max(high, last) if group else last
        group.append(end)
    if group:
        yield from _aligned(group, starts[low:high], times)


def _window(end: int, starts: Sequence[int], times: Sequence[datetime]) -> tuple[int, int]:
    """Return the stretch of ``starts`` that may follow a link; empty = none can."""
    first = bisect_left(starts, bisect_left(times, times[end] - SLACK))
    last = first
    while last < len(starts) and (starts[last] <= end or _neighbours(end, starts[last], times)):
        last += 1
    return first, last


def _aligned(
    ends: Sequence[int], starts: Sequence[int], times: Sequence[datetime]
) -> list[tuple[int, int]]:
    """Pair two short rows of places without crossing."""
    if len(ends) * len(starts) > _MOST_CELLS:
        return [pair for pair in zip(ends, starts, strict=False) if _neighbours(*pair, times)]
    # Of each cell the best of all ways so far.
    row: list[_Way] = [_Way()] * (len(starts) + 1)
    for end in ends:
        above, row = row, [_Way()]
        for column, start in enumerate(starts):
            best = max(above[column + 1], row[column], key=_worth)
            if _neighbours(end, start, times):
                came = above[column]
                back = max(times[end] - times[start], _AT_ONCE)
                longer = _Way(
                    came.pairs + 1,
                    came.back - back,
                    came.steps - abs(start - end),
                    (end, start),
                    came,
                )
                best = max(best, longer, key=_worth)
            row.append(best)
    found = []
    way: _Way | None = row[-1]
    while way is not None and way.last is not None:
        found.append(way.last)
        way = way.came
    return found


class _Way(NamedTuple):
    """One way to pair: how many, less the time it goes back, less its steps; the last pair."""

    pairs: int = 0
    back: timedelta = timedelta(0)
    steps: int = 0
    last: tuple[int, int] | None = None
    came: _Way | None = None


def _worth(way: _Way) -> tuple[int, timedelta, int]:
    return way[:3]


def _neighbours(end: int, start: int, times: Sequence[datetime]) -> bool:
    """Tell whether a link can follow another: no third stands clearly between them."""
    if end == start:
        return False
    if start <= end + 1:
        return times[start] >= times[end] - SLACK
    between = bisect_left(times, times[end] + SLACK, end + 1, start)
    return between == start or times[between] > times[start] - SLACK


def _run(first: int, after: dict[int, int], owned: set[int]) -> list[int]:
    run = []
    place: int | None = first
    while place is not None and place not in owned:
        owned.add(place)
        run.append(place)
        place = after.get(place)
    return run


def _joined(ring: list[int], runs: list[list[int]], links: Sequence[Link]) -> bool:
    """Put a ring of links where a run passes one of its balances at that time; False = nowhere."""
    times = [link.at for link in links]
    turns: defaultdict[int, list[int]] = defaultdict(list)
    for at, place in enumerate(ring):
        turns[links[place].before_cents].append(at)
    best: tuple[tuple[timedelta, int], list[int], int, int] | None = None
    for run in runs:
        passes = [links[run[0]].before_cents, *(links[place].balance_cents for place in run)]
        for at, cents in enumerate(passes):
            for first in turns.get(cents, ()):
                steps = [(run[at - 1], ring[first])] if at else []
                steps += [(ring[first - 1], run[at])] if at < len(run) else []
                back = sum(
                    (max(times[end] - times[start], _AT_ONCE) for end, start in steps), _AT_ONCE
                )
                cost = (back, min(abs(start - end) for end, start in steps))
                fits = all(_neighbours(end, start, times) for end, start in steps)
                if fits and (best is None or cost < best[0]):
                    best = (cost, run, at, first)
    if best is None:
        return False
    _, run, at, first = best
    run[at:at] = ring[first:] + ring[:first]
    return True


def _cut(ring: list[int], runs: list[list[int]], links: Sequence[Link]) -> list[int]:
    """Open a ring where it goes back in time; of several such places, where least is missing."""
    nexts = [run[0] for run in runs if run[0] > max(ring)]
    goal = links[min(nexts)].before_cents if nexts else 0

    def worth(at: int) -> tuple[timedelta, bool, int]:
        last = links[ring[at - 1]]
        short = goal - last.balance_cents
        return last.at - links[ring[at]].at, short >= 0, -abs(short)

    first = max(range(len(ring)), key=worth)
    return ring[first:] + ring[:first]


def _untangle(earlier: list[int], later: list[int], links: Sequence[Link]) -> None:
    """Let two runs that changed places at a balance which both pass change back."""
    if links[earlier[-1]].at <= links[later[-1]].at:
        return
    times = [link.at for link in links]
    passed = {links[place].balance_cents: at for at, place in enumerate(earlier[:-1])}
    for at, place in enumerate(later):
        other = passed.get(links[place].balance_cents)
        if other is not None and _neighbours(place, earlier[other + 1], times):
            tail = earlier[other + 1 :]
            earlier[other + 1 :] = later[at + 1 :]
            later[at + 1 :] = tail
            return


# What is known to have moved the account between two links


def _explain(hops: Sequence[tuple[Link, Link]], missing: list[int], loose: Iterable[Loose]) -> None:
    """Take off each broken hop what loose movements explain: exactly, or those surely in it."""
    known = {link.receipt for hop in hops for link in hop}
    free = [each for each in loose if each.receipt not in known]
    broken = [number for number, cents in enumerate(missing) if cents]
    used: set[int] = set()
    for hop, near in _near(hops, broken, free).items():
        earlier, later = hops[hop]
        candidates = [place for place in near if place not in used]
        inside = [
            place
            for place in candidates
            if earlier.at <= free[place].first_at and free[place].last_at <= later.at
        ]
        for place in _summing(candidates, free, missing[hop]) or inside:
            missing[hop] -= free[place].amount_cents
            used.add(place)


def _near(
    hops: Sequence[tuple[Link, Link]], broken: Sequence[int], free: Sequence[Loose]
) -> dict[int, list[int]]:
    """Return broken hop → the loose movements that may have happened in it, surest first."""
    ends = [hops[number][1].at for number in broken]
    near: dict[int, list[int]] = {number: [] for number in broken}
    for place in sorted(
        range(len(free)), key=lambda each: free[each].last_at - free[each].first_at
    ):
        each = free[place]
        for number in broken[bisect_left(ends, each.first_at - LOOSE_SLACK) :]:
            if hops[number][0].at > each.last_at + LOOSE_SLACK:
                break
            near[number].append(place)
    return near


def _summing(candidates: Sequence[int], free: Sequence[Loose], cents: int) -> Sequence[int]:
    """Return the candidates, as many as can be, whose amounts make up ``cents``; else none."""
    tried = candidates[:_MOST_TRIED]
    for chosen in (
        candidates,
        *(each for size in range(len(tried), 0, -1) for each in combinations(tried, size)),
    ):
        if chosen and sum(free[place].amount_cents for place in chosen) == cents:
            return chosen
    return ()
