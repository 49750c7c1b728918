"""A payment that a person recorded, cash for one, as the body that its log keeps.

It takes the one road like a callback, so its log can be read again by itself; Safaricom knows
nothing of it. Its receipt number is kelly's own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import kes
from kelly_cli.daraja.fields import (
    MISSING,
    amount_in,
    broken_rule,
    display,
    moment_in,
    receipt_in,
    receipt_or_none,
)

if TYPE_CHECKING:
    from datetime import datetime

    from kelly_cli.daraja.fields import Members

PREFIXES = {"cash": "CSH", "bank": "BNK", "cheque": "CHQ"}
"""How a payment came, and how its receipt number begins."""


class ByHand(NamedTuple):
    """A recorded payment; ``paid_at`` is Nairobi wall-clock.

    ``number``: the cheque's or the bank's own. ``keep``: what its invoice does not need is pinned.
    """

    method: str
    receipt: str
    amount_cents: int
    paid_at: datetime
    bill_ref: str | None
    payer_name: str | None
    number: str | None
    keep: bool


def receipt_of(body: Members) -> str | None:
    """Return the receipt number that a body names, if it is a sound one."""
    return receipt_or_none(body.get("receipt"))


def body_of(payment: ByHand) -> bytes:
    """Write a recorded payment for its log."""
    told = {
        "method": payment.method,
        "receipt": payment.receipt,
        "amount": kes(payment.amount_cents),
        "paid_at": f"{payment.paid_at:%Y%m%d%H%M%S}",
        "reference": payment.bill_ref,
        "payer": payment.payer_name,
        "number": payment.number,
        "keep_credit": payment.keep,
    }
    return json.dumps(told, ensure_ascii=False).encode()


def by_hand_in(body: Members, now: datetime) -> ByHand:
    """Read what ``body_of`` wrote. ``now``: Nairobi wall-clock.

    Raises:
        BrokenRuleError: a field that money needs is not sound.
    """
    receipt = receipt_in(body, "receipt")
    method = body.get("method", MISSING)
    if not isinstance(method, str) or method not in PREFIXES:
        raise broken_rule("method", method, f"is none of {', '.join(PREFIXES)}")
    return ByHand(
        method,
        receipt,
        amount_in(body, "amount"),
        moment_in(body, "paid_at", now),
        display(body.get("reference")),
        display(body.get("payer")),
        display(body.get("number")),
        body.get("keep_credit") is True,
    )
