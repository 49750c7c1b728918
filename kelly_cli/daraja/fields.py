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

_MISSING: Final = object()
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
_RECEIPT_LENGTHS = range(5, 33)
_USUAL_LENGTHS = range(4, 16)
_CODES_SHOWN = 5


class _BrokenRuleError(ValueError):
    def __init__(self, field: str, error: str) -> None:
        super().__init__(error)
        self.field = field


def _receipt(members: Members, name: str, label: str = "") -> str:
    value = members.get(name, _MISSING)
    if type(value) is not str:
        raise _broken(label or name, value, "is not text")
    text = value.strip()
    if not (text.isascii() and text.isalnum() and len(text) in _RECEIPT_LENGTHS):
        raise _broken(label or name, value, "is not 5 to 32 letters and digits")
    return text.upper()


def _receipt_or_none(value: object) -> str | None:
    try:
        return _receipt({"": value}, "")
    except _BrokenRuleError:
        return None


def _amount(members: Members, name: str, label: str = "") -> int:
    value = members.get(name, _MISSING)
    if not isinstance(value, str):
        raise _broken(label or name, value, "is neither text nor a number")
    try:
        return _usual_cents(value) or parse_literal(value)
    except ValueError as error:
        raise _broken(label or name, value, str(error)) from None


def _usual_cents(text: str) -> int | None:
    """Return the cents of an amount as Safaricom nearly always writes it, ``11720.00``.

    None for every other form, sound or not: this only spares the common case a regular expression.
    """
    if text[-3:-2] == "." and len(text) in _USUAL_LENGTHS and text.isascii():
        digits = text[:-3] + text[-2:]
        if digits.isdigit():
            return int(digits)
    return None


def _moment(members: Members, name: str, now: datetime, label: str = "") -> datetime:
    value = members.get(name, _MISSING)
    if not isinstance(value, str):
        raise _broken(label or name, value, "is neither text nor a number")
    try:
        moment = parse_trans_time(value)
    except ValueError as error:
        raise _broken(label or name, value, str(error)) from None
    if moment < EARLIEST_MPESA:
        raise _broken(label or name, value, "is before M-Pesa began (2007)")
    if moment > now and moment - now > MAX_AHEAD:
        raise _broken(label or name, value, "is more than a day ahead of now")
    return moment


def _short_code(body: Members, ours: frozenset[str]) -> str:
    value = body.get("BusinessShortCode", _MISSING)
    if not isinstance(value, str):
        raise _broken("BusinessShortCode", value, "is neither text nor a number")
    if value not in ours:
        known = ", ".join(sorted(ours)[:_CODES_SHOWN]) or "none is set"
        known += ", …" if len(ours) > _CODES_SHOWN else ""
        raise _broken("BusinessShortCode", value, f"is not one of ours ({known})")
    return str(value)


def _code(members: Members, label: str) -> str:
    """Return a ResultCode as text; it comes as number or string, and some are not numeric."""
    value = members.get("ResultCode", _MISSING)
    if not isinstance(value, str) or not value.strip():
        raise _broken(label, value, "is neither text nor a number")
    return value.strip()


def _object_in(members: Members, name: str, label: str) -> Members:
    value = members.get(name, _MISSING)
    if not isinstance(value, dict):
        raise _broken(label, value, "is not an object")
    return value


def _broken(label: str, value: object, what: str) -> _BrokenRuleError:
    if value is _MISSING:
        return _BrokenRuleError(label, f"{label} is missing")
    return _BrokenRuleError(label, f"{label} {shown(value)} {what}")


def _display(value: object) -> str | None:
    """Return what a field shows: text as it came, a number as it was written; None when blank."""
    if type(value) is str:
        return value if value and not value.isspace() else None
    return str(value) if type(value) is NumberText else None


def _name(first: object, middle: object, last: object) -> str | None:
    if type(first) is str and not middle and not last:
        return first.strip() or None
    parts = [part.strip() for part in (first, middle, last) if isinstance(part, str)]
    return " ".join([part for part in parts if part]) or None


def _balance(value: object) -> int | None:
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


def _storable_text(text: str | None) -> str | None:
    return None if text is None else _NO_TEXT.sub("\ufffd", text)
