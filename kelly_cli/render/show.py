"""Show: what a run has to say, to people, to pipes and to machines.

Made once per run. stdout is data, stderr is talk. With ``json`` stdout carries JSON alone; without
it people read it: drawn on a terminal, tab-separated with full values when piped, when ``NO_COLOR``
is set or when the terminal is dumb (contract section 1). A list may be ``wanted`` as CSV, XLSX or
in a file; then stdout carries that alone, or nothing. Every text is made harmless here.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kelly_cli.errors import KellyError
from kelly_cli.render.chart import bar_lines
from kelly_cli.render.columns import cell
from kelly_cli.render.harmless import dump_json, dump_json_line, safe
from kelly_cli.render.progress import Progress
from kelly_cli.render.streams import can_draw, is_unicode, width_of, write, write_bytes
from kelly_cli.render.wanted import AS_EVER, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, TextIO

    from kelly_cli.render.columns import Column, Field
    from kelly_cli.render.terminal import Bar

PROGRESS_AFTER_S = 0.5


@dataclass(kw_only=True)
class Show:
    """The two streams of a run and the way to write to them.

    ``width`` is in cells, None = ask the terminal. ``stdin`` answers questions, None = nobody does.
    """

    json: bool
    stdout: TextIO
    stderr: TextIO
    environ: Mapping[str, str]
    width: int | None = None
    stdin: TextIO | None = None
    wanted: Wanted = AS_EVER
    _progress: Progress | None = field(default=None, init=False, repr=False)

    def rows(
        self,
        rows: Sequence[Mapping[str, object]],
        columns: Sequence[Column],
        *,
        as_json: Sequence[Any] | Callable[[], Sequence[Any]],
        empty: str,
        fields: Sequence[Field] = (),
        wrap: Callable[[Sequence[object]], object] = list,
    ) -> None:
        """Print many objects: a JSON array, CSV or XLSX, or a table for people.

        ``empty`` is said on stderr when there are none; a pipe then still gets its header line.
        ``fields``: the keys of the JSON objects, where the columns do not say them all. ``wrap``
        makes the JSON document, where it is more than the array.
        """
        if self.wanted != AS_EVER:
            from kelly_cli.render.exporting import export

            objects = as_json() if callable(as_json) else as_json
            export(self, rows, columns, objects, declared=fields, empty=empty, wrap=wrap)
        elif self.json:
            self.whole(wrap(as_json() if callable(as_json) else as_json))
        else:
            self.table(rows, columns, empty=empty)

    def record(
        self,
        values: Mapping[str, object],
        columns: Sequence[Column],
        json_object: Mapping[str, object],
    ) -> None:
        """Print one object: JSON, or a line for each field."""
        if self.json:
            self.document(json_object)
        else:
            self.fields(values, columns)

    def table(
        self, rows: Sequence[Mapping[str, object]], columns: Sequence[Column], *, empty: str = ""
    ) -> None:
        """Print a table for people; nothing beside a document. For parts of a larger document."""
        if self.is_quiet:
            return
        cells = [_cells(columns, row) for row in rows]
        if not self.draws:
            self._tabbed([[safe(column.title) for column in columns], *cells])
        elif cells:
            self._draw_table(columns, cells)
        if empty and not cells:
            self.note(empty)

    def fields(self, values: Mapping[str, object], columns: Sequence[Column]) -> None:
        """Print one object for people; nothing under ``--json``."""
        if self.is_quiet:
            return
        cells = _cells(columns, values)
        if self.draws:
            from kelly_cli.render.terminal import draw_record

            write(
                self.stdout,
                draw_record(columns, cells, stream=self.stdout, width=self._width(self.stdout)),
            )
        else:
            titles = [safe(column.title) for column in columns]
            self._tabbed(list(zip(titles, cells, strict=True)))

    def document(self, json_object: Mapping[str, object]) -> None:
        """Print one object, or the members of it that were wanted.

        Raises:
            UsageError: there is no such member.
        """
        if self.wanted.fields:
            from kelly_cli.render.narrowing import narrowed

            wanted = self.wanted
            json_object = narrowed(json_object, wanted.fields, checked=bool(wanted.known))
        self.whole(json_object)

    def whole(self, json_object: object) -> None:
        """Print one JSON document as it is, or put it into the file that was wanted."""
        in_file = self.wanted.file is not None
        ascii_only = not in_file and not is_unicode(self.stdout)
        self.put(dump_json(json_object, ascii_only=ascii_only) + "\n")

    def put(self, ready: str | bytes) -> None:
        """Put a ready document into the file that was wanted, else on stdout.

        Raises:
            StorageError: the file cannot be written; what was there is there still.
        """
        file = self.wanted.file
        if file is not None:
            from kelly_cli.render.files import save

            save(file, ready.encode() if isinstance(ready, str) else ready)
            self.note(f"Wrote {file}")
        elif isinstance(ready, str):
            write(self.stdout, ready)
        else:
            write_bytes(self.stdout, ready)

    def json_line(self, json_object: object) -> None:
        """Print one line of JSON Lines, at once."""
        line = dump_json_line(json_object, ascii_only=not is_unicode(self.stdout))
        write(self.stdout, line + "\n")

    def lines(self, *texts: str) -> None:
        """Print texts for people, a line each; nothing under ``--json``."""
        if not self.is_quiet:
            write(self.stdout, "".join(f"{safe(text)}\n" for text in texts))

    def verbatim(self, text: str) -> None:
        """Print a ready document, such as an export: whole to a pipe, harmless to a terminal."""
        if self.stdout.isatty():
            text = "\n".join(map(_safe_beside_tabs, text.split("\n")))
        write(self.stdout, text)

    def bar_chart(self, rows: Sequence[tuple[str, int]], *, unit: str) -> None:
        """Draw a bar for each row; a pipe gets label and number. Nothing under ``--json``."""
        if self.is_quiet:
            return
        if not self.draws:
            self._tabbed([[safe(label), str(value)] for label, value in rows])
            return
        ascii_only = not is_unicode(self.stdout)
        width = self._width(self.stdout)
        self.lines(*bar_lines(rows, unit=unit, width=width, ascii_only=ascii_only))

    def note(self, text: str) -> None:
        """Tell people something on stderr, one line."""
        line = safe(text)
        if self._progress is None or not self._progress.say(line):
            write(self.stderr, f"{line}\n")

    def warning(self, text: str) -> None:
        """Warn on stderr, one line."""
        self.note(f"Warning: {text}")

    def error(self, error: KellyError) -> None:
        """Say on stderr what went wrong and what to try; under ``--json`` one object, one line."""
        if self.json:
            line = dump_json_line(error.as_dict(), ascii_only=not is_unicode(self.stderr))
            write(self.stderr, line + "\n")
            return
        self.note(f"Error: {error.message}")
        if error.hint:
            self.note(f"Try: {error.hint}")

    def confirm(self, question: str, *, yes: bool, repeat: str) -> None:
        """Return when a person agrees, on the terminal or beforehand (``yes``); no is the default.

        ``repeat`` is the command to give again, without ``--yes``.

        Raises:
            KellyError: ``confirmation_needed``, there is nobody to ask; ``not_confirmed``, the
                answer was no. Nothing may be changed after either.
        """
        if yes:
            return
        if self.stdin is None or not self.stdin.isatty():
            raise KellyError(
                f"This needs a yes, and there is no terminal to ask on: {question}",
                hint=f"{repeat} --yes",
                code="confirmation_needed",
            )
        write(self.stderr, f"{safe(question)} [y/N] ")
        if self.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise KellyError("Not confirmed: nothing was changed", code="not_confirmed")

    @contextmanager
    def progress(
        self, total: int | None, description: str, *, after_s: float = PROGRESS_AFTER_S
    ) -> Iterator[Progress]:
        """Show progress on stderr while the block runs, from ``after_s`` on, on a terminal only.

        ``total`` None = unknown.
        """

        def draw() -> Bar:
            from kelly_cli.render.terminal import Bar

            return Bar(self.stderr, self._width(self.stderr), description, total)

        wanted = not self.json and can_draw(self.stderr, self.environ)
        self._progress = progress = Progress(draw if wanted else None, after_s=after_s)
        try:
            yield progress
        finally:
            self._progress = None
            progress.close()

    @property
    def is_quiet(self) -> bool:
        """Tell whether stdout is kept for a document: nothing beside it is printed for people."""
        return self.json or self.wanted.form is not None

    @property
    def is_for_people(self) -> bool:
        """Tell whether a list is read by people: a table, on stdout or in a text file."""
        return self.wanted.form == "text" or not self.is_quiet

    @property
    def draws(self) -> bool:
        """Tell whether stdout is a terminal to draw on."""
        return can_draw(self.stdout, self.environ)

    def _width(self, stream: TextIO) -> int:
        return self.width or width_of(stream, self.environ)

    def _tabbed(self, lines: Sequence[Sequence[str]]) -> None:
        write(self.stdout, "".join("\t".join(line) + "\n" for line in lines))

    def _draw_table(self, columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> None:
        from kelly_cli.render.terminal import draw_table

        width = self._width(self.stdout)
        drawn = draw_table(columns, cells, stream=self.stdout, width=width)
        write(self.stdout, drawn.text)
        if drawn.dropped:
            titles = ", ".join(column.title for column in drawn.dropped)
            self.note(f"No room at {width} columns for: {titles} (--json has all)")


def _cells(columns: Sequence[Column], values: Mapping[str, object]) -> list[str]:
    """Write the values of all columns; a key that is missing is a bug and says so."""
    return [cell(column, values[column.key]) for column in columns]


def _safe_beside_tabs(line: str) -> str:
    return "\t".join(map(safe, line.removesuffix("\r").split("\t")))
