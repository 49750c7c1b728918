"""XLSX: real numbers, real dates, and text that stays text. The same lists, the same bytes.

Never a formula, never a link: not for what starts with ``=``, not for what looks like an address.
Instants are Nairobi's wall-clock, in whole seconds: a spreadsheet's dates have no zone. Harmful
characters are ``escaped``; ``read_xlsx_cell`` gives a text back.
"""

from __future__ import annotations

import io
import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from kelly_cli.errors import KellyError
from kelly_cli.render.harmless import escaped, unescaped
from kelly_cli.render.sheet import Money, text_of, typed, value_of, wall_clock

if TYPE_CHECKING:
    from kelly_cli.render.sheet import Sheet

MOST_ROWS = 1_048_576
LONGEST_TEXT = 32_767
_EXACT_CENTS = 10**15
"""Fifteen digits: all that a spreadsheet's number keeps."""
_EXACT_COUNT = 10**15
_FIRST_DAY = date(1900, 3, 1)
"""Before it a spreadsheet counts a day that was not."""
_MADE = datetime(2000, 1, 1)  # noqa: DTZ001 - the file's own date, without a zone: always the same
_NO_SIGN = re.compile(r"[\[\]:*?/\\']")


def xlsx_bytes(*sheets: Sheet) -> bytes:
    """Write a workbook with a sheet for each list.

    Raises:
        KellyError: ``too_big_for_xlsx``; a list or a text is longer than a spreadsheet holds.
    """
    import xlsxwriter  # type: ignore[import-untyped]

    held = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(held, options) as book:
        book.set_properties({"created": _MADE})
        formats = {
            "head": book.add_format({"bold": True, "bottom": 1}),
            "money": book.add_format({"num_format": "#,##0.00"}),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "instant": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        }
        for sheet in sheets:
            page = book.add_worksheet(_NO_SIGN.sub(" ", escaped(sheet.name))[:31])
            _write(page, formats, sheet)
    return held.getvalue()


def read_xlsx_cell(text: str) -> str:
    """Return the original of a text cell."""
    return unescaped(text)


def _write(page: Any, formats: dict[str, Any], sheet: Sheet) -> None:
    if len(sheet.objects) >= MOST_ROWS:
        raise _too_big(f"{len(sheet.objects)} rows are more than the {MOST_ROWS} of a sheet")
    page.freeze_panes(1, 0)
    for column, field in enumerate(sheet.fields):
        _write_text(page, 0, column, field.key, formats["head"])
        width = len(field.key)
        for row, each in enumerate(sheet.objects, start=1):
            value = typed(field, value_of(each, field.key))
            width = max(width, _write_cell(page, row, column, value, formats))
        page.set_column(column, column, min(width + 2, 60))
    if sheet.fields:
        page.autofilter(0, 0, len(sheet.objects), len(sheet.fields) - 1)


def _write_cell(page: Any, row: int, column: int, value: object, formats: dict[str, Any]) -> int:
    """Write one value and return how wide it is, in characters."""
    if value is None or value == "":
        return 0
    if isinstance(value, bool):
        page.write_boolean(row, column, value)
        return 5
    if isinstance(value, Money) and abs(value.cents) < _EXACT_CENTS:
        page.write_number(row, column, value.cents / 100, formats["money"])
        return len(f"{value.cents / 100:,.2f}")
    if isinstance(value, int) and abs(value) < _EXACT_COUNT:
        page.write_number(row, column, value)
        return len(str(value))
    if isinstance(value, float):
        page.write_number(row, column, value)
        return len(str(value))
    if isinstance(value, date) and not isinstance(value, datetime) and value >= _FIRST_DAY:
        page.write_datetime(row, column, value, formats["date"])
        return 10
    if isinstance(value, datetime):
        page.write_datetime(row, column, wall_clock(value), formats["instant"])
        return 19
    return _write_text(page, row, column, _as_text(value))


def _as_text(value: object) -> str:
    if isinstance(value, Money):
        return (
            f"{'-' if value.cents < 0 else ''}{abs(value.cents) // 100}.{abs(value.cents) % 100:02}"
        )
    return value.isoformat() if isinstance(value, date) else text_of(value)


def _write_text(page: Any, row: int, column: int, text: str, style: Any = None) -> int:
    shown = escaped(text)
    if len(shown) > LONGEST_TEXT:
        raise _too_big(f"a text of {len(shown)} characters is longer than a cell")
    page.write_string(row, column, shown, style)
    return len(shown)


def _too_big(what: str) -> KellyError:
    return KellyError(
        f"too big for XLSX: {what}", hint="Use --csv, or fewer rows", code="too_big_for_xlsx"
    )
