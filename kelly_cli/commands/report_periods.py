"""kelly report weekly and monthly, and many days: payments beside those of the time before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kelly_cli.commands.options import JsonOpt, ShortCodeOpt
from kelly_cli.commands.report_told import (
    DateOpt,
    HtmlOpt,
    Table,
    Told,
    check_html,
    last_day,
    share,
    signed,
    tell,
)
from kelly_cli.commands.short_codes import MIXED, Places
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.errors import UsageError
from kelly_cli.office import Office, office_of
from kelly_cli.render import Column, fields
from kelly_cli.render.drawing import Chart

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from kelly_cli.services.periods import Period
    from kelly_cli.services.reports import Volume
    from kelly_cli.store.report_rows import Sum

MIX = "These totals mix money of different environments: one at a time with --short-code CODE"
DAYS = (
    Column("day", "Day", "date"),
    Column("count", "Payments", "count"),
    Column("cents", "KES", "money"),
    Column("unmatched_count", "Unmatched", "count", priority=1),
    Column("unmatched_cents", "KES unmatched", "money", priority=1),
    Column("reversed_count", "Reversed", "count", priority=2),
)
DAY = fields(
    "date:date", "count", "total:money", "unmatched.count", "unmatched.total:money",
    "reversed.count", "reversed.total:money", "short_code", "environment",
)  # fmt: skip
PERIODS = (
    Column("first", "From", "date"),
    Column("last", "To", "date", priority=2),
    Column("count", "Payments", "count", priority=1),
    Column("cents", "KES", "money"),
    Column("change_cents", "More or less", "money"),
    Column("share", "Change"),
    Column("unmatched_cents", "KES unmatched", "money", priority=3),
    Column("reversed_cents", "KES reversed", "money", priority=4),
)
PERIOD = fields(
    "from:date", "to:date", "complete", "count", "total:money", "before.count",
    "before.total:money", "change:money", "change_share", "unmatched.count",
    "unmatched.total:money", "reversed.count", "reversed.total:money", "short_code", "environment",
)  # fmt: skip


def weekly(
    ctx: typer.Context,
    date: DateOpt = None,
    weeks: Annotated[
        int, typer.Option("--weeks", min=1, max=530, help="So many weeks, Monday to Sunday.")
    ] = 8,
    short_code: ShortCodeOpt = None,
    html: HtmlOpt = None,
    json: JsonOpt = False,
) -> None:
    """Report weeks, each beside the week before.

    A week that is not over is compared with as many days of the one before.

    kelly report weekly

    kelly report weekly --weeks 26 --html weeks.html
    """
    office = office_of(ctx, json=json)
    _periods(office, unit="week", count=weeks, date=date, short_code=short_code, html=html)


def monthly(
    ctx: typer.Context,
    date: DateOpt = None,
    months: Annotated[int, typer.Option("--months", min=1, max=120, help="So many months.")] = 12,
    short_code: ShortCodeOpt = None,
    html: HtmlOpt = None,
    json: JsonOpt = False,
) -> None:
    """Report months, each beside the month before.

    A month that is not over is compared with as many days of the one before.

    kelly report monthly

    kelly report monthly --months 24 --csv -o months.csv
    """
    office = office_of(ctx, json=json)
    _periods(office, unit="month", count=months, date=date, short_code=short_code, html=html)


def _periods(
    office: Office,
    *,
    unit: Literal["week", "month"],
    count: int,
    date: str | None,
    short_code: str | None,
    html: str | None,
) -> None:
    from kelly_cli.services.periods import periods

    last = last_day(office, date)
    if (last - last.min).days < (count + 1) * 31:
        raise UsageError(f"--date: before {last} there is no calendar for {count} {unit}s")
    page = check_html(office, html)
    places = Places(office)
    codes = places.picked(short_code)
    found, paid_to = periods(office.books_to_read(), unit=unit, count=count, last=last, codes=codes)
    marks = {"short_code": short_code, **places.joined(paid_to)}
    tell(office, _told_periods(found, unit, marks), page)


def tell_days(
    office: Office, found: list[Volume], marks: dict[str, str | None], page: Path | None
) -> None:
    """Tell the payments of many days, the newest first."""
    total = sum(each.payments.cents for each in found)
    count = sum(each.payments.count for each in found)
    unmatched = sum(each.unmatched.cents for each in found)
    oldest_first = found[::-1]
    labels = [f"{each.day:%d %b}" for each in oldest_first]
    series = [("Completed", [each.payments.cents // 100 for each in oldest_first])]
    best = max(found, key=lambda each: each.payments.cents)
    tell(
        office,
        Told(
            title="Payments by day",
            about=[f"{found[-1].day} to {found[0].day}{_of(marks['short_code'])}"],
            warnings=[MIX] if marks["environment"] == MIXED else (),
            main=Table(
                "",
                DAYS,
                [day_row(each) for each in found],
                {"count": count, "cents": total, "unmatched_cents": unmatched},
            ),
            objects=[{**day_json(each), **marks} for each in found],
            wrap=lambda days: {"days": days, **marks},
            fields=DAY,
            cards=[
                ("Money in", f"KES {kes_for_people(total)}", f"{count} payments"),
                ("A day", f"KES {kes_for_people(total // len(found))}", "on average"),
                (
                    "Best day",
                    f"KES {kes_for_people(best.payments.cents)}",
                    f"{best.day:%a %d %b %Y}",
                ),
                ("Found no place", f"KES {kes_for_people(unmatched)}", ""),
            ],
            charts=[
                Chart("KES by day", labels, series),
                Chart(
                    "Payments by day",
                    labels,
                    [("Payments", [each.payments.count for each in oldest_first])],
                    unit="count",
                    kind="line",
                ),
            ],
        ),
        page,
    )


def day_row(volume: Volume) -> dict[str, object]:
    """Return a day as a row of ``DAYS``."""
    return {
        "day": volume.day,
        "count": volume.payments.count,
        "cents": volume.payments.cents,
        "unmatched_count": volume.unmatched.count,
        "unmatched_cents": volume.unmatched.cents,
        "reversed_count": volume.reversed.count,
    }


def day_json(volume: Volume) -> dict[str, object]:
    """Return a day for machines."""
    return {
        "date": volume.day.isoformat(),
        **sum_json(volume.payments),
        "payments": sum_json(volume.payments),
        "unmatched": sum_json(volume.unmatched),
        "reversed": sum_json(volume.reversed),
    }


def sum_json(total: Sum) -> dict[str, object]:
    """Return a number of payments and their money for machines."""
    return {"count": total.count, "total": kes(total.cents)}


def _of(short_code: str | None) -> str:
    return f", paid to {short_code}" if short_code else ""


def _share(period: Period) -> str:
    found = share(period.change_share)
    return f"+{found}" if period.change_share and period.change_share > 0 else found


def _row(period: Period) -> dict[str, object]:
    return {
        "first": period.first,
        "last": period.last,
        "count": period.payments.count,
        "cents": period.payments.cents,
        "change_cents": period.change_cents,
        "share": _share(period),
        "unmatched_cents": period.unmatched.cents,
        "reversed_cents": period.reversed.cents,
    }


def _json(period: Period) -> dict[str, object]:
    change, found = period.change_cents, period.change_share
    return {
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "complete": period.is_over,
        **sum_json(period.payments),
        "before": None if period.before is None else sum_json(period.before),
        "change": None if change is None else kes(change),
        "change_share": None if found is None else round(found, 4),
        "unmatched": sum_json(period.unmatched),
        "reversed": sum_json(period.reversed),
    }


def refuse_too_early(last: date, days: int) -> None:
    """Refuse days before the calendar.

    Raises:
        UsageError: there are not so many days before ``last``.
    """
    if days > (last - last.min).days:
        raise UsageError(f"--days: {days} days before {last} there is no calendar")


def _told_periods(found: list[Period], unit: str, marks: dict[str, str | None]) -> Told:
    newest, code = found[0], marks["short_code"]
    look = "%d %b" if unit == "week" else "%b %y"
    labels = [each.first.strftime(look) for each in reversed(found)]
    sums = [each.payments.cents // 100 for each in reversed(found)]
    counts = [each.payments.count for each in reversed(found)]
    total = sum(each.payments.cents for each in found)
    return Told(
        title=f"Payments by {unit}",
        about=[f"{found[-1].first} to {newest.last}{_of(code)}"],
        warnings=[MIX] if marks["environment"] == MIXED else (),
        main=Table(
            "", PERIODS, [_row(each) for each in found], {"first": None, "cents": total}
        ),
        objects=[{**_json(each), **marks} for each in found],
        wrap=lambda listed: {f"{unit}s": listed, **marks},
        fields=PERIOD,
        cards=[
            (
                f"This {unit}{'' if newest.is_over else ' so far'}",
                f"KES {kes_for_people(newest.payments.cents)}",
                f"{newest.payments.count} payments",
            ),
            (f"Beside the {unit} before", signed(newest.change_cents), _share(newest)),
            (f"All {len(found)} {unit}s", f"KES {kes_for_people(total)}", ""),
        ],
        charts=[
            Chart(f"KES by {unit}", labels, [("KES", sums)]),
            Chart(f"Payments by {unit}", labels, [("Payments", counts)], unit="count"),
        ],
    )  # fmt: skip
