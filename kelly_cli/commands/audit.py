"""kelly audit: what people did to the books, and whether that record is whole."""

from __future__ import annotations

import json as json_module
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.listing import Listing
from kelly_cli.commands.options import DEFAULT_LIMIT, JsonOpt, LimitOpt, days, printable
from kelly_cli.commands.single import Single
from kelly_cli.office import office_of
from kelly_cli.render import Column, fields

if TYPE_CHECKING:
    from kelly_cli.store.audit_views import AuditView

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

COLUMNS = (
    Column("id", "Row", "count", priority=2),
    Column("at", "When", "instant", priority=1),
    Column("actor", "Who"),
    Column("action", "Did"),
    Column("subject", "To", "id"),
    Column("reason", "Why", priority=3),
)
ACTION = fields(
    "id", "at:instant", "actor", "action", "subject", "reason", "before", "after",
    "previous_hash", "hash",
)  # fmt: skip
VERIFIED = (
    Column("ok", "Whole", "flag"),
    Column("rows", "Rows that hold", "count"),
    Column("last_hash", "Hash of the last"),
    Column("broken", "First broken row"),
    Column("why", "Why"),
)


@app.callback()
def audit(ctx: typer.Context, json: JsonOpt = False) -> None:
    """What people did to the books."""
    office_of(ctx, json=json)


@app.command("list", cls=Listing)
def list_(
    ctx: typer.Context,
    *,
    subject: Annotated[
        str | None, typer.Option("--subject", help="Only what was done to this id or receipt.")
    ] = None,
    action: Annotated[
        str | None, typer.Option("--action", help="Only these: invoice.void, or invoice.")
    ] = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Only what this person did.")] = None,
    first: Annotated[
        str | None, typer.Option("--from", help="From this day on, in Nairobi.", metavar="DAY")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="Up to and with this day.", metavar="DAY")
    ] = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """List what people did, newest first.

    kelly audit list --subject INV-20260203-0001

    kelly audit list --action invoice. --from 2026-02-01 --json
    """
    from kelly_cli.services import auditing

    office = office_of(ctx, json=json)
    first_day, last_day = days(first, last)
    query = auditing.AuditQuery(
        subject=None if subject is None else printable(subject, option="--subject"),
        action=None if action is None else printable(action, option="--action"),
        actor=None if actor is None else printable(actor, option="--actor"),
        first=first_day,
        last=last_day,
    )
    found = auditing.list_actions(office.books_to_read(), query, limit=limit)
    office.show.rows(
        [each._asdict() for each in found],
        COLUMNS,
        as_json=lambda: [_json(each) for each in found],
        empty="No such actions. All of them: kelly audit list",
        fields=ACTION,
    )


@app.command(cls=Single)
def verify(
    ctx: typer.Context,
    known: Annotated[
        str | None,
        typer.Option("--known", help="A hash that was shown before; it must still be there."),
    ] = None,
    json: JsonOpt = False,
) -> None:
    """Follow the chain of hashes to its first broken link; exit 1 when there is one.

    Write the last hash down: with --known it shows later whether the end was cut off.

    kelly audit verify

    kelly audit verify --known 88e646cc69c4 --json
    """
    from kelly_cli.services import auditing

    office = office_of(ctx, json=json)
    wanted = None if known is None else printable(known, option="--known").lower()
    found = auditing.verify(office.books_to_read(), known_hash=wanted)
    broken, why = found.broken, None
    if broken is not None:
        why = broken.why
    elif not found.known:
        why = "the known hash is not in the chain: rows at its end are gone or were changed"
    values = {
        "ok": found.ok,
        "rows": found.rows,
        "last_hash": found.last_hash,
        "broken": f"{broken.id} ({broken.action} {broken.subject})" if broken else None,
        "why": why,
    }
    first = broken and {"id": broken.id, "action": broken.action, "subject": broken.subject}
    office.show.record(values, VERIFIED, {**values, "broken": first})
    if not found.ok:
        raise typer.Exit(1)


def _json(row: AuditView) -> dict[str, object]:
    return {
        **row._asdict(),
        "at": row.at.isoformat(),
        "before": None if row.before is None else json_module.loads(row.before),
        "after": None if row.after is None else json_module.loads(row.after),
    }
