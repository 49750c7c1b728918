"""kelly report: the day in figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.flag_lines import flags_json, tell_flags
from kelly_cli.commands.listing import Listing
from kelly_cli.commands.options import JsonOpt, ShortCodeOpt
from kelly_cli.commands.report_goods import fees, products
from kelly_cli.commands.report_people import aging, customers
from kelly_cli.commands.report_periods import (
    DAY,
    day_json,
    monthly,
    refuse_too_early,
    tell_days,
    weekly,
)
from kelly_cli.commands.report_periods import sum_json as _sum_json
from kelly_cli.commands.report_sources import unproved, webhooks
from kelly_cli.commands.report_told import (
    MOST_DAYS,
    HtmlOpt,
    Table,
    Told,
    check_html,
    last_day,
    share,
    tell,
)
from kelly_cli.commands.short_codes import ENVIRONMENT, Places, warn_mixed
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.office import Office, office_of
from kelly_cli.render import Column
from kelly_cli.render.drawing import Chart

if TYPE_CHECKING:
    from pathlib import Path

    from kelly_cli.services.reports import Day
    from kelly_cli.store.report_rows import Sum

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

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


@app.callback()
def report(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Reports: the day in figures."""
    office_of(ctx, json=json)


@app.command(cls=Listing)
def daily(
    ctx: typer.Context,
    date: Annotated[
        str | None, typer.Option("--date", help="The Nairobi day (default: today).")
    ] = None,
    days: Annotated[
        int | None, typer.Option("--days", min=1, max=MOST_DAYS, help="The volume of N days.")
    ] = None,
    short_code: ShortCodeOpt = None,
    html: HtmlOpt = None,
    json: JsonOpt = False,
) -> None:
    """Report one day: money in, where it went, callbacks, and what needs a person.

    kelly report daily

    kelly report daily --date 2026-02-03 --json

    kelly report daily --days 30 --short-code 174379 --html days.html
    """
    from kelly_cli.commands.waiting import spool_json, spool_told_too, tell_spool
    from kelly_cli.services import reports

    office = office_of(ctx, json=json)
    wanted = last_day(office, date)
    page = check_html(office, html)
    with spool_told_too(office):
        places = Places(office)
    codes = places.picked(short_code)
    if days is not None:
        refuse_too_early(wanted, days)
        with spool_told_too(office):
            volumes, paid_to = reports.volumes(office.books_to_read(), wanted, days, codes)
        marks = {"short_code": short_code, **places.joined(paid_to)}
        tell_days(office, volumes, marks, page)
        return
    with spool_told_too(office):
        found = reports.daily(office.books_to_read(), wanted, codes)
    marks = {"short_code": short_code, **places.joined(found.by_code)}
    if page is not None or not office.show.is_for_people:
        by_code = [
            {**places.marks(code), **_sum_json(total)} for code, total in found.by_code.items()
        ]
        document = {**_day_json(found), **marks, "by_short_code": by_code}
        _write_day(office, found, {**document, "spool": spool_json(office)}, page)
    else:
        _tell_day(office, found, places)
        tell_spool(office)


def _write_day(office: Office, found: Day, document: dict[str, object], page: Path | None) -> None:
    """Write one day as a page, as a document, or as the one line of a sheet."""
    if page is None and office.show.wanted.form in {None, "json"}:
        office.show.rows([], (), as_json=[document], empty="", wrap=lambda rows: rows[0])
        return
    volume = found.volume
    marks = {key: document[key] for key in ("short_code", "environment")}
    tell(
        office,
        Told(
            title=f"{found.day:%A %d %B %Y}",
            about=["Nairobi"],
            main=Table("Money", MONEY, _money_rows(found)),
            objects=[{**day_json(volume), **marks}],
            fields=DAY,
            wrap=lambda _: document,
            cards=_cards(found),
            charts=_charts(found),
            more=[
                Table("Callbacks", CALLBACKS, _callback_rows(found)),
                Table("Needs a person", TO_DO, _todo_rows(found)),
            ],
        ),
        page,
    )


def _tell_day(office: Office, found: Day, places: Places) -> None:
    show = office.show
    show.lines(f"{found.day:%A %d %B %Y} (Nairobi)", "")
    _tell_codes(office, found, places)
    show.table(_money_rows(found), MONEY)
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


def _money_rows(found: Day) -> list[dict[str, object]]:
    return [
        _line("Money in", found.payments),
        {"what": "  to invoices", "count": None, "cents": found.to_invoices_cents},
        {"what": "  to sales", "count": None, "cents": found.to_sales_cents},
        {"what": "  kept as credit", "count": None, "cents": found.credit_cents},
        {"what": "  rest without owner", "count": None, "cents": found.rest_cents},
        _line("Found no place", found.unmatched),
        _line("Reversed", found.reversed),
        _line("Known by a callback alone", found.callback_only),
    ]


def _cards(found: Day) -> list[tuple[str, str, str]]:
    rate, waiting = found.success_rate, found.waiting.suspense
    return [
        (
            "Money in",
            f"KES {kes_for_people(found.payments.cents)}",
            f"{found.payments.count} payments",
        ),
        (
            "Found no place",
            f"KES {kes_for_people(found.unmatched.cents)}",
            f"{found.unmatched.count} payments",
        ),
        ("Callbacks", share(rate), f"of {found.callbacks.total} received"),
        (
            "Waits for a person",
            f"KES {kes_for_people(waiting.cents)}",
            f"{waiting.count} payments without owner",
        ),
    ]


def _charts(found: Day) -> list[Chart]:
    hours = [f"{hour:02d}" for hour in range(24)]
    counts, sums = zip(*((hour.count, hour.cents // 100) for hour in found.by_hour), strict=True)
    return [
        Chart("KES by hour", hours, [("KES", sums)]),
        Chart("Payments by hour", hours, [("Payments", counts)], unit="count"),
    ]


def _line(what: str, total: Sum) -> dict[str, object]:
    return {"what": what, "count": total.count, "cents": total.cents}


def _busy_hours(found: Day) -> list[tuple[int, Sum]]:
    """Return the hours from the first to the last that saw money."""
    busy = [hour for hour, total in enumerate(found.by_hour) if total.count]
    return [(hour, found.by_hour[hour]) for hour in range(busy[0], busy[-1] + 1)]


def _callback_rows(found: Day) -> list[dict[str, object]]:
    counts = found.callbacks
    rows: list[dict[str, object]] = [
        {"what": "Received", "count": counts.total},
        {"what": "  processed", "count": counts.processed},
        {"what": "  duplicates", "count": counts.duplicates},
        {"what": "  failed", "count": counts.failed},
    ]
    if counts.pending:
        rows.append({"what": "  pending", "count": counts.pending})
    return rows


def _tell_callbacks(office: Office, found: Day) -> None:
    office.show.table(_callback_rows(found), CALLBACKS)
    rate = found.success_rate
    office.show.lines(f"Success rate: {'-' if rate is None else f'{rate:.1%}'}")


def _todo_rows(found: Day) -> list[dict[str, object]]:
    waiting = found.waiting
    rows: list[dict[str, object]] = []
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
    return rows


def _tell_waiting(office: Office, found: Day) -> None:
    rows = _todo_rows(found)
    if rows:
        office.show.table(rows, TO_DO)
    elif not any(found.flags):
        office.show.lines("Nothing needs a person.")


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


for _name, _report in (
    ("weekly", weekly),
    ("monthly", monthly),
    ("aging", aging),
    ("webhooks", webhooks),
    ("customers", customers),
    ("products", products),
    ("fees", fees),
    ("unproved", unproved),
):
    app.command(_name, cls=Listing)(_report)
