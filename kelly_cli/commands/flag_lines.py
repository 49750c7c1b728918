"""How flags are shown: lines of the daily report, and the objects of its JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.core.flags import LATE, MOST_A_DAY_CENTS, OVER_LIMIT, POSSIBLE_DOUBLE
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.core.times import iso_nairobi
from kelly_cli.render import Column

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kelly_cli.core.flags import Double
    from kelly_cli.office import Office
    from kelly_cli.services.flagged import FlagsOfDay
    from kelly_cli.store.flag_rows import Flagged

COLUMNS = (
    Column("what", "Look at"),
    Column("receipt", "Receipt", "receipt"),
    Column("amount_cents", "Amount", "money"),
    Column("why", "Why", priority=1),
)
TITLES = {LATE: "Late", POSSIBLE_DOUBLE: "Possible double", OVER_LIMIT: "Over the limit"}
MOST_SHOWN = 20
"""Lines of each kind that the report shows people; --json has all."""


def tell_flags(office: Office, found: FlagsOfDay) -> None:
    """Print the flags of a day for people; nothing where there are none."""
    rows = [
        *_lines(LATE, [(each.receipt, each.amount_cents, each.detail) for each in found.late]),
        *_lines(
            POSSIBLE_DOUBLE,
            [(e.payment.receipt, e.payment.amount_cents, e.detail) for e in found.doubles],
        ),
        *_lines(OVER_LIMIT, [(e.receipt, e.amount_cents, e.detail) for e in found.over]),
        *_lines(
            OVER_LIMIT,
            [
                (each.customer_id, each.cents, f"{each.payments} payments of a day, {_MOST}")
                for each in found.large_days
            ],
        ),
    ]
    if rows:
        office.show.lines("")
        office.show.table(rows, COLUMNS)


_MOST = f"more than {kes_for_people(MOST_A_DAY_CENTS)}"


def _lines(flag: str, told: list[tuple[str, int, str]]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {"what": TITLES[flag], "receipt": receipt, "amount_cents": cents, "why": why}
        for receipt, cents, why in told[:MOST_SHOWN]
    ]
    rest = told[MOST_SHOWN:]
    if rest:
        why = f"{len(rest)} more: kelly payment list --flag {flag}"
        total_cents = sum(each[1] for each in rest)
        rows.append(
            {"what": TITLES[flag], "receipt": None, "amount_cents": total_cents, "why": why}
        )
    return rows


def flags_json(found: FlagsOfDay) -> dict[str, object]:
    """Return the keys that the flags add to the daily report."""
    doubled = [each.payment.amount_cents for each in found.doubles]
    return {
        "flags": {
            LATE: _sum(each.amount_cents for each in found.late),
            POSSIBLE_DOUBLE: _sum(doubled),
            OVER_LIMIT: _sum(each.amount_cents for each in found.over),
        },
        "late": [_flagged_json(each) for each in found.late],
        "possible_doubles": [_double_json(each) for each in found.doubles],
        "over_limit": [_flagged_json(each) for each in found.over],
        "large_days": [
            {
                "customer_id": each.customer_id,
                "count": each.payments,
                "total": kes(each.cents),
                "limit": kes(MOST_A_DAY_CENTS),
            }
            for each in found.large_days
        ],
    }


def _sum(amounts: Iterable[int]) -> dict[str, object]:
    cents = list(amounts)
    return {"count": len(cents), "total": kes(sum(cents))}


def _flagged_json(each: Flagged) -> dict[str, object]:
    return {
        "mpesa_receipt_number": each.receipt,
        "amount": kes(each.amount_cents),
        "transaction_date": iso_nairobi(each.paid_at),
        "bill_ref_number": each.bill_ref,
        "customer_id": each.customer_id,
        "short_code": each.short_code,
        "detail": each.detail,
    }


def _double_json(each: Double) -> dict[str, object]:
    return {
        "mpesa_receipt_number": each.payment.receipt,
        "amount": kes(each.payment.amount_cents),
        "transaction_date": iso_nairobi(each.payment.paid_at),
        "bill_ref_number": each.payment.bill_ref,
        "repeats": each.first.receipt,
        "detail": each.detail,
    }
