"""kelly pos match: money without a reference and the sales that wait. Mounted by commands.pos."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.options import DEFAULT_LIMIT, JsonOpt, LimitOpt, ShortCodeOpt, printable
from kelly_cli.commands.short_codes import Places
from kelly_cli.core.money import kes
from kelly_cli.core.times import iso_nairobi
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from kelly_cli.office import Office
    from kelly_cli.services.till import Doubt, Found, MoneySide, Offer, SaleSide

PAIRS = (
    Column("pos_id", "Sale", "id"),
    Column("receipt", "Receipt", "receipt"),
    Column("amount_cents", "Amount", "money"),
    Column("minutes", "Minutes apart", "count"),
    Column("customer_name", "Customer", priority=2),
    Column("payer_name", "Payer", priority=1),
    Column("paid_at", "Paid at", "wall", priority=3),
)
CLASHES = (
    Column("amount_cents", "Clash", "money"),
    Column("sales", "Sales"),
    Column("payments", "Receipts"),
    Column("why", "Why"),
)
WHY = {
    "unsure": "more than one fits",
    "no_time": "written for another day: its time is not known",
    "freed": "a person freed this money: assign it by hand",
    "payer_differs": "paid by somebody else than the customer",
}
MOST_NAMED = 3
"""Sales and receipts of one clash that a line for people names; --json has all."""


def match(
    ctx: typer.Context,
    minutes: Annotated[
        int, typer.Option("--minutes", min=0, max=1440, help="How far apart they may be.")
    ] = 15,
    apply: Annotated[
        bool, typer.Option("--apply", help="Put the money of the pairs on their sales.", metavar="")
    ] = False,
    short_code: ShortCodeOpt = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why, for the audit.")] = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """Pair sales that wait with money that names no account: equal amounts, minutes apart.

    A pair is offered when nothing else fits either side; all else is a clash, shown and never
    guessed. Without --apply nothing is changed.

    kelly pos match

    kelly pos match --minutes 5 --apply
    """
    from kelly_cli.services import till

    office = office_of(ctx, json=json)
    within = timedelta(minutes=minutes)
    places = Places(office)
    codes = places.picked(short_code)
    why = None if reason is None else printable(reason, option="--reason")
    if apply:
        hand = office.hand(why)
        found = till.apply(office.books_to_write(), hand, within, short_codes=codes, limit=limit)
    else:
        found = till.look(office.books_to_read(), within, short_codes=codes)
    shown = found._replace(pairs=found.pairs[:limit], clashes=found.clashes[:limit])
    if office.show.json:
        office.show.document(_json(shown, places, applied=apply))
    else:
        _tell(office, shown, places, applied=apply)


def _tell(office: Office, found: Found, places: Places, *, applied: bool) -> None:
    show = office.show
    pairs = [_pair_row(each) | places.marks(each.payment.short_code) for each in found.pairs]
    show.table(pairs, (*PAIRS, *places.columns), empty="No pairs")
    if found.clashes:
        show.lines("")
        show.table([_clash_row(each) for each in found.clashes], CLASHES)
        show.note("A clash is for a person: kelly suspense assign RECEIPT --to SALE")
    if applied:
        show.note(f"{len(found.pairs)} put on their sales")
    elif found.pairs:
        show.note("Nothing was changed. To put the money there: kelly pos match --apply")


def _pair_row(offer: Offer) -> dict[str, object]:
    return {
        **offer.sale._asdict(),
        **offer.payment._asdict(),
        "minutes": round(offer.apart.total_seconds() / 60),
    }


def _clash_row(doubt: Doubt) -> dict[str, object]:
    return {
        "amount_cents": doubt.payments[0].amount_cents,
        "sales": _named([each.pos_id for each in doubt.sales]),
        "payments": _named([each.receipt for each in doubt.payments]),
        "why": WHY[doubt.why],
    }


def _named(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _json(found: Found, places: Places, *, applied: bool) -> dict[str, object]:
    return {
        "pairs": [
            {
                "pos_id": each.sale.pos_id,
                "mpesa_receipt_number": each.payment.receipt,
                "amount": kes(each.payment.amount_cents),
                "minutes_apart": round(each.apart.total_seconds() / 60, 1),
                "same_payer": each.same_payer,
                "sale": _sale_json(each.sale),
                "payment": _money_json(each.payment, places),
                "applied": applied,
            }
            for each in found.pairs
        ],
        "clashes": [
            {
                "amount": kes(each.payments[0].amount_cents),
                "why": each.why,
                "sales": [_sale_json(sale) for sale in each.sales],
                "payments": [_money_json(payment, places) for payment in each.payments],
            }
            for each in found.clashes
        ],
        "applied": len(found.pairs) if applied else 0,
    }


def _sale_json(sale: SaleSide) -> dict[str, object]:
    return {
        "pos_id": sale.pos_id,
        "amount": kes(sale.amount_cents),
        "sold_at": iso_nairobi(sale.sold_at) if sale.sold_at else None,
        "customer_id": sale.customer_id,
        "customer_name": sale.customer_name,
    }


def _money_json(payment: MoneySide, places: Places) -> dict[str, object]:
    return {
        "mpesa_receipt_number": payment.receipt,
        "amount": kes(payment.amount_cents),
        "transaction_date": iso_nairobi(payment.paid_at),
        "payer_name": payment.payer_name,
        "msisdn": payment.msisdn,
        **places.marks(payment.short_code),
    }
