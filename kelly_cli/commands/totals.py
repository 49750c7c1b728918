"""kelly db rebuild-totals: mend what reports read. Mounted by kelly_cli.commands.db."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.options import DryRunOpt, JsonOpt
from kelly_cli.core.money import kes
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from kelly_cli.store.hour_total_rows import Difference

MOST_SHOWN = 20

DIFFERENCES = (
    Column("day", "Day"),
    Column("hour", "Hour", "count"),
    Column("short_code", "Short code", "id"),
    Column("status", "Status", "status"),
    Column("kept", "Kept", "count", priority=1),
    Column("kept_cents", "Kept KES", "money"),
    Column("payments", "Payments", "count", priority=1),
    Column("cents", "Paid KES", "money"),
)


def rebuild_totals(
    ctx: typer.Context,
    reason: Annotated[str | None, typer.Option("--reason", help="Why, for the audit.")] = None,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Count the payments of every hour again: the totals that reports and the dashboard read.

    For books of which kelly db check says that I-38 is broken. No payment is touched; where nothing
    is wrong nothing is written.

    kelly db rebuild-totals --dry-run

    kelly db rebuild-totals --reason "a disk fault"
    """
    from kelly_cli.commands.options import printable
    from kelly_cli.services import totals

    office = office_of(ctx, json=json)
    why = None if reason is None else printable(reason, option="--reason")
    if dry_run:
        found = totals.differing(office.books_to_read())
    else:
        found = totals.rebuild(office.books_to_write(), office.hand(why))
    if office.show.json:
        office.show.document(
            {
                "differed": len(found),
                "differences": [_json(each) for each in found],
                "dry_run": dry_run,
            }
        )
        return
    office.show.table([each._asdict() for each in found[:MOST_SHOWN]], DIFFERENCES)
    if not found:
        office.show.lines("Every total says what the payments say: nothing to do")
        return
    if len(found) > MOST_SHOWN:
        office.show.note(f"{len(found) - MOST_SHOWN} more: --json has all")
    if dry_run:
        office.show.note("Dry run: nothing was changed. To mend them: kelly db rebuild-totals")
    else:
        office.show.lines(f"Made anew: {len(found)} totals said otherwise than the payments")


def _json(each: Difference) -> dict[str, object]:
    return {
        "day": each.day,
        "hour": each.hour,
        "short_code": each.short_code or None,
        "status": each.status,
        "kept": {"payments": each.kept, "amount": kes(each.kept_cents)},
        "paid": {"payments": each.payments, "amount": kes(each.cents)},
    }
