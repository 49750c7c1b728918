"""kelly mpesa prompt: ring a phone and ask for a payment. Mounted by commands.mpesa."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.listing import Listing
from kelly_cli.commands.mpesa_urls import CodeOpt, callable_url
from kelly_cli.commands.options import (
    DEFAULT_LIMIT,
    JsonOpt,
    LimitOpt,
    ShortCodeOpt,
    amount,
    printable,
)
from kelly_cli.commands.short_codes import Places
from kelly_cli.commands.single import single, single_group
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column, fields

if TYPE_CHECKING:
    from kelly_cli.daraja.client.daraja import Daraja
    from kelly_cli.office import Office
    from kelly_cli.services.prompting import Ask, Desk, Route
    from kelly_cli.store.prompt_rows import PromptView


COLUMNS = (
    Column("id", "Prompt", "count"),
    Column("state", "State", "status"),
    Column("amount_cents", "Amount", "money"),
    Column("phone", "Phone", "phone", priority=1),
    Column("target", "For", "id", priority=1),
    Column("receipt", "Receipt", "receipt", priority=2),
    Column("result_desc", "Says", priority=3),
    Column("created_at", "Sent at", "instant", priority=2),
    Column("short_code", "Paid to", "id", priority=4),
    Column("environment", "Environment", "status", priority=5),
)
FIELDS = (
    Column("id", "Prompt", "count"),
    Column("state", "State", "status"),
    Column("amount_cents", "Amount", "money"),
    Column("phone", "Phone", "phone"),
    Column("invoice_id", "Invoice", "id"),
    Column("pos_id", "Sale", "id"),
    Column("customer_id", "Customer", "id"),
    Column("reference", "Reference sent", "id"),
    Column("receipt", "Receipt", "receipt"),
    Column("result_code", "Result code", "id"),
    Column("result_desc", "Safaricom says"),
    Column("checkout_request_id", "CheckoutRequestID"),
    Column("short_code", "Paid to", "id"),
    Column("created_at", "Sent at", "instant"),
    Column("answered_at", "Answered at", "instant"),
    Column("actor", "Sent by"),
)
NEXT = {
    "intended": "Its sender has not heard from Safaricom yet. Look again: kelly mpesa prompt query",
    "pending": "Accepted is not paid. Look again: kelly mpesa prompt query",
    "unknown": "It may have been sent, so do not send it again. Look: kelly mpesa prompt query",
}
WAIT_S = 90.0
REFUSED, STILL_OPEN = 1, 3

PromptArg = Annotated[
    str,
    typer.Argument(help="The prompt's number, or its CheckoutRequestID.", metavar="PROMPT"),
]


class State(StrEnum):
    """What a prompt can be."""

    INTENDED = "intended"
    PENDING = "pending"
    PAID = "paid"
    REFUSED = "refused"
    UNKNOWN = "unknown"


PROMPT = fields(
    "id", "state", "amount:money", "phone", "reference", "invoice_id", "pos_id", "customer_id",
    "short_code", "environment", "checkout_request_id", "merchant_request_id", "result_code",
    "result_desc", "mpesa_receipt_number", "log_id", "actor", "created_at", "answered_at",
)  # fmt: skip

app = typer.Typer(
    cls=single_group(PROMPT),
    rich_markup_mode=None,
    invoke_without_command=True,
)


@app.callback()
def prompt(
    ctx: typer.Context,
    invoice: Annotated[
        str | None, typer.Option("--invoice", help="Ask for what is open on it.", metavar="INV")
    ] = None,
    sale: Annotated[
        str | None, typer.Option("--sale", help="Ask for what is open on it.", metavar="POS")
    ] = None,
    amount_text: Annotated[
        str | None,
        typer.Option("--amount", help="Ask for this: whole shillings.", metavar="AMOUNT"),
    ] = None,
    phone: Annotated[
        str | None, typer.Option("--phone", help="The phone to ring (default: the customer's).")
    ] = None,
    ref: Annotated[
        str | None,
        typer.Option("--ref", help="With --amount: a customer, or up to 12 letters and digits."),
    ] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Although one like it may still be paid.", metavar=""),
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Stay until it is paid or refused.", metavar="")
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", min=1, max=3600, help="Seconds that --wait stays.")
    ] = WAIT_S,
    short_code: CodeOpt = None,
    json: JsonOpt = False,
) -> None:
    """Ring a customer's phone to ask for a payment (STK push), for an invoice, a sale or an amount.

    Exit code with --wait: 0 paid, 1 refused, 3 not known yet. The answer comes by callback, so a
    listener must run.

    kelly mpesa prompt --invoice INV-20260203-0001 --wait

    kelly mpesa prompt --amount 500 --phone 0712345678 --ref CUST-001 --json
    """
    office = office_of(ctx, json=json)
    if ctx.invoked_subcommand is not None:
        return
    from kelly_cli.services import prompting

    ask = _ask(invoice, sale, amount_text, phone, ref)._replace(again=again)
    route = _route(office, short_code)
    with office.daraja(route.business_code) as daraja:
        desk = _desk(office, daraja)
        sent = prompting.send(desk, ask, route)
        _warn(office, desk, sent)
        if wait:
            sent = _watched(office, desk, sent, route, timeout)
    _show(office, sent)
    if wait and not sent.is_settled and sent.state != State.PAID:
        raise typer.Exit(STILL_OPEN)
    if wait and sent.state == State.REFUSED:
        raise typer.Exit(REFUSED)


@app.command(cls=single(PROMPT))
def query(ctx: typer.Context, name: PromptArg, json: JsonOpt = False) -> None:
    """Ask Safaricom what became of a prompt, and note it. Pending is no failure.

    kelly mpesa prompt query 5

    kelly mpesa prompt query ws_CO_191220191020363925 --json
    """
    from kelly_cli.services import prompt_lookup, prompt_watching

    office = office_of(ctx, json=json)
    found = prompt_lookup.find_prompt(office.books_to_write(), name)
    _, asking = _codes(office, found.short_code)
    with office.daraja(asking) as daraja:
        found = prompt_watching.query(_desk(office, daraja), found, business_code=asking)
    _show(office, found)


@app.command("list", cls=Listing)
def list_(
    ctx: typer.Context,
    state: Annotated[
        list[State] | None, typer.Option("--state", help="Only these.", case_sensitive=False)
    ] = None,
    short_code: ShortCodeOpt = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """List prompts, newest first.

    kelly mpesa prompt list

    kelly mpesa prompt list --state pending --state unknown --json
    """
    from kelly_cli.services import prompt_lookup

    office = office_of(ctx, json=json)
    states = [each.value for each in state or ()]
    codes = Places(office).picked(short_code)
    found = prompt_lookup.list_prompts(
        office.books_to_read(), states=states, short_codes=codes, limit=limit
    )
    office.show.rows(
        [{**each._asdict(), "target": _target(each)} for each in found],
        COLUMNS,
        as_json=lambda: [prompt_json(each) for each in found],
        empty="No such prompts. Send one: kelly mpesa prompt --invoice INV",
        fields=PROMPT,
    )


def prompt_json(found: PromptView) -> dict[str, object]:
    """Return a prompt for a document."""
    from kelly_cli.core.money import kes

    answered = found.answered_at
    return {
        "id": found.id,
        "state": found.state,
        "amount": kes(found.amount_cents),
        "phone": found.phone,
        "reference": found.reference,
        "invoice_id": found.invoice_id,
        "pos_id": found.pos_id,
        "customer_id": found.customer_id,
        "short_code": found.short_code,
        "environment": found.environment,
        "checkout_request_id": found.checkout_request_id,
        "merchant_request_id": found.merchant_request_id,
        "result_code": found.result_code,
        "result_desc": found.result_desc,
        "mpesa_receipt_number": found.receipt,
        "log_id": found.log_id,
        "actor": found.actor,
        "created_at": found.created_at.isoformat(),
        "answered_at": answered.isoformat() if answered else None,
    }


def _ask(
    invoice: str | None,
    sale: str | None,
    amount_text: str | None,
    phone: str | None,
    ref: str | None,
) -> Ask:
    from kelly_cli.services.prompting import Ask

    if invoice is not None and sale is not None:
        raise UsageError("--invoice and --sale exclude each other")
    if ref is not None and (invoice is not None or sale is not None):
        raise UsageError("--ref goes with --amount alone: an invoice or a sale names itself")
    if invoice is None and sale is None and amount_text is None:
        raise UsageError(
            "what to ask money for is missing: --invoice, --sale or --amount",
            hint="kelly mpesa prompt --help",
        )
    return Ask(
        invoice_id=invoice,
        pos_id=sale,
        amount_cents=None if amount_text is None else amount(amount_text, option="--amount"),
        phone=phone,
        reference=None if ref is None else printable(ref, option="--ref"),
    )


def _codes(office: Office, code: str | None) -> tuple[str, str]:
    """Return which of our codes is paid and which one asks: for a till that is its store number."""
    mpesa = office.config.mpesa
    code = code or mpesa.short_code
    mpesa.credentials(code)
    kinds = {each.code: each.kind for each in mpesa.short_codes}
    tills = [each for each, kind in kinds.items() if kind == "till"]
    stores = [each for each, kind in kinds.items() if kind == "store"]
    if kinds[code] == "till" and len(stores) == 1:
        return code, stores[0]
    if kinds[code] == "store" and len(tills) == 1:
        return tills[0], code
    return code, code


def _route(office: Office, code: str | None) -> Route:
    from kelly_cli.config.callbacks import callback_urls
    from kelly_cli.services.prompting import Route

    paid, asking = _codes(office, code)
    mpesa = office.config.mpesa
    kinds = {each.code: each.kind for each in mpesa.short_codes}
    return Route(
        code=paid,
        business_code=asking,
        buy_goods=kinds[paid] != "paybill",
        environment=mpesa.environment,
        callback_url=callable_url(office, callback_urls(office.config).stk, paid),
    )


def _desk(office: Office, daraja: Daraja) -> Desk:
    from kelly_cli.services.prompting import Desk

    database = office.books_to_write()
    inbox = office.inbox(database)
    return Desk(database, inbox, daraja, office.now, office.actor)


def _watched(
    office: Office, desk: Desk, sent: PromptView, route: Route, timeout_s: float
) -> PromptView:
    import time

    from kelly_cli.services import prompt_watching

    office.show.note(f"Prompt {sent.id} is {sent.state}: {sent.phone} rings")
    seen = prompt_watching.wait(
        desk,
        sent,
        business_code=route.business_code,
        timeout_s=timeout_s,
        sleep=time.sleep,
    )
    with office.show.progress(None, "Waiting for the payer"):
        for change in seen:
            sent = change
            told = f" by {sent.receipt}" if sent.receipt else ""
            office.show.note(f"Prompt {sent.id} is {sent.state}{told}")
    return sent


def _show(office: Office, found: PromptView) -> None:
    office.show.record(found._asdict(), FIELDS, prompt_json(found))
    if found.state in NEXT:
        office.show.note(f"{NEXT[found.state]} {found.id}")
    elif found.state == State.PAID and found.receipt is None:
        office.show.note("Safaricom says paid, and the payment is not in the books yet")


def _warn(office: Office, desk: Desk, sent: PromptView) -> None:
    from kelly_cli.services import limits

    name, today = _target(sent) or "", office.today()
    for told in limits.over_by_name(desk.database, sent.amount_cents, name, today):
        office.show.warning(told)
    if _target(sent) is None:
        office.show.warning(
            "this belongs to no invoice, sale or customer: the money will wait in suspense"
        )


def _target(found: PromptView) -> str | None:
    return found.invoice_id or found.pos_id or found.customer_id
