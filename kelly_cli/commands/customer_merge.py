"""kelly customer merge and unmerge: two entries that are one customer. Mounted by customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.options import DryRunOpt, JsonOpt, ReasonOpt, YesOpt, printable
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from kelly_cli.office import Office
    from kelly_cli.services.merging import Merged

PAID = (
    Column("receipt", "Money", "receipt"),
    Column("invoice_id", "Now pays", "id"),
    Column("amount_cents", "Amount", "money"),
)

FromArg = Annotated[str, typer.Argument(help="The entry that goes.", metavar="FROM")]
IntoArg = Annotated[str, typer.Argument(help="The entry that stays.", metavar="INTO")]


def merge(
    ctx: typer.Context,
    gone: FromArg,
    into: IntoArg,
    reason: ReasonOpt,
    yes: YesOpt = False,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Merge one customer into another: invoices, sales, payments, aliases, references.

    The id that goes still works: who pays to it pays to the one that stays. Credit of one then
    pays open invoices of the other. Where both have a phone, the one that stays keeps its own, and
    the other is remembered as an alias. It can be taken back: kelly customer unmerge FROM.

    kelly customer merge CUST-002 CUST-001 --reason "the same shop" --dry-run

    kelly customer merge CUST-002 CUST-001 --reason "the same shop" --yes
    """
    from kelly_cli.services import merging

    office = office_of(ctx, json=json)
    hand = office.hand(printable(reason, option="--reason"))
    database = office.books_to_write()
    tried = merging.merge_customers(database, hand, gone, into, dry_run=True)
    if dry_run:
        _tell(office, tried, "Would merge", dry_run=True)
        return
    office.show.confirm(
        f"Merge {tried.gone.customer_id} ({tried.gone.name}) into {tried.into.customer_id} "
        f"({tried.into.name}): {_counted(tried)}?",
        yes=yes,
        repeat=f"kelly customer merge {gone} {into} --reason TEXT",
    )
    _tell(office, merging.merge_customers(database, hand, gone, into), "Merged")


def unmerge(
    ctx: typer.Context,
    gone: FromArg,
    reason: ReasonOpt,
    yes: YesOpt = False,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Take a merge back: what moved then goes home.

    Money of one that meanwhile paid invoices of the other comes off them, and the rules place it
    again. What came after the merge stays where it is.

    kelly customer unmerge CUST-002 --reason "two brothers" --dry-run

    kelly customer unmerge CUST-002 --reason "two brothers" --yes
    """
    from kelly_cli.services import merging

    office = office_of(ctx, json=json)
    hand = office.hand(printable(reason, option="--reason"))
    database = office.books_to_write()
    tried = merging.unmerge_customer(database, hand, gone, dry_run=True)
    if dry_run:
        _tell(office, tried, "Would take apart", dry_run=True)
        return
    office.show.confirm(
        f"Take {tried.gone.customer_id} out of {tried.into.customer_id}: {_counted(tried)}?",
        yes=yes,
        repeat=f"kelly customer unmerge {gone} --reason TEXT",
    )
    _tell(office, merging.unmerge_customer(database, hand, gone), "Took apart")


def _counted(done: Merged) -> str:
    kinds = ("invoices", "sales", "payments", "aliases")
    return ", ".join(f"{len(done.moved[kind])} {kind}" for kind in kinds)


def _tell(office: Office, done: Merged, what: str, *, dry_run: bool = False) -> None:
    show = office.show
    if show.json:
        show.document(
            {
                "from": done.gone.customer_id,
                "into": done.into.customer_id,
                "dry_run": dry_run,
                "moved": {kind: done.moved[kind] for kind in done.moved},
                "phone_conflict": done.phone_conflict,
                "paid": [
                    {"mpesa_receipt_number": receipt, "invoice_id": invoice, "amount": kes(cents)}
                    for receipt, invoice, cents in done.paid
                ],
                "balance": kes(done.into.balance_cents),
            }
        )
        return
    show.lines(f"{what}: {done.gone.customer_id} and {done.into.customer_id}: {_counted(done)}")
    if done.phone_conflict:
        show.lines(
            f"Two phones: {done.into.customer_id} keeps {done.into.phone}; "
            f"{done.phone_conflict} becomes an alias"
        )
    if done.paid:
        show.table(
            [
                {"receipt": receipt, "invoice_id": invoice, "amount_cents": cents}
                for receipt, invoice, cents in done.paid
            ],
            PAID,
        )
    show.lines(f"{done.into.customer_id} owes KES {kes_for_people(done.into.balance_cents)}")
