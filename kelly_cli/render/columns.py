"""Columns: what a value is, and how it is written for people. Every cell leaves here harmless."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from kelly_cli.core.money import kes_for_people
from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.errors import BrokenInvariantError
from kelly_cli.render.harmless import safe

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal[
    "text",  # any text: the only kind that may be folded
    "money",  # int, cents
    "id",
    "receipt",
    "phone",
    "date",
    "instant",  # datetime with a zone, shown as Nairobi's wall-clock
    "wall",  # datetime without a zone: Nairobi's wall-clock already
    "count",  # int
    "flag",  # bool
    "status",
]


FieldKind = Literal["text", "money", "date", "instant"]


@dataclass(frozen=True)
class Column:
    """One column of a table, or one line of a record.

    ``priority`` says how readily a narrow terminal drops it: 0 = never, the highest goes first.
    """

    key: str
    title: str
    kind: Kind = "text"
    priority: int = 0

    @property
    def folds(self) -> bool:
        """Tell whether a long value may go on in the next line; all others stay whole."""
        return self.kind == "text"

    @property
    def right(self) -> bool:
        """Tell whether values stand at the right edge."""
        return self.kind in {"money", "count"}


class Field(NamedTuple):
    """One key of a list's JSON objects: a column of its CSV and XLSX, a name for ``--fields``."""

    key: str
    kind: FieldKind = "text"
    """What a text of JSON stands for; numbers, flags and lists say themselves what they are."""


def fields(*declared: str) -> tuple[Field, ...]:
    """Declare keys in order: ``fields("customer_id", "balance:money", "created_at")``.

    ``key:kind`` gives the kind; names ending in ``_at`` are instants, in ``_on`` dates.
    """
    return tuple(_field(each) for each in declared)


def _field(declared: str) -> Field:
    key, _, kind = declared.partition(":")
    if kind:
        return Field(key, _FIELD_KINDS[kind])
    return Field(key, "instant" if key.endswith("_at") else "date" if key[-3:] == "_on" else "text")


_FIELD_KINDS: dict[str, FieldKind] = {"money": "money", "date": "date", "instant": "instant"}


def cell(column: Column, value: object) -> str:
    """Write one value for people: one line, harmless, whole. None is "".

    Raises:
        BrokenInvariantError: the value is not of the column's kind.
    """
    if value is None:
        return ""
    written = _WRITERS.get(column.kind, str)(value)
    if written is None:
        raise BrokenInvariantError(f"column {column.key} ({column.kind}) cannot show {value!r}")
    return safe(written)


def _money(value: object) -> str | None:
    return kes_for_people(value) if _is_whole_number(value) else None  # type: ignore[arg-type]


def _count(value: object) -> str | None:
    return str(value) if _is_whole_number(value) else None


def _is_whole_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _date(value: object) -> str | None:
    is_date = isinstance(value, date) and not isinstance(value, datetime)
    return str(value) if is_date else None


def _instant(value: object) -> str | None:
    if not isinstance(value, datetime) or value.tzinfo is None:
        return None
    return nairobi_wall_clock(value).isoformat(" ", "seconds")


def _wall(value: object) -> str | None:
    if not isinstance(value, datetime) or value.tzinfo is not None:
        return None
    return value.isoformat(" ", "seconds")


def _flag(value: object) -> str | None:
    return ("yes" if value else "no") if isinstance(value, bool) else None


_WRITERS: dict[Kind, Callable[[object], str | None]] = {
    "money": _money,
    "count": _count,
    "date": _date,
    "instant": _instant,
    "wall": _wall,
    "flag": _flag,
}
