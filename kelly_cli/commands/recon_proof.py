"""kelly recon gaps and status: what is missing, and what is proved. Mounted by commands.recon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.options import DEFAULT_LIMIT, JsonOpt, LimitOpt, ShortCodeOpt, days
from kelly_cli.commands.short_codes import Places
from kelly_cli.core.money import kes
from kelly_cli.core.times import iso_nairobi
from kelly_cli.office import office_of
from kelly_cli.render import Column, fields

if TYPE_CHECKING:
    from kelly_cli.core.chain import Gap
    from kelly_cli.office import Office
    from kelly_cli.services.proving import DayProof

PARTLY = 3
MOST_DAYS = 3_660

GAP = fields("short_code", "after", "before", "missing:money", "from:instant", "to:instant")
PROOF = fields(
    "date:date", "short_code", "payments.count", "payments.total:money", "verified", "state",
    "proved_by", "next",
)  # fmt: skip
GAPS = (
    Column("short_code", "Short code", "id", priority=2),
    Column("after", "After", "receipt"),
    Column("before", "Before", "receipt"),
    Column("missing_cents", "Missing", "money"),
    Column("from_at", "From", "wall", priority=3),
    Column("to_at", "To", "wall", priority=1),
)
DAYS = (
    Column("day", "Day", "date"),
    Column("short_code", "Short code", "id"),
    Column("payments", "Payments", "count", priority=1),
    Column("total_cents", "Total", "money", priority=2),
    Column("proved", "Proved", "count", priority=1),
    Column("state", "State", "status"),
    Column("by", "By", priority=3),
)


def gaps(
    ctx: typer.Context,
    first: Annotated[
        str | None, typer.Option("--from", help="From this day on, in Nairobi.", metavar="DAY")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="Up to and with this day.", metavar="DAY")
    ] = None,
    short_code: ShortCodeOpt = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 3 when there are gaps.", metavar="")
    ] = False,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """Find holes in the chain of account balances: money that nobody told of.

    A gap is a question, not a proof. --limit is for the list that people read; --json has all.

    kelly recon gaps

    kelly recon gaps --from 2026-02-01 --to 2026-02-28 --json
    """
    from kelly_cli.services import gaps as service

    office = office_of(ctx, json=json)
    first_day, last_day = days(first, last)
    codes = Places(office).picked(short_code)
    chains = service.chains(office.books_to_read(), codes, first_day, last_day)
    found = [(chain.short_code, gap) for chain in chains for gap in chain.gaps]
    told = [{"short_code": chain.short_code, "balances": chain.links} for chain in chains]
    shown = found[:limit] if office.show.is_for_people else found
    if found or not office.show.is_for_people:
        office.show.rows(
            [{"short_code": code, **gap._asdict()} for code, gap in shown],
            GAPS,
            as_json=lambda: [_gap_json(code, gap) for code, gap in found],
            empty="",
            fields=GAP,
            wrap=lambda gaps: {"gaps": gaps, "chains": told},
        )
    _tell_gaps(office, found, sum(chain.links for chain in chains), limit)
    if found and check:
        raise typer.Exit(PARTLY)


def _gap_json(code: str, gap: Gap) -> dict[str, object]:
    return {
        "short_code": code,
        "after": gap.after,
        "before": gap.before,
        "missing": kes(gap.missing_cents),
        "from": iso_nairobi(gap.from_at),
        "to": iso_nairobi(gap.to_at),
    }


def _tell_gaps(office: Office, found: list[tuple[str, Gap]], links: int, limit: int) -> None:
    show = office.show
    if not links:
        show.note("Nothing can be said: no payment of these short codes told a balance")
    elif not found:
        show.note(f"No gap: {links} balances follow from each other")
    else:
        if len(found) > limit and show.is_for_people:
            show.note(f"{len(found) - limit} more: --limit {len(found)}")
        show.note(
            "Money above zero came, and nobody told of it: kelly mpesa pull (48 hours), or "
            "kelly recon statement FILE --apply. Below zero it left: a settlement, a reversal or a "
            "charge that a statement explains"
        )


def status(
    ctx: typer.Context,
    count: Annotated[
        int, typer.Option("--days", min=1, max=MOST_DAYS, help="So many days back, with today.")
    ] = 7,
    short_code: ShortCodeOpt = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 3 when a day is not proved.", metavar="")
    ] = False,
    json: JsonOpt = False,
) -> None:
    """Show which days a second source proves, by short code, and what to do about the others.

    kelly recon status

    kelly recon status --days 31 --json
    """
    from kelly_cli.services import proving

    office = office_of(ctx, json=json)
    codes = Places(office).picked(short_code)
    found = proving.days(office.books_to_read(), codes, last=office.today(), count=count)
    office.show.rows(
        [each._asdict() for each in found],
        DAYS,
        as_json=lambda: [_day_json(each, office) for each in found],
        empty="No payments yet",
        fields=PROOF,
        wrap=lambda days: {"days": days},
    )
    waiting = [each for each in found if each.state in {"partly", "unproved"}]
    _tell_next(office, waiting)
    if waiting and check:
        raise typer.Exit(PARTLY)


def _tell_next(office: Office, waiting: list[DayProof]) -> None:
    """Say what proves the days that are not, once for each command."""
    todo: dict[str, list[DayProof]] = {}
    for each in waiting:
        todo.setdefault(_next(each, office) or "", []).append(each)
    for command, held in todo.items():
        first, last = min(each.day for each in held), max(each.day for each in held)
        span = f"{first}" if first == last else f"{first} to {last}"
        office.show.note(f"Not proved yet, {span}: {command}")


def _day_json(each: DayProof, office: Office) -> dict[str, object]:
    return {
        "date": each.day.isoformat(),
        "short_code": each.short_code,
        "payments": {"count": each.payments, "total": kes(each.total_cents)},
        "verified": each.proved,
        "state": each.state,
        "proved_by": each.by,
        "next": _next(each, office),
    }


def _next(each: DayProof, office: Office) -> str | None:
    """Return the command that proves a day; None = there is nothing to do."""
    if each.state in {"proved", "open"}:
        return None
    if (office.today() - each.day).days <= 1:
        return f"kelly recon pull --since 48h --short-code {each.short_code}"
    return "kelly recon statement FILE --apply"
