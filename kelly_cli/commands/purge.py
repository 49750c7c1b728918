"""kelly db purge: take the people out of old rows. Mounted by kelly_cli.commands.db."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated

import typer

from kelly_cli.commands.options import DryRunOpt, JsonOpt, YesOpt
from kelly_cli.core.times import utc_range
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column

FIELDS = (
    Column("before", "Before", "date"),
    Column("payments", "Payments", "count"),
    Column("logs", "Callbacks", "count"),
    Column("validations", "Validation requests", "count"),
    Column("quarantined", "In quarantine", "count"),
    Column("prompts", "Payment prompts", "count"),
    Column("requests", "Answers of Safaricom", "count"),
    Column("aliases", "Removed aliases", "count"),
    Column("movements", "Lines of statements", "count"),
    Column("reminders", "Reminders", "count"),
)

_AGE = re.compile(r"([1-9][0-9]{0,4})([ymd])", re.ASCII)
_MONTHS = {"y": 12, "m": 1}


def purge(
    ctx: typer.Context,
    older_than: Annotated[
        str, typer.Option("--older-than", help="Years, months or days: 7y, 18m, 400d.")
    ],
    dry_run: DryRunOpt = False,
    yes: YesOpt = False,
    json: JsonOpt = False,
) -> None:
    """Take names and phones out of old payments and callbacks, for good.

    The money keeps its proofs: receipt, amount, time, short code and reference; a reference that is
    a phone is masked. Customers and their aliases stay; removed aliases go. Copies of the books
    made before still hold everything.

    kelly db purge --older-than 7y --dry-run

    kelly db purge --older-than 7y --yes
    """
    from kelly_cli.services import purging

    office = office_of(ctx, json=json)
    first_kept = _back(office.today(), older_than)
    before = utc_range(first_kept, first_kept)[0]
    database = office.books_to_read()
    found = purging.look(database, before=before)
    if found and not dry_run:
        office.show.confirm(
            f"Take names and phones out of {found.payments} payments, {found.logs} callbacks, "
            f"{found.validations} validation requests, {found.quarantined} callbacks in "
            f"quarantine, {found.prompts} payment prompts, {found.requests} answers of "
            f"Safaricom, {found.aliases} removed aliases, {found.movements} lines of "
            f"statements and {found.reminders} reminders made before {first_kept}, for good?",
            yes=yes,
            repeat=f"kelly db purge --older-than {older_than}",
        )
        found = purging.purge(office.books_to_write(), office.hand(), before=before, age=older_than)
    told = {"before": first_kept.isoformat(), **found.as_dict(), "dry_run": dry_run}
    office.show.record({**told, "before": first_kept}, FIELDS, told)
    if dry_run:
        office.show.note("Nothing was changed: --dry-run")
    elif found:
        office.show.note("Backups made before still hold names and phones")


def _back(today: date, age: str) -> date:
    """Return the first day that is not older than an age (``7y``)."""
    read = _AGE.fullmatch(age.strip().lower())
    if read is None:
        raise UsageError(f"--older-than: {age!r} is no age", hint="Write it as 7y, 18m or 400d")
    number, unit = int(read[1]), read[2]
    try:
        if unit == "d":
            return today - timedelta(days=number)
        year, month = divmod(today.year * 12 + today.month - 1 - number * _MONTHS[unit], 12)
        return _on_or_before(year, month + 1, today.day)
    except (OverflowError, ValueError):
        raise UsageError(f"--older-than: {age} ago there was no calendar") from None


def _on_or_before(year: int, month: int, day: int) -> date:
    """Return that day, or the last of a month that has no such day."""
    while True:
        try:
            return date(year, month, day)
        except ValueError:
            if day <= 28 or not date.min.year <= year <= date.max.year:  # noqa: PLR2004
                raise
            day -= 1
