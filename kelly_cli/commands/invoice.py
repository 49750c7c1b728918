"""kelly invoice: what is owed."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.invoice_document import document
from kelly_cli.commands.invoice_hand import credit_note, hold, release, writeoff
from kelly_cli.commands.keys import ADJUSTED, BILLED, INVOICE, VOIDED
from kelly_cli.commands.listing import Listing
from kelly_cli.commands.options import (
    DEFAULT_LIMIT,
    JsonOpt,
    LimitOpt,
    day,
    days,
    printable,
)
from kelly_cli.commands.options import (
    amount as read_amount,
)
from kelly_cli.commands.single import Single, single
from kelly_cli.commands.voiding import void_invoice
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from kelly_cli.config import Config
    from kelly_cli.office import Office
    from kelly_cli.store.adjustment_rows import AdjustmentView
    from kelly_cli.store.invoice_rows import AllocationView, InvoiceView

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

COLUMNS = (
    Column("invoice_id", "Invoice", "id"),
    Column("customer_id", "Customer", "id"),
    Column("customer_name", "Name", priority=4),
    Column("description", "Description", priority=5),
    Column("amount_cents", "Amount", "money", priority=3),
    Column("balance_cents", "Balance", "money"),
    Column("due_on", "Due", "date", priority=2),
    Column("overdue", "Overdue", "flag", priority=6),
    Column("status", "Status", "status"),
)
FIELDS = (
    Column("invoice_id", "Invoice", "id"),
    Column("status", "Status", "status"),
    Column("customer_id", "Customer", "id"),
    Column("customer_name", "Name"),
    Column("description", "Description"),
    Column("amount_cents", "Amount", "money"),
    Column("paid_cents", "Paid", "money"),
    Column("adjusted_cents", "Adjusted", "money"),
    Column("balance_cents", "Balance", "money"),
    Column("issued_on", "Issued", "date"),
    Column("due_on", "Due", "date"),
    Column("overdue", "Overdue", "flag"),
    Column("on_hold", "On hold", "flag"),
    Column("pos_id", "Sale", "id"),
    Column("voided_at", "Voided at", "instant"),
)
ALLOCATIONS = (
    Column("receipt", "Receipt", "receipt"),
    Column("amount_cents", "Allocated", "money"),
    Column("reason", "Reason"),
    Column("created_at", "When", "instant"),
)
ADJUSTMENTS = (
    Column("kind", "Adjusted by"),
    Column("amount_cents", "Amount", "money"),
    Column("reason", "Why", priority=1),
    Column("actor", "Who", priority=2),
    Column("created_at", "When", "instant", priority=3),
)

IdArg = Annotated[str, typer.Argument(help="The invoice's id, in any case.", metavar="ID")]
CustomerOpt = Annotated[
    str | None, typer.Option("--customer", help="Only this customer's.", metavar="ID")
]
FromOpt = Annotated[str | None, typer.Option("--from", help="From this day on.", metavar="DAY")]
ToOpt = Annotated[str | None, typer.Option("--to", help="Up to this day.", metavar="DAY")]


class Status(StrEnum):
    """What an invoice can be (contract section 4); PENDING is another word for UNPAID."""

    UNPAID = "UNPAID"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    VOID = "VOID"
    PENDING = "PENDING"


@app.callback()
def invoice(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Invoices: what is owed."""
    office_of(ctx, json=json)


@app.command(cls=single(INVOICE, *BILLED))
def create(
    ctx: typer.Context,
    *,
    customer: Annotated[str, typer.Option("--customer", help="Who owes it.", metavar="ID")],
    amount: Annotated[str, typer.Option("--amount", help="In KES: 5000, 5000.50 or 5,000.")],
    description: Annotated[
        str | None, typer.Option("--description", help="What it is for.", metavar="TEXT")
    ] = None,
    due: Annotated[
        str | None, typer.Option("--due", help="The day to pay by.", metavar="DAY")
    ] = None,
    date: Annotated[
        str | None,
        typer.Option("--date", help="The day of issue (default: today).", metavar="DAY"),
    ] = None,
    keep_credit: Annotated[
        bool,
        typer.Option(
            "--keep-credit",
            help="The customer's credit does not pay it, and waits for a person.",
            metavar="",
        ),
    ] = False,
    json: JsonOpt = False,
) -> None:
    """Write a new invoice; the customer's credit pays it at once.

    Kept credit is used again by kelly payment allocate RECEIPT --reason TEXT.

    kelly invoice create --customer CUST-001 --amount 5000

    kelly invoice create --customer CUST-001 --amount 5000 --description Rent --due 2026-03-01
    """
    from kelly_cli.services import invoices

    office = office_of(ctx, json=json)
    wanted = invoices.NewInvoice(
        customer_id=customer,
        amount_cents=read_amount(amount, option="--amount"),
        issued_on=day(date, option="--date") or office.today(),
        description=description,
        due_on=day(due, option="--due"),
    )
    issued = invoices.create_invoice(
        office.books_to_write(), office.hand(), wanted, keep_credit=keep_credit
    )
    used_cents = issued.credit_used_cents
    show_invoice(
        office, issued.invoice, {"credit_used": kes(used_cents), "kept": list(issued.kept)}
    )
    if used_cents and not office.show.json:
        office.show.note(f"Paid from the customer's credit: KES {kes_for_people(used_cents)}")


@app.command("list", cls=Listing)
def list_(
    ctx: typer.Context,
    *,
    customer: CustomerOpt = None,
    status: Annotated[
        Status | None, typer.Option("--status", help="Only these.", case_sensitive=False)
    ] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only what should be paid by now.", metavar="")
    ] = False,
    first: FromOpt = None,
    last: ToOpt = None,
    search: Annotated[
        str | None, typer.Option("--search", help="Part of the id, description or name.")
    ] = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """List invoices by day of issue, newest first.

    kelly invoice list --overdue

    kelly invoice list --customer CUST-001 --status UNPAID --from 2026-02-01 --json
    """
    from kelly_cli.commands.shapes import invoice_json
    from kelly_cli.services import invoices
    from kelly_cli.store.invoice_rows import InvoiceSearch

    office = office_of(ctx, json=json)
    today = office.today()
    first_day, last_day = days(first, last)
    wanted = InvoiceSearch(
        status="UNPAID" if status is Status.PENDING else status and status.value,
        overdue_on=today if overdue else None,
        first=first_day,
        last=last_day,
        search=search and printable(search, option="--search"),
        limit=limit,
    )
    found = invoices.list_invoices(office.books_to_read(), wanted, customer_id=customer)
    office.show.rows(
        [_row(each, today) for each in found],
        COLUMNS,
        as_json=lambda: [invoice_json(each, today) for each in found],
        empty="No such invoices. Make one: kelly invoice create --customer ID --amount KES",
        fields=INVOICE,
    )


@app.command(cls=Single)
def show(ctx: typer.Context, invoice_id: IdArg, json: JsonOpt = False) -> None:
    """Show one invoice: what was paid on it, and how to pay the rest.

    kelly invoice show INV-20260203-0001

    kelly invoice show inv202602030001 --json
    """
    from kelly_cli.commands.shapes import adjustment_json, allocation_json
    from kelly_cli.services import adjusting, invoices

    office = office_of(ctx, json=json)
    books = office.books_to_read()
    found, moves = invoices.show_invoice(books, invoice_id)
    changes = adjusting.list_adjustments(books, invoice_id)
    more: dict[str, object] = {
        "allocations": [allocation_json(each) for each in moves],
        "adjustments": [adjustment_json(each) for each in changes],
    }
    show_invoice(office, found, more, moves, changes)


_BY_HAND = single(INVOICE, *ADJUSTED)

app.command("void", cls=single(INVOICE, *VOIDED, "payment_steps"))(void_invoice)
app.command("hold", cls=_BY_HAND)(hold)
app.command("release", cls=_BY_HAND)(release)
app.command("writeoff", cls=_BY_HAND)(writeoff)
app.command("credit-note", cls=_BY_HAND)(credit_note)
app.command("document", cls=Single)(document)


def payment_steps(config: Config, invoice: InvoiceView) -> list[str]:
    """Return the eight steps by which a payer pays what is open; none when nothing is."""
    from kelly_cli.commands.papers import pay_to
    from kelly_cli.core.paying import steps

    if invoice.balance_cents == 0:
        return []
    return list(steps(pay_to(config, invoice.invoice_id), invoice.balance_cents))


def _row(view: InvoiceView, today: date) -> dict[str, object]:
    return {
        **view._asdict(),
        "balance_cents": view.balance_cents,
        "overdue": view.is_overdue(today),
    }


def show_invoice(
    office: Office,
    view: InvoiceView,
    more: dict[str, object],
    moves: Sequence[AllocationView] = (),
    changes: Sequence[AdjustmentView] = (),
) -> None:
    """Print one invoice, what ``more`` says of it, and how to pay what is open."""
    from kelly_cli.commands.shapes import invoice_json

    today = office.today()
    steps = payment_steps(office.config, view)
    document = {**invoice_json(view, today), **more, "payment_steps": steps}
    office.show.record(_row(view, today), FIELDS, document)
    if moves:
        office.show.lines("")
        office.show.table([each._asdict() for each in moves], ALLOCATIONS)
    if changes:
        office.show.lines("")
        office.show.table([each._asdict() for each in changes], ADJUSTMENTS)
    if steps:
        numbered = [f"{number}. {step}" for number, step in enumerate(steps, 1)]
        office.show.lines("", "How to pay it:", *numbered)
