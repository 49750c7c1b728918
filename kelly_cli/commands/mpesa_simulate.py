"""kelly mpesa simulate: a pretend payment, in a sandbox. Mounted by commands.mpesa."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.mpesa_register import ApiOpt, api_of, our_code
from kelly_cli.commands.mpesa_urls import CodeOpt, environment_of
from kelly_cli.commands.options import JsonOpt, amount, printable
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from kelly_cli.office import Office
    from kelly_cli.services.simulating import PretendPayment

FIELDS = (
    Column("short_code", "Paid to", "id"),
    Column("amount_cents", "Amount", "money"),
    Column("msisdn", "From", "phone"),
    Column("bill_ref", "Reference", "id"),
    Column("description", "The sandbox says"),
)


def simulate(
    ctx: typer.Context,
    amount_text: Annotated[
        str, typer.Option("--amount", help="In KES, whole shillings.", metavar="AMOUNT")
    ],
    msisdn: Annotated[
        str,
        typer.Option("--msisdn", help="The payer; Safaricom's sandbox takes 254708374149 only."),
    ] = "254708374149",
    bill_ref: Annotated[
        str | None,
        typer.Option("--bill-ref", help="The account number: an invoice, a sale, a customer."),
    ] = None,
    buy_goods: Annotated[
        bool, typer.Option("--buy-goods", help="To a till, which takes no reference.", metavar="")
    ] = False,
    api: ApiOpt = None,
    short_code: CodeOpt = None,
    json: JsonOpt = False,
) -> None:
    """Let the sandbox pay you. The payment comes by callback, so a listener must run.

    With mpesa.environment = local it is kelly's own sandbox, with sandbox it is Safaricom's.

    kelly mpesa simulate --amount 1000 --msisdn 254708374149 --bill-ref CUST-001

    kelly mpesa simulate --amount 50 --buy-goods --json
    """
    from kelly_cli.core.money import kes
    from kelly_cli.services import simulating

    office = office_of(ctx, json=json)
    pretend = simulating.PretendPayment(
        our_code(office, short_code),
        amount(amount_text, option="--amount"),
        _phone(msisdn),
        None if bill_ref is None else printable(bill_ref, option="--bill-ref"),
        buy_goods,
        api_of(office, api),
    )
    environment = environment_of(office.config, pretend.short_code)
    simulating.check_pretend(pretend, environment=environment)
    _warn(office, pretend)
    with office.daraja(pretend.short_code) as daraja:
        reply = simulating.simulate(
            daraja, pretend, environment=environment, where=office.config.mpesa.base_url
        )
    shown = {**pretend._asdict(), "description": reply.description}
    document = {
        "short_code": pretend.short_code,
        "amount": kes(pretend.amount_cents),
        "msisdn": pretend.msisdn,
        "bill_ref_number": pretend.bill_ref,
        "response": reply.members,
    }
    office.show.record(shown, FIELDS, document)
    office.show.note("Accepted is not paid: see it come with kelly payment list")


def _warn(office: Office, pretend: PretendPayment) -> None:
    """Say what the amount is too much for; without books, of the amount alone."""
    from kelly_cli.services import limits
    from kelly_cli.store.schema import holds_books

    cents, day = pretend.amount_cents, office.today()
    if pretend.bill_ref is not None and holds_books(office.database):
        told = limits.over_by_name(office.books_to_read(), cents, pretend.bill_ref, day)
    else:
        told = limits.over(office.database, cents, None, day)
    for each in told:
        office.show.warning(each)


def _phone(text: str) -> str:
    from kelly_cli.core.refs import parse_phone

    try:
        return parse_phone(text)
    except ValueError as error:
        raise UsageError(f"--msisdn: {error}") from None
