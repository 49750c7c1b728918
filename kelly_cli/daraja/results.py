"""Results of status, balance and reversal requests: what they say, however it is written.

Source: daraja-facts 6. Parameters come as a list or as a single object, values may be missing, keys
repeat and are spelt in several ways, codes are numbers or text. The receipt is the parameter
``ReceiptNo`` or ``OriginalTransactionID``; the result's own ``TransactionID`` is a generic value
and never used. Nothing here raises, and nothing here knows who asked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import parse_kes
from kelly_cli.daraja.fields import balance, display, receipt_or_none, storable
from kelly_cli.daraja.strict_json import NotOneObjectError, parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kelly_cli.daraja.fields import Members

_ZERO = re.compile(r"[+-]?0+(?:\.0+)?", re.ASCII)
_DRIFT = (("finalised", "finalized"), ("coversation", "conversation"))
_RECEIPTS = ("ReceiptNo", "OriginalTransactionID")
_ONCE = ("ReceiptNo", "OriginalTransactionID", "TransactionStatus", "Amount")

ALREADY_REVERSED = "R000001"
"""The money went back to its payer before this request."""


class Answer(NamedTuple):
    """One result, or one queue time-out, as text.

    ``code`` None = none was given. ``parameters`` are by folded key (``text`` looks them up),
    ``named`` as they were written. ``twice``: what must be said once and was said in two ways.
    """

    code: str | None
    description: str | None
    conversation_id: str | None
    originator_conversation_id: str | None
    parameters: Mapping[str, str | None]
    named: Mapping[str, str | None]
    twice: tuple[str, ...]

    @property
    def is_success(self) -> bool:
        """Tell whether the request was carried out: a code of nothing but zeros."""
        return self.code is not None and _ZERO.fullmatch(self.code) is not None

    def text(self, key: str) -> str | None:
        """Return a parameter, however its key was spelt; None when it has no value."""
        return self.parameters.get(_folded(key))

    @property
    def receipt(self) -> str | None:
        """The canonical receipt of the payment it speaks of."""
        found = (receipt_or_none(self.text(key)) for key in _RECEIPTS)
        return next((receipt for receipt in found if receipt is not None), None)

    @property
    def amount_cents(self) -> int | None:
        """The amount; None when none was given or it cannot be read."""
        text = self.text("Amount")
        try:
            return None if text is None else parse_kes(text)
        except ValueError:
            return None


class Account(NamedTuple):
    """One account of a balance; amounts in cents, below zero for charges; None = not readable."""

    name: str
    currency: str
    current_cents: int | None
    available_cents: int | None
    reserved_cents: int | None
    uncleared_cents: int | None


def read_result(raw: bytes) -> Answer | None:
    """Read the body of a result or time-out; None when it is none."""
    try:
        result = parse_object(raw).get("Result")
    except NotOneObjectError:
        return None
    return answer_in(result) if isinstance(result, dict) else None


def answer_in(result: Members) -> Answer:
    """Return what the members of ``Result`` say."""
    own: dict[str, str] = {}
    for name, value in result.items():
        text = _text(value)
        if text is not None:
            own.setdefault(_folded(name), text)
    holder = result.get("ResultParameters")
    pairs = holder.get("ResultParameter") if isinstance(holder, dict) else holder
    parameters: dict[str, str | None] = {}
    named: dict[str, str | None] = {}
    twice: dict[str, None] = {}
    for pair in pairs if isinstance(pairs, list) else [pairs]:
        if not isinstance(pair, dict) or type(key := pair.get("Key")) is not str:
            continue
        folded, value = _folded(key), _text(pair.get("Value"))
        first = parameters.get(folded)
        if first is None:
            parameters[folded] = named[storable(key)] = value
        elif value is not None and value != first:
            twice.update((once, None) for once in _ONCE if _folded(once) == folded)
    return Answer(
        own.get("resultcode"),
        own.get("resultdesc"),
        own.get("conversationid"),
        own.get("originatorconversationid"),
        parameters,
        named,
        tuple(twice),
    )


def accounts_in(text: str | None) -> tuple[Account, ...]:
    """Read ``Working Account|KES|700.00|700.00|0.00|0.00&Utility Account|KES|…``."""
    found = []
    for each in (text or "").split("&"):
        name, currency, *figures = (*each.split("|"), "", "", "", "", "", "")[:6]
        if name.strip():
            cents = [balance(figure.strip()) for figure in figures]
            found.append(Account(name.strip(), currency.strip(), *cents))
    return tuple(found)


def _folded(key: str) -> str:
    """Fold the spellings of a key: blanks, case, and the ones that drift."""
    folded = "".join(key.split()).casefold()
    for seen, meant in _DRIFT:
        folded = folded.replace(seen, meant)
    return folded


def _text(value: object) -> str | None:
    shown = display(value)
    return None if shown is None else storable(shown).strip()
