"""Fields of callbacks: what each must hold, and what the others may show.

Each rule is a row of contract section 7 or a line of daraja-facts 4 and 5. A rule that is broken
raises ``BrokenRuleError`` with the field and what came in it; a field that is only for show never
raises. Which fields a callback has is not known here.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from kelly_cli.core.money import parse_kes, parse_literal
from kelly_cli.core.times import EARLIEST_MPESA, parse_trans_time
from kelly_cli.daraja.strict_json import NumberText, shown

Members: TypeAlias = dict[str, object]

MAX_AHEAD = timedelta(days=1)
"""A TransTime may lie so far ahead of now, and no further."""

MISSING: Final = object()
"""What a member that is not there holds."""

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
_RECEIPT_LENGTHS = range(5, 33)
_USUAL_LENGTHS = range(4, 16)
_CODES_SHOWN = 5


class BrokenRuleError(ValueError):
    """One field breaks its rule; the message names it and shows what came."""

    def __init__(self, field: str, error: str) -> None:
        super().__init__(error)
        self.field = field


def receipt_in(members: Members, name: str, label: str = "") -> str:
    """Return the canonical receipt: trimmed text of 5 to 32 ASCII letters and digits, upper case.

    ``label`` is what the error calls the field, if not ``name``.

    Raises:
        BrokenRuleError: anything else.
    """
    value = members.get(name, MISSING)
    if type(value) is not str:
        raise broken_rule(label or name, value, "is not text")
    text = value.strip()
    if not (text.isascii() and text.isalnum() and len(text) in _RECEIPT_LENGTHS):
        raise broken_rule(label or name, value, "is not 5 to 32 letters and digits")
    return text.upper()


def receipt_or_none(value: object) -> str | None:
    """Return the canonical receipt that a field for show holds, if it is one."""
    try:
        return receipt_in({"": value}, "")
    except BrokenRuleError:
        return None


def amount_in(members: Members, name: str, label: str = "") -> int:
    """Return the cents that the literal text of a string or number stands for.

    Raises:
        BrokenRuleError: not what ``core.money.parse_literal`` accepts.
    """
    value = members.get(name, MISSING)
    if not isinstance(value, str):
        raise broken_rule(label or name, value, "is neither text nor a number")
    try:
        return _usual_cents(value) or parse_literal(value)
    except ValueError as error:
        raise broken_rule(label or name, value, str(error)) from None


def _usual_cents(text: str) -> int | None:
    """Return the cents of an amount as Safaricom nearly always writes it, ``11720.00``.

    None for every other form, sound or not: this only spares the common case a regular expression.
    """
    if text[-3:-2] == "." and len(text) in _USUAL_LENGTHS and text.isascii():
        digits = text[:-3] + text[-2:]
        if digits.isdigit():
            return int(digits)
    return None


def moment_in(members: Members, name: str, now: datetime, label: str = "") -> datetime:
    """Return the Nairobi wall-clock that 14 digits stand for; ``now`` is of the same kind.

    Raises:
        BrokenRuleError: no real moment, before 2007, or more than a day ahead of ``now``.
    """
    value = members.get(name, MISSING)
    if not isinstance(value, str):
        raise broken_rule(label or name, value, "is neither text nor a number")
    try:
        moment = parse_trans_time(value)
    except ValueError as error:
        raise broken_rule(label or name, value, str(error)) from None
    if moment < EARLIEST_MPESA:
        raise broken_rule(label or name, value, "is before M-Pesa began (2007)")
    if moment > now and moment - now > MAX_AHEAD:
        raise broken_rule(label or name, value, "is more than a day ahead of now")
    return moment


def short_code_in(body: Members, ours: frozenset[str]) -> str:
    """Return the short code, exactly as written, when it is one of ours.

    Raises:
        BrokenRuleError: anything else.
    """
    value = body.get("BusinessShortCode", MISSING)
    if not isinstance(value, str):
        raise broken_rule("BusinessShortCode", value, "is neither text nor a number")
    if value not in ours:
        known = ", ".join(sorted(ours)[:_CODES_SHOWN]) or "none is set"
        known += ", …" if len(ours) > _CODES_SHOWN else ""
        raise broken_rule("BusinessShortCode", value, f"is not one of ours ({known})")
    return str(value)


def result_code_in(members: Members) -> str:
    """Return a ResultCode as text; it comes as number or string, and some are not numeric.

    Raises:
        BrokenRuleError: missing, blank, or of another type.
    """
    value = members.get("ResultCode", MISSING)
    if not isinstance(value, str) or not value.strip():
        raise broken_rule("ResultCode", value, "is neither text nor a number")
    return value.strip()


def object_in(members: Members, name: str, label: str = "") -> Members:
    """Return the object that a member holds.

    Raises:
        BrokenRuleError: anything else.
    """
    value = members.get(name, MISSING)
    if not isinstance(value, dict):
        raise broken_rule(label or name, value, "is not an object")
    return value


def broken_rule(label: str, value: object, what: str) -> BrokenRuleError:
    """Return the error for a field that came as ``value`` (``MISSING``: not at all)."""
    if value is MISSING:
        return BrokenRuleError(label, f"{label} is missing")
    return BrokenRuleError(label, f"{label} {shown(value)} {what}")


def display(value: object) -> str | None:
    """Return what a field shows: text as it came, a number as it was written; None when blank."""
    if type(value) is str:
        return value if value and not value.isspace() else None
    return str(value) if type(value) is NumberText else None


def full_name(first: object, middle: object, last: object) -> str | None:
    """Join the names that came, each trimmed, blank ones skipped; None when none is left."""
    name = ""
    for part in (first, middle, last):
        if part and isinstance(part, str):
            trimmed = part.strip()
            name = f"{name} {trimmed}" if name and trimmed else name or trimmed
    return name or None


def balance(value: object) -> int | None:
    """Return the account's balance in cents, if it can be read; it may be below zero."""
    if not isinstance(value, str) or not value:
        return None
    cents = _usual_cents(value)
    if cents is not None:
        return cents
    try:
        cents = parse_kes(value.removeprefix("-"))
    except ValueError:
        return None
    return -cents if value.startswith("-") else cents


def storable(text: str) -> str:
    """Return ``text`` with every NUL and unpaired surrogate as U+FFFD: any database takes it."""
    return _NOT_STORABLE.sub("\ufffd", text)
