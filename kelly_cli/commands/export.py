"""kelly export: the journal as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.keys import EXPORTED
from kelly_cli.commands.ledger import FromOpt, ToOpt
from kelly_cli.commands.options import JsonOpt, days
from kelly_cli.commands.single import single
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from kelly_cli.office import Office
    from kelly_cli.services.ledger import Export

app = typer.Typer(rich_markup_mode=None, add_completion=False)

FORMATS = ("hledger", "beancount", "csv", "json", "xlsx")
BY_NAME = {
    ".journal": "hledger",
    ".hledger": "hledger",
    ".beancount": "beancount",
    ".csv": "csv",
    ".json": "json",
    ".xlsx": "xlsx",
}
AT_ONCE = 1 << 16
"""Characters that go out together."""


@app.command(cls=single(*EXPORTED))
def export(
    ctx: typer.Context,
    form: Annotated[
        str | None, typer.Option("--format", help=f"{', '.join(FORMATS)}.", metavar="FORMAT")
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", help="The file; - = stdout.", metavar="FILE|-")
    ] = "-",
    first: FromOpt = None,
    last: ToOpt = None,
    json: JsonOpt = False,
) -> None:
    """Write the journal for another program; its balances stand in it, so that it checks them.

    kelly export --format hledger -o books.journal

    kelly export --format beancount --from 2026-01-01 -o 2026.beancount

    kelly export --format csv -o -
    """
    from kelly_cli.services import ledger

    office = office_of(ctx, json=json)
    file = None if output == "-" else Path(output)
    wanted = ledger.Days(*days(first, last))
    kind = _form(office, form, file, json=json)
    if file is not None:
        from kelly_cli.render.files import check_place

        check_place(file)
    with ledger.exporting(office.books_to_read(), wanted) as found:
        pieces = _pieces(kind, found, wanted.first)
        if file is None:
            _to_stdout(office, pieces)
            return
        from kelly_cli.render.files import save

        save(file, pieces)
    if office.show.json:
        office.show.document({"file": str(file), "format": kind})
    else:
        office.show.note(f"Wrote {file}")


def _form(office: Office, form: str | None, file: Path | None, *, json: bool) -> str:
    """Return the format that is wanted, from the option or the file's name."""
    named = BY_NAME.get(file.suffix.lower()) if file is not None else None
    if form is not None and form not in FORMATS:
        raise UsageError(f"--format: {form!r} is no format", hint=f"One of {', '.join(FORMATS)}")
    kind = form or named or ("json" if office.show.json and file is None else None)
    if kind is None:
        raise UsageError("--format: which?", hint=f"One of {', '.join(FORMATS)}")
    if json and file is None and kind != "json":
        raise UsageError(f"--json and --format {kind}: give one of them", hint="Or give -o FILE")
    if kind == "xlsx" and file is None and office.show.stdout.isatty():
        raise UsageError("--format xlsx: this is a terminal", hint="-o books.xlsx")
    return kind


def _pieces(kind: str, found: Export, first: date | None) -> Iterator[bytes]:
    if kind in {"hledger", "beancount"}:
        from kelly_cli.render.journal_text import WRITERS

        return _joined(WRITERS[kind](found.opening, found.entries, first=first))
    from kelly_cli.render import journal_table

    if kind == "xlsx":
        return journal_table.xlsx_pieces(found.entries)
    lines = journal_table.csv_lines if kind == "csv" else journal_table.json_lines
    return _joined(lines(found.entries))


def _joined(texts: Iterable[str]) -> Iterator[bytes]:
    held: list[str] = []
    size = 0
    for text in texts:
        held.append(text)
        size += len(text)
        if size > AT_ONCE:
            yield "".join(held).encode()
            held.clear()
            size = 0
    yield "".join(held).encode()


def _to_stdout(office: Office, pieces: Iterable[bytes]) -> None:
    from kelly_cli.render.streams import write_bytes

    show = office.show
    for piece in pieces:
        if show.stdout.isatty():
            show.verbatim(piece.decode())
        else:
            write_bytes(show.stdout, piece)
