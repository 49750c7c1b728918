"""A paper as lines of a narrow strip, and those lines as plain text of 42 columns.

The strip is the same for a printer that takes text and for the PDF of 80 mm (``till``).
"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Literal, NamedTuple

from kelly_cli.core.money import kes_for_people
from kelly_cli.render.columns import cell
from kelly_cli.render.harmless import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kelly_cli.render.columns import Column
    from kelly_cli.render.paper import Paper, Table

COLUMNS = 42
"""What the narrower of the common printers put on 80 mm."""

Look = Literal["plain", "bold", "centre", "title", "rule", "gap"]


class StripLine(NamedTuple):
    """One line. ``right`` stands at the right edge; a long ``left`` takes more lines."""

    left: str = ""
    right: str = ""
    look: Look = "plain"


def strip(paper: Paper) -> Iterator[StripLine]:
    """Return the lines of a paper; the QR code, which only a picture can hold, is not among them.

    Texts are harmless already.
    """
    for line in _lines(paper):
        yield StripLine(safe(line.left), safe(line.right), line.look)


def strip_text(paper: Paper) -> str:
    """Return a paper as plain text, no line longer than ``COLUMNS``."""
    return "".join(f"{text}\n" for line in strip(paper) for text in _texts(line))


def _lines(paper: Paper) -> Iterator[StripLine]:
    head = paper.letterhead
    yield StripLine(head.name, look="title")
    for line in head.lines:
        yield StripLine(line, look="centre")
    if head.tax_number:
        yield StripLine(f"Tax number {head.tax_number}", look="centre")
    yield StripLine(look="rule")
    yield StripLine(f"{paper.title} {paper.number}", look="title")
    if paper.stamp:
        yield StripLine(paper.stamp, look="title")
    for name, value in paper.facts:
        yield StripLine(name, value)
    for text in paper.to:
        yield StripLine(text)
    for table in paper.tables:
        yield from _table(table)
    yield StripLine(look="rule")
    for total in paper.totals:
        yield StripLine(
            total.name, kes_for_people(total.cents), "bold" if total.strong else "plain"
        )
    yield from _end(paper)


def _table(table: Table) -> Iterator[StripLine]:
    if not table.rows:
        return
    yield StripLine(look="rule")
    if table.title:
        yield StripLine(table.title, look="bold")
    for row in table.rows:
        yield from _row(table.columns, row)


def _row(columns: tuple[Column, ...], row: Mapping[str, object]) -> Iterator[StripLine]:
    words = [cell(column, row[column.key]) for column in columns if not column.right]
    figures = [(column, cell(column, row[column.key])) for column in columns if column.right]
    left = " ".join(filter(None, words))
    if len(figures) == 1:
        yield StripLine(left, figures[0][1])
        return
    yield StripLine(left)
    if any(column.kind == "count" for column in columns):
        *detail, (_, right) = figures
        yield StripLine("  " + " x ".join(figure for _, figure in detail), right)
        return
    for column, figure in figures:
        yield StripLine(f"  {column.title}", figure)


def _end(paper: Paper) -> Iterator[StripLine]:
    pay = paper.how_to_pay
    if pay is not None:
        yield StripLine(look="rule")
        yield StripLine("How to pay", look="bold")
        for place, step in enumerate(pay.steps, 1):
            yield StripLine(f"{place}. {step}")
        for note in pay.notes:
            yield StripLine(note)
    if paper.notes:
        yield StripLine(look="gap")
        for note in paper.notes:
            yield StripLine(note, look="centre")


def _texts(line: StripLine) -> list[str]:
    if line.look == "rule":
        return ["-" * COLUMNS]
    if line.look == "gap":
        return [""]
    if line.look in {"centre", "title"}:
        return [text.center(COLUMNS).rstrip() for text in wrap(line.left, COLUMNS)]
    if not line.right:
        return _wrapped(line.left, COLUMNS)
    room = COLUMNS - len(line.right) - 1
    if room < len(line.left) and room < COLUMNS // 3:
        return [
            *_wrapped(line.left, COLUMNS),
            *(r.rjust(COLUMNS) for r in wrap(line.right, COLUMNS)),
        ]
    texts = _wrapped(line.left, room)
    last = texts.pop()
    return [*texts, last.ljust(COLUMNS - len(line.right)) + line.right]


def _wrapped(text: str, width: int) -> list[str]:
    indent = " " * (len(text) - len(text.lstrip(" ")))
    return wrap(text.lstrip(" "), width, initial_indent=indent, subsequent_indent=indent) or [""]
