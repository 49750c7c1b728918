"""kelly recon pull: what mpesa pull does, and both sides compared. Mounted by commands.recon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.mpesa_pull import ClockName, partly, pulled, span_of, tell
from kelly_cli.commands.options import DEFAULT_LIMIT, JsonOpt, LimitOpt
from kelly_cli.core.money import kes
from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from kelly_cli.office import Office
    from kelly_cli.services.pull_comparing import PullComparison

PARTLY = 3

ONLY_KELLY = (
    Column("receipt", "Receipt", "receipt"),
    Column("amount_cents", "Amount", "money"),
)


def pull(
    ctx: typer.Context,
    since: Annotated[
        str | None,
        typer.Option("--since", help="How far back: 90m, 24h, 48h (default 24h).", metavar="AGO"),
    ] = None,
    first: Annotated[
        str | None,
        typer.Option("--from", help="From this moment in Nairobi: 2026-02-03T14:00."),
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="Up to this moment (default: now).")
    ] = None,
    clock: Annotated[
        ClockName | None,
        typer.Option(
            "--clock",
            help="The clock of Safaricom's times, when no known receipt can tell.",
            case_sensitive=False,
        ),
    ] = None,
    short_code: Annotated[
        str | None,
        typer.Option("--short-code", help="Only this one (default: all of ours).", metavar="CODE"),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 3 when there are differences.", metavar="")
    ] = False,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """Take in what Safaricom lists, and tell what the books hold that it does not.

    --limit is for the list that people read; --json has all.

    kelly recon pull --since 48h

    kelly recon pull --from 2026-02-03T05:00 --to 2026-02-03T09:30 --check --json
    """
    from kelly_cli.services import pull_comparing

    office = office_of(ctx, json=json)
    at = office.now().replace(microsecond=0)
    span = span_of(since, first, last, nairobi_wall_clock(at))
    harvest = pulled(office, span, at, clock, short_code, dry_run=False)
    found = pull_comparing.compare(office.books_to_read(), harvest)
    tell(office, harvest, dry_run=False, more=_json(found))
    _tell(office, found, limit)
    if partly(harvest) or (check and (found.only_kelly or found.amount_differs)):
        raise typer.Exit(PARTLY)


def _json(found: PullComparison) -> dict[str, object]:
    return {
        "in_both": found.in_both,
        "only_kelly": [
            {"receipt": each.receipt, "amount": kes(each.amount_cents)} for each in found.only_kelly
        ],
        "amount_differs": [
            {
                "receipt": each.receipt,
                "pull": kes(each.statement_cents),
                "kelly": kes(each.kelly_cents),
            }
            for each in found.amount_differs
        ],
    }


def _tell(office: Office, found: PullComparison, limit: int) -> None:
    show = office.show
    if found.only_kelly:
        show.lines("", "ONLY IN KELLY")
        show.table([each._asdict() for each in found.only_kelly[:limit]], ONLY_KELLY)
        show.warning(
            f"{len(found.only_kelly)} payments stand in the books, and Safaricom does not list "
            "them: A POSSIBLE FORGERY. See each: kelly payment show RECEIPT"
        )
    if found.amount_differs:
        show.warning(f"{len(found.amount_differs)} amounts differ: the books were left as they are")
