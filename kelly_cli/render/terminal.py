"""Drawing on a terminal, with Rich. Imported only by what draws: this import costs start-up time.

Promises: a receipt, phone, id or amount is never cut and never folded. A table that is too wide
drops columns (highest priority number first), folds texts, and at last puts each row below the
other. Rich gets ``Text`` only, never a raw string: brackets in a name are not markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as RichProgress
from rich.table import Table
from rich.text import Text

from kelly_cli.render.harmless import safe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from kelly_cli.render.columns import Column

_GAP = 2
_TEXT_WELL = 20
"""Cells that a text should get: all that a BillRefNumber holds."""
_TEXT_AT_LEAST = 12
"""Cells; a text folded narrower than this cannot be read."""

_HEAD = "bold"
_STATUS = {
    "PAID": "green",
    "COMPLETED": "green",
    "PARTIALLY_PAID": "yellow",
    "UNMATCHED": "yellow",
    "PENDING": "yellow",
    "VOID": "dim",
    "REVERSED": "dim",
}
"""Colour repeats what the word says; it is never the only signal."""


class Drawn(NamedTuple):
    """What to write, and the columns that found no room."""

    text: str
    dropped: list[Column]


def draw_table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], *, stream: TextIO, width: int
) -> Drawn:
    """Draw rows of harmless cells (one per column) for a terminal ``width`` cells wide."""
    naturals = _natural_widths(columns, rows)
    shown = _fitting(columns, naturals, width, text_cells=_TEXT_WELL) or _fitting(
        columns, naturals, width, text_cells=_TEXT_AT_LEAST
    )
    if shown is None:
        blocks = [draw_record(columns, row, stream=stream, width=width) for row in rows]
        return Drawn("\n".join(blocks), [])
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style=_HEAD,
    )
    for i, cells in _shared(columns, naturals, shown, width).items():
        column = columns[i]
        table.add_column(
            Text(safe(column.title)),
            width=cells,
            no_wrap=not column.folds,
            overflow="fold",
            justify="right" if column.right else "left",
        )
    for row in rows:
        table.add_row(*(_styled(columns[i], row[i]) for i in shown))
    return Drawn(
        _render(stream, width, [table]), [c for i, c in enumerate(columns) if i not in shown]
    )


def draw_record(
    columns: Sequence[Column], cells: Sequence[str], *, stream: TextIO, width: int
) -> str:
    """Draw one object, a line for each field; only texts go on in further lines."""
    indent = max((cell_len(safe(column.title)) for column in columns), default=0) + _GAP
    room = max(width - indent, _TEXT_AT_LEAST)
    console = _console(stream, width)
    lines = []
    for column, value in zip(columns, cells, strict=True):
        text = _styled(column, value)
        parts = text.wrap(console, room, overflow="fold") if column.folds else [text]
        title = safe(column.title)
        for i, part in enumerate(parts):
            lead = title if i == 0 else ""
            padding = " " * (indent - cell_len(lead))
            lines.append(Text.assemble((lead, _HEAD), padding, part))
    return _render(stream, width, lines)


def _natural_widths(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    return [
        max(cell_len(safe(column.title)), max((cell_len(row[i]) for row in rows), default=0))
        for i, column in enumerate(columns)
    ]


def _fitting(
    columns: Sequence[Column], naturals: list[int], width: int, *, text_cells: int
) -> list[int] | None:
    """Return the columns that have room beside each other, by index; None when there is none."""
    least = [
        min(natural, text_cells) if column.folds else natural
        for column, natural in zip(columns, naturals, strict=True)
    ]
    shown = list(range(len(columns)))
    while sum(least[i] for i in shown) + _GAP * (len(shown) - 1) > width:
        droppable = [i for i in shown if columns[i].priority > 0]
        if not droppable:
            return None
        shown.remove(max(droppable, key=lambda i: (columns[i].priority, i)))
    return shown


def _shared(
    columns: Sequence[Column], naturals: list[int], shown: list[int], width: int
) -> dict[int, int]:
    """Share the width out: whole values get all they need, texts the rest in fair parts."""
    cells = {i: naturals[i] for i in shown}
    texts = sorted((i for i in shown if columns[i].folds), key=lambda i: naturals[i])
    room = width - _GAP * (len(shown) - 1) - sum(cells[i] for i in shown if i not in texts)
    for place, i in enumerate(texts):
        cells[i] = min(naturals[i], room // (len(texts) - place))
        room -= cells[i]
    return cells


def _styled(column: Column, value: str) -> Text:
    style = _STATUS.get(value, "") if column.kind == "status" else ""
    return Text(value, style=style)


def _console(stream: TextIO, width: int) -> Console:
    """Return a console that decides nothing by itself: whether to draw was decided already."""
    return Console(
        file=stream,
        width=width,
        force_terminal=True,
        color_system="standard",
        no_color=False,
        markup=False,
        emoji=False,
        highlight=False,
    )


def _render(stream: TextIO, width: int, parts: Sequence[Table | Text]) -> str:
    console = _console(stream, width)
    with console.capture() as captured:
        for part in parts:
            console.print(part, soft_wrap=isinstance(part, Text))
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


class Bar:
    """A progress bar; it leaves nothing behind. ``total`` None = unknown."""

    def __init__(self, stream: TextIO, width: int, description: str, total: int | None) -> None:
        self._progress = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            console=_console(stream, width),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task(safe(description), total=total)
        self._progress.start()

    def move_to(self, done: int) -> None:
        """Show ``done`` pieces as done."""
        self._progress.update(self._task, completed=done)

    def say(self, line: str) -> None:
        """Print a harmless line above the bar."""
        self._progress.console.print(Text(line), soft_wrap=True)

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()
