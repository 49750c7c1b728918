"""kelly webhook: the callbacks that came, and what became of them."""

from __future__ import annotations

import re
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.ingest import ingest
from kelly_cli.commands.keys import DEALT, LOG, REPLAYED, TALLY, TOKEN
from kelly_cli.commands.listing import Listing
from kelly_cli.commands.options import (
    DEFAULT_LIMIT,
    JsonOpt,
    LimitOpt,
    ReasonOpt,
    ShortCodeOpt,
    YesOpt,
    printable,
)
from kelly_cli.commands.quarantine import app as quarantine
from kelly_cli.commands.serve import serve
from kelly_cli.commands.service import service
from kelly_cli.commands.short_codes import Places
from kelly_cli.commands.single import Single, single
from kelly_cli.commands.token import token
from kelly_cli.commands.webhook_replay import replay
from kelly_cli.commands.webhook_tail import tail
from kelly_cli.commands.webhook_trigger import trigger
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kelly_cli.office import Office
    from kelly_cli.services.logs import LogDetail
    from kelly_cli.store.log_rows import LogFilter, LogView

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

FIELDS = (
    Column("id", "Log", "count"),
    Column("outcome", "Outcome", "status"),
    Column("error", "Error"),
    Column("note", "Note"),
    Column("kind", "Kind"),
    Column("source", "Source"),
    Column("trans_id", "Receipt", "receipt"),
    Column("payment", "Payment", "receipt"),
    Column("attempts", "Attempts", "count"),
    Column("created_at", "Came at", "instant"),
    Column("purged_at", "Purged at", "instant"),
)
FACTS = {
    "mpesa_receipt_number": "receipt",
    "amount": "amount",
    "transaction_date": "paid at",
    "short_code": "paid to",
    "bill_ref_number": "reference",
    "msisdn": "phone",
    "payer_name": "payer",
    "checkout_request_id": "prompt",
    "says": "message",
    "refused": "not accepted",
}

_PLAIN = re.compile(r"[A-Z0-9]{1,32}", re.ASCII)

LogArg = Annotated[int, typer.Argument(help="The log's id.", metavar="LOG")]


@app.callback()
def webhook(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Callbacks: what came, and what became of it."""
    office_of(ctx, json=json)


@app.command("list", cls=Listing)
def list_(
    ctx: typer.Context,
    failed: Annotated[bool, typer.Option("--failed", help="Failed ones.", metavar="")] = False,
    duplicates: Annotated[
        bool, typer.Option("--duplicates", help="Repeats, conflicts among them.", metavar="")
    ] = False,
    pending: Annotated[
        bool, typer.Option("--pending", help="Logged, not processed yet.", metavar="")
    ] = False,
    conflicts: Annotated[
        bool, typer.Option("--conflicts", help="Repeats with other facts.", metavar="")
    ] = False,
    receipt: Annotated[
        str | None, typer.Option("--receipt", help="Only of this receipt.", metavar="RECEIPT")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Only from this source, such as file.")
    ] = None,
    short_code: ShortCodeOpt = None,
    spool: Annotated[
        bool, typer.Option("--spool", help="What waits for the database.", metavar="")
    ] = False,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """List callbacks, newest first; several states add up. --spool needs no database.

    kelly webhook list --failed

    kelly webhook list --conflicts --duplicates --receipt QGK12XYZ91 --json

    kelly webhook list --spool
    """
    from kelly_cli.commands.waiting import list_waiting, spool_told_too
    from kelly_cli.store.log_rows import LogFilter

    office = office_of(ctx, json=json)
    if spool:
        if any((failed, duplicates, pending, conflicts, receipt, source, short_code)):
            raise UsageError("--spool lists all that waits: it takes no filter but --limit")
        list_waiting(office, limit=limit)
        return
    with spool_told_too(office):
        places = Places(office)
    wanted = LogFilter(
        failed=failed,
        duplicates=duplicates,
        pending=pending,
        conflicts=conflicts,
        receipt=None if receipt is None else printable(receipt, option="--receipt").upper(),
        source=None if source is None else printable(source, option="--source"),
        short_codes=places.picked(short_code),
    )
    _list_logs(office, wanted, places, limit)


def _list_logs(office: Office, wanted: LogFilter, places: Places, limit: int) -> None:
    from kelly_cli.commands.shapes import log_json
    from kelly_cli.commands.waiting import spool_told_too, tell_spool
    from kelly_cli.services import logs

    with spool_told_too(office):
        found = logs.list_logs(office.books_to_read(), wanted, limit=limit)
    office.show.rows(
        [_row(each) | places.marks(each.short_code) for each in found],
        (*columns_for(found), *places.columns),
        as_json=lambda: [log_json(each) | places.marks(each.short_code) for each in found],
        empty="No such callbacks",
        fields=LOG,
    )
    tell_spool(office)


@app.command(cls=Single)
def show(ctx: typer.Context, log: LogArg, json: JsonOpt = False) -> None:
    """Show one callback: what became of it, what it says, and the text as it came.

    kelly webhook show 5

    kelly webhook show 5 --json
    """
    from kelly_cli.commands.shapes import log_json
    from kelly_cli.services import logs

    office = office_of(ctx, json=json)
    ours = frozenset(code.code for code in office.config.mpesa.short_codes)
    found = logs.show_log(office.books_to_read(), log, ours=ours)
    document = {
        **log_json(found.log),
        "facts": found.facts,
        "raw_payload": found.raw.payload,
        "raw_encoding": found.raw.encoding,
    }
    office.show.record(_row(found.log), FIELDS, document)
    office.show.lines(*_raw_lines(found))


@app.command(cls=single(LOG))
def dismiss(
    ctx: typer.Context,
    log: LogArg,
    reason: ReasonOpt,
    yes: YesOpt = False,
    json: JsonOpt = False,
) -> None:
    """Take a failed callback off the list; money that it brought stays in suspense.

    kelly webhook dismiss 5 --reason "a test of ours"

    kelly webhook dismiss 5 --reason "a test of ours" --yes
    """
    from kelly_cli.services import logs

    office = office_of(ctx, json=json)
    why = printable(reason, option="--reason")
    books = office.books_to_write()
    found = logs.find_open_log(books, log)
    office.show.confirm(
        f"Dismiss log {log} ({found.error or 'pending'})? It will not be tried again.",
        yes=yes,
        repeat=f"kelly webhook dismiss {log} --reason {quote(why)}",
    )
    _show(office, logs.dismiss_log(books, office.hand(), log, why))


def columns_for(found: Sequence[LogView]) -> tuple[Column, ...]:
    """Return the columns of a list; a receipt that is not plain may be folded like any text."""
    plain = all(each.trans_id is None or _PLAIN.fullmatch(each.trans_id) for each in found)
    return (
        Column("id", "Log", "count"),
        Column("created_at", "Came at", "instant", priority=2),
        Column("outcome", "Outcome", "status"),
        Column("trans_id", "Receipt", "receipt" if plain else "text"),
        Column("kind", "Kind", "status", priority=3),
        Column("source", "Source", priority=3),
        Column("attempts", "Tries", "count", priority=4),
        Column("error", "Error", priority=1),
    )


def _row(log: LogView) -> dict[str, object]:
    return {**log._asdict(), "outcome": log.outcome}


def _show(office: Office, log: LogView) -> None:
    from kelly_cli.commands.shapes import log_json

    office.show.record(_row(log), FIELDS, log_json(log))


def _raw_lines(found: LogDetail) -> list[str]:
    lines = []
    if found.facts:
        lines += ["", "It says:"]
        lines += [f"  {FACTS[name]}: {value}" for name, value in found.facts.items()]
    encoding = "" if found.raw.encoding == "utf-8" else f" ({found.raw.encoding})"
    lines += ["", f"Text as it came{encoding}:"]
    # Other line ends and signs are shown as what they are: harmful in a line.
    raw = found.raw.payload.replace("\r\n", "\n").expandtabs(4)
    return lines + raw.split("\n")


app.command("ingest", cls=single(*TALLY))(ingest)
app.command("serve")(serve)
app.command("tail")(tail)
app.command("service", cls=Single)(service)
app.command("token", cls=single(*TOKEN))(token)
app.command("trigger", cls=single(*DEALT))(trigger)
app.command("replay", cls=single(*REPLAYED))(replay)
app.add_typer(quarantine, name="quarantine")
