"""Records of the Pull API: past payments as Safaricom lists them.

Source: daraja-facts 6.8. A record names neither the short code that was asked nor the clock of its
``trxDate``, whose ``Z`` cannot be trusted: both are written beside it, so that its log can be read
again by itself. Knows nothing of the books: whoever pulls finds the clock out.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from kelly_cli.core.times import EARLIEST_MPESA, nairobi_wall_clock, parse_trans_time
from kelly_cli.daraja.fields import (
    MAX_AHEAD,
    MISSING,
    BrokenRuleError,
    amount_in,
    broken_rule,
    display,
    object_in,
    receipt_in,
    receipt_or_none,
    short_code_in,
)
from kelly_cli.daraja.personal import written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kelly_cli.daraja.fields import Members

Clock = Literal["eat", "utc"]
"""Whose wall-clock ``trxDate`` shows: Nairobi's, or that of UTC."""

PAYMENTS = frozenset({"c2b-pay-bill-debit", "c2b-buy-goods-debit"})
"""The kinds of records that are money of a payer; settlements and others are not."""

_EAT_AHEAD = timedelta(hours=3)


class Pulled(NamedTuple):
    """A record that is money; ``paid_at`` is Nairobi wall-clock."""

    receipt: str
    amount_cents: int
    paid_at: datetime
    short_code: str
    bill_ref: str | None
    msisdn: str | None
    payer_name: str | None
    kind: str | None


def kind_of(record: Mapping[str, object]) -> str | None:
    """Return a record's ``transactiontype`` in lower case; None when it has none."""
    kind = display(record.get("transactiontype"))
    return None if kind is None else kind.strip().lower()


def receipt_of(record: Mapping[str, object]) -> str | None:
    """Return a record's canonical receipt, if it has a sound one."""
    return receipt_or_none(record.get("transactionId"))


def digits_of(record: Mapping[str, object]) -> datetime | None:
    """Return the moment as it is written, whatever clock it is of; None when it is no moment."""
    value = record.get("trxDate")
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        moment = parse_trans_time(text) if text.isdigit() else datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(microsecond=0, tzinfo=None)


def by_clock(digits: datetime, clock: Clock) -> datetime:
    """Return the Nairobi wall-clock of a moment written by one of the two clocks."""
    return digits if clock == "eat" else nairobi_wall_clock(digits.replace(tzinfo=UTC))


def clock_that_says(digits: datetime, paid_at: datetime, tolerance: timedelta) -> Clock | None:
    """Tell by which clock a record agrees with a payment that is known; None = by neither."""
    if abs(digits - paid_at) <= tolerance:
        return "eat"
    return "utc" if abs(digits + _EAT_AHEAD - paid_at) <= tolerance else None


def body_of(record: Mapping[str, object], short_code: str, clock: Clock) -> bytes:
    """Write a record, member by member as it came, with what it does not say beside it."""
    body = {"short_code": short_code, "clock": clock, "record": dict(record)}
    try:
        return written(body).encode()
    except UnicodeEncodeError:
        return written(body, ascii_only=True).encode()


def pulled_in(body: Members, ours: frozenset[str], now: datetime) -> Pulled:
    """Read what ``body_of`` wrote. ``ours``: our short codes; ``now``: Nairobi wall-clock.

    Raises:
        BrokenRuleError: no payment, or a field that money needs is not sound.
    """
    record = object_in(body, "record")
    receipt = receipt_in(record, "transactionId")
    if kind_of(record) not in PAYMENTS:
        kind = record.get("transactiontype", MISSING)
        raise broken_rule("transactiontype", kind, "is no payment")
    amount_cents = amount_in(record, "amount")
    paid_at = _paid_at(record, body, now)
    short_code = short_code_in({"BusinessShortCode": body.get("short_code", MISSING)}, ours)
    name = display(record.get("sender"))
    return Pulled(
        receipt,
        amount_cents,
        paid_at,
        short_code,
        display(record.get("billreference")),
        display(record.get("msisdn")),
        None if name is None else " ".join(name.split()),
        display(record.get("transactiontype")),
    )


def _paid_at(record: Members, body: Members, now: datetime) -> datetime:
    value = record.get("trxDate", MISSING)
    digits = digits_of(record)
    if digits is None:
        raise broken_rule("trxDate", value, "is no moment")
    clock = body.get("clock")
    if clock not in ("eat", "utc"):
        raise BrokenRuleError("clock", "clock is neither eat nor utc")
    paid_at = by_clock(digits, "eat" if clock == "eat" else "utc")
    if paid_at < EARLIEST_MPESA:
        raise broken_rule("trxDate", value, "is before M-Pesa began (2007)")
    if paid_at > now and paid_at - now > MAX_AHEAD:
        raise broken_rule("trxDate", value, "is more than a day ahead of now")
    return paid_at
