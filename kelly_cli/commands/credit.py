"""kelly credit: money of customers that pays nothing yet."""

from __future__ import annotations

from typing import Annotated

import typer

from kelly_cli.commands.listing import Listing
from kelly_cli.commands.options import DEFAULT_LIMIT, JsonOpt, LimitOpt, ShortCodeOpt
from kelly_cli.commands.short_codes import Places
from kelly_cli.core.money import kes
from kelly_cli.core.times import iso_nairobi
from kelly_cli.office import office_of
from kelly_cli.render import Column, fields

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

COLUMNS = (
    Column("mpesa_receipt_number", "Receipt", "receipt"),
    Column("customer_id", "Customer", "id"),
    Column("unallocated_cents", "Free", "money"),
    Column("amount_cents", "Of", "money", priority=2),
    Column("transaction_date", "Paid at", "wall", priority=1),
    Column("pinned", "Waits for a person", "flag"),
)


CREDIT = fields(
    "mpesa_receipt_number", "customer_id", "credit:money", "amount:money", "pinned",
    "transaction_date:instant", "short_code", "environment",
)  # fmt: skip


@app.callback()
def credit(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Money of customers that pays nothing yet."""
    office_of(ctx, json=json)


@app.command("list", cls=Listing)
def list_(
    ctx: typer.Context,
    *,
    customer: Annotated[
        str | None, typer.Option("--customer", help="Only this customer's.", metavar="ID")
    ] = None,
    pinned: Annotated[
        bool, typer.Option("--pinned", help="Only what waits for a person.", metavar="")
    ] = False,
    short_code: ShortCodeOpt = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """List credit payment by payment, oldest first: the order in which it is used.

    What waits for a person is used by kelly payment allocate only.

    kelly credit list --customer CUST-001

    kelly credit list --pinned --json
    """
    from kelly_cli.commands.payment import row
    from kelly_cli.services import payments

    office = office_of(ctx, json=json)
    places = Places(office)
    found = payments.list_credit(
        office.books_to_read(),
        customer_id=customer,
        pinned=True if pinned else None,
        short_codes=places.picked(short_code),
        limit=limit,
    )
    office.show.rows(
        [row(each) | places.marks(each.short_code) for each in found],
        (*COLUMNS, *places.columns),
        as_json=lambda: [
            {
                "mpesa_receipt_number": each.mpesa_receipt_number,
                "customer_id": each.customer_id,
                "credit": kes(each.unallocated_cents),
                "amount": kes(each.amount_cents),
                "pinned": each.pinned,
                "transaction_date": iso_nairobi(each.transaction_date),
                **places.marks(each.short_code),
            }
            for each in found
        ],
        empty="No customer has credit",
        fields=CREDIT,
    )
