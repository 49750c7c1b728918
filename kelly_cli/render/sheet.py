"""Sheets: lists of JSON objects as CSV, or as typed values for spreadsheets and tables.

What JSON says as text and means as money or time is known from the declared fields. Nothing is
lost: a list or an object inside a cell stands there as JSON.
"""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.render.columns import Column, Field
from kelly_cli.render.harmless import dump_json_line, safe_csv_cell
from kelly_cli.render.narrowing import no_field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from kelly_cli.render.columns import FieldKind, Kind

    Object = Mapping[str, object]


class Sheet(NamedTuple):
    """A list under a name, with the fields that make its columns."""

    name: str
    fields: Sequence[Field]
    objects: Sequence[Object]


class Money(NamedTuple):
    """An amount, so that it is not taken for a count."""

    cents: int


def fields_of(
    declared: Sequence[Field], columns: Sequence[Column], objects: Iterable[Object]
) -> tuple[Field, ...]:
    """Return every field of a list: the declared ones (else the columns'), then what came besides.

    A list of none has fields too. ``a.b`` is the ``b`` of the object ``a``.
    """
    found = list(declared) or [_field_of(column) for column in columns]
    known = {field.key.partition(".")[0] for field in found}
    for each in objects:
        for key in each:
            if key not in known:
                known.add(key)
                found.append(Field(key))
    return tuple(found)


def value_of(each: Object, key: str) -> Any:
    """Return the value of a field; None where there is none."""
    if key in each:
        return each[key]
    outer, dot, inner = key.partition(".")
    held = each.get(outer)
    return value_of(held, inner) if dot and isinstance(held, dict) else None


def _field_of(column: Column) -> Field:
    key = column.key.removesuffix("_cents")
    return Field(key, _KINDS.get(column.kind, "text"))


_KINDS: dict[Kind, FieldKind] = {
    "money": "money",
    "date": "date",
    "instant": "instant",
    "wall": "instant",
}


def picked(every: Sequence[Field], names: Sequence[str]) -> tuple[Field, ...]:
    """Return the fields that were asked for, in the order asked; all, when none was named.

    The name of an object stands for all its fields.

    Raises:
        UsageError: there is no such field; the hint names the nearest.
    """
    found: dict[str, Field] = {}
    for name in names:
        under = {each.key: each for each in every if f"{each.key}.".startswith(f"{name}.")}
        if not under:
            raise no_field(name, [field.key for field in every])
        found |= under
    return tuple(found.values()) if names else tuple(every)


def csv_text(sheet: Sheet, *, ascii_only: bool = False) -> str:
    """Write CSV: a line of keys, then a line for each object; comma, ``"`` and LF.

    Values are JSON's own (``5000.00``, ISO 8601, ``true``), none is empty, and every text passes
    ``safe_csv_cell``.
    """
    return "".join(csv_lines(sheet, ascii_only=ascii_only))


def csv_lines(sheet: Sheet, *, ascii_only: bool = False) -> Iterator[str]:
    """Write the same, line by line, for lists that are too long to hold."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    keys = [field.key for field in sheet.fields]

    def written(cells: Iterable[str]) -> str:
        line.seek(0)
        line.truncate()
        writer.writerow(safe_csv_cell(cell, ascii_only=ascii_only) for cell in cells)
        return line.getvalue()

    yield written(keys)
    for each in sheet.objects:
        yield written(text_of(value_of(each, key)) for key in keys)


def text_of(value: object) -> str:
    """Return a JSON value as the text of a cell; a list or an object as JSON on one line."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return dump_json_line(value)


def typed(field: Field, value: object) -> object:
    """Return what a JSON value stands for: Money, a date, a datetime with a zone, or itself."""
    if not isinstance(value, str):
        return value
    try:
        if field.kind == "money":
            return _money(value)
        if field.kind == "date":
            return date.fromisoformat(value)
        if field.kind == "instant":
            found = datetime.fromisoformat(value)
            return value if found.tzinfo is None else found
    except ValueError:  # another word in its place: the word is shown
        return value
    return value


def _money(text: str) -> object:
    try:
        cents = Decimal(text) * 100
        return Money(int(cents)) if cents == int(cents) else text
    except (InvalidOperation, OverflowError):
        return text


def wall_clock(instant: datetime) -> datetime:
    """Return Nairobi's wall-clock of an instant, in whole seconds, as people see it."""
    return nairobi_wall_clock(instant).replace(microsecond=0)


def for_people(
    chosen: Sequence[Field], columns: Sequence[Column], objects: Sequence[Object]
) -> tuple[list[dict[str, object]], list[Column]]:
    """Return rows and columns of a table of just these fields; titles as the list has them."""
    titles = {column.key.removesuffix("_cents"): column.title for column in columns}
    rows: list[dict[str, object]] = [{} for _ in objects]
    made = []
    for field in chosen:
        values = [typed(field, value_of(each, field.key)) for each in objects]
        kind = field.kind if all(map(_is_typed, values)) else "text"
        if kind == "text":
            values = [text_of(value_of(each, field.key)) for each in objects]
        title = titles.get(field.key) or field.key.replace("_", " ").capitalize()
        made.append(Column(field.key, title, kind))
        for row, value in zip(rows, values, strict=True):
            row[field.key] = value.cents if isinstance(value, Money) else value
    return rows, made


def _is_typed(value: object) -> bool:
    return value is None or isinstance(value, Money | date)
