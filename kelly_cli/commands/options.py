"""The options and words that several commands share, read the same way everywhere."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from kelly_cli.core.money import parse_kes
from kelly_cli.errors import UsageError

JsonOpt = Annotated[
    bool, typer.Option("--json", help="Print one JSON document.", metavar="", envvar="KELLY_JSON")
]
LimitOpt = Annotated[int, typer.Option("--limit", min=1, max=10**9, help="At most this many rows.")]
YesOpt = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", metavar="")]
DryRunOpt = Annotated[
    bool, typer.Option("--dry-run", "-n", help="Show what would happen; keep nothing.", metavar="")
]
UndoOpt = Annotated[bool, typer.Option("--undo", help="Take it back.", metavar="")]
ReasonOpt = Annotated[str, typer.Option("--reason", help="Why, for the audit.")]
ShortCodeOpt = Annotated[
    str | None,
    typer.Option(
        "--short-code",
        help="Only this paybill or till of ours, with the store numbers under it.",
        metavar="CODE",
    ),
]
"""Read it with ``commands.short_codes.Places.picked``."""
CsvOpt = Annotated[
    bool, typer.Option("--csv", help="Print CSV: 5000.00, 2026-02-03, ISO times.", metavar="")
]
XlsxOpt = Annotated[
    bool, typer.Option("--xlsx", help="Write a spreadsheet; needs -o FILE.", metavar="")
]
OutputOpt = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        help="Write to a .csv, .json, .xlsx or .txt file, whole or not at all (-: stdout).",
        metavar="FILE",
    ),
]
FieldsOpt = Annotated[
    str | None,
    typer.Option("--fields", help="Only these fields, as JSON names them.", metavar="A,B"),
]
"""A list has these four by ``cls=Listing`` (commands/listing.py)."""

DEFAULT_LIMIT = 100


def amount(text: str, *, option: str, zero: bool = False) -> int:
    """Read an amount in KES from the command line, in cents.

    Raises:
        UsageError: no amount, or zero where it means nothing.
    """
    try:
        cents = parse_kes(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None
    if cents == 0 and not zero:
        raise UsageError(f"{option}: {text!r} is zero", hint="Give an amount above zero")
    return cents


def day(text: str | None, *, option: str) -> date | None:
    """Read a day (``2026-02-03``) from the command line; None stays None.

    Raises:
        UsageError: no day of the calendar.
    """
    if text is None:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.isoformat() != text:
        raise UsageError(f"{option}: {text!r} is not a day", hint="Write it as 2026-02-03")
    return found


def printable(text: str, *, option: str) -> str:
    """Read words from the command line, without blanks around them.

    Raises:
        UsageError: nothing but blanks, or characters that cannot be printed.
    """
    words = text.strip()
    if not words or not words.isprintable():
        raise UsageError(f"{option}: {text!r} is not printable text", hint="Give it in plain words")
    return words


def days(first: str | None, last: str | None) -> tuple[date | None, date | None]:
    """Read ``--from`` and ``--to``.

    Raises:
        UsageError: not days, or in the wrong order.
    """
    first_day, last_day = day(first, option="--from"), day(last, option="--to")
    if first_day and last_day and first_day > last_day:
        raise UsageError(f"--from: {first} is after --to {last}", hint="Swap the two days")
    return first_day, last_day
