"""kelly payment receipt: a receipt to send, print or tear off. Mounted by commands.payment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.options import JsonOpt
from kelly_cli.commands.paper_options import (
    HtmlOpt,
    PdfOpt,
    Places,
    TillOpt,
    put_strip,
    show_paper,
)
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of

if TYPE_CHECKING:
    from kelly_cli.services.papers import ReceiptFacts


def receipt(
    ctx: typer.Context,
    number: Annotated[
        str, typer.Argument(help="The receipt number, in any case.", metavar="RECEIPT")
    ],
    *,
    html: HtmlOpt = None,
    pdf: PdfOpt = None,
    till: TillOpt = False,
    json: JsonOpt = False,
) -> None:
    """Make a receipt for a payment: what was received and what it paid, with a sale's items.

    kelly payment receipt QGK12XYZ9 --pdf receipt.pdf

    kelly payment receipt QGK12XYZ9 --till

    kelly payment receipt QGK12XYZ9 --till --pdf strip.pdf
    """
    from kelly_cli.commands.papers import receipt_paper
    from kelly_cli.services import papers

    office = office_of(ctx, json=json)
    if till and html is not None:
        raise UsageError("--till and --html: give one of them", hint="--till --pdf FILE")
    places = Places(office.show, html=html, pdf=pdf)
    facts = papers.receipt_facts(office.books_to_read(), number)
    paper = receipt_paper(office, facts)
    if places:
        places.write(paper, till=till)
    if office.show.json:
        office.show.document({**_json(facts), "files": places.files})
    elif not places and till:
        put_strip(office.show, paper)
    elif not places:
        show_paper(office.show, paper)


def _json(facts: ReceiptFacts) -> dict[str, object]:
    from kelly_cli.commands.shapes import payment_json, sale_json
    from kelly_cli.core.money import kes

    return {
        **payment_json(facts.payment),
        "customer_name": facts.name,
        "paid": [
            {
                "invoice_id": each.invoice_id,
                "pos_id": each.pos_id,
                "description": each.description,
                "amount": kes(each.amount_cents),
                "balance": kes(each.owed_cents),
            }
            for each in facts.held
        ],
        "sales": [sale_json(sale) for sale in facts.sales],
    }
