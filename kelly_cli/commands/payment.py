"""kelly payment: money that came in."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.keys import MOVED, PAYMENT, REVERSED, SEEN, VERDICT
from kelly_cli.commands.listing import Listing
from kelly_cli.commands.options import (
    DEFAULT_LIMIT,
    JsonOpt,
    LimitOpt,
    ShortCodeOpt,
    days,
    printable,
)
from kelly_cli.commands.payment_explain import explain
from kelly_cli.commands.payment_hand import allocate, record, unallocate
from kelly_cli.commands.payment_receipt import receipt
from kelly_cli.commands.payment_verify import claim_json, flags_of, tell_marks, unclaim, verify
from kelly_cli.commands.reversals import reverse
from kelly_cli.commands.short_codes import ENVIRONMENT, Places
from kelly_cli.commands.single import Single, single
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from kelly_cli.office import Office
    from kelly_cli.store.log_rows import LogView
    from kelly_cli.store.payment_rows import PaymentView

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

COLUMNS = (
    Column("mpesa_receipt_number", "Receipt", "receipt"),
    Column("transaction_date", "Paid at", "wall", priority=3),
    Column("amount_cents", "Amount", "money"),
    Column("bill_ref_number", "Reference", priority=1),
    Column("customer_id", "Customer", "id", priority=1),
    Column("msisdn", "Phone", "phone", priority=5),
    Column("payer_name", "Payer", priority=4),
    Column("unallocated_cents", "Unallocated", "money", priority=2),
    Column("status", "Status", "status"),
    Column("verified_by", "Known by", priority=6),
)
FIELDS = (
    Column("mpesa_receipt_number", "Receipt", "receipt"),
    Column("status", "Status", "status"),
    Column("amount_cents", "Amount", "money"),
    Column("unallocated_cents", "Unallocated", "money"),
    Column("transaction_date", "Paid at", "wall"),
    Column("method", "Method"),
    Column("short_code", "Paid to", "id"),
    ENVIRONMENT,
    Column("bill_ref_number", "Reference"),
    Column("msisdn", "Phone", "phone"),
    Column("payer_name", "Payer"),
    Column("customer_id", "Customer", "id"),
    Column("matched_by", "Matched by"),
    Column("unmatched_reason", "Unmatched"),
    Column("pinned", "Waits for a person", "flag"),
    Column("verified_by", "Known by"),
    Column("reversed_at", "Reversed at", "instant"),
)
ALLOCATIONS = (
    Column("invoice_id", "Invoice", "id"),
    Column("amount_cents", "Allocated", "money"),
)
LOGS = (
    Column("id", "Log", "count"),
    Column("source", "Source"),
    Column("outcome", "Outcome", "status"),
    Column("error", "Error", priority=1),
)

ReceiptArg = Annotated[
    str, typer.Argument(help="The M-Pesa receipt, in any case.", metavar="RECEIPT")
]


class Status(StrEnum):
    """What a payment can be (contract section 4)."""

    COMPLETED = "COMPLETED"
    UNMATCHED = "UNMATCHED"
    REVERSED = "REVERSED"


class KnownBy(StrEnum):
    """How a payment is known: from its callback alone, or from a second source too."""

    CALLBACK = "callback"
    PULL = "pull"
    STATEMENT = "statement"
    STATUS = "status"
    HAND = "hand"


class Flag(StrEnum):
    """What a person should look at."""

    LATE = "late"
    POSSIBLE_DOUBLE = "possible_double"
    OVER_LIMIT = "over_limit"


KnownByOpt = Annotated[
    KnownBy | None,
    typer.Option("--verified-by", help="Only those known by this.", case_sensitive=False),
]
UnverifiedOpt = Annotated[
    bool, typer.Option("--unverified", help="Only those known by a callback alone.", metavar="")
]
FlagOpt = Annotated[
    Flag | None,
    typer.Option(
        "--flag",
        help="Only these; possible doubles of 31 days, without --from.",
        case_sensitive=False,
    ),
]


@app.callback()
def payment(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Payments: money in."""
    office_of(ctx, json=json)


@app.command("list", cls=Listing)
def list_(
    ctx: typer.Context,
    customer: Annotated[
        str | None, typer.Option("--customer", help="Only this customer's.", metavar="ID")
    ] = None,
    status: Annotated[
        Status | None, typer.Option("--status", help="Only these.", case_sensitive=False)
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", help="From this day on, in Nairobi.", metavar="DAY")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="Up to and with this day.", metavar="DAY")
    ] = None,
    search: Annotated[
        str | None, typer.Option("--search", help="Part of the receipt, reference or payer.")
    ] = None,
    short_code: ShortCodeOpt = None,
    verified_by: KnownByOpt = None,
    unverified: UnverifiedOpt = False,
    flag: FlagOpt = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """List payments, newest first.

    kelly payment list --from 2026-02-01 --to 2026-02-03

    kelly payment list --customer CUST-001 --status COMPLETED --json

    kelly payment list --unverified --flag late
    """
    from kelly_cli.commands.shapes import payment_json
    from kelly_cli.services import payments

    office = office_of(ctx, json=json)
    first_day, last_day = days(first, last)
    places = Places(office)
    query = payments.PaymentQuery(
        customer_id=customer,
        status=status.value if status else None,
        first=first_day,
        last=last_day,
        search=None if search is None else printable(search, option="--search"),
        short_codes=places.picked(short_code),
        verified_by=_known_by(verified_by, unverified=unverified),
        flag=flag and flag.value,
    )
    found = payments.list_payments(office.books_to_read(), query, limit=limit)
    office.show.rows(
        [row(each) | places.marks(each.short_code) for each in found],
        (*COLUMNS, *places.columns),
        as_json=lambda: [payment_json(each) | places.marks(each.short_code) for each in found],
        empty="No such payments. All of them: kelly payment list",
        fields=PAYMENT,
    )


@app.command(cls=Single)
def show(ctx: typer.Context, receipt: ReceiptArg, json: JsonOpt = False) -> None:
    """Show one payment: where its money went, and the logs that told of it.

    kelly payment show QGK12XYZ91

    kelly payment show qgk12xyz91 --json
    """
    from kelly_cli.commands.shapes import payment_json
    from kelly_cli.services import payments

    office = office_of(ctx, json=json)
    found = payments.show_payment(office.books_to_read(), receipt)
    logs = [_log_row(each) for each in found.logs]
    more = {"flags": flags_of(found), "claim": claim_json(found.claim), "logs": logs}
    show_payment(office, found.payment, {**payment_json(found.payment), **more})
    tell_marks(office, found)
    if logs:
        office.show.lines("")
        office.show.table(logs, LOGS)


app.command("allocate", cls=single(PAYMENT, *MOVED))(allocate)
app.command("unallocate", cls=single(PAYMENT, *MOVED))(unallocate)
app.command("explain", cls=Single)(explain)
app.command("record", cls=single(PAYMENT, "dry_run"))(record)
app.command("reverse", cls=single(PAYMENT, *REVERSED))(reverse)
app.command("verify", cls=single(*VERDICT))(verify)
app.command("unclaim", cls=single(*SEEN))(unclaim)
app.command("receipt", cls=Single)(receipt)


def _known_by(chosen: KnownBy | None, *, unverified: bool) -> str | None:
    if unverified and chosen not in {None, KnownBy.CALLBACK}:
        raise UsageError(f"--unverified and --verified-by {chosen} exclude each other")
    return KnownBy.CALLBACK.value if unverified else chosen and chosen.value


def row(view: PaymentView) -> dict[str, object]:
    """Return the values of a payment's columns."""
    return {**view._asdict(), "unallocated_cents": view.unallocated_cents}


def show_payment(office: Office, view: PaymentView, json_object: dict[str, object]) -> None:
    """Print one payment and its allocations."""
    marks = Places(office).marks(view.short_code)
    office.show.record(row(view) | marks, FIELDS, json_object | marks)
    if view.allocations:
        office.show.lines("")
        office.show.table([each._asdict() for each in view.allocations], ALLOCATIONS)


def _log_row(log: LogView) -> dict[str, object]:
    return {"id": log.id, "source": log.source, "outcome": log.outcome, "error": log.error}
