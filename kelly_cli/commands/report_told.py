"""Telling a report: a table with small charts, a document, or one page of HTML.

Every report makes one ``Told``; where it goes is decided here once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from kelly_cli.commands.options import day
from kelly_cli.core.money import kes_for_people
from kelly_cli.errors import UsageError
from kelly_cli.office import Office
from kelly_cli.render import Column
from kelly_cli.render.columns import Field
from kelly_cli.render.drawing import Chart

HtmlOpt = Annotated[
    str | None,
    typer.Option(
        "--html", help="Write one page with charts, for browser and paper.", metavar="FILE"
    ),
]
MOST_DAYS = 3660
DaysOpt = Annotated[
    int, typer.Option("--days", min=1, max=MOST_DAYS, help="So many days up to --date.")
]
DateOpt = Annotated[
    str | None, typer.Option("--date", help="The last day (default: today).", metavar="DAY")
]
_MOST_BARS = 31
_LONGEST_LABEL = 24
_LATEST = date(9000, 1, 1)


class Table(NamedTuple):
    """A table under a heading; ``total`` stands at its foot on a page."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, object]]
    total: Mapping[str, object] | None = None
    empty: str = "Nothing"


@dataclass(kw_only=True)
class Told:
    """One report. ``main`` is the list that CSV and XLSX hold; ``objects`` its JSON objects.

    ``about``: what it is of. ``cards``: name, figure, note. ``more``: tables after the main one.
    ``wrap`` makes the JSON document of the list.
    """

    title: str
    main: Table
    objects: Sequence[Mapping[str, Any]]
    wrap: Callable[[Sequence[object]], object] = list
    fields: Sequence[Field] = ()
    about: Sequence[str] = ()
    warnings: Sequence[str] = ()
    cards: Sequence[tuple[str, str, str]] = ()
    charts: Sequence[Chart] = ()
    more: Sequence[Table] = ()
    notes: Sequence[str] = field(default_factory=list)


def check_html(office: Office, html: str | None) -> Path | None:
    """Return where a page goes, before any work is done; None = nowhere.

    Raises:
        UsageError: stdout, or another form beside it.
        StorageError: ``file_not_writable``.
    """
    if html is None:
        return None
    from kelly_cli.render.files import check_place

    if office.show.wanted.form not in {None, "json"} or office.show.wanted.file is not None:
        raise UsageError("--html beside --csv, --xlsx or -o: give one of them")
    if html in {"", "-"}:
        raise UsageError("--html: name a file", hint="--html report.html")
    check_place(Path(html))
    return Path(html)


def tell(office: Office, told: Told, page: Path | None) -> None:
    """Write the page, or print the report."""
    show = office.show
    for line in told.warnings:
        show.warning(line)
    if page is not None:
        from kelly_cli.render.files import save

        save(page, _page(office, told).encode())
        show.note(f"Wrote {page}")
        if not show.json:
            return
    drawn = show.draws and show.is_for_people
    if drawn:
        show.lines(told.title, *told.about, "")
    show.rows(
        told.main.rows,
        told.main.columns,
        as_json=told.objects,
        empty=told.main.empty,
        fields=told.fields,
        wrap=told.wrap,
    )
    if drawn and told.cards and told.main.rows:
        show.lines("", *(_card_line(*card) for card in told.cards))
    if drawn:
        _tell_charts(office, told)
    for table in told.more:
        if table.rows and not show.is_quiet:
            show.lines("", table.name)
            show.table(table.rows, table.columns)
    for note in told.notes:
        show.note(note)


def last_day(office: Office, text: str | None, *, option: str = "--date") -> date:
    """Read the last day of a report; None = today.

    Raises:
        UsageError: no day, or one at the end of the calendar.
    """
    found = day(text, option=option) or office.today()
    if found > _LATEST:
        raise UsageError(f"{option}: {found} is too far ahead", hint="Write it as 2026-02-03")
    return found


def share(value: float | None) -> str:
    """Write a share for people, "-" for none."""
    return "-" if value is None else f"{value:.1%}"


def signed(cents: int | None) -> str:
    """Write a change for people, with its sign."""
    if cents is None:
        return "-"
    return ("+" if cents > 0 else "") + kes_for_people(cents)


def _card_line(name: str, figure: str, note: str) -> str:
    return f"{name}: {figure}{f' ({note})' if note else ''}"


def _tell_charts(office: Office, told: Told) -> None:
    """Draw the bars of one series each, money first; the newest, or the most, of many."""
    for place, chart in enumerate(told.charts):
        is_drawn = len(chart.series) == 1 and (place == 0 or chart.kind == "ranks")
        rows = [
            (label, round(value))
            for label, value in zip(chart.labels, chart.series[0][1], strict=True)
            if value is not None and (value or chart.kind != "ranks")
        ]
        if not (is_drawn and any(value for _, value in rows)):
            continue
        office.show.lines("", chart.title)
        kept = rows[:_MOST_BARS] if chart.kind == "ranks" else rows[-_MOST_BARS:]
        cut = [(_cut(label), value) for label, value in kept]
        office.show.bar_chart(cut, unit=chart.unit)


def _cut(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1] + "…"


def _page(office: Office, told: Told) -> str:
    from kelly_cli.render.drawing import draw
    from kelly_cli.render.page import own_markup, page

    drawn = [(chart.title, draw(chart)) for chart in told.charts]
    business = office.config.business.name
    return page(
        "report.html",
        title=told.title,
        about=[*told.about, *([business] if business else [])],
        warnings=told.warnings,
        cards=told.cards,
        charts=[(name, own_markup(svg)) for name, svg in drawn if svg],
        tables=[told.main, *(table for table in told.more if table.rows)],
        footer=f"Made by kelly, {office.today()}",
    )
