"""What a completed line of a statement is: a payer's money, or another movement of the account.

Money in counts as a payment only when it says so, or names a payer's phone: settlements, charges
and reversals never do, in whichever column they stand. Source: daraja-facts 10.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["payment", "charge", "settlement", "reversal", "withdrawal", "other"]

_REVERSAL = re.compile(r"\brevers(?:al|e|ed|ing)\b", re.IGNORECASE)
_CHARGE = re.compile(r"\b(?:charges?|fees?|tariff|excise)\b", re.IGNORECASE)
_SETTLEMENT = re.compile(
    r"\bsettle(?:ment|d)?\b|\bsettlement account\b|\bto bank\b|\borgani[sz]ation (?:settle|to)\b"
    r"|\bfunds? transfer\b|\bmerchant account to\b|\butility account to\b",
    re.IGNORECASE,
)
_PAYMENT = re.compile(
    r"\bpay ?bill\b|\bpay utility\b|\bpay merchant\b|\bmerchant payment\b|\bbuy ?goods\b"
    r"|\bcustomer (?:merchant )?payment\b",
    re.IGNORECASE,
)
_THEIRS = re.compile(r"\s(?:from|acc\.|-)\s|\sto\s+[+\d]", re.ASCII | re.IGNORECASE)
"""Where the words of Safaricom end, and those of a payer begin."""

_PHONE = re.compile(r"\s*\+?(?:254|0)[17][\d*]{5,}", re.ASCII)


def kind_of(
    *, amount_cents: int, reason: str, details: str, other_party: str, linked: str | None
) -> Kind:
    """Tell what moved the account. ``amount_cents``: in above zero, out below."""
    said = _said(reason, details)
    if amount_cents > 0:
        if said in {"reversal", "settlement"}:
            return said
        if said == "charge":
            return "other"
        if said == "payment" or (linked is None and _PHONE.match(other_party)):
            return "payment"
        return "reversal" if linked else "other"
    if said in {"charge", "reversal", "settlement"}:
        return said
    return "reversal" if linked else "withdrawal"


def _said(reason: str, details: str) -> Kind | None:
    """Return the strongest of a line's own words; payers may call themselves and bills anything."""
    own = f"{reason}\n{_THEIRS.split(details, maxsplit=1)[0]}"
    if _REVERSAL.search(own):
        return "reversal"
    if _CHARGE.search(own):
        return "charge"
    if _SETTLEMENT.search(own):
        return "settlement"
    return "payment" if _PAYMENT.search(own) else None


def receives_payments(account: str | None) -> bool:
    """Tell whether an account is one that payers pay into; one without a name is taken for one."""
    if not account:
        return True
    name = account.casefold()
    return "utility" in name or ("merchant" in name and "settlement" not in name)
