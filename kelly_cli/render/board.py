"""The live page as HTML: the frame around it, and the part that is drawn anew with each change.

Knows no books and no HTTP: it is given figures, and words that were chosen by who asked for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import kes_for_people
from kelly_cli.render.page import own_markup, page

if TYPE_CHECKING:
    from collections.abc import Sequence

CHART_HEIGHT = 100
SLOT = 20
_BAR = 12
_STEPS = (1, 2, 5)


class Bar(NamedTuple):
    """One hour in the chart, in the chart's own units; ``y`` counts from above."""

    x: int
    y: int
    width: int
    height: int
    about: str


class Chart(NamedTuple):
    """Today's bars, and behind them the usual as one outline; ``top`` is the topmost line's."""

    bars: list[Bar]
    usual: str
    top: str
    now_x: int


def draw_live(**values: object) -> str:
    """Return the part of the page that changes."""
    return page("board_live.html", **values)


def draw_whole(*, title: str, live: str, policy: str, nonce: str) -> str:
    """Return the whole page around a part that was drawn already."""
    return page("board.html", title=title, live=own_markup(live), csp=policy, nonce=nonce)


def chart_of(hours: Sequence[tuple[int, int]], usual: Sequence[int], *, minutes: int) -> Chart:
    """Return the chart of a day. ``hours``: (count, cents); ``minutes``: of the day that are over.

    ``usual``: cents of each hour, nothing = it is not known.
    """
    top = _nice(max([cents for _, cents in hours] + list(usual), default=0))
    bars = []
    for hour, (count, cents) in enumerate(hours):
        if not cents:
            continue
        height = max(cents * CHART_HEIGHT // top, 1)
        about = f"{hour:02}:00 to {hour + 1:02}:00: KES {kes_for_people(cents)}, {count} payments"
        if usual:
            about += f"; usually {kes_for_people(usual[hour])}"
        x = hour * SLOT + (SLOT - _BAR) // 2
        bars.append(Bar(x, CHART_HEIGHT - height, _BAR, height, about))
    return Chart(
        bars,
        _outline(usual, top) if any(usual) else "",
        kes_for_people(top).removesuffix(".00"),
        minutes * SLOT // 60,
    )


def _outline(usual: Sequence[int], top: int) -> str:
    """Return the path of a row of steps."""
    steps = [f"M0 {CHART_HEIGHT}"]
    for hour, cents in enumerate(usual):
        steps.append(f"V{CHART_HEIGHT - cents * CHART_HEIGHT // top}H{(hour + 1) * SLOT}")
    return "".join([*steps, f"V{CHART_HEIGHT}Z"])


def _nice(cents: int) -> int:
    """Return 1, 2 or 5 with zeros, of whole shillings, that is no less."""
    unit = 100
    while True:
        for step in _STEPS:
            if step * unit >= cents:
                return step * unit
        unit *= 10
