"""kelly customer statement: what a customer owed and paid. Mounted by commands.customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.options import CsvOpt, JsonOpt, day, days
from kelly_cli.commands.paper_options import HtmlOpt, PayToOpt, PdfOpt, Places, show_paper
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of

if TYPE_CHECKING:
    from datetime import date

    from kelly_cli.core.paying import PayTo
    from kelly_cli.office import Office
    from kelly_cli.services.statements import Statement


def statement(
    ctx: typer.Context,
    customer_id: Annotated[
        str, typer.Argument(help="The customer's id, in any case.", metavar="ID")
    ],
    *,
    first: Annotated[
        str | None, typer.Option("--from", help="From this day on.", metavar="DAY")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="Up to this day.", metavar="DAY")] = None,
    as_at: Annotated[
        str | None,
        typer.Option("--as-at", help="As it stood at the end of this day.", metavar="DAY"),
    ] = None,
    text: Annotated[
        bool,
        typer.Option("--text", help="One message of at most 300 characters.", metavar=""),
    ] = False,
    html: HtmlOpt = None,
    pdf: PdfOpt = None,
    csv: CsvOpt = False,
    short_code: PayToOpt = None,
    json: JsonOpt = False,
) -> None:
    """Show a customer's statement: invoices, payments, the running balance, and how to pay it.

    Invoices count from their day of issue and payments from the day they were made. --to ends the
    list; --as-at also asks what was owed and open on that day.

    kelly customer statement CUST-001 --from 2026-02-01 --to 2026-02-28

    kelly customer statement CUST-001 --as-at 2026-02-28 --pdf statement.pdf

    kelly customer statement CUST-001 --text
    """
    from kelly_cli.commands.papers import pay_to, statement_paper
    from kelly_cli.services import statements

    office = office_of(ctx, json=json)
    show = office.show
    first_day, last_day = days(first, last)
    as_at_day = _as_at(as_at, first_day, last_day)
    places = Places(show, html=html, pdf=pdf)
    _refuse_two(text=text, csv=csv, places=places, json=show.json)
    told = statements.make_statement(
        office.books_to_read(), customer_id, first=first_day, last=last_day, as_at=as_at_day
    )
    to = pay_to(office.config, told.customer.customer_id, short_code)
    if text:
        show.lines(_message(office, told, to))
    elif csv:
        show.put(_csv(told))
    elif places:
        places.write(statement_paper(office, told, to))
    if show.json:
        show.document({**_json(office, told, to), "files": places.files})
    elif not (text or csv or places):
        show_paper(show, statement_paper(office, told, to))


def _as_at(as_at: str | None, first: date | None, last: date | None) -> date | None:
    found = day(as_at, option="--as-at")
    if found and last:
        raise UsageError("--as-at and --to: both say the last day", hint="Give one of them")
    if found and first and first > found:
        raise UsageError(f"--from: {first} is after --as-at {found}", hint="Swap the two days")
    return found


def _refuse_two(*, text: bool, csv: bool, places: Places, json: bool) -> None:
    given = [name for name, on in (("--text", text), ("--csv", csv), ("--json", json)) if on]
    if len(given) > 1:
        raise UsageError(f"{given[0]} and {given[1]}: give one of them")
    if places and (text or csv):
        raise UsageError(f"{given[0]} beside --html or --pdf: give one of them")


def _message(office: Office, told: Statement, to: PayTo) -> str:
    from kelly_cli.core.short_statement import Owed, short_statement
    from kelly_cli.render import safe

    return short_statement(
        safe(office.config.business.name),
        safe(told.customer.name),
        told.as_at or office.today(),
        told.to_pay_cents,
        to,
        [Owed(each.invoice_id, each.owed_cents, each.due_on) for each in told.open_invoices],
    )


def _csv(told: Statement) -> str:
    from kelly_cli.render import fields
    from kelly_cli.render.sheet import Sheet, csv_text

    keys = fields("date", "kind", "reference", "description", "change:money", "balance:money")
    return csv_text(Sheet("statement", keys, _entries(told)))


def _entries(told: Statement) -> list[dict[str, object]]:
    from kelly_cli.core.money import kes

    return [
        {
            "date": str(entry.day),
            "kind": entry.kind,
            "reference": entry.reference,
            "description": entry.text,
            "change": kes(entry.change_cents),
            "balance": kes(balance),
        }
        for entry, balance in told.account.lines
    ]


def _json(office: Office, told: Statement, to: PayTo) -> dict[str, object]:
    from kelly_cli.commands.papers import how_to_pay
    from kelly_cli.core.money import kes

    owed = told.to_pay_cents
    pay = how_to_pay(office.config, to, owed) if owed > 0 else None
    return {
        "customer_id": told.customer.customer_id,
        "name": told.customer.name,
        "from": str(told.first) if told.first else None,
        "to": str(told.last) if told.last else None,
        "as_at": str(told.as_at) if told.as_at else None,
        "opening_balance": kes(told.account.opening_cents),
        "entries": _entries(told),
        "closing_balance": kes(told.account.closing_cents),
        "balance": kes(owed),
        "open_invoices": [
            {
                "invoice_id": each.invoice_id,
                "description": each.description,
                "issued_on": str(each.issued_on),
                "due_on": str(each.due_on) if each.due_on else None,
                "amount": kes(each.amount_cents),
                "balance": kes(each.owed_cents),
            }
            for each in told.open_invoices
        ],
        "pay_to": {
            "short_code": to.code,
            "account": None if to.buy_goods else to.account,
            "kind": "till" if to.buy_goods else "paybill",
        },
        "payment_steps": list(pay.steps) if pay else [],
        "text": _message(office, told, to),
    }
