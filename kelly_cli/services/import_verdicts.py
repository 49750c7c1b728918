"""What an import says of one row: created, exists, or refused with the field and the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    Value = TypeVar("Value")

CREATED, EXISTS, REFUSED = "created", "exists", "refused"

BESIDE = " + "
"""Stands between a customer and its opening balance in a subject; no id can hold it."""

_TOTALS = {"total", "totals", "grand total", "subtotal", "sub total", "sum"}


class Verdict(NamedTuple):
    """What became of one row. ``line``: its row in the sheet, from 1, header included.

    ``subject``: what it made or what was there already, and its opening balance behind ``BESIDE``;
    ``field``, ``value`` and ``reason``: why it was refused (a reason alone is a remark).
    """

    line: int
    verdict: str
    subject: str | None = None
    field: str | None = None
    value: str | None = None
    reason: str | None = None


class RowRefusedError(Exception):
    """One row cannot be taken. Never leaves its import."""

    def __init__(self, field: str, value: str | None, reason: str) -> None:
        super().__init__(reason)
        self.field, self.value, self.reason = field, value, reason


def read(field: str, text: str, reader: Callable[[str], Value]) -> Value:
    """Read one cell.

    Raises:
        RowRefusedError: the reader refuses it.
    """
    try:
        return reader(text)
    except DomainError as error:
        why = error.message.rpartition("--")[2]
        raise RowRefusedError(field, text, why.removeprefix(f"{field}: ")) from None
    except ValueError as error:
        raise RowRefusedError(field, text, str(error)) from None


def refuse_total(cells: Mapping[str, str], *fields: str) -> None:
    """Refuse the row of sums that stands under many tables.

    Raises:
        RowRefusedError: it is one.
    """
    for field in fields:
        text = cells.get(field, "")
        if " ".join(text.lower().replace("-", " ").strip(" :.").split()) in _TOTALS:
            raise RowRefusedError(field, text, "this is the row of a total")
