"""kelly report products and fees: what was sold, and what M-Pesa kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.options import DEFAULT_LIMIT, JsonOpt, LimitOpt, ShortCodeOpt
from kelly_cli.commands.report_periods import refuse_too_early
from kelly_cli.commands.report_told import (
    DateOpt,
    DaysOpt,
    HtmlOpt,
    Table,
    Told,
    check_html,
    last_day,
    share,
    signed,
    tell,
)
from kelly_cli.commands.short_codes import Places
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column, fields
from kelly_cli.render.drawing import Chart

if TYPE_CHECKING:
    from kelly_cli.core.tariff import Tariff
    from kelly_cli.services.figures import FeeDay, Fees, Span
    from kelly_cli.store.figure_rows import Charged, Sold

PRODUCTS = (
    Column("product_id", "Product", "id"),
    Column("name", "Name", priority=1),
    Column("quantity", "Sold", "count"),
    Column("cents", "Revenue", "money"),
    Column("margin_cents", "Margin", "money", priority=2),
    Column("margin_share", "Margin %", priority=3),
    Column("open_quantity", "Not paid yet", "count", priority=4),
    Column("open_cents", "KES not paid", "money", priority=5),
)
PRODUCT = fields(
    "product_id", "product_name", "sales", "quantity", "revenue:money", "cost:money",
    "margin:money", "margin_share", "costed_quantity", "open_quantity", "open_total:money",
)  # fmt: skip
FEES = (
    Column("day", "Day", "date"),
    Column("payments", "Payments", "count", priority=2),
    Column("cents", "KES", "money", priority=1),
    Column("charged_cents", "Charged", "money"),
    Column("expected_cents", "Expected", "money"),
    Column("difference_cents", "More or less", "money"),
    Column("other_cents", "Other charges", "money", priority=3),
)
FEE = fields(
    "date:date", "count", "total:money", "charged:money", "expected:money", "difference:money",
    "other_charges:money", "net:money",
)  # fmt: skip
ODD = (
    Column("receipt", "Charged otherwise", "receipt"),
    Column("short_code", "Paid to", "id", priority=2),
    Column("day", "Day", "date", priority=1),
    Column("cents", "KES", "money"),
    Column("charged_cents", "Charged", "money"),
    Column("expected_cents", "Expected", "money"),
)
_TOP = 10
_MOST_BYTES = 1 << 20


def products(
    ctx: typer.Context,
    date: DateOpt = None,
    days: DaysOpt = 30,
    limit: LimitOpt = DEFAULT_LIMIT,
    short_code: ShortCodeOpt = None,
    html: HtmlOpt = None,
    json: JsonOpt = False,
) -> None:
    """Report what was sold, by product: pieces and revenue of paid sales, margin where known.

    By the day of sale. Void sales do not count; what is not wholly paid stands apart.

    kelly report products

    kelly report products --days 7 --csv
    """
    from kelly_cli.services.figures import Span
    from kelly_cli.services.figures import products as sold

    office = office_of(ctx, json=json)
    last = last_day(office, date)
    refuse_too_early(last, days)
    page = check_html(office, html)
    codes = Places(office).picked(short_code)
    span = Span.ending(last, days)
    found = sold(office.books_to_read(), span, codes)
    tell(office, _told_products(found, span, limit, short_code), page)


def fees(
    ctx: typer.Context,
    tariff: Annotated[
        str | None,
        typer.Option(
            "--tariff",
            help="Your own bands: CSV (from,to,fee,short_code) or TOML ([[bands]]).",
            metavar="FILE",
            envvar="KELLY_TARIFF",
        ),
    ] = None,
    date: DateOpt = None,
    days: DaysOpt = 30,
    limit: LimitOpt = DEFAULT_LIMIT,
    short_code: ShortCodeOpt = None,
    html: HtmlOpt = None,
    json: JsonOpt = False,
) -> None:
    """Report what applied statements charged, day by day, against your own tariff.

    A band is an amount, or a share as in 0.55%. No tariff comes with kelly: yours is in your
    contract.

    kelly report fees

    kelly report fees --tariff tariff.csv --days 31 --html fees.html
    """
    from kelly_cli.services.figures import Span
    from kelly_cli.services.figures import fees as charged

    office = office_of(ctx, json=json)
    last = last_day(office, date)
    refuse_too_early(last, days)
    page = check_html(office, html)
    bands = None if tariff is None else _read(tariff)
    codes = Places(office).picked(short_code)
    span = Span.ending(last, days)
    found = charged(office.books_to_read(), span, bands, codes)
    tell(office, _told_fees(found, span, limit, tariff, short_code), page)


def _read(place: str) -> Tariff:
    from kelly_cli.core.tariff import read_tariff

    try:
        with Path(place).open("rb") as stream:
            raw = stream.read(_MOST_BYTES + 1)
        return read_tariff(raw.decode("utf-8"), whole=len(raw) <= _MOST_BYTES)
    except OSError as error:
        raise UsageError(f"--tariff: {place}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--tariff: {place} is not UTF-8 text") from None
    except ValueError as error:
        raise UsageError(
            f"--tariff: {place} {error}", hint="CSV: from,to,fee with a line for each band"
        ) from None


def _margin(each: Sold) -> int | None:
    return each.costed_cents - each.cost_cents if each.costed else None


def _margin_share(each: Sold) -> float | None:
    margin = _margin(each)
    return None if margin is None or not each.costed_cents else margin / each.costed_cents


def _product_row(each: Sold) -> dict[str, object]:
    return {
        "product_id": each.product_id,
        "name": each.name,
        "quantity": each.quantity,
        "cents": each.cents,
        "margin_cents": _margin(each),
        "margin_share": share(_margin_share(each)),
        "open_quantity": each.open_quantity,
        "open_cents": each.open_cents,
    }


def _product_json(each: Sold) -> dict[str, object]:
    margin, part = _margin(each), _margin_share(each)
    return {
        "product_id": each.product_id,
        "product_name": each.name,
        "sales": each.sales,
        "quantity": each.quantity,
        "revenue": kes(each.cents),
        "cost": kes(each.cost_cents) if each.costed else None,
        "margin": None if margin is None else kes(margin),
        "margin_share": None if part is None else round(part, 4),
        "costed_quantity": each.costed,
        "open_quantity": each.open_quantity,
        "open_total": kes(each.open_cents),
    }


def _fee_row(each: FeeDay) -> dict[str, object]:
    return {**each._asdict(), "difference_cents": each.difference_cents}


def _fee_json(each: FeeDay) -> dict[str, object]:
    expected, difference = each.expected_cents, each.difference_cents
    return {
        "date": each.day.isoformat(),
        "count": each.payments,
        "total": kes(each.cents),
        "charged": kes(each.charged_cents),
        "expected": None if expected is None else kes(expected),
        "difference": None if difference is None else kes(difference),
        "other_charges": kes(each.other_cents),
        "net": kes(each.cents - each.charged_cents - each.other_cents),
    }


def _odd_row(each: Charged, expected_cents: int | None) -> dict[str, object]:
    return {
        "receipt": each.receipt,
        "short_code": each.short_code,
        "day": each.day,
        "cents": each.amount_cents,
        "charged_cents": each.charged_cents,
        "expected_cents": expected_cents,
    }


def _odd_json(each: Charged, expected_cents: int | None) -> dict[str, object]:
    return {
        "receipt": each.receipt,
        "short_code": each.short_code,
        "date": each.day.isoformat(),
        "amount": kes(each.amount_cents),
        "charged": kes(each.charged_cents),
        "expected": None if expected_cents is None else kes(expected_cents),
    }


def _told_products(found: list[Sold], span: Span, limit: int, short_code: str | None) -> Told:
    cents, costed = sum(each.cents for each in found), sum(each.costed_cents for each in found)
    margin, top = costed - sum(each.cost_cents for each in found), found[:_TOP]
    return Told(
        title="Products sold",
        about=[f"Sales from {span.first} to {span.last}"
               + (f", paid to {short_code}" if short_code else "")],
        main=Table("Products", PRODUCTS, [_product_row(each) for each in found[:limit]],
                   {"cents": cents, "margin_cents": margin if costed else None},
                   "Nothing was sold"),
        objects=[_product_json(each) for each in found[:limit]],
        wrap=lambda listed: {
            "from": span.first.isoformat(),
            "to": span.last.isoformat(),
            "products": listed,
            "product_count": len(found),
            "total": {"revenue": kes(cents), "margin": kes(margin) if costed else None},
            "short_code": short_code,
        },
        fields=PRODUCT,
        cards=[
            ("Revenue", f"KES {kes_for_people(cents)}", f"{len(found)} products"),
            ("Margin", f"KES {kes_for_people(margin)}" if costed else "-",
             f"{margin / costed:.1%} of {kes_for_people(costed)}" if costed
             else "no cost is known"),
            ("Not paid yet",
             f"KES {kes_for_people(sum(each.open_cents for each in found))}", ""),
        ],
        charts=[
            Chart("Revenue, KES", [each.name for each in top],
                  [("KES", [each.cents // 100 for each in top])], kind="ranks"),
            Chart("Pieces sold", [each.name for each in top],
                  [("Pieces", [each.quantity for each in top])], unit="count", kind="ranks"),
        ],
        notes=[f"{len(found) - limit} more: --limit {len(found)}"]
        if len(found) > limit else [],
    )  # fmt: skip


def _told_fees(
    found: Fees, span: Span, limit: int, tariff: str | None, short_code: str | None
) -> Told:
    listed = found.days
    kept = sum(each.charged_cents + each.other_cents for each in listed)
    gross = sum(each.cents for each in listed)
    expected = [each.expected_cents for each in listed]
    whole = None if None in expected or tariff is None else sum(each or 0 for each in expected)
    paid = sum(each.charged_cents for each in listed)
    odd = [_odd_row(each, fee) for each, fee in found.odd[:limit]]
    return Told(
        title="What M-Pesa charged",
        about=[f"Applied statements from {span.first} to {span.last}"
               + (f", of {short_code}" if short_code else ""),
               f"Against {Path(tariff).name}" if tariff else "Against no tariff"],
        main=Table("Days", FEES, [_fee_row(each) for each in listed],
                   {"cents": gross, "charged_cents": paid, "expected_cents": whole,
                    "difference_cents": None if whole is None else paid - whole,
                    "other_cents": kept - paid},
                   "No applied statement tells of these days: "
                   "kelly recon statement FILE --apply"),
        objects=[_fee_json(each) for each in listed],
        wrap=lambda days: {
            "from": span.first.isoformat(),
            "to": span.last.isoformat(),
            "days": days,
            "total": {"gross": kes(gross), "charged": kes(paid),
                      "expected": None if whole is None else kes(whole),
                      "other_charges": kes(kept - paid), "net": kes(gross - kept)},
            "not_as_expected": [_odd_json(each, fee) for each, fee in found.odd[:limit]],
            "not_as_expected_count": len(found.odd),
            "short_code": short_code,
        },
        fields=FEE,
        cards=[
            ("Came in", f"KES {kes_for_people(gross)}", "on statements"),
            ("Charged", f"KES {kes_for_people(kept)}", share(kept / gross if gross else None)),
            ("Stayed", f"KES {kes_for_people(gross - kept)}", ""),
            ("Beside the tariff", signed(None if whole is None else paid - whole),
             f"{len(found.odd)} payments charged otherwise" if tariff else "no tariff given"),
        ],
        charts=[
            Chart("KES charged by day", [f"{each.day:%d %b}" for each in reversed(listed)],
                  [("Charged", [each.charged_cents / 100 for each in reversed(listed)]),
                   *([("Expected", [None if each.expected_cents is None
                                    else each.expected_cents / 100
                                    for each in reversed(listed)])] if tariff else [])]),
        ],
        more=[Table("Not charged as expected", ODD, odd)],
        notes=[] if tariff or not listed else
        ["To compare: kelly report fees --tariff FILE (from,to,fee; bands of your contract)"],
    )  # fmt: skip
