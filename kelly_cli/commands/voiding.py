"""kelly invoice void and kelly pos void: what was written by mistake, and back again.

Mounted by commands.invoice and commands.pos.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.options import DryRunOpt, JsonOpt, ReasonOpt, UndoOpt, YesOpt, printable
from kelly_cli.core.money import kes_for_people
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kelly_cli.office import Office
    from kelly_cli.services.invoices import Freed

FREED = (
    Column("receipt", "Freed", "receipt"),
    Column("amount_cents", "Amount", "money"),
)

InvoiceArg = Annotated[str, typer.Argument(help="The invoice's id, in any case.", metavar="ID")]
SaleArg = Annotated[str, typer.Argument(help="The sale's id, in any case.", metavar="ID")]


def void_invoice(
    ctx: typer.Context,
    invoice_id: InvoiceArg,
    *,
    reason: ReasonOpt,
    undo: UndoOpt = False,
    yes: YesOpt = False,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Void an invoice; money on it is freed and waits for a person.

    With --undo it is open again: credit that does not wait for a person pays it, and what the void
    freed goes back by kelly payment allocate.

    kelly invoice void INV-20260203-0001 --reason "wrong amount"

    kelly invoice void INV-20260203-0001 --undo --reason "it was right after all" --dry-run
    """
    from kelly_cli.commands.invoice import show_invoice
    from kelly_cli.services import invoices, reviving

    office = office_of(ctx, json=json)
    why = printable(reason, option="--reason")
    # What is tried dry must not make a database either.
    books = office.books_to_read() if dry_run else office.books_to_write()
    if undo:
        back = reviving.revive_invoice(books, office.hand(why), invoice_id, dry_run=dry_run)
        show_invoice(office, back, voided_json((), dry_run=dry_run))
        _show_revived(office, dry_run=dry_run)
        return
    if not (yes or dry_run):
        plan = invoices.void_invoice(books, office.hand(why), invoice_id, dry_run=True)
        command = ["kelly", "invoice", "void", plan.invoice.invoice_id, "--reason", why]
        office.show.confirm(
            void_question(plan.invoice.invoice_id, plan.invoice.amount_cents, plan.freed),
            yes=yes,
            repeat=shlex.join(command),
        )
    done = invoices.void_invoice(books, office.hand(why), invoice_id, dry_run=dry_run)
    show_invoice(office, done.invoice, voided_json(done.freed, dry_run=dry_run))
    show_voided(office, done.freed, dry_run=dry_run)


def void_sale(
    ctx: typer.Context,
    pos_id: SaleArg,
    *,
    reason: ReasonOpt,
    undo: UndoOpt = False,
    yes: YesOpt = False,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Void a sale and its invoice; money on it is freed and waits for a person.

    With --undo both stand again, as kelly invoice void --undo says.

    kelly pos void POS-20260203-0001 --reason "goods returned"

    kelly pos void POS-20260203-0001 --undo --reason "the wrong sale" --dry-run
    """
    from kelly_cli.commands.pos import show_sale
    from kelly_cli.services import reviving, sales

    office = office_of(ctx, json=json)
    why = printable(reason, option="--reason")
    # What is tried dry must not make a database either.
    books = office.books_to_read() if dry_run else office.books_to_write()
    if undo:
        back = reviving.revive_sale(books, office.hand(why), pos_id, dry_run=dry_run)
        show_sale(office, back, voided_json((), dry_run=dry_run))
        _show_revived(office, dry_run=dry_run)
        return
    if not (yes or dry_run):
        plan = sales.void_sale(books, office.hand(why), pos_id, dry_run=True)
        command = ["kelly", "pos", "void", plan.sale.pos_id, "--reason", why]
        office.show.confirm(
            void_question(plan.sale.pos_id, plan.sale.total_cents, plan.freed),
            yes=yes,
            repeat=shlex.join(command),
        )
    done = sales.void_sale(books, office.hand(why), pos_id, dry_run=dry_run)
    show_sale(office, done.sale, voided_json(done.freed, dry_run=dry_run))
    show_voided(office, done.freed, dry_run=dry_run)


def _show_revived(office: Office, *, dry_run: bool) -> None:
    if office.show.json:
        return
    office.show.note("Money that the void freed waits for a person: kelly payment allocate RECEIPT")
    if dry_run:
        office.show.note("Dry run: it would be like this; nothing was kept")


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
