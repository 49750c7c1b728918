"""kelly invoice: what is owed."""

from __future__ import annotations

import shlex
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.options import (
    DEFAULT_LIMIT,
    DryRunOpt,
    JsonOpt,
    LimitOpt,
    ReasonOpt,
    YesOpt,
    day,
    days,
    printable,
)
from kelly_cli.commands.options import (
    amount as read_amount,
)
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from kelly_cli.config import Config
    from kelly_cli.office import Office
    from kelly_cli.services.invoices import Freed
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
    Column("balance_cents", "Balance", "money"),
    Column("issued_on", "Issued", "date"),
    Column("due_on", "Due", "date"),
    Column("overdue", "Overdue", "flag"),
    Column("pos_id", "Sale", "id"),
    Column("voided_at", "Voided at", "instant"),
)
ALLOCATIONS = (
    Column("receipt", "Receipt", "receipt"),
    Column("amount_cents", "Allocated", "money"),
    Column("reason", "Reason"),
    Column("created_at", "When", "instant"),
)
FREED = (
    Column("receipt", "Freed", "receipt"),
    Column("amount_cents", "Amount", "money"),
)

MOST_MPESA_CENTS = 250_000_00
"""The largest single M-Pesa payment."""

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


@app.command()
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
    json: JsonOpt = False,
) -> None:
    """Write a new invoice; the customer's credit pays it at once.

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
    issued = invoices.create_invoice(office.books_to_write(), office.hand(), wanted)
    used_cents = issued.credit_used_cents
    _show(office, issued.invoice, {"credit_used": kes(used_cents)})
    if used_cents and not office.show.json:
        office.show.note(f"Paid from the customer's credit: KES {kes_for_people(used_cents)}")


@app.command("list")
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
    )


@app.command()
def show(ctx: typer.Context, invoice_id: IdArg, json: JsonOpt = False) -> None:
    """Show one invoice: what was paid on it, and how to pay the rest.

    kelly invoice show INV-20260203-0001

    kelly invoice show inv202602030001 --json
    """
    from kelly_cli.commands.shapes import allocation_json
    from kelly_cli.services import invoices

    office = office_of(ctx, json=json)
    found, moves = invoices.show_invoice(office.books_to_read(), invoice_id)
    _show(office, found, {"allocations": [allocation_json(each) for each in moves]}, moves)


@app.command()
def void(
    ctx: typer.Context,
    invoice_id: IdArg,
    *,
    reason: ReasonOpt,
    yes: YesOpt = False,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Void an invoice; money on it is freed and waits for a person.

    kelly invoice void INV-20260203-0001 --reason "wrong amount"

    kelly invoice void INV-20260203-0001 --reason "wrong amount" --dry-run
    """
    from kelly_cli.services import invoices

    office = office_of(ctx, json=json)
    why = printable(reason, option="--reason")
    # What is tried dry must not make a database either.
    books = office.books_to_read() if dry_run else office.books_to_write()
    if not (yes or dry_run):
        plan = invoices.void_invoice(books, office.hand(why), invoice_id, dry_run=True)
        command = ["kelly", "invoice", "void", plan.invoice.invoice_id, "--reason", why]
        office.show.confirm(
            void_question(plan.invoice.invoice_id, plan.invoice.amount_cents, plan.freed),
            yes=yes,
            repeat=shlex.join(command),
        )
    done = invoices.void_invoice(books, office.hand(why), invoice_id, dry_run=dry_run)
    _show(office, done.invoice, voided_json(done.freed, dry_run=dry_run))
    show_voided(office, done.freed, dry_run=dry_run)


def void_question(public_id: str, amount_cents: int, freed: Sequence[Freed]) -> str:
    """Ask whether to void, and say what that frees."""
    question = f"Void {public_id} ({kes_for_people(amount_cents)})?"
    if freed:
        freed_cents = sum(each.amount_cents for each in freed)
        question += f" KES {kes_for_people(freed_cents)} is freed and waits for a person."
    return question


def voided_json(freed: Sequence[Freed], *, dry_run: bool) -> dict[str, object]:
    """Return the keys that a void adds to its object."""
    from kelly_cli.commands.shapes import freed_json

    return {"freed": [freed_json(each) for each in freed], "dry_run": dry_run}


def show_voided(office: Office, freed: Sequence[Freed], *, dry_run: bool) -> None:
    """Say to people what a void freed, and where that money waits."""
    if freed:
        office.show.lines("")
        office.show.table([each._asdict() for each in freed], FREED)
    if office.show.json:
        return
    if any(each.has_customer for each in freed):
        office.show.note("It waits as the customer's credit until a person allocates it")
    if not all(each.has_customer for each in freed):
        office.show.note("Without a customer it waits here: kelly suspense list")
    if dry_run:
        office.show.note("Dry run: it would be like this; nothing was kept")


def payment_steps(config: Config, invoice: InvoiceView) -> list[str]:
    """Return the eight steps by which a payer pays what is open; none when nothing is.

    A till takes no account number, so there the eighth step is to show the message.
    """
    if invoice.balance_cents == 0:
        return []
    codes = config.mpesa.short_codes
    ours = codes[0]
    amount_step = f"Enter the amount: {_typed(invoice.balance_cents)}"
    pin = "Enter your M-Pesa PIN"
    if ours.kind == "paybill":
        return [
            "Open the M-Pesa menu",
            "Choose Lipa na M-Pesa",
            "Choose Pay Bill",
            f"Enter the business number: {ours.code}",
            f"Enter the account number: {invoice.invoice_id}",
            amount_step,
            pin,
            "Check the details and confirm",
        ]
    # What stands on the counter is the till number, never the store's.
    till = next((code for code in codes if code.kind == "till"), ours)
    return [
        "Open the M-Pesa menu",
        "Choose Lipa na M-Pesa",
        "Choose Buy Goods and Services",
        f"Enter the till number: {till.code}",
        amount_step,
        pin,
        "Check the details and confirm",
        f"Show the M-Pesa message: a till payment does not name {invoice.invoice_id}",
    ]


def _typed(balance_cents: int) -> str:
    """Write an amount as a payer types it, and what M-Pesa does not take."""
    whole = f"{-(-balance_cents // 100)}"
    if balance_cents > MOST_MPESA_CENTS:
        limit = MOST_MPESA_CENTS // 100
        return f"{_short(balance_cents)} (in parts: M-Pesa takes at most {limit} at once)"
    if balance_cents % 100:
        return f"{_short(balance_cents)} (M-Pesa takes whole shillings: {whole})"
    return whole


def _short(cents: int) -> str:
    return kes(cents).removesuffix(".00")


def _row(view: InvoiceView, today: date) -> dict[str, object]:
    return {
        **view._asdict(),
        "balance_cents": view.balance_cents,
        "overdue": view.is_overdue(today),
    }


def _show(
    office: Office,
    view: InvoiceView,
    more: dict[str, object],
    moves: Sequence[AllocationView] = (),
) -> None:
    from kelly_cli.commands.shapes import invoice_json

    today = office.today()
    steps = payment_steps(office.config, view)
    document = {**invoice_json(view, today), **more, "payment_steps": steps}
    office.show.record(_row(view, today), FIELDS, document)
    if moves:
        office.show.lines("")
        office.show.table([each._asdict() for each in moves], ALLOCATIONS)
    if steps:
        numbered = [f"{number}. {step}" for number, step in enumerate(steps, 1)]
        office.show.lines("", "How to pay it:", *numbered)
