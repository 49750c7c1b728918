"""kelly invoice hold, release, writeoff and credit-note. Mounted by invoice."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.options import (
    DryRunOpt,
    JsonOpt,
    ReasonOpt,
    UndoOpt,
    YesOpt,
    amount,
    printable,
)
from kelly_cli.commands.payment_hand import MOVED, note_dry_run
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of

if TYPE_CHECKING:
    from kelly_cli.office import Office
    from kelly_cli.services.adjusting import Adjusted
    from kelly_cli.store.database import Database

IdArg = Annotated[str, typer.Argument(help="The invoice's id, in any case.", metavar="ID")]


def hold(
    ctx: typer.Context,
    invoice_id: IdArg,
    *,
    reason: ReasonOpt,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Keep an invoice out of what is paid by itself, while it is disputed.

    Money that names it still pays it. Undo it with kelly invoice release.

    kelly invoice hold INV-20260203-0001 --reason "she says it never came"

    kelly invoice hold INV-20260203-0001 --reason disputed --dry-run --json
    """
    from kelly_cli.services import adjusting

    office = office_of(ctx, json=json)
    why = printable(reason, option="--reason")
    books = _books(office, dry_run=dry_run)
    _show(office, adjusting.hold(books, office.hand(why), invoice_id, dry_run=dry_run), dry_run)


def release(
    ctx: typer.Context,
    invoice_id: IdArg,
    *,
    reason: ReasonOpt,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Let an invoice on hold in again; free credit of its customer pays it at once.

    Undo it with kelly invoice hold, and kelly payment unallocate for what was paid.

    kelly invoice release INV-20260203-0001 --reason "found the delivery note"

    kelly invoice release INV-20260203-0001 --reason settled --dry-run
    """
    from kelly_cli.services import adjusting

    office = office_of(ctx, json=json)
    why = printable(reason, option="--reason")
    books = _books(office, dry_run=dry_run)
    _show(office, adjusting.release(books, office.hand(why), invoice_id, dry_run=dry_run), dry_run)


def writeoff(
    ctx: typer.Context,
    invoice_id: IdArg,
    *,
    reason: ReasonOpt,
    most: Annotated[
        str | None,
        typer.Option("--max", help="Refuse when more than this is open.", metavar="KES"),
    ] = None,
    undo: UndoOpt = False,
    yes: YesOpt = False,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Give up what is open on an invoice; --undo makes it open again.

    kelly invoice writeoff INV-20260203-0001 --max 10 --reason "five shillings short" --yes

    kelly invoice writeoff INV-20260203-0001 --undo --reason "she paid after all"
    """
    from kelly_cli.services import adjusting

    office = office_of(ctx, json=json)
    if undo == (most is not None):
        raise UsageError("Give --max to write off, or --undo to take a write-off back")
    hand = office.hand(printable(reason, option="--reason"))
    books = _books(office, dry_run=dry_run)
    if most is None:
        done = adjusting.undo(books, hand, invoice_id, adjusting.WRITEOFF, dry_run=dry_run)
    else:
        cents = amount(most, option="--max")
        if not (yes or dry_run):
            plan = adjusting.write_off(books, hand, invoice_id, most_cents=cents, dry_run=True)
            _confirm(office, plan, ["--max", most, "--reason", reason])
        done = adjusting.write_off(books, hand, invoice_id, most_cents=cents, dry_run=dry_run)
    _show(office, done, dry_run)


def credit_note(
    ctx: typer.Context,
    invoice_id: IdArg,
    *,
    reason: ReasonOpt,
    amount_text: Annotated[
        str | None,
        typer.Option("--amount", help="How much is no longer charged.", metavar="KES"),
    ] = None,
    undo: UndoOpt = False,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Credit a part of an invoice; money paid too much for it waits as credit of its customer.

    With --undo credit notes are taken back, all of them or --amount; freed money stays free until
    it is given back by kelly payment allocate.

    kelly invoice credit-note INV-20260203-0001 --amount 500 --reason "two bags came back"

    kelly invoice credit-note INV-20260203-0001 --undo --reason "they were taken after all"
    """
    from kelly_cli.services import adjusting

    office = office_of(ctx, json=json)
    cents = None if amount_text is None else amount(amount_text, option="--amount")
    hand = office.hand(printable(reason, option="--reason"))
    if cents is None and not undo:
        raise UsageError("Give --amount to credit, or --undo to take credit notes back")
    books = _books(office, dry_run=dry_run)
    if undo:
        kind = adjusting.CREDIT_NOTE
        done = adjusting.undo(books, hand, invoice_id, kind, amount_cents=cents, dry_run=dry_run)
    else:
        done = adjusting.credit(books, hand, invoice_id, amount_cents=cents or 0, dry_run=dry_run)
    _show(office, done, dry_run)


def _confirm(office: Office, plan: Adjusted, options: list[str]) -> None:
    name = plan.invoice.invoice_id
    office.show.confirm(
        f"Write off KES {kes_for_people(plan.amount_cents)} of {name}?",
        yes=False,
        repeat=shlex.join(["kelly", "invoice", "writeoff", name, *options]),
    )


def _books(office: Office, *, dry_run: bool) -> Database:
    # What is tried dry must not make a database either.
    return office.books_to_read() if dry_run else office.books_to_write()


def _show(office: Office, done: Adjusted, dry_run: bool) -> None:
    from kelly_cli.commands.invoice import show_invoice
    from kelly_cli.commands.shapes import freed_json
    from kelly_cli.services.hand_audit import plain_move

    more: dict[str, object] = {
        "changed": kes(done.amount_cents),
        "freed": [freed_json(each) for each in done.freed],
        "moved": [plain_move(each) for each in done.moved],
        "dry_run": dry_run,
    }
    show_invoice(office, done.invoice, more)
    if done.moved:
        office.show.lines("")
        office.show.table([each._asdict() for each in done.moved], MOVED)
    if done.freed and not office.show.json:
        office.show.note("Money that was paid for it is free and waits: kelly credit list")
    note_dry_run(office, dry_run=dry_run)
