"""kelly webhook quarantine: what came from addresses that are not allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.keys import TALLY
from kelly_cli.commands.listing import Listing
from kelly_cli.commands.options import DEFAULT_LIMIT, JsonOpt, LimitOpt, YesOpt
from kelly_cli.commands.single import Single, single
from kelly_cli.office import office_of
from kelly_cli.render import Column, fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kelly_cli.store.quarantine_rows import QuarantinedRaw, QuarantineView

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

FIELDS = (
    Column("id", "Id", "count"),
    Column("received_at", "Came at", "instant"),
    Column("address", "From"),
    Column("reason", "Reason"),
    Column("path", "Path"),
    Column("kind", "Kind"),
    Column("looks_real", "Looks real", "status"),
    Column("trans_id", "Receipt"),
    Column("bytes", "Bytes", "count"),
)
COLUMNS = (
    Column("id", "Id", "count"),
    Column("received_at", "Came at", "instant", priority=1),
    Column("address", "From"),
    Column("looks_real", "Looks real", "status"),
    Column("trans_id", "Receipt"),
    Column("kind", "Kind", priority=2),
    Column("bytes", "Bytes", "count", priority=3),
    Column("reason", "Reason", priority=4),
)

QUARANTINED = fields(
    "id", "received_at", "address", "reason", "path", "kind", "looks_real", "trans_id", "bytes"
)

IdArg = Annotated[int, typer.Argument(help="The id that the list shows.", metavar="ID")]
IdsArg = Annotated[list[int], typer.Argument(help="The ids that the list shows.", metavar="ID...")]


@app.callback()
def quarantine(ctx: typer.Context, json: JsonOpt = False) -> None:
    """What came from addresses that are not allowed, and waits for you."""
    office_of(ctx, json=json)


@app.command("list", cls=Listing)
def list_(ctx: typer.Context, limit: LimitOpt = DEFAULT_LIMIT, json: JsonOpt = False) -> None:
    """List what was refused for its sender's address, newest first.

    kelly webhook quarantine list

    kelly webhook quarantine list --limit 10 --json
    """
    from kelly_cli.services import quarantine as service

    office = office_of(ctx, json=json)
    found = service.list_quarantine(office.books_to_read(), limit=limit)
    office.show.rows(
        [_row(each) for each in found],
        COLUMNS,
        as_json=lambda: [_json(each) for each in found],
        empty="The quarantine is empty",
        fields=QUARANTINED,
    )


@app.command(cls=Single)
def show(ctx: typer.Context, quarantined: IdArg, json: JsonOpt = False) -> None:
    """Show one refused callback, and the text as it came.

    kelly webhook quarantine show 5

    kelly webhook quarantine show 5 --json
    """
    from kelly_cli.services import quarantine as service

    office = office_of(ctx, json=json)
    (found,) = service.find_quarantined(office.books_to_read(), [quarantined])
    document = {
        **_json(found.view),
        "raw_payload": found.payload,
        "raw_encoding": found.encoding,
    }
    office.show.record(_row(found.view), FIELDS, document)
    raw = found.payload.replace("\r\n", "\n").expandtabs(4)
    office.show.lines("", "Text as it came:", *raw.split("\n"))


@app.command(cls=single(*TALLY, "released"))
def release(
    ctx: typer.Context, quarantined: IdsArg, yes: YesOpt = False, json: JsonOpt = False
) -> None:
    """Take refused callbacks after all, as if they had just come from an allowed address.

    kelly webhook quarantine release 5

    kelly webhook quarantine release 5 6 7 --yes
    """
    from dataclasses import asdict

    from kelly_cli.services import quarantine as service

    office = office_of(ctx, json=json)
    books = office.books_to_write()
    found = service.find_quarantined(books, quarantined)
    office.show.confirm(
        f"Take {_several(found)} as money that came? Only you know that it is real.",
        yes=yes,
        repeat=f"kelly webhook quarantine release {_ids(found)}",
    )
    tally = service.release(books, office.inbox(books), office.hand(), found)
    if office.show.json:
        office.show.document({**asdict(tally), "received": tally.received, "released": len(found)})
    office.show.lines(
        f"Released {len(found)}: {tally.processed} processed, {tally.duplicates} duplicates, "
        f"{tally.failed} failed"
    )
    if tally.failed:
        raise typer.Exit(3)


@app.command(cls=single("dropped"))
def drop(
    ctx: typer.Context, quarantined: IdsArg, yes: YesOpt = False, json: JsonOpt = False
) -> None:
    """Throw refused callbacks away for good.

    kelly webhook quarantine drop 5

    kelly webhook quarantine drop 5 6 7 --yes
    """
    from kelly_cli.services import quarantine as service

    office = office_of(ctx, json=json)
    books = office.books_to_write()
    found = service.find_quarantined(books, quarantined)
    office.show.confirm(
        f"Throw {_several(found)} away for good?",
        yes=yes,
        repeat=f"kelly webhook quarantine drop {_ids(found)}",
    )
    service.drop(books, office.hand(), found)
    if office.show.json:
        office.show.document({"dropped": [each.view.id for each in found]})
    office.show.lines(f"Dropped {len(found)}")


def _row(view: QuarantineView) -> dict[str, object]:
    return {
        **view._asdict(),
        "looks_real": "yes" if view.is_plausible else "no",
        "bytes": view.raw_bytes,
    }


def _json(view: QuarantineView) -> dict[str, object]:
    return {
        "id": view.id,
        "received_at": view.received_at.isoformat(),
        "address": view.address,
        "reason": view.reason,
        "path": view.path,
        "kind": view.kind,
        "looks_real": view.is_plausible,
        "trans_id": view.trans_id,
        "bytes": view.raw_bytes,
    }


def _ids(found: Sequence[QuarantinedRaw]) -> str:
    return " ".join(str(each.view.id) for each in found)


def _several(found: Sequence[QuarantinedRaw]) -> str:
    if len(found) == 1:
        view = found[0].view
        return f"callback {view.id} from {view.address} ({view.trans_id or 'no receipt'})"
    return f"{len(found)} callbacks"
