"""kelly payment explain: why money is where it is. Mounted by payment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from kelly_cli.commands.options import JsonOpt
from kelly_cli.commands.payment_hand import ReceiptArg
from kelly_cli.core.money import kes
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from kelly_cli.services.explaining import Step

STEPS = (
    Column("at", "When", "instant", priority=3),
    Column("step", "Step", priority=2),
    Column("rule", "Rule"),
    Column("invoice_id", "Invoice", "id"),
    Column("amount_cents", "Amount", "money"),
    Column("text", "Why", priority=1),
)


def explain(ctx: typer.Context, receipt: ReceiptArg, json: JsonOpt = False) -> None:
    """Explain a payment: each step in order, with the rule that took it.

    kelly payment explain QGK12XYZ91

    kelly payment explain QGK12XYZ91 --json
    """
    from kelly_cli.commands.shapes import payment_json
    from kelly_cli.services import explaining

    office = office_of(ctx, json=json)
    found = explaining.explain(office.books_to_read(), receipt)
    document = {
        **payment_json(found.payment),
        "steps": [_json(each) for each in found.steps],
        "now": found.now,
    }
    office.show.table([each._asdict() for each in found.steps], STEPS)
    if office.show.json:
        office.show.document(document)
    office.show.lines("", found.now)


def _json(step: Step) -> dict[str, object]:
    return {
        "at": step.at.isoformat(),
        "step": step.step,
        "rule": step.rule,
        "text": step.text,
        "invoice_id": step.invoice_id,
        "amount": None if step.amount_cents is None else kes(step.amount_cents),
    }
