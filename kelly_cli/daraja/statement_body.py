"""One payment of a statement as the body that its log keeps.

A log is read again by itself: what the preamble says stands beside the line. The same line gives
the same bytes out of a CSV, an XLS or an XLSX, so that no file brings it twice.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import kes
from kelly_cli.core.times import EARLIEST_MPESA
from kelly_cli.daraja.fields import (
    MAX_AHEAD,
    MISSING,
    amount_in,
    balance,
    broken_rule,
    display,
    object_in,
    receipt_in,
    receipt_or_none,
    short_code_in,
)
from kelly_cli.daraja.personal import written

if TYPE_CHECKING:
    from kelly_cli.daraja.fields import Members
    from kelly_cli.daraja.statement import Line

_PARTY = re.compile(r"\s*(\+?[\d*]{9,}|[0-9a-fA-F]{64})(?:\s*-\s*(.*))?")


class Stated(NamedTuple):
    """A payment of a statement; ``paid_at`` is Nairobi wall-clock."""

    receipt: str
    amount_cents: int
    paid_at: datetime
    short_code: str
    bill_ref: str | None
    msisdn: str | None
    payer_name: str | None
    kind: str | None
    org_balance_cents: int | None


def body_of(line: Line, short_code: str, account: str | None) -> bytes:
    """Write a payment of a statement for its log."""
    told = {
        "receipt": line.receipt,
        "completed_at": line.completed_at.isoformat(" "),
        "paid_in": kes(line.amount_cents),
        "balance": None if line.balance_cents is None else kes(line.balance_cents),
        "reason_type": line.reason,
        "details": line.details,
        "other_party": line.other_party,
        "reference": line.reference,
    }
    return written({"short_code": short_code, "account": account, "line": told}).encode()


def receipt_of(body: Members) -> str | None:
    """Return the canonical receipt of a body, if it has a sound one."""
    line = body.get("line")
    return receipt_or_none(line.get("receipt")) if isinstance(line, dict) else None


def stated_in(body: Members, ours: frozenset[str], now: datetime) -> Stated:
    """Read what ``body_of`` wrote. ``ours``: our short codes; ``now``: Nairobi wall-clock.

    Raises:
        BrokenRuleError: a field that money needs is not sound.
    """
    line = object_in(body, "line")
    receipt = receipt_in(line, "receipt")
    amount_cents = amount_in(line, "paid_in")
    paid_at = _moment(line, now)
    short_code = short_code_in({"BusinessShortCode": body.get("short_code", MISSING)}, ours)
    phone, name = payer(display(line.get("other_party")) or "")
    return Stated(
        receipt,
        amount_cents,
        paid_at,
        short_code,
        display(line.get("reference")),
        phone,
        name,
        display(line.get("reason_type")),
        balance(line.get("balance")),
    )


def payer(other_party: str) -> tuple[str | None, str | None]:
    """Return the phone, as it came, and the name of ``2547****678 - JANE DOE``."""
    found = _PARTY.fullmatch(other_party)
    if found is None:
        return None, " ".join(other_party.split()) or None
    return found[1], " ".join((found[2] or "").split()) or None


def _moment(line: Members, now: datetime) -> datetime:
    value = line.get("completed_at", MISSING)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        raise broken_rule("completed_at", value, "is no moment")
    if moment < EARLIEST_MPESA:
        raise broken_rule("completed_at", value, "is before M-Pesa began (2007)")
    if moment > now and moment - now > MAX_AHEAD:
        raise broken_rule("completed_at", value, "is more than a day ahead of now")
    return moment
