"""kelly report aging and customers: who owes since when, and who pays."""

from __future__ import annotations

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
    tell,
)
from kelly_cli.commands.short_codes import Places
from kelly_cli.core.aging import BUCKETS
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.office import office_of
from kelly_cli.render import Column, fields
from kelly_cli.render.drawing import Chart

if TYPE_CHECKING:
    from datetime import date

    from kelly_cli.services.aging import Aging, Debtor
    from kelly_cli.services.figures import PayerFigures, Span

NAMES = ("Current", "1-30", "31-60", "61-90", "Over 90")
AGING = (
    Column("customer_id", "Customer", "id"),
    Column("name", "Name", priority=3),
    *(
        Column(key, title, "money", priority=1)
        for key, title in zip(
            BUCKETS, ("Current", "1-30", "31-60", "61-90", "Over 90"), strict=True
        )
    ),
    Column("owed_cents", "Owed", "money"),
    Column("credit_cents", "Credit", "money", priority=4),
    Column("oldest_days", "Oldest days", "count", priority=5),
)
AGED = fields(
    "customer_id", "name", "phone", *(f"{key}:money" for key in BUCKETS), "owed:money",
    "overdue:money", "credit:money", "balance:money", "oldest_days",
)  # fmt: skip
PAYERS = (
    Column("customer_id", "Customer", "id"),
    Column("name", "Name", priority=1),
    Column("count", "Payments", "count", priority=2),
    Column("cents", "Paid", "money"),
    Column("share", "Share", priority=3),
    Column("days_to_pay", "Days to pay", priority=2),
    Column("newest", "Last paid", "date", priority=4),
    Column("owed_cents", "Owes now", "money"),
    Column("credit_cents", "Credit", "money", priority=5),
)
PAYER = fields(
    "customer_id", "name", "phone", "count", "paid:money", "share", "last_paid_on", "days_to_pay",
    "owed:money", "credit:money",
)  # fmt: skip
_TOP = 10


def aging(
    ctx: typer.Context,
    as_at: Annotated[
        str | None,
        typer.Option("--as-at", help="What was owed at the end of this day.", metavar="DAY"),
    ] = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    short_code: ShortCodeOpt = None,
    html: HtmlOpt = None,
    json: JsonOpt = False,
) -> None:
    """Report who owes, by age: not due yet, 1-30, 31-60, 61-90 and over 90 days after the due day.

    An invoice without a due day is due on its day of issue. --short-code: only customers who ever
    paid to it; what is owed is owed to the business, not to one of its codes.

    kelly report aging

    kelly report aging --as-at 2026-01-31 --html aging.html
    """
    from kelly_cli.services.aging import make_aging

    office = office_of(ctx, json=json)
    wanted = last_day(office, as_at, option="--as-at") if as_at is not None else None
    page = check_html(office, html)
    codes = Places(office).picked(short_code)
    found = make_aging(office.books_to_read(), today=office.today(), as_at=wanted, codes=codes)
    tell(office, _told_aging(found, wanted, limit, short_code), page)


def customers(
    ctx: typer.Context,
    date: DateOpt = None,
    days: DaysOpt = 30,
    limit: LimitOpt = DEFAULT_LIMIT,
    short_code: ShortCodeOpt = None,
    html: HtmlOpt = None,
    json: JsonOpt = False,
) -> None:
    """Report who pays, who owes now, and how long each takes to pay.

    Days to pay: from the day of issue to the payment, weighted by money, of what was paid in these
    days.

    kelly report customers

    kelly report customers --days 90 --limit 20 --html customers.html
    """
    from kelly_cli.services.figures import Span, payers

    office = office_of(ctx, json=json)
    last = last_day(office, date)
    refuse_too_early(last, days)
    page = check_html(office, html)
    codes = Places(office).picked(short_code)
    span = Span.ending(last, days)
    found = payers(office.books_to_read(), span, codes)
    tell(office, _told_customers(found, span, limit, short_code), page)


def _owing(found: list[PayerFigures]) -> list[PayerFigures]:
    return sorted(found, key=lambda each: -each.owed_cents)[:_TOP]


def _part(cents: int, whole: int) -> str:
    return f"{cents / whole:.1%} of it" if whole else ""


def _more(count: int, limit: int) -> list[str]:
    return [f"{count - limit} more: --limit {count}"] if count > limit else []


def _debtor_row(each: Debtor) -> dict[str, object]:
    return {
        "customer_id": each.person.customer_id,
        "name": each.person.name,
        **each.aged._asdict(),
        "owed_cents": each.aged.owed_cents,
        "credit_cents": each.credit_cents,
        "oldest_days": each.oldest_days,
    }


def _debtor_json(each: Debtor) -> dict[str, object]:
    return {
        "customer_id": each.person.customer_id or None,
        "name": each.person.name,
        "phone": each.person.phone,
        **{key: kes(cents) for key, cents in each.aged._asdict().items()},
        "owed": kes(each.aged.owed_cents),
        "overdue": kes(each.aged.overdue_cents),
        "credit": kes(each.credit_cents),
        "balance": kes(each.balance_cents),
        "oldest_days": each.oldest_days,
    }


def _payer_row(each: PayerFigures) -> dict[str, object]:
    return {
        "customer_id": each.person.customer_id,
        "name": each.person.name,
        "count": each.payments,
        "cents": each.cents,
        "share": share(each.share),
        "days_to_pay": "-" if each.days_to_pay is None else f"{each.days_to_pay:.1f}",
        "newest": each.newest,
        "owed_cents": each.owed_cents,
        "credit_cents": each.credit_cents,
    }


def _payer_json(each: PayerFigures) -> dict[str, object]:
    return {
        "customer_id": each.person.customer_id,
        "name": each.person.name,
        "phone": each.person.phone,
        "count": each.payments,
        "paid": kes(each.cents),
        "share": None if each.share is None else round(each.share, 4),
        "last_paid_on": None if each.newest is None else each.newest.isoformat(),
        "days_to_pay": None if each.days_to_pay is None else round(each.days_to_pay, 1),
        "owed": kes(each.owed_cents),
        "credit": kes(each.credit_cents),
    }


def _told_aging(found: Aging, as_at: date | None, limit: int, short_code: str | None) -> Told:
    total = found.total
    total_json = {key: kes(cents) for key, cents in zip(BUCKETS, total, strict=True)}
    shown = found.debtors[:limit]
    return Told(
        title="Who owes since when",
        about=[
            f"At the end of {found.day:%A %d %B %Y}" if as_at else f"Now, {found.day}",
            *([f"Customers who paid to {short_code}"] if short_code else []),
        ],
        main=Table(
            "Customers",
            AGING,
            [_debtor_row(each) for each in shown],
            {
                **total._asdict(),
                "owed_cents": total.owed_cents,
                "credit_cents": found.credit_cents,
            },
            "Nobody owes anything",
        ),
        objects=[_debtor_json(each) for each in shown],
        wrap=lambda debtors: {
            "as_at": found.day.isoformat(),
            "customers": debtors,
            "customer_count": len(found.debtors),
            "total": {
                **total_json,
                "owed": kes(total.owed_cents),
                "overdue": kes(total.overdue_cents),
                "credit": kes(found.credit_cents),
            },
            "short_code": short_code,
        },
        fields=AGED,
        cards=[
            ("Owed", f"KES {kes_for_people(total.owed_cents)}", ""),
            (
                "Overdue",
                f"KES {kes_for_people(total.overdue_cents)}",
                _part(total.overdue_cents, total.owed_cents),
            ),
            ("Over 90 days", f"KES {kes_for_people(total.over_90)}", ""),
            ("Customers' credit", f"KES {kes_for_people(found.credit_cents)}", ""),
        ],
        charts=[
            Chart("KES owed by days overdue", NAMES, [("KES", [cents // 100 for cents in total])]),
            Chart(
                "Largest overdue debts, KES",
                [each.person.name for each in found.debtors[:_TOP]],
                [("KES", [each.aged.overdue_cents // 100 for each in found.debtors[:_TOP]])],
                kind="ranks",
            ),
        ],
        notes=_more(len(found.debtors), limit),
    )


def _told_customers(
    found: list[PayerFigures], span: Span, limit: int, short_code: str | None
) -> Told:
    shown = found[:limit]
    cents, owed = (sum(each) for each in zip(*((p.cents, p.owed_cents) for p in found), strict=True)
                   ) if found else (0, 0)  # fmt: skip
    paying = [each for each in found if each.payments]
    top = sum(each.cents for each in paying[:_TOP])
    return Told(
        title="Customers",
        about=[f"Paid from {span.first} to {span.last}"
               + (f", to {short_code}" if short_code else "")],
        main=Table("Customers", PAYERS, [_payer_row(each) for each in shown],
                   {"cents": cents, "owed_cents": owed},
                   "No customer paid, owes or has credit"),
        objects=[_payer_json(each) for each in shown],
        wrap=lambda listed: {
            "from": span.first.isoformat(),
            "to": span.last.isoformat(),
            "customers": listed,
            "customer_count": len(found),
            "total": {"paid": kes(cents), "owed": kes(owed)},
            "short_code": short_code,
        },
        fields=PAYER,
        cards=[
            ("Paid", f"KES {kes_for_people(cents)}", f"{len(paying)} customers"),
            (f"The top {_TOP}", share(top / cents if cents else None), "of the money"),
            ("Owed now", f"KES {kes_for_people(owed)}",
             f"{sum(1 for each in found if each.owed_cents)} customers"),
        ],
        charts=[
            Chart("Most paid, KES", [each.person.name for each in paying[:_TOP]],
                  [("KES", [each.cents // 100 for each in paying[:_TOP]])], kind="ranks"),
            Chart("Most owed, KES", [each.person.name for each in _owing(found)],
                  [("KES", [each.owed_cents // 100 for each in _owing(found)])], kind="ranks"),
        ],
        notes=_more(len(found), limit),
    )  # fmt: skip
