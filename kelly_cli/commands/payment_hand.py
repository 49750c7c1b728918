"""kelly payment allocate, unallocate and record: what people do with money. Mounted by payment."""

from __future__ import annotations

from datetime import datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.options import (
    DryRunOpt,
    JsonOpt,
    ReasonOpt,
    amount,
    day,
    printable,
)
from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kelly_cli.office import Office
    from kelly_cli.services.allocating import Moved, Share
    from kelly_cli.store.database import Database
    from kelly_cli.store.payment_rows import PaymentView

MOVED = (
    Column("receipt", "Money", "receipt"),
    Column("invoice_id", "Invoice", "id"),
    Column("amount_cents", "Moved", "money"),
    Column("reason", "Rule"),
)
NOON = time(12)

ReceiptArg = Annotated[
    str, typer.Argument(help="The receipt of the payment, in any case.", metavar="RECEIPT")
]
CustomerOpt = Annotated[str | None, typer.Option("--customer", help="Who paid.", metavar="ID")]
InvoiceOpt = Annotated[
    str | None, typer.Option("--invoice", help="What it pays first.", metavar="ID")
]
SaleOpt = Annotated[str | None, typer.Option("--sale", help="The sale that it pays.", metavar="ID")]
KeepOpt = Annotated[
    bool,
    typer.Option(
        "--keep-credit",
        help="What is left waits for a person: the rules do not use it.",
        metavar="",
    ),
]


class Method(StrEnum):
    """How money came that is not M-Pesa's."""

    CASH = "cash"
    BANK = "bank"
    CHEQUE = "cheque"


def allocate(
    ctx: typer.Context,
    receipt: ReceiptArg,
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to",
            help="An invoice or sale, and how much of it; may be given again.",
            metavar="INV[:AMOUNT]",
        ),
    ] = None,
    *,
    reason: ReasonOpt,
    keep_credit: KeepOpt = False,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Give the free money of a payment to invoices; without --to the rules use it.

    Money that waits for a person goes on waiting, but for what is given here. It is undone by
    the command kelly payment unallocate RECEIPT --from INV:AMOUNT.

    kelly payment allocate QGK12XYZ91 --to INV-20260203-0001:500 --reason "she called"

    kelly payment allocate QGK12XYZ91 --reason "no longer disputed" --dry-run
    """
    from kelly_cli.services import allocating

    office = office_of(ctx, json=json)
    shares = _shares(to or (), option="--to")
    if keep_credit and not shares:
        raise UsageError("--keep-credit needs --to: the rules keep nothing back")
    why = printable(reason, option="--reason")
    done = allocating.allocate(
        _books(office, dry_run=dry_run),
        office.hand(why),
        receipt,
        shares,
        keep=keep_credit,
        dry_run=dry_run,
    )
    _show(office, done, dry_run=dry_run)


def unallocate(
    ctx: typer.Context,
    receipt: ReceiptArg,
    from_: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            help="Only from this invoice, and only so much; may be given again.",
            metavar="INV[:AMOUNT]",
        ),
    ] = None,
    *,
    reason: ReasonOpt,
    to_suspense: Annotated[
        bool,
        typer.Option(
            "--to-suspense", help="Take all of it, and its customer from it too.", metavar=""
        ),
    ] = False,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Take the money of a payment back from invoices; it waits until a person allocates it.

    Undo it with kelly payment allocate; after --to-suspense with kelly suspense assign.

    kelly payment unallocate QGK12XYZ91 --from INV-20260203-0001:500 --reason "wrong invoice"

    kelly payment unallocate QGK12XYZ91 --to-suspense --reason "not hers" --dry-run
    """
    from kelly_cli.services import allocating

    office = office_of(ctx, json=json)
    shares = _shares(from_ or (), option="--from")
    if to_suspense and shares:
        raise UsageError("--to-suspense takes all of it: leave --from out")
    why = printable(reason, option="--reason")
    done = allocating.unallocate(
        _books(office, dry_run=dry_run),
        office.hand(why),
        receipt,
        shares,
        to_suspense=to_suspense,
        dry_run=dry_run,
    )
    _show(office, done, dry_run=dry_run)


def record(
    ctx: typer.Context,
    *,
    method: Annotated[Method, typer.Option("--method", help="How it came.", case_sensitive=False)],
    amount_text: Annotated[str, typer.Option("--amount", help="In KES: 5000 or 5,000.50.")],
    customer: CustomerOpt = None,
    invoice: InvoiceOpt = None,
    sale: SaleOpt = None,
    date: Annotated[
        str | None, typer.Option("--date", help="The day it came (default: now).", metavar="DAY")
    ] = None,
    payer: Annotated[str | None, typer.Option("--payer", help="The name on it.")] = None,
    number: Annotated[
        str | None, typer.Option("--number", help="The number of the cheque or transfer.")
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why, for the audit.")] = None,
    keep_credit: KeepOpt = False,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Record money that did not come by M-Pesa; the same rules place it.

    It gets a receipt number of kelly's own (CSH202602030001). For nobody in particular it waits in
    suspense. Undo it with kelly payment reverse RECEIPT --reason TEXT.

    kelly payment record --method cash --amount 500 --customer CUST-001

    kelly payment record --method cheque --number 000123 --amount 500 --invoice INV-20260203-0001
    """
    from kelly_cli.commands.payment import show_payment
    from kelly_cli.commands.shapes import payment_json
    from kelly_cli.services import recording

    office = office_of(ctx, json=json)
    if sum(given is not None for given in (customer, invoice, sale)) > 1:
        raise UsageError(
            "--customer, --invoice and --sale exclude each other",
            hint="An invoice and a sale have their customer: name the invoice or the sale",
        )
    wanted = recording.NewMoney(
        method=method.value,
        amount_cents=amount(amount_text, option="--amount"),
        paid_at=_paid_at(office, date),
        customer_id=customer,
        invoice_id=invoice,
        pos_id=sale,
        payer=None if payer is None else printable(payer, option="--payer"),
        number=None if number is None else printable(number, option="--number"),
        keep=keep_credit,
    )
    why = None if reason is None else printable(reason, option="--reason")
    books = _books(office, dry_run=dry_run)
    booked = recording.record(books, office.inbox(books), office.hand(why), wanted, dry_run=dry_run)
    show_payment(office, booked, {**payment_json(booked), "dry_run": dry_run})
    _warn(office, books, booked, dry_run=dry_run)
    if not office.show.json and booked.status == "UNMATCHED":
        office.show.note(f"It waits in suspense: {booked.unmatched_reason}")
    note_dry_run(office, dry_run=dry_run)


def _warn(office: Office, books: Database, booked: PaymentView, *, dry_run: bool) -> None:
    """Say what the money is too much for; it is booked all the same."""
    from kelly_cli.services import limits

    cents, day_of = booked.amount_cents, booked.transaction_date.date()
    for told in limits.over(books, cents, booked.customer_id, day_of, booked=not dry_run):
        office.show.warning(told)


def note_dry_run(office: Office, *, dry_run: bool) -> None:
    """Say that nothing was kept."""
    if dry_run:
        office.show.note("Dry run: it would be like this; nothing was kept")


def _paid_at(office: Office, date: str | None) -> datetime:
    now = nairobi_wall_clock(office.now())
    wanted = day(date, option="--date")
    return now if wanted is None or wanted == now.date() else datetime.combine(wanted, NOON)


def _shares(texts: Sequence[str], *, option: str) -> list[Share]:
    """Read ``INV[:AMOUNT]``.

    Raises:
        UsageError: no name, or no amount after the colon.
    """
    from kelly_cli.services.allocating import Share

    shares = []
    for text in texts:
        name, colon, cents = text.partition(":")
        if not name.strip():
            raise UsageError(f"{option}: {text!r} names no invoice", hint="Write INV or INV:500")
        shares.append(Share(name.strip(), amount(cents, option=option) if colon else None))
    return shares


def _books(office: Office, *, dry_run: bool) -> Database:
    # What is tried dry must not make a database either.
    return office.books_to_read() if dry_run else office.books_to_write()


def _show(office: Office, done: Moved, *, dry_run: bool) -> None:
    from kelly_cli.commands.payment import show_payment
    from kelly_cli.commands.shapes import payment_json
    from kelly_cli.services.hand_audit import plain_move

    moved = [plain_move(each) for each in done.moved]
    document = {**payment_json(done.payment), "moved": moved, "dry_run": dry_run}
    show_payment(office, done.payment, document)
    if done.moved:
        office.show.lines("")
        office.show.table([each._asdict() for each in done.moved], MOVED)
    note_dry_run(office, dry_run=dry_run)
