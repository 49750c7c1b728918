"""Spreadsheets as rows of text: CSV, XLS and XLSX give the same cells for the same table.

What a file is, its bytes say, not its name. Every cell becomes text: a date is
``YYYY-MM-DD HH:MM:SS``, a number the shortest text that stands for it. Knows nothing of what the
columns mean.
"""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import TypeAlias

from kelly_cli.errors import DomainError

Table: TypeAlias = list[list[str]]
"""Rows of cells; rows may differ in length."""

MOST_BYTES = 100 << 20
"""A larger file is no export of a month; reading it would only fill the memory."""

_OLE, _ZIP, _PDF = bytes.fromhex("d0cf11e0a1b11ae1"), b"PK\x03\x04", b"%PDF"
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_DELIMITERS = ",;\t"
_LOOKED_AT = 64 << 10
_MOST_CELL = 1 << 20


def read_tables(raw: bytes, name: str) -> list[Table]:
    """Return every table of a file that holds anything; ``name`` is for the errors.

    Raises:
        DomainError: ``unreadable_file``: a PDF, a web page, damaged, locked, or too large.
    """
    if len(raw) > MOST_BYTES:
        raise _refused(
            name, f"has {len(raw)} bytes, more than {MOST_BYTES}", "Export a shorter time"
        )
    if raw.lstrip()[:4] == _PDF:
        raise _refused(name, "is a PDF")
    if raw.startswith((_OLE, _ZIP)):
        return _workbook(raw, name)
    return [_text_rows(_decoded(raw, name), name)]


def _refused(name: str, why: str, hint: str = "Save it as CSV, XLS or XLSX") -> DomainError:
    return DomainError(f"{name} {why}", hint=hint, code="unreadable_file")


def _decoded(raw: bytes, name: str) -> str:
    """Return the text of a file: UTF-8 with or without a mark, UTF-16 by its mark, else cp1252."""
    encoding = next((each for mark, each in _MARKS if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")
    if "\x00" in text:
        raise _refused(name, "is no text and no spreadsheet that kelly knows")
    if text.lstrip()[:1] == "<":
        raise _refused(name, "is a web page")
    return text


def _text_rows(text: str, name: str) -> list[list[str]]:
    head = text[:_LOOKED_AT]
    delimiter = max(_DELIMITERS, key=head.count)
    csv.field_size_limit(_MOST_CELL)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise _refused(name, f"is no CSV: {error}") from None


def _workbook(raw: bytes, name: str) -> list[Table]:
    from python_calamine import CalamineError, PasswordError, load_workbook

    kind = "XLS" if raw.startswith(_OLE) else "XLSX"
    try:
        book = load_workbook(io.BytesIO(raw))
        tables = [
            book.get_sheet_by_name(each).to_python(skip_empty_area=False)
            for each in book.sheet_names
        ]
    except PasswordError:
        raise _refused(name, "is locked by a password", "Save it without one") from None
    except CalamineError as error:
        raise _refused(name, f"cannot be read as {kind}: {error}") from None
    return [[[_text(cell) for cell in cells] for cells in table] for table in tables if table]


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        # The shortest digits that stand for this very number: what a person typed.
        text = repr(value)
        return text.removesuffix(".0")
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    return "" if value is None else str(value)
