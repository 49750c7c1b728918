"""kelly suspense: money that found no owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.options import (
    DEFAULT_LIMIT,
    DryRunOpt,
    JsonOpt,
    LimitOpt,
    printable,
)
from kelly_cli.commands.payment import ReceiptArg, show_payment
from kelly_cli.core.money import kes
from kelly_cli.core.times import iso_nairobi
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from kelly_cli.services.suspense import Suspended

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

COLUMNS = (
    Column("mpesa_receipt_number", "Receipt", "receipt"),
    Column("amount_cents", "Free", "money"),
    Column("bill_ref_number", "Reference", priority=1),
    Column("payer_name", "Payer", priority=2),
    Column("msisdn", "Phone", "phone", priority=3),
    Column("reason", "Reason"),
    Column("age_days", "Days", "count"),
)


@app.callback()
def suspense(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Money that found no owner."""
    office_of(ctx, json=json)


@app.command("list")
def list_(ctx: typer.Context, limit: LimitOpt = DEFAULT_LIMIT, json: JsonOpt = False) -> None:
    """List the money that waits for an owner, oldest first.

    kelly suspense list

    kelly suspense list --limit 10 --json
    """
    from kelly_cli.services import suspense as service

    office = office_of(ctx, json=json)
    found = service.list_suspense(office.books_to_read(), today=office.today(), limit=limit)
    office.show.rows(
        [_row(each) for each in found],
        COLUMNS,
        as_json=lambda: [_json(each) for each in found],
        empty="Nothing is in suspense: all money has an owner",
    )


@app.command()
def assign(
    ctx: typer.Context,
    receipt: ReceiptArg,
    to: Annotated[
        str, typer.Option("--to", help="The customer, invoice or sale it is for.", metavar="ID")
    ],
    reason: Annotated[str | None, typer.Option("--reason", help="Why, for the audit.")] = None,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Give money in suspense to its owner.

    kelly suspense assign QGK12XYZ91 --to CUST-001

    kelly suspense assign QGK12XYZ91 --to INV-20260203-0001 --reason "she called" --dry-run
    """
    from kelly_cli.commands.shapes import payment_json
    from kelly_cli.services import suspense as service

    office = office_of(ctx, json=json)
    why = None if reason is None else printable(reason, option="--reason")
    # What is tried dry must not make a database either.
    books = office.books_to_read() if dry_run else office.books_to_write()
    assigned = service.assign(books, office.hand(why), receipt, to, dry_run=dry_run)
    if dry_run:
        office.show.note("Dry run: it would be like this; nothing was kept")
    show_payment(office, assigned, payment_json(assigned))


def _row(suspended: Suspended) -> dict[str, object]:
    return {
        **suspended.payment._asdict(),
        "amount_cents": suspended.payment.unallocated_cents,
        "reason": suspended.reason,
        "age_days": suspended.age_days,
    }


def _json(suspended: Suspended) -> dict[str, object]:
    payment = suspended.payment
    return {
        "mpesa_receipt_number": payment.mpesa_receipt_number,
        "amount": kes(payment.unallocated_cents),
        "bill_ref_number": payment.bill_ref_number,
        "reason": suspended.reason,
        "age_days": suspended.age_days,
        "status": payment.status,
        "payment_amount": kes(payment.amount_cents),
        "transaction_date": iso_nairobi(payment.transaction_date),
        "msisdn": payment.msisdn,
        "payer_name": payment.payer_name,
        "short_code": payment.short_code,
    }
