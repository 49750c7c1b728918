"""kelly report: the day in figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.flag_lines import flags_json, tell_flags
from kelly_cli.commands.options import JsonOpt, ShortCodeOpt, day
from kelly_cli.commands.short_codes import ENVIRONMENT, Places, warn_mixed
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.errors import UsageError
from kelly_cli.office import Office, office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from kelly_cli.services.reports import Day, Volume
    from kelly_cli.store.report_rows import Sum

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

MOST_DAYS = 3660

MONEY = (
    Column("what", "Money"),
    Column("count", "Payments", "count"),
    Column("cents", "KES", "money"),
)
CALLBACKS = (Column("what", "Callbacks"), Column("count", "Number", "count"))
TO_DO = (Column("what", "Needs a person"), Column("command", "Command"))
BY_CODE = (
    Column("short_code", "Paid to", "id"),
    ENVIRONMENT,
    Column("count", "Payments", "count"),
    Column("cents", "KES", "money"),
)
DAYS = (
    Column("day", "Day", "date"),
    Column("count", "Payments", "count"),
    Column("cents", "KES", "money"),
    Column("unmatched_count", "Unmatched", "count", priority=1),
    Column("unmatched_cents", "KES unmatched", "money", priority=1),
    Column("reversed_count", "Reversed", "count", priority=2),
)


@app.callback()
def report(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Reports: the day in figures."""
    office_of(ctx, json=json)


@app.command()
def daily(
    ctx: typer.Context,
    date: Annotated[
        str | None, typer.Option("--date", help="The Nairobi day (default: today).")
    ] = None,
    days: Annotated[
        int | None, typer.Option("--days", min=1, max=MOST_DAYS, help="The volume of N days.")
    ] = None,
    short_code: ShortCodeOpt = None,
    json: JsonOpt = False,
) -> None:
    """Report one day: money in, where it went, callbacks, and what needs a person.

    kelly report daily

    kelly report daily --date 2026-02-03 --json

    kelly report daily --days 30 --short-code 174379
    """
    from kelly_cli.commands.waiting import spool_json, spool_told_too, tell_spool
    from kelly_cli.services import reports

    office = office_of(ctx, json=json)
    wanted = day(date, option="--date") or office.today()
    with spool_told_too(office):
        places = Places(office)
    codes = places.picked(short_code)
    if days is not None:
        if days > (wanted - wanted.min).days:
            raise UsageError(f"--days: {days} days before {wanted} there is no calendar")
        with spool_told_too(office):
            volumes, paid_to = reports.volumes(office.books_to_read(), wanted, days, codes)
        _tell_days(office, volumes, {"short_code": short_code, **places.joined(paid_to)})
        return
    with spool_told_too(office):
        found = reports.daily(office.books_to_read(), wanted, codes)
    if office.show.json:
        marks = {"short_code": short_code, **places.joined(found.by_code)}
        by_code = [
            {**places.marks(code), **_sum_json(total)} for code, total in found.by_code.items()
        ]
        document = {**_day_json(found), **marks, "by_short_code": by_code}
        office.show.document({**document, "spool": spool_json(office)})
    else:
        _tell_day(office, found, places)
        tell_spool(office)


def _tell_day(office: Office, found: Day, places: Places) -> None:
    show = office.show
    show.lines(f"{found.day:%A %d %B %Y} (Nairobi)", "")
    _tell_codes(office, found, places)
    show.table(
        [
            _line("Money in", found.payments),
            {"what": "  to invoices", "count": None, "cents": found.to_invoices_cents},
            {"what": "  to sales", "count": None, "cents": found.to_sales_cents},
            {"what": "  kept as credit", "count": None, "cents": found.credit_cents},
            {"what": "  rest without owner", "count": None, "cents": found.rest_cents},
            _line("Found no place", found.unmatched),
            _line("Reversed", found.reversed),
            _line("Known by a callback alone", found.callback_only),
        ],
        MONEY,
    )
    show.lines("")
    _tell_callbacks(office, found)
    if found.payments.count:
        show.lines("", "KES by hour")
        show.bar_chart(
            [(f"{hour:02d}", total.cents // 100) for hour, total in _busy_hours(found)],
            unit="KES",
        )
    tell_flags(office, found.flags)
    show.lines("")
    _tell_waiting(office, found)


def _tell_codes(office: Office, found: Day, places: Places) -> None:
    """Say where the money came to, and when that is not all of one kind."""
    rows = [
        {**places.marks(code), "count": total.count, "cents": total.cents}
        for code, total in sorted(found.by_code.items(), key=lambda each: each[0] or "")
    ]
    if rows:
        office.show.table(rows, BY_CODE)
        office.show.lines("")
    warn_mixed(office, places.joined(found.by_code)["environment"])


def _line(what: str, total: Sum) -> dict[str, object]:
    return {"what": what, "count": total.count, "cents": total.cents}


def _busy_hours(found: Day) -> list[tuple[int, Sum]]:
    """Return the hours from the first to the last that saw money."""
    busy = [hour for hour, total in enumerate(found.by_hour) if total.count]
    return [(hour, found.by_hour[hour]) for hour in range(busy[0], busy[-1] + 1)]


def _tell_callbacks(office: Office, found: Day) -> None:
    counts = found.callbacks
    rows: list[dict[str, object]] = [
        {"what": "Received", "count": counts.total},
        {"what": "  processed", "count": counts.processed},
        {"what": "  duplicates", "count": counts.duplicates},
        {"what": "  failed", "count": counts.failed},
    ]
    if counts.pending:
        rows.append({"what": "  pending", "count": counts.pending})
    office.show.table(rows, CALLBACKS)
    rate = found.success_rate
    office.show.lines(f"Success rate: {'-' if rate is None else f'{rate:.1%}'}")


def _tell_waiting(office: Office, found: Day) -> None:
    waiting = found.waiting
    rows = []
    if waiting.suspense.count:
        rows.append(
            {
                "what": f"{waiting.suspense.count} payments without owner, "
                f"KES {kes_for_people(waiting.suspense.cents)}",
                "command": "kelly suspense list",
            }
        )
    if waiting.failed:
        rows.append({"what": f"{waiting.failed} failed", "command": "kelly webhook list --failed"})
    if waiting.pending:
        rows.append({"what": f"{waiting.pending} unfinished", "command": "kelly reprocess"})
    if found.callbacks.conflicts:
        rows.append(
            {
                "what": f"{found.callbacks.conflicts} repeats with other facts",
                "command": "kelly webhook list --conflicts",
            }
        )
    if rows:
        office.show.table(rows, TO_DO)
    elif not any(found.flags):
        office.show.lines("Nothing needs a person.")


def _tell_days(office: Office, found: list[Volume], marks: dict[str, str | None]) -> None:
    if office.show.json:
        days = [{**_volume_json(volume), **marks} for volume in found]
        office.show.document({"days": days, **marks})
        return
    warn_mixed(office, marks["environment"])
    office.show.table(
        [
            {
                "day": volume.day,
                "count": volume.payments.count,
                "cents": volume.payments.cents,
                "unmatched_count": volume.unmatched.count,
                "unmatched_cents": volume.unmatched.cents,
                "reversed_count": volume.reversed.count,
            }
            for volume in found
        ],
        DAYS,
    )


def _sum_json(total: Sum) -> dict[str, object]:
    return {"count": total.count, "total": kes(total.cents)}


def _volume_json(volume: Volume) -> dict[str, object]:
    return {
        "date": volume.day.isoformat(),
        **_sum_json(volume.payments),
        "payments": _sum_json(volume.payments),
        "unmatched": _sum_json(volume.unmatched),
        "reversed": _sum_json(volume.reversed),
    }


def _day_json(found: Day) -> dict[str, object]:
    counts = found.callbacks
    rate = found.success_rate
    return {
        "date": found.day.isoformat(),
        "payments": _sum_json(found.payments),
        "unmatched": _sum_json(found.unmatched),
        "reversed": _sum_json(found.reversed),
        "allocated": {
            "invoices": kes(found.to_invoices_cents),
            "sales": kes(found.to_sales_cents),
            "credit": kes(found.credit_cents),
            "without_owner": kes(found.rest_cents),
        },
        "verified_by": {how: _sum_json(total) for how, total in found.known_by.items()},
        "callback_only": _sum_json(found.callback_only),
        **flags_json(found.flags),
        "webhooks": {
            "total": counts.total,
            "processed": counts.processed,
            "duplicates": counts.duplicates,
            "failed": counts.failed,
            "pending": counts.pending,
            "conflicts": counts.conflicts,
            "success_rate": None if rate is None else round(rate, 4),
        },
        "by_hour": [{"hour": hour, **_sum_json(total)} for hour, total in enumerate(found.by_hour)],
        "waiting": {
            "suspense": _sum_json(found.waiting.suspense),
            "failed": found.waiting.failed,
            "pending": found.waiting.pending,
        },
    }
