"""kelly mpesa pull: take in what got lost. Mounted by commands.mpesa."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.keys import PULLED
from kelly_cli.commands.mpesa_urls import REGISTRATION, CodeOpt, callable_url, environment_of
from kelly_cli.commands.options import DryRunOpt, JsonOpt, YesOpt
from kelly_cli.commands.single import single, single_group
from kelly_cli.core.times import iso_nairobi, nairobi_wall_clock
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kelly_cli.office import Office
    from kelly_cli.services.pulling import Harvest, Span, Window

app = typer.Typer(
    cls=single_group(*PULLED),
    rich_markup_mode=None,
    invoke_without_command=True,
)

WINDOWS = (
    Column("short_code", "Short code", "id"),
    Column("start", "From", "wall", priority=1),
    Column("end", "To", "wall", priority=1),
    Column("state", "State", "status"),
    Column("records", "Records", "count"),
    Column("note", "Note", priority=2),
)
FIELDS = (
    Column("records", "Records", "count"),
    Column("new", "New payments", "count"),
    Column("known", "Known already", "count"),
    Column("failed", "Failed", "count"),
    Column("conflicts", "Conflicts", "count"),
    Column("skipped", "Other movements", "count"),
    Column("clock", "Its times are of"),
)
REGISTERED = (
    Column("short_code", "Short code", "id"),
    Column("outcome", "Outcome", "status"),
    Column("says", "Safaricom says"),
)
FAILURES = (
    Column("log_id", "Log", "count"),
    Column("trans_id", "Receipt", "receipt"),
    Column("error", "Error"),
)
CLOCKS = {"eat": "Nairobi's clock (eat)", "utc": "UTC (utc)"}
_AGO = re.compile(r"([1-9][0-9]{0,4})([mhd])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class ClockName(StrEnum):
    """Whose wall-clock Safaricom's list is written by."""

    EAT = "eat"
    UTC = "utc"


@app.callback()
def pull(
    ctx: typer.Context,
    since: Annotated[
        str | None,
        typer.Option("--since", help="How far back: 90m, 24h, 2d (default 24h).", metavar="AGO"),
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
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Take in past payments that Safaricom lists: it keeps 48 hours.

    A second pull changes nothing. Known payments gain that a second source confirms them.

    kelly mpesa pull --since 24h

    kelly mpesa pull --from 2026-02-03T05:00 --to 2026-02-03T09:30 --dry-run --json
    """
    office = office_of(ctx, json=json)
    if ctx.invoked_subcommand is None:
        at = office.now().replace(microsecond=0)
        span = span_of(since, first, last, nairobi_wall_clock(at))
        harvest = pulled(office, span, at, clock, short_code, dry_run=dry_run)
        tell(office, harvest, dry_run=dry_run)
        if partly(harvest):
            raise typer.Exit(3)


@app.command(cls=single(REGISTRATION))
def register(
    ctx: typer.Context,
    nominated_number: Annotated[
        str,
        typer.Option(
            "--nominated-number",
            help="The phone that Safaricom has of the business.",
            metavar="PHONE",
        ),
    ],
    short_code: CodeOpt = None,
    yes: YesOpt = False,
    json: JsonOpt = False,
) -> None:
    """Register a short code for pulling: once, before the first pull.

    kelly mpesa pull register --nominated-number 0712345678

    kelly mpesa pull register --nominated-number 0712345678 --short-code 600000 --yes
    """
    from kelly_cli.commands.mpesa_register import our_code
    from kelly_cli.commands.mpesa_urls import registration_json
    from kelly_cli.config.callbacks import callback_urls
    from kelly_cli.services import pull_registering

    office = office_of(ctx, json=json)
    code = our_code(office, short_code)
    url = callable_url(office, callback_urls(office.config).confirmation, code)
    environment = environment_of(office.config, code)
    wanted = pull_registering.Wanted(environment, code, nominated_number, url)
    pull_registering.nominated(nominated_number)
    if environment == "production":
        office.show.confirm(
            f"Register {code} for pulling with the number {nominated_number}?",
            yes=yes,
            repeat=f"kelly mpesa pull register --nominated-number {nominated_number}",
        )
    books = office.books_to_write()
    token = office.config.webhook.token
    with office.daraja(code) as daraja:
        done = pull_registering.register_pull(
            books,
            daraja,
            office.hand(),
            wanted,
            token=token.reveal() if token else None,
            clock=office.now,
        )
    told = registration_json(done)
    office.show.record({**told, "says": _words(told["response"])}, REGISTERED, told)


def _words(response: object) -> object:
    """Return the words of a reply for people, under whichever name they stand."""
    members = response if isinstance(response, dict) else {}
    named = {str(key).replace(" ", ""): value for key, value in members.items()}
    return named.get("ResponseDescription") or named.get("errorMessage") or response


def pulled(
    office: Office,
    span: Span,
    at: datetime,
    clock: ClockName | None,
    short_code: str | None,
    *,
    dry_run: bool,
) -> Harvest:
    """Pull the span from one short code, or all of ours."""
    from kelly_cli.services import pulling

    mpesa = office.config.mpesa
    if short_code is not None:
        mpesa.credentials(short_code)
    codes = [short_code] if short_code else [each.code for each in mpesa.short_codes]
    books = office.books_to_read() if dry_run else office.books_to_write()
    return pulling.pull(
        books,
        office.inbox(books),
        pulling.Source(mpesa.environment, codes, office.daraja),
        span,
        now=nairobi_wall_clock(at),
        at=at,
        told=None if clock is None else clock.value,
        dry_run=dry_run,
    )


def partly(harvest: Harvest) -> bool:
    """Tell whether a record or a short code failed."""
    return bool(harvest.failed) or any(each.state == "failed" for each in harvest.windows)


def tell(
    office: Office,
    harvest: Harvest,
    *,
    dry_run: bool,
    more: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Say what a pull brought. ``more``: further members of the JSON object."""
    show = office.show
    told = {name.key: getattr(harvest, name.key) for name in FIELDS}
    told["clock"] = CLOCKS.get(harvest.clock or "", harvest.clock)
    show.table([_window_row(each) for each in harvest.windows], WINDOWS)
    show.lines("")
    show.record(told, FIELDS, {**_json(harvest, dry_run=dry_run), **more})
    if harvest.failures:
        show.lines("")
        show.table(harvest.failures, FAILURES)
    for code in harvest.unknown:
        show.warning(
            f"whether {code} misses payments is unknown: nothing came, and nothing ever did. Is it "
            "registered? kelly mpesa pull register --nominated-number PHONE"
        )
    if harvest.out_of_reach:
        start, end = harvest.out_of_reach
        show.warning(
            f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} is out of reach: Safaricom keeps 48 "
            "hours. The statement that the M-Pesa portal exports has all of it: "
            "kelly recon statement FILE --apply"
        )
    if dry_run:
        show.note("Dry run: it would be like this; nothing was kept")


def _window_row(window: Window) -> dict[str, object]:
    return {
        "short_code": window.short_code,
        "start": window.span.start,
        "end": window.span.end,
        "state": window.state,
        "records": len(window.records),
        "note": window.note,
    }


def _json(harvest: Harvest, *, dry_run: bool) -> dict[str, object]:
    return {
        "asked": [
            {
                "short_code": each.short_code,
                **_span_json(each.span),
                "state": each.state,
                "records": len(each.records),
                "new": each.added,
                "note": each.note,
            }
            for each in harvest.windows
        ],
        "records": harvest.records,
        "new": harvest.new,
        "known": harvest.known,
        "failed": harvest.failed,
        "skipped": harvest.skipped,
        "conflicts": harvest.conflicts,
        "unmatched": harvest.unmatched,
        "skipped_kinds": dict(harvest.skipped_kinds),
        "clock": harvest.clock,
        "unknown": harvest.unknown,
        "out_of_reach": _span_json(harvest.out_of_reach) if harvest.out_of_reach else None,
        "failures": harvest.failures,
        "dry_run": dry_run,
    }


def _span_json(span: Span) -> dict[str, object]:
    return {"from": iso_nairobi(span.start), "to": iso_nairobi(span.end)}


def span_of(since: str | None, first: str | None, last: str | None, now: datetime) -> Span:
    """Read the time that is asked for, in whole seconds.

    Raises:
        UsageError: no moment, no length of time, or both at once.
    """
    from kelly_cli.services.pulling import Span

    if since is not None and first is not None:
        raise UsageError("--since and --from exclude each other", hint="Give one of the two")
    end = now if last is None else _moment(last, "--to")
    start = _moment(first, "--from") if first is not None else end - _length(since or "24h")
    return Span(start.replace(microsecond=0), end.replace(microsecond=0))


def _moment(text: str, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        raise UsageError(
            f"{option}: {text!r} is no moment of Nairobi's clock",
            hint="Write it as 2026-02-03T14:00, or 2026-02-03 for its first moment",
        )
    return moment


def _length(text: str) -> timedelta:
    read = _AGO.fullmatch(text.strip().lower())
    if read is None:
        raise UsageError(f"--since: {text!r} is no length of time", hint="Write 90m, 24h or 2d")
    return timedelta(**{_UNITS[read[2]]: int(read[1])})
