"""kelly mpesa reverse and kelly payment reverse: give a payment back, and take it from the books.

Mounted by commands.mpesa and commands.payment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.mpesa_ask import (
    WAIT_S,
    ReceiptArg,
    TimeoutOpt,
    WaitOpt,
    code_for,
    desk_for,
    finish,
)
from kelly_cli.commands.options import DryRunOpt, JsonOpt, ReasonOpt, UndoOpt, YesOpt, printable
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from kelly_cli.office import Office
    from kelly_cli.services.reversing import Reversal
    from kelly_cli.store.payment_rows import PaymentView

TAKEN = (
    Column("invoice_id", "Open again", "id"),
    Column("amount_cents", "Taken back", "money"),
)
MOVED = (
    Column("receipt", "Other money", "receipt"),
    Column("invoice_id", "Now pays", "id"),
    Column("amount_cents", "Amount", "money"),
)

PortalOpt = Annotated[
    bool,
    typer.Option(
        "--done-in-portal",
        help="It was reversed in the M-Pesa portal: only the books change.",
        metavar="",
    ),
]


def ask(
    ctx: typer.Context,
    receipt: ReceiptArg,
    reason: ReasonOpt,
    wait: WaitOpt = False,
    timeout: TimeoutOpt = WAIT_S,
    yes: YesOpt = False,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Ask Safaricom to give a whole payment back; the books change when its result says so.

    It is sent once. When its outcome is unknown, ask for the status before anything else.

    kelly mpesa reverse QGK12XYZ91 --reason "paid twice" --wait

    kelly mpesa reverse QGK12XYZ91 --reason "paid twice" --dry-run
    """
    office = office_of(ctx, json=json)
    why = printable(reason, option="--reason")
    command = f"kelly mpesa reverse {receipt} --reason TEXT"
    if dry_run:
        _rehearse(office, receipt, why, asks=True)
    else:
        _ask(office, receipt, why, yes=yes, wait_s=timeout if wait else None, command=command)


def reverse(
    ctx: typer.Context,
    receipt: ReceiptArg,
    reason: ReasonOpt,
    done_in_portal: PortalOpt = False,
    undo: UndoOpt = False,
    wait: WaitOpt = False,
    timeout: TimeoutOpt = WAIT_S,
    yes: YesOpt = False,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Reverse a payment: its invoices and sales are open again, and every row stays.

    With --done-in-portal it is booked; else Safaricom is asked, as kelly mpesa reverse does. Money
    that a person recorded is only booked. With --undo a reversal that a person booked by mistake is
    taken back: the money is there again, and waits for kelly payment allocate.

    kelly payment reverse QGK12XYZ91 --done-in-portal --reason "paid twice"

    kelly payment reverse QGK12XYZ91 --reason "paid twice" --wait --yes

    kelly payment reverse QGK12XYZ91 --undo --reason "it was the other one"
    """
    office = office_of(ctx, json=json)
    why = printable(reason, option="--reason")
    command = f"kelly payment reverse {receipt} --reason TEXT"
    if undo and (done_in_portal or wait):
        raise UsageError("--undo asks nobody: leave out --done-in-portal and --wait")
    if undo:
        _restore(office, receipt, why, dry_run=dry_run)
        return
    only_books = done_in_portal or _is_recorded(office, receipt)
    if dry_run:
        _rehearse(office, receipt, why, asks=not only_books)
    elif only_books:
        command += " --done-in-portal" if done_in_portal else ""
        _book(office, receipt, why, yes=yes, command=command)
    else:
        _ask(office, receipt, why, yes=yes, wait_s=timeout if wait else None, command=command)


def _ask(
    office: Office, receipt: str, why: str, *, yes: bool, wait_s: float | None, command: str
) -> None:
    from kelly_cli.services import requesting

    payment = requesting.preview_reversal(office.books_to_read(), receipt)
    books = office.books_to_write()
    code = code_for(office, books, receipt)
    desk = desk_for(office, "reversal", code)
    with office.daraja(code) as daraja:
        office.show.confirm(
            f"Ask Safaricom ({desk.environment}) to give {_about(payment)} back to the payer? "
            f"{_held(payment)}",
            yes=yes,
            repeat=command,
        )
        asked = requesting.ask_reversal(books, daraja, office.hand(why), desk, receipt)
    finish(office, books, asked, wait_s=wait_s)


def _book(office: Office, receipt: str, why: str, *, yes: bool, command: str) -> None:
    from kelly_cli.services import payments, reversing

    books = office.books_to_read()
    payment = payments.show_payment(books, receipt).payment
    reversing.refuse(payment)
    why_so = "as reversed in the portal" if payment.method == "mpesa" else "as given back"
    office.show.confirm(
        f"Take {_about(payment)} out of the books, {why_so}? {_held(payment)}",
        yes=yes,
        repeat=command,
    )
    _show(office, reversing.reverse_by_hand(office.books_to_write(), office.hand(why), receipt))


def _restore(office: Office, receipt: str, why: str, *, dry_run: bool) -> None:
    from kelly_cli.commands.payment import show_payment
    from kelly_cli.commands.shapes import payment_json
    from kelly_cli.services import reversing

    books = office.books_to_read() if dry_run else office.books_to_write()
    back = reversing.restore_by_hand(books, office.hand(why), receipt, dry_run=dry_run)
    show_payment(office, back, {**payment_json(back), "dry_run": dry_run})
    if back.customer_id:
        told = f"It waits for a person: kelly payment allocate {back.mpesa_receipt_number}"
    else:
        told = "It is nobody's, and waits here: kelly suspense list"
    office.show.note(told)
    if dry_run:
        office.show.note("Dry run: it would be like this; nothing was kept")


def _rehearse(office: Office, receipt: str, why: str, *, asks: bool) -> None:
    from kelly_cli.services import requesting, reversing

    books = office.books_to_read()
    if asks:
        requesting.preview_reversal(books, receipt)
    _show(office, reversing.reverse_by_hand(books, office.hand(why), receipt, dry_run=True))
    office.show.note("Dry run: it would be like this; nothing was sent and nothing was kept")


def _is_recorded(office: Office, receipt: str) -> bool:
    """Tell whether a person recorded a payment: then Safaricom is not asked."""
    from kelly_cli.services import payments

    return payments.show_payment(office.books_to_read(), receipt).payment.method != "mpesa"


def _about(payment: PaymentView) -> str:
    return f"KES {kes_for_people(payment.amount_cents)} of {payment.mpesa_receipt_number}"


def _held(payment: PaymentView) -> str:
    names = [each.invoice_id for each in payment.allocations]
    return f"Open again: {', '.join(names)}." if names else "It is on no invoice."


def _show(office: Office, done: Reversal) -> None:
    from kelly_cli.commands.payment import show_payment
    from kelly_cli.commands.shapes import payment_json

    show_payment(office, done.payment, {**payment_json(done.payment), **_json(done)})
    if done.taken:
        office.show.lines("")
        office.show.table([each._asdict() for each in done.taken], TAKEN)
    if done.moved:
        office.show.lines("")
        office.show.table([each._asdict() for each in done.moved], MOVED)


def _json(done: Reversal) -> dict[str, object]:
    return {
        "taken": [
            {"invoice_id": each.invoice_id, "amount": kes(each.amount_cents)} for each in done.taken
        ],
        "moved": [
            {
                "mpesa_receipt_number": each.receipt,
                "invoice_id": each.invoice_id,
                "amount": kes(each.amount_cents),
            }
            for each in done.moved
        ],
    }
