"""kelly customer alias: by what else a customer pays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.listing import Listing
from kelly_cli.commands.options import (
    DEFAULT_LIMIT,
    DryRunOpt,
    JsonOpt,
    LimitOpt,
    amount,
    printable,
)
from kelly_cli.commands.single import single
from kelly_cli.core.money import kes
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column, fields

if TYPE_CHECKING:
    from kelly_cli.office import Office
    from kelly_cli.store.alias_rows import AliasView

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

COLUMNS = (
    Column("row", "Alias", "count"),
    Column("customer_id", "Customer", "id"),
    Column("customer_name", "Name", priority=2),
    Column("kind", "Kind"),
    Column("value", "Value", priority=1),
    Column("amount_cents", "Usual amount", "money"),
    Column("learnt_from", "Learnt from", "receipt", priority=3),
    Column("created_at", "Since", "instant", priority=5),
    Column("retired_at", "Removed at", "instant", priority=4),
)

ReasonOpt = Annotated[str | None, typer.Option("--reason", help="Why, for the audit.")]


ALIAS = fields(
    "alias", "customer_id", "kind", "value", "usual_amount:money", "learnt_from", "created_at",
    "removed_at",
)  # fmt: skip


@app.callback()
def alias(ctx: typer.Context, json: JsonOpt = False) -> None:
    """By what else a customer pays: another phone, name or reference."""
    office_of(ctx, json=json)


@app.command("list", cls=Listing)
def list_(
    ctx: typer.Context,
    customer_id: Annotated[
        str | None, typer.Argument(help="Only those of this customer.", metavar="[ID]")
    ] = None,
    removed: Annotated[
        bool, typer.Option("--removed", help="Those that were removed too.", metavar="")
    ] = False,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """List what is remembered of payers, newest first.

    kelly customer alias list

    kelly customer alias list CUST-001 --removed --json
    """
    from kelly_cli.services import aliases

    office = office_of(ctx, json=json)
    found = aliases.list_aliases(office.books_to_read(), customer_id, retired=removed, limit=limit)
    office.show.rows(
        [each._asdict() for each in found],
        COLUMNS,
        as_json=lambda: [_json(each) for each in found],
        empty="Nothing is remembered. Teach it: kelly suspense assign RECEIPT --to ID --remember",
        fields=ALIAS,
    )


@app.command(cls=single(ALIAS))
def add(
    ctx: typer.Context,
    customer_id: Annotated[str, typer.Argument(help="The customer's id.", metavar="ID")],
    phone: Annotated[
        str | None, typer.Option(help="Another phone; also as M-Pesa masks or hashes it.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Another payer's full name.")] = None,
    reference: Annotated[str | None, typer.Option(help="What is typed as the account.")] = None,
    usual: Annotated[
        str | None, typer.Option("--amount", help="The usual amount (default: any).")
    ] = None,
    reason: ReasonOpt = None,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Remember by what else a customer pays. It is suggested then, and never matched by itself.

    kelly customer alias add CUST-001 --phone 0722000111 --amount 5000

    kelly customer alias add CUST-001 --reference "House 5B" --reason "she always types it"
    """
    from kelly_cli.services import aliases

    office = office_of(ctx, json=json)
    given = {"phone": phone, "name": name, "reference": reference}
    kinds = [(kind, text) for kind, text in given.items() if text is not None]
    if len(kinds) != 1:
        raise UsageError("give one of --phone, --name and --reference")
    why = None if reason is None else printable(reason, option="--reason")
    cents = None if usual is None else amount(usual, option="--amount")
    books = office.books_to_read() if dry_run else office.books_to_write()
    kind, text = kinds[0]
    made = aliases.add_alias(
        books,
        office.hand(why),
        customer_id,
        kind,
        text,
        amount_cents=cents,
        dry_run=dry_run,
    )
    _show(office, made, dry_run=dry_run)


@app.command(cls=single(ALIAS))
def remove(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(help="The alias's number.", metavar="ALIAS", min=1)],
    reason: ReasonOpt = None,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Forget an alias. What was assigned by it stays.

    kelly customer alias remove 3 --reason "she moved out"

    kelly customer alias remove 3 --dry-run
    """
    from kelly_cli.services import aliases

    office = office_of(ctx, json=json)
    why = None if reason is None else printable(reason, option="--reason")
    books = office.books_to_read() if dry_run else office.books_to_write()
    gone = aliases.remove_alias(books, office.hand(why), number, dry_run=dry_run)
    _show(office, gone, dry_run=dry_run)


def _show(office: Office, alias_: AliasView, *, dry_run: bool) -> None:
    if dry_run:
        office.show.note("Dry run: it would be like this; nothing was kept")
    office.show.record(alias_._asdict(), COLUMNS, _json(alias_))


def _json(alias_: AliasView) -> dict[str, object]:
    usual = alias_.amount_cents
    return {
        "alias": alias_.row,
        "customer_id": alias_.customer_id,
        "kind": alias_.kind,
        "value": alias_.value,
        "usual_amount": None if usual is None else kes(usual),
        "learnt_from": alias_.learnt_from,
        "created_at": alias_.created_at.isoformat(),
        "removed_at": alias_.retired_at.isoformat() if alias_.retired_at else None,
    }
