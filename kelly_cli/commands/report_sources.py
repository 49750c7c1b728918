"""kelly report webhooks and unproved: how callbacks fare, and what has no second source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from kelly_cli.commands.options import DEFAULT_LIMIT, JsonOpt, LimitOpt, ShortCodeOpt
from kelly_cli.commands.report_periods import refuse_too_early
from kelly_cli.commands.report_told import (
    DateOpt,
    DaysOpt,
    HtmlOpt,
    Table,
    Told,
    check_html,
    last_day,
    share,
    tell,
)
from kelly_cli.commands.short_codes import Places
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.office import office_of
from kelly_cli.render import Column, fields
from kelly_cli.render.drawing import Chart

if TYPE_CHECKING:
    from datetime import date

    from kelly_cli.services.figures import Callbacks, Span
    from kelly_cli.services.proving import DayProof
    from kelly_cli.store.figure_rows import LogDay

CALLBACKS = (
    Column("day", "Day", "date"),
    Column("rate", "Success"),
    Column("total", "Received", "count"),
    Column("processed", "Processed", "count", priority=1),
    Column("duplicates", "Duplicates", "count", priority=2),
    Column("failed", "Failed", "count"),
    Column("pending", "Pending", "count", priority=3),
    Column("conflicts", "Conflicts", "count", priority=4),
)
CALLBACK = fields(
    "date:date", "total", "processed", "duplicates", "failed", "pending", "conflicts",
    "success_rate",
)  # fmt: skip
REASONS = (Column("reason", "Why they failed"), Column("count", "Callbacks", "count"))
UNPROVED = (
    Column("day", "Day", "date"),
    Column("short_code", "Paid to", "id"),
    Column("state", "State", "status", priority=1),
    Column("payments", "Payments", "count", priority=2),
    Column("missing", "Without a second source", "count"),
    Column("total_cents", "KES that day", "money"),
)
PROOF = fields(
    "date:date", "short_code", "state", "payments.count", "payments.total:money", "verified",
    "unverified",
)  # fmt: skip
_NEW_DAYS = 31


def webhooks(
    ctx: typer.Context,
    date: DateOpt = None,
    days: DaysOpt = 30,
    limit: LimitOpt = DEFAULT_LIMIT,
    short_code: ShortCodeOpt = None,
    html: HtmlOpt = None,
    json: JsonOpt = False,
) -> None:
    """Report how callbacks fared, day by day, and why some failed.

    Success: processed of all that were no duplicates. Reasons are those that stand now, without the
    values in them. --limit: so many reasons.

    kelly report webhooks

    kelly report webhooks --days 7 --html callbacks.html
    """
    from kelly_cli.services.figures import Span, callbacks

    office = office_of(ctx, json=json)
    last = last_day(office, date)
    refuse_too_early(last, days)
    page = check_html(office, html)
    codes = Places(office).picked(short_code)
    span = Span.ending(last, days)
    found = callbacks(office.books_to_read(), span, codes)
    tell(office, _told_webhooks(found, span, limit, short_code), page)


def unproved(
    ctx: typer.Context,
    days: DaysOpt = _NEW_DAYS,
    limit: LimitOpt = DEFAULT_LIMIT,
    short_code: ShortCodeOpt = None,
    html: HtmlOpt = None,
    json: JsonOpt = False,
) -> None:
    """Report the days and payments that no second source has told of: no statement, no pull.

    A day without payments that nobody told of is unproved too: payments may be missing from it.

    kelly report unproved

    kelly report unproved --days 92 --short-code 174379 --json
    """
    from kelly_cli.services import proving

    office = office_of(ctx, json=json)
    last = office.today()
    refuse_too_early(last, days)
    page = check_html(office, html)
    codes = Places(office).picked(short_code)
    proofs = proving.days(office.books_to_read(), codes, last=last, count=days)
    tell(office, _told_unproved(proofs, last, days, limit, short_code), page)


def _missing(each: DayProof) -> int:
    return each.payments - each.proved


def _json(each: LogDay, rate: float | None) -> dict[str, object]:
    return {
        "date": each.day.isoformat(),
        **{key: value for key, value in each._asdict().items() if key != "day"},
        "success_rate": None if rate is None else round(rate, 4),
    }


def _proof_json(each: DayProof) -> dict[str, object]:
    return {
        "date": each.day.isoformat(),
        "short_code": each.short_code,
        "state": each.state,
        "payments": {"count": each.payments, "total": kes(each.total_cents)},
        "verified": each.proved,
        "unverified": _missing(each),
    }


def _told_webhooks(found: Callbacks, span: Span, limit: int, short_code: str | None) -> Told:
    from kelly_cli.services.figures import success_rate

    rates = [success_rate(each) for each in found.days]
    reasons = [{"reason": reason, "count": count} for reason, count in found.reasons[:limit]]
    labels = [f"{each.day:%d %b}" for each in reversed(found.days)]
    counts = {
        name: [getattr(each, name) for each in reversed(found.days)]
        for name in ("processed", "duplicates", "failed")
    }
    return Told(
        title="Callbacks",
        about=[f"Received from {span.first} to {span.last}"
               + (f", of {short_code}" if short_code else "")],
        main=Table(
            "Days", CALLBACKS,
            [{**each._asdict(), "rate": share(rate)}
             for each, rate in zip(found.days, rates, strict=True) if each.total],
            {**found.total._asdict(), "day": None, "rate": share(success_rate(found.total))},
            "No callback came",
        ),
        objects=[_json(each, rate) for each, rate in zip(found.days, rates, strict=True)],
        wrap=lambda listed: {
            "days": listed,
            "total": {key: value
                      for key, value in _json(found.total, success_rate(found.total)).items()
                      if key != "date"},
            "reasons": reasons,
            "reason_count": len(found.reasons),
            "short_code": short_code,
        },
        fields=CALLBACK,
        cards=[
            ("Received", str(found.total.total), ""),
            ("Success", share(success_rate(found.total)), "without duplicates"),
            ("Failed", str(found.total.failed), ""),
            ("Conflicts", str(found.total.conflicts), ""),
        ],
        charts=[
            Chart("Success by day, %", labels,
                  [("Success", [None if rate is None else rate * 100
                                for rate in reversed(rates)])], unit="%", kind="line"),
            Chart("Callbacks by day", labels,
                  [(name.capitalize(), values) for name, values in counts.items()],
                  unit="count", kind="stack"),
        ],
        more=[Table("Reasons", REASONS, reasons)],
    )  # fmt: skip


def _told_unproved(
    proofs: list[DayProof], last: date, days: int, limit: int, short_code: str | None
) -> Told:
    found = [each for each in proofs if each.state != "proved"]
    missing, cents = sum(_missing(each) for each in found), sum(each.total_cents for each in found)
    by_day: dict[str, int] = {}
    for each in reversed(found):
        label = f"{each.day:%d %b}"
        by_day[label] = by_day.get(label, 0) + _missing(each)
    return Told(
        title="Without a second source",
        about=[f"{days} days up to {last}" + (f", of {short_code}" if short_code else "")],
        main=Table(
            "Days", UNPROVED,
            [{**each._asdict(), "missing": _missing(each)} for each in found[:limit]],
            {"missing": missing, "total_cents": cents},
            "Every day is proved" if proofs else "No payments yet",
        ),
        objects=[_proof_json(each) for each in found[:limit]],
        wrap=lambda listed: {
            "days": listed,
            "day_count": len(found),
            "days_looked_at": len(proofs),
            "unverified": missing,
            "short_code": short_code,
        },
        fields=PROOF,
        cards=[
            ("Not proved", f"{len(found)} days", f"of {len(proofs)}"),
            ("Payments without a second source", str(missing), ""),
            ("Money of those days", f"KES {kes_for_people(cents)}", ""),
        ],
        charts=[Chart("Payments without a second source", list(by_day),
                      [("Payments", list(by_day.values()))], unit="count")],
        notes=[*([f"{len(found) - limit} more: --limit {len(found)}"]
                 if len(found) > limit else []),
               *(["What proves each day: kelly recon status"] if found else [])],
    )  # fmt: skip
