"""Charts for pages: pygal draws shapes, the page's own style colours them.

Inline SVG without script, style or reference, so that it follows light, dark and paper. The same
values give the same bytes.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Literal, NamedTuple

from kelly_cli.render.harmless import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from xml.etree.ElementTree import Element

Unit = Literal["KES", "count", "%", "days"]
Kind = Literal["bar", "stack", "line", "ranks"]

_WIDE, _HIGH = 520, 260
_RANK_HIGH = 26
_MOST_RANKS = 10
_MOST_LABELS = 7
_LONGEST_LABEL = 18
_HALF_A_LABEL = 26
"""Beside the last value of an axis: half of its label hangs over it."""
_PHONE_ROOM, _PHONE_ROOM_OF_VALUES = 42, 20
"""Beside names of ranks, and values of an axis: a phone's letters are larger than measured."""
_SVG = "{http://www.w3.org/2000/svg}"
_THOUSAND = 1000
_MOST_TICKS = 4


class Chart(NamedTuple):
    """What to draw: labels along one axis, one or more series of values (None = a gap).

    ``unit``: KES (whole ones), count, % (of 100) or days. ``ranks``: horizontal bars.
    """

    title: str
    labels: Sequence[str]
    series: Sequence[tuple[str, Sequence[float | None]]]
    unit: Unit = "KES"
    kind: Kind = "bar"


def draw(chart: Chart) -> str:
    """Return the chart as one ``<svg>``; "" when there is nothing to draw."""
    if not any(value for _, series in chart.series for value in series):
        return ""
    from xml.etree.ElementTree import tostring

    root = _drawn(chart)
    _strip(root)
    root.set("role", "img")
    root.set("aria-label", safe(chart.title))
    for name in ("width", "height"):
        root.attrib.pop(name, None)
    _shorten(root)
    return tostring(root, encoding="unicode").replace("ns0:", "").replace("xmlns:ns0", "xmlns")


def short(value: float, unit: Unit) -> str:
    """Write a value for an axis: ``1.2M``, ``350k``, ``12%``."""
    if unit == "%":
        return f"{value:.0f}%"
    for size, name in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{name}" if abs(value) < size * _THOUSAND else f"{value:.3g}"
    return f"{value:.3g}"


def _take_finder_away() -> None:
    """Undo what pygal does to all later imports: its finder of maps warns at each (Python 3.11)."""
    sys.meta_path[:] = [each for each in sys.meta_path if type(each).__module__ != "pygal"]


def _drawn(chart: Chart) -> Element:
    from pygal import (  # type: ignore[import-untyped]
        Bar,
        Config,
        HorizontalBar,
        Line,
        StackedBar,
    )

    _take_finder_away()
    labels = [_label(label) for label in chart.labels]
    series = [(safe(name), list(values)) for name, values in chart.series]
    config = Config(
        js=[],
        css=[],
        no_prefix=True,
        show_legend=len(series) > 1,
        legend_at_bottom=True,
        legend_at_bottom_columns=min(len(series), 5),
        legend_box_size=12,
        width=_WIDE,
        height=_HIGH,
        margin=8,
        margin_right=_HALF_A_LABEL,
        margin_left=_PHONE_ROOM_OF_VALUES,
        spacing=8,
        show_minor_x_labels=chart.kind == "ranks",
        show_x_guides=False,
        rounded_bars=2,
        dots_size=2.5,
        truncate_label=_LONGEST_LABEL,
        truncate_legend=_LONGEST_LABEL,
        print_values=False,
        pretty_print=False,
        x_label_rotation=0,
    )
    config.formatter = config.value_formatter = lambda value: short(value, chart.unit)
    config.style.font_family = "inherit"
    config.style.label_font_size = config.style.major_label_font_size = 14
    config.style.legend_font_size = 14
    if chart.kind == "ranks":
        labels, series = _ranks(labels, series)
        config.height = 60 + _RANK_HIGH * len(labels)
        config.show_y_guides = False
        config.margin_left = _PHONE_ROOM
    makers = {"bar": Bar, "stack": StackedBar, "line": Line, "ranks": HorizontalBar}
    graph = makers[chart.kind](config)
    graph.x_labels = labels
    ticks = _ticks(chart, series)
    graph.y_labels, graph.range = ticks, (ticks[0], ticks[-1])
    if chart.kind != "ranks":
        graph.x_labels_major = labels[:: -(-len(labels) // _MOST_LABELS)]
    for name, values in series:
        graph.add(name, values)
    return graph.render_tree()  # type: ignore[no-any-return]


def _ranks(
    labels: list[str], series: list[tuple[str, list[float | None]]]
) -> tuple[list[str], list[tuple[str, list[float | None]]]]:
    """Keep the first that are not nothing, the last at the bottom where pygal begins."""
    kept = [n for n in range(len(labels)) if any(values[n] for _, values in series)]
    kept = kept[:_MOST_RANKS][::-1]
    return [labels[n] for n in kept], [(name, [each[n] for n in kept]) for name, each in series]


def _ticks(chart: Chart, series: Sequence[tuple[str, Sequence[float | None]]]) -> list[float]:
    """Return round values from zero to above the highest (and the lowest), four or so."""
    if chart.unit == "%":
        return [0, 25, 50, 75, 100]
    columns = [[value or 0 for value in each] for each in zip(*(v for _, v in series), strict=True)]
    heights = [sum(each) if chart.kind == "stack" else max(each) for each in columns]
    highest, lowest = max(*heights, 0), min(0, *(min(each) for each in columns))
    rough = (highest - lowest) / _MOST_TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * each for each in (1, 2, 2.5, 5, 10) if size * each >= rough)
    if chart.unit == "count":
        step = max(1, math.ceil(step))
    first, last = math.floor(lowest / step), math.ceil(highest / step)
    return [step * number for number in range(first, last + 1)]


def _label(text: str) -> str:
    plain = safe(text)
    return plain if len(plain) <= _LONGEST_LABEL else plain[: _LONGEST_LABEL - 1] + "…"


def _strip(root: Element) -> None:
    """Take out scripts, styles, texts for a script, and every reference."""
    for parent in list(root.iter()):
        for child in list(parent):
            # A comment's tag is no text.
            name = str(child.tag).rpartition("}")[2]
            if name in {"script", "style", "desc", "title", "defs"} or "function" in name:
                parent.remove(child)
        for key in [key for key in parent.attrib if _is_idle(key)]:
            del parent.attrib[key]


def _is_idle(key: str) -> bool:
    return "href" in key or key.startswith(("on", "style", "{", "xmlns:xlink")) or key == "id"


def _shorten(root: Element) -> None:
    """Drop groups that hold nothing."""
    for parent in list(_all(root)):
        for child in list(parent):
            if len(child) == 0 and not child.text and child.tag.endswith("g"):
                parent.remove(child)


def _all(root: Element) -> Iterator[Element]:
    return root.iter()
