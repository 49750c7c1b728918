"""A small horizontal bar chart as lines of text. Pure; knows no stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.render.harmless import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

_EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")
_FULL = "█"
_LONGEST = 50
"""Cells; a longer bar says no more."""


def bar_lines(
    rows: Sequence[tuple[str, int]], *, unit: str, width: int, ascii_only: bool = False
) -> list[str]:
    """Draw each row as label, value and bar, under the unit, in ``width`` cells where labels fit.

    A value above zero always shows a bar, however short; none and less show none.
    """
    labels = [safe(label) for label, _ in rows]
    values = [str(value) for _, value in rows]
    head = safe(unit)
    label_width = max(map(len, labels), default=0)
    value_width = max(map(len, [head, *values]))
    room = min(max(width - label_width - value_width - 4, 1), _LONGEST)
    highest = max((value for _, value in rows), default=0)
    bars = [_bar(value, highest, room, ascii_only=ascii_only) for _, value in rows]
    return [
        f"{label:<{label_width}}  {value:>{value_width}}  {bar}".rstrip()
        for label, value, bar in zip(["", *labels], [head, *values], ["", *bars], strict=True)
    ]


def _bar(value: int, highest: int, room: int, *, ascii_only: bool) -> str:
    if value <= 0:
        return ""
    eighths = max(value * room * 8 // highest, 1)
    if ascii_only:
        return "#" * max(eighths // 8, 1)
    return _FULL * (eighths // 8) + _EIGHTHS[eighths % 8]
