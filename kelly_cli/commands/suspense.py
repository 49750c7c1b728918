"""kelly suspense: money that found no owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.keys import PAYMENT
from kelly_cli.commands.listing import Listing
from kelly_cli.commands.options import (
    DEFAULT_LIMIT,
    DryRunOpt,
    JsonOpt,
    LimitOpt,
    ShortCodeOpt,
    printable,
)
from kelly_cli.commands.payment import ReceiptArg, show_payment
from kelly_cli.commands.payment_hand import KeepOpt
from kelly_cli.commands.short_codes import Places
from kelly_cli.commands.single import single
from kelly_cli.core.money import kes
from kelly_cli.core.times import iso_nairobi
from kelly_cli.office import office_of
from kelly_cli.render import Column, fields

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
    Column("note", "Note", priority=4),
    Column("age_days", "Days", "count"),
)
WAITING = fields(
    "mpesa_receipt_number", "amount:money", "bill_ref_number", "reason", "age_days", "note",
    "status", "payment_amount:money", "transaction_date:instant", "msisdn", "payer_name",
    "short_code", "environment",
)  # fmt: skip
SUGGESTIONS = (
    Column("target", "For", "id"),
    Column("score", "Score", "count"),
    Column("reasons", "Why"),
)
NOTED = (Column("mpesa_receipt_number", "Receipt", "receipt"), Column("note", "Note"))
DEFAULT_SUGGESTIONS = 5


@app.callback()
def suspense(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Money that found no owner."""
    office_of(ctx, json=json)


@app.command("list", cls=Listing)
def list_(
    ctx: typer.Context,
    short_code: ShortCodeOpt = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """List the money that waits for an owner, oldest first.

    kelly suspense list

    kelly suspense list --limit 10 --json
    """
    from kelly_cli.services import suspense as service

    office = office_of(ctx, json=json)
    places = Places(office)
    found = service.list_suspense(
        office.books_to_read(),
        today=office.today(),
        short_codes=places.picked(short_code),
        limit=limit,
    )
    office.show.rows(
        [_row(each) | places.marks(each.payment.short_code) for each in found],
        (*COLUMNS, *places.columns),
        as_json=lambda: [_json(each) | places.marks(each.payment.short_code) for each in found],
        empty="Nothing is in suspense: all money has an owner",
        fields=WAITING,
    )


@app.command(cls=Listing)
def suggest(
    ctx: typer.Context,
    receipt: ReceiptArg,
    limit: LimitOpt = DEFAULT_SUGGESTIONS,
    json: JsonOpt = False,
) -> None:
    """Show who money in suspense could belong to, best first, and why. Nothing is moved.

    kelly suspense suggest QGK12XYZ91

    kelly suspense suggest QGK12XYZ91 --limit 1 --json
    """
    from kelly_cli.services import suggesting

    office = office_of(ctx, json=json)
    found = suggesting.suggest(office.books_to_read(), receipt, limit=limit)
    office.show.rows(
        [{**each._asdict(), "reasons": "; ".join(each.reasons)} for each in found.suggestions],
        SUGGESTIONS,
        as_json=lambda: [
            {**each._asdict(), "reasons": list(each.reasons)} for each in found.suggestions
        ],
        empty="Nothing in the books is like it. Look around: kelly customer list --search TEXT",
    )
    if found.suggestions:
        name = found.payment.mpesa_receipt_number
        office.show.note(f"A guess, never more. Give it: kelly suspense assign {name} --to ID")


@app.command(cls=single(PAYMENT, "note"))
def note(
    ctx: typer.Context,
    receipt: ReceiptArg,
    text: Annotated[str, typer.Argument(help='What you found out; "" takes the note away.')],
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Write what you found out about money in suspense; it stands in the list.

    kelly suspense note QGK12XYZ91 "asked 0712 345 678, calls back on Monday"

    kelly suspense note QGK12XYZ91 ""
    """
    from kelly_cli.commands.shapes import payment_json
    from kelly_cli.services import suspense as service

    office = office_of(ctx, json=json)
    words = printable(text, option="TEXT") if text else ""
    books = office.books_to_read() if dry_run else office.books_to_write()
    noted = service.note(books, office.hand(), receipt, words, dry_run=dry_run)
    if dry_run:
        office.show.note("Dry run: it would be like this; nothing was kept")
    values = {"mpesa_receipt_number": noted.mpesa_receipt_number, "note": words or None}
    office.show.record(values, NOTED, payment_json(noted) | {"note": words or None})


@app.command(cls=single(PAYMENT))
def assign(
    ctx: typer.Context,
    receipt: ReceiptArg,
    to: Annotated[
        str, typer.Option("--to", help="The customer, invoice or sale it is for.", metavar="ID")
    ],
    reason: Annotated[str | None, typer.Option("--reason", help="Why, for the audit.")] = None,
    remember: Annotated[
        bool,
        typer.Option("--remember", help="Suggest the customer for this payer again.", metavar=""),
    ] = False,
    keep_credit: KeepOpt = False,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Give money in suspense to its owner.

    Undo it with kelly payment unallocate RECEIPT --to-suspense.

    kelly suspense assign QGK12XYZ91 --to CUST-001 --remember

    kelly suspense assign QGK12XYZ91 --to INV-20260203-0001 --reason "she called" --dry-run
    """
    from kelly_cli.commands.shapes import payment_json
    from kelly_cli.services import suspense as service

    office = office_of(ctx, json=json)
    why = None if reason is None else printable(reason, option="--reason")
    # What is tried dry must not make a database either.
    books = office.books_to_read() if dry_run else office.books_to_write()
    assigned = service.assign(
        books,
        office.hand(why),
        receipt,
        to,
        remember=remember,
        keep_credit=keep_credit,
        dry_run=dry_run,
    )
    if dry_run:
        office.show.note("Dry run: it would be like this; nothing was kept")
    show_payment(office, assigned, payment_json(assigned))


def _row(suspended: Suspended) -> dict[str, object]:
    return {
        **suspended.payment._asdict(),
        "amount_cents": suspended.payment.unallocated_cents,
        "reason": suspended.reason,
        "age_days": suspended.age_days,
        "note": suspended.note,
    }


def _json(suspended: Suspended) -> dict[str, object]:
    payment = suspended.payment
    return {
        "mpesa_receipt_number": payment.mpesa_receipt_number,
        "amount": kes(payment.unallocated_cents),
        "bill_ref_number": payment.bill_ref_number,
        "reason": suspended.reason,
        "age_days": suspended.age_days,
        "note": suspended.note,
        "status": payment.status,
        "payment_amount": kes(payment.amount_cents),
        "transaction_date": iso_nairobi(payment.transaction_date),
        "msisdn": payment.msisdn,
        "payer_name": payment.payer_name,
        "short_code": payment.short_code,
    }
