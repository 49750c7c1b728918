"""The journal as a table, piece by piece: CSV, JSON, XLSX; books of millions pass through.

Money is text with two decimals in CSV and JSON and a number in XLSX. Words from outside are
harmless in each; no cell is a live formula.
"""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kelly_cli.core.money import kes
from kelly_cli.core.times import iso_nairobi
from kelly_cli.render.harmless import dump_json_line, escaped, safe_csv_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kelly_cli.core.ledger import Entry

COLUMNS = ("at", "debit", "credit", "amount", "kind", "documents", "text")

MOST_ROWS = 1_048_576
"""A sheet holds no more; the journal goes on in the next one."""

_PIECE_BYTES = 1 << 16
_MADE = datetime(2000, 1, 1)  # noqa: DTZ001 - the file's own date: the same input, the same bytes
_WIDTHS = (20, 32, 32, 14, 14, 32, 40)


def entry_json(entry: Entry) -> dict[str, object]:
    """Return an entry as an object."""
    return {
        "at": iso_nairobi(entry.at),
        "debit": entry.debit,
        "credit": entry.credit,
        "amount": kes(entry.amount_cents),
        "kind": entry.kind,
        "documents": list(entry.documents),
        "text": entry.text,
    }


def json_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """Write one JSON array, an entry on each line."""
    before = "[\n"
    for each in entries:
        yield before + dump_json_line(entry_json(each))
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def csv_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """Write CSV with a header; ``documents`` are separated by blanks."""
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in entries:
        if held.tell() > _PIECE_BYTES:
            yield held.getvalue()
            held.seek(0)
            held.truncate()
        documents = " ".join(each.documents)
        row = (iso_nairobi(each.at), each.debit, each.credit, kes(each.amount_cents), each.kind)
        writer.writerow((*row, safe_csv_cell(documents), safe_csv_cell(each.text)))
    yield held.getvalue()


def xlsx_pieces(entries: Iterable[Entry], *, most_rows: int = MOST_ROWS) -> Iterator[bytes]:
    """Write a workbook, as many sheets as it takes. ``most_rows``: of a sheet, with its header."""
    import xlsxwriter  # type: ignore[import-untyped]

    with tempfile.TemporaryFile() as held:
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        with xlsxwriter.Workbook(held, options) as book:
            book.set_properties({"created": _MADE})
            _write(book, entries, most_rows)
        held.seek(0)
        while piece := held.read(_PIECE_BYTES):
            yield piece


def _write(book: Any, entries: Iterable[Entry], most_rows: int) -> None:
    head = book.add_format({"bold": True, "bottom": 1})
    money = book.add_format({"num_format": "#,##0.00"})
    instant = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    page, row = _page(book, head, 1), 0
    for each in entries:
        row += 1
        if row == most_rows:
            page, row = _page(book, head, len(book.worksheets()) + 1), 1
        page.write_datetime(row, 0, each.at, instant)
        page.write_string(row, 1, each.debit)
        page.write_string(row, 2, each.credit)
        page.write_number(row, 3, each.amount_cents / 100, money)
        page.write_string(row, 4, each.kind)
        page.write_string(row, 5, escaped(" ".join(each.documents)))
        page.write_string(row, 6, escaped(each.text)[:32_767])


def _page(book: Any, head: Any, number: int) -> Any:
    page = book.add_worksheet("journal" if number == 1 else f"journal {number}")
    page.freeze_panes(1, 0)
    for column, width in enumerate(_WIDTHS):
        page.set_column(column, column, width)
        page.write_string(0, column, COLUMNS[column], head)
    return page
