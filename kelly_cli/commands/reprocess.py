"""kelly reprocess: failed and unfinished callbacks, tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.ingest import PARTLY, tell_tally
from kelly_cli.commands.keys import RETRIED
from kelly_cli.commands.options import DryRunOpt, JsonOpt
from kelly_cli.commands.single import single
from kelly_cli.core.money import kes
from kelly_cli.office import Office, office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from kelly_cli.services.inbox import Tally
    from kelly_cli.services.reprocessing import Effect

app = typer.Typer(rich_markup_mode=None, add_completion=False)

EFFECTS = (
    Column("kind", "What"),
    Column("name", "Id", "id"),
    Column("status_before", "Now", "status"),
    Column("status_after", "Then", "status"),
    Column("amount_before_cents", "Paid/owed now", "money"),
    Column("amount_after_cents", "Paid/owed then", "money"),
)


@app.command(cls=single(*RETRIED))
def reprocess(
    ctx: typer.Context,
    log_ids: Annotated[
        list[int] | None, typer.Argument(help="Logs to try (default: all).", metavar="[LOG_ID]...")
    ] = None,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Try failed and unfinished callbacks again, all or by log id; the spool comes first.

    kelly reprocess --dry-run

    kelly reprocess 17 18
    """
    from kelly_cli.commands.waiting import (
        spool_json,
        spool_told_too,
        tell_spool,
        warn_of_hidden,
    )
    from kelly_cli.services import reprocessing
    from kelly_cli.services.spooling import Drained, drain_all

    office = office_of(ctx, json=json)
    rows = tuple(log_ids or ())
    with spool_told_too(office):
        database = office.books_to_write()
    inbox = office.inbox(database)
    if dry_run:
        rehearsal = reprocessing.rehearse(database, inbox, rows)
        tell_spool(office)
        _tell(office, rehearsal.tally, rehearsal.effects, {"spool": spool_json(office)})
        return
    is_hidden = warn_of_hidden(office)
    with office.show.progress(None, "Callbacks") as progress:
        drained = (
            Drained() if is_hidden else drain_all(inbox, office.spool, advance=progress.advance)
        )
        tally = reprocessing.reprocess(inbox, rows, advance=progress.advance)
    if drained.records and not office.show.json:
        office.show.note(f"{drained.records} callbacks came out of the spool")
    if drained.damaged:
        office.show.warning(
            f"{drained.damaged} pieces of the spool are damaged: see {office.spool.aside}"
        )
    of_spool: dict[str, object] = {
        "drained": drained.records,
        "damaged": drained.damaged,
        "readable": not is_hidden,
    }
    _tell(office, tally, None, of_spool)
    if tally.failed or is_hidden:
        raise typer.Exit(PARTLY)


def _tell(
    office: Office, tally: Tally, effects: list[Effect] | None, of_spool: dict[str, object]
) -> None:
    """``effects`` None = it was done, not rehearsed."""
    if office.show.json:
        document: dict[str, object] = {
            "retried": tally.received,
            "processed": tally.processed,
            "duplicates": tally.duplicates,
            "failed": tally.failed,
            "failures": tally.failures,
            **of_spool,
        }
        if effects is not None:
            document["dry_run"] = True
            document["effects"] = [_effect_json(effect) for effect in effects]
        office.show.document(document)
        return
    if effects is None:
        tell_tally(office, tally, f"retried {tally.received}")
        return
    tell_tally(office, tally, f"Dry run, nothing is kept: would retry {tally.received}")
    if effects:
        office.show.table([effect._asdict() for effect in effects], EFFECTS)


def _effect_json(effect: Effect) -> dict[str, object]:
    return {
        "kind": effect.kind,
        "id": effect.name,
        "status_before": effect.status_before or None,
        "status_after": effect.status_after or None,
        "amount_before": kes(effect.amount_before_cents),
        "amount_after": kes(effect.amount_after_cents),
    }
