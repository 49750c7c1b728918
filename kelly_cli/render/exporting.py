"""Exporting: one list, in the form and to the place that were wanted.

Imported only by lists that were asked for CSV, XLSX, a file or fewer fields.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

from kelly_cli.errors import UsageError
from kelly_cli.render.sheet import Sheet, csv_text, fields_of, for_people, picked, value_of
from kelly_cli.render.streams import is_unicode
from kelly_cli.render.wanted import AS_EVER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from kelly_cli.render.columns import Column, Field
    from kelly_cli.render.show import Show


def export(
    show: Show,
    rows: Sequence[Mapping[str, object]],
    columns: Sequence[Column],
    objects: Sequence[Mapping[str, object]],
    *,
    declared: Sequence[Field],
    empty: str,
    wrap: Callable[[Sequence[object]], object],
) -> None:
    """Write one list as ``show.wanted`` says.

    Raises:
        UsageError: no such field; XLSX onto a terminal.
        StorageError: the file cannot be written.
    """
    asked = show.wanted
    chosen = picked(fields_of(declared, columns, objects), asked.fields)
    form = asked.form or ("json" if show.json else "text")
    if form == "json":
        shown = [_narrowed(each, chosen) for each in objects] if asked.fields else objects
        show.whole(wrap(shown))
        return
    if asked.fields and form == "text":
        rows, columns = for_people(chosen, columns, objects)
    if form == "text":
        _as_text(show, rows, columns, empty)
        return
    sheet = Sheet("kelly", chosen, objects)
    if form == "csv":
        to_terminal = asked.file is None and not is_unicode(show.stdout)
        show.put(csv_text(sheet, ascii_only=to_terminal))
    else:
        from kelly_cli.render.xlsx import xlsx_bytes

        if asked.file is None and show.stdout.isatty():
            raise UsageError("--xlsx: this is a terminal", hint="-o list.xlsx")
        show.put(xlsx_bytes(sheet))
    if empty and not objects:
        show.note(empty)


def _narrowed(each: Mapping[str, object], chosen: Sequence[Field]) -> dict[str, object]:
    found: dict[str, Any] = {}
    for field in chosen:
        *outer, key = field.key.split(".")
        place = found
        for name in outer:
            place = place.setdefault(name, {})
        place[key] = value_of(each, field.key)
    return found


def _as_text(
    show: Show, rows: Sequence[Mapping[str, object]], columns: Sequence[Column], empty: str
) -> None:
    if show.wanted.file is None:
        replace(show, wanted=AS_EVER).table(rows, columns, empty=empty)
        return
    held = io.StringIO()
    replace(show, stdout=held, json=False, wanted=AS_EVER).table(rows, columns, empty=empty)
    show.put(held.getvalue())
