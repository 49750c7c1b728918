"""kelly pos document: a sale's slip, before it is paid and after. Mounted by commands.pos."""

from __future__ import annotations

from typing import Annotated

import typer

from kelly_cli.commands.options import JsonOpt
from kelly_cli.commands.paper_options import (
    HtmlOpt,
    PayToOpt,
    PdfOpt,
    Places,
    TillOpt,
    put_strip,
    show_paper,
)
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of


def document(
    ctx: typer.Context,
    pos_id: Annotated[str, typer.Argument(help="The sale's id, in any case.", metavar="ID")],
    *,
    html: HtmlOpt = None,
    pdf: PdfOpt = None,
    till: TillOpt = False,
    short_code: PayToOpt = None,
    json: JsonOpt = False,
) -> None:
    """Make a slip for a sale: its lines, what is paid and due, how to pay, a QR code.

    For a customer at the counter who has not paid yet; kelly payment receipt is for money that
    came.

    kelly pos document POS-20260203-0001 --till

    kelly pos document POS-20260203-0001 --till --pdf strip.pdf

    kelly pos document POS-20260203-0001 --html sale.html
    """
    from kelly_cli.commands.papers import pay_to, sale_paper
    from kelly_cli.commands.shapes import paid_json, sale_json
    from kelly_cli.services import papers

    office = office_of(ctx, json=json)
    if till and html is not None:
        raise UsageError("--till and --html: give one of them", hint="--till --pdf FILE")
    places = Places(office.show, html=html, pdf=pdf)
    facts = papers.sale_facts(office.books_to_read(), pos_id)
    to = pay_to(office.config, facts.sale.pos_id, short_code)
    paper = sale_paper(office, facts, to)
    if places:
        places.write(paper, till=till)
    pay = paper.how_to_pay
    if office.show.json:
        office.show.document(
            {
                **sale_json(facts.sale),
                "payments": [paid_json(each) for each in facts.paid],
                "payment_steps": list(pay.steps) if pay else [],
                "qr_words": pay.qr_words if pay else None,
                "files": places.files,
            }
        )
    elif not places and till:
        put_strip(office.show, paper)
    elif not places:
        show_paper(office.show, paper)
