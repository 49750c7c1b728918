"""kelly invoice document: an invoice to send or print. Mounted by commands.invoice."""

from __future__ import annotations

from typing import Annotated

import typer

from kelly_cli.commands.options import JsonOpt
from kelly_cli.commands.paper_options import HtmlOpt, PayToOpt, PdfOpt, Places, show_paper
from kelly_cli.office import office_of


def document(
    ctx: typer.Context,
    invoice_id: Annotated[str, typer.Argument(help="The invoice's id, in any case.", metavar="ID")],
    *,
    html: HtmlOpt = None,
    pdf: PdfOpt = None,
    short_code: PayToOpt = None,
    json: JsonOpt = False,
) -> None:
    """Make an invoice to send or print: lines, what is paid and owed, how to pay, a QR code.

    Name, address, tax number and logo come from the settings business.*. The QR code says paybill,
    account and amount as words to any camera; the payer types them.

    kelly invoice document INV-20260203-0001 --pdf invoice.pdf

    kelly invoice document INV-20260203-0001 --html invoice.html
    """
    from kelly_cli.commands.papers import invoice_paper, pay_to
    from kelly_cli.commands.shapes import invoice_json, item_json, paid_json
    from kelly_cli.services import papers

    office = office_of(ctx, json=json)
    places = Places(office.show, html=html, pdf=pdf)
    facts = papers.invoice_facts(office.books_to_read(), invoice_id)
    to = pay_to(office.config, facts.invoice.invoice_id, short_code)
    paper = invoice_paper(office, facts, to)
    if places:
        places.write(paper)
    pay = paper.how_to_pay
    if office.show.json:
        office.show.document(
            {
                **invoice_json(facts.invoice, office.today()),
                "items": [item_json(item) for item in facts.items],
                "payments": [paid_json(each) for each in facts.paid],
                "payment_steps": list(pay.steps) if pay else [],
                "qr_words": pay.qr_words if pay else None,
                "files": places.files,
            }
        )
    elif not places:
        show_paper(office.show, paper)
