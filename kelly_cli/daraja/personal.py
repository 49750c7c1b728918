"""Callbacks without the people in them: what proves the money stays, to the letter.

Of each kind of body the members that are kept are listed here; any other goes, whatever it holds. A
body that cannot be read holds no money and nothing can be told apart in it: all of it goes. Reading
what is left gives the same receipt, amount, time and short code, and the same reference unless that
was a phone. Knows nothing of ages and databases.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kelly_cli.core.masking import mask_phones, mask_prompt_id, mask_reference
from kelly_cli.daraja.strict_json import NotOneObjectError, NumberText, parse_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from kelly_cli.daraja.fields import Members

EMPTY = b"{}"
"""What is left of a body in which nothing can be told apart."""

_CONFIRMATION = (
    "TransactionType",
    "TransID",
    "TransTime",
    "TransAmount",
    "BusinessShortCode",
    "BillRefNumber",
    "InvoiceNumber",
    "OrgAccountBalance",
    "ThirdPartyTransID",
)
_PROMPT = (
    "MerchantRequestID",
    "CheckoutRequestID",
    "ResultCode",
    "ResultDesc",
)
_PROMPT_ITEMS = ("Amount", "MpesaReceiptNumber", "TransactionDate", "Balance")
_RESULT = (
    "ResultType",
    "ResultCode",
    "ResultDesc",
    "OriginatorConversationID",
    "ConversationID",
    "TransactionID",
)
_PARAMETERS = (
    "TransactionStatus",
    "Amount",
    "AccountBalance",
    "ReceiptNo",
    "OriginalTransactionID",
    "ReasonType",
    "InitiatedTime",
    "FinalisedTime",
    "BOCompletedTime",
)
_PULLED = (
    "transactionId",
    "trxDate",
    "transactiontype",
    "billreference",
    "amount",
    "organizationname",
)
_BY_HAND = ("method", "receipt", "amount", "paid_at", "reference", "number", "keep_credit")
_STATED = ("receipt", "completed_at", "paid_in", "balance", "reason_type", "reference")
_REFERENCES = frozenset({"BillRefNumber", "billreference", "reference"})
_MASKED = _REFERENCES | {"CheckoutRequestID", "InvoiceNumber", "ResultDesc"}
"""Where a phone may stand among what is kept; all else is never touched, whatever it looks like."""


def without_people(raw: bytes, kind: str) -> bytes:
    """Return a body without names, phones and whatever is not known to be impersonal.

    Doing it twice is doing it once. A kind that is not known is kept empty.
    """
    reduce = _REDUCE.get(kind)
    if reduce is None:
        return EMPTY
    try:
        body = parse_object(raw)
    except NotOneObjectError:
        return EMPTY
    text = written(reduce(body))
    try:
        return text.encode()
    except UnicodeEncodeError:
        # An unpaired surrogate exists as an escape only.
        return written(reduce(body), ascii_only=True).encode()


def parameters_without_people(named: Members) -> Members:
    """Return the parameters of a kept result (name → value) that say nothing of people."""
    return {name: held for name, held in named.items() if name.replace(" ", "") in _PARAMETERS}


def written(value: object, *, ascii_only: bool = False) -> str:
    """Write JSON with every number exactly as it came."""
    if type(value) is NumberText:
        return str(value)
    if isinstance(value, dict):
        members = (
            f"{json.dumps(name, ensure_ascii=ascii_only)}: {written(held, ascii_only=ascii_only)}"
            for name, held in value.items()
        )
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(held, ascii_only=ascii_only) for held in value) + "]"
    return json.dumps(value, ensure_ascii=ascii_only)


def _confirmation(body: Members) -> Members:
    return _kept(body, _CONFIRMATION)


def _prompt(body: Members) -> Members:
    outer = body.get("Body")
    callback = outer.get("stkCallback") if isinstance(outer, dict) else None
    if not isinstance(callback, dict):
        return {}
    kept = _kept(callback, _PROMPT)
    metadata = callback.get("CallbackMetadata")
    if isinstance(metadata, dict):
        items = metadata.get("Item")
        kept["CallbackMetadata"] = {"Item": _pairs(items, "Name", _PROMPT_ITEMS)}
    return {"Body": {"stkCallback": kept}}


def _result(body: Members) -> Members:
    result = body.get("Result")
    if not isinstance(result, dict):
        return {}
    kept = _kept(result, _RESULT)
    holder = result.get("ResultParameters")
    if isinstance(holder, dict):
        parameters = _pairs(holder.get("ResultParameter"), "Key", _PARAMETERS)
        kept["ResultParameters"] = {"ResultParameter": parameters}
    return {"Result": kept}


def _pulled(body: Members) -> Members:
    record = body.get("record")
    kept = _kept(body, ("short_code", "clock"))
    return {**kept, "record": _kept(record, _PULLED)} if isinstance(record, dict) else kept


def _stated(body: Members) -> Members:
    line = body.get("line")
    kept = _kept(body, ("short_code", "account"))
    return {**kept, "line": _kept(line, _STATED)} if isinstance(line, dict) else kept


def _by_hand(body: Members) -> Members:
    return _kept(body, _BY_HAND)


def _kept(members: Members, names: tuple[str, ...]) -> Members:
    """Return the members of these names that are no lists or objects, in the order they came."""
    return {
        name: _masked(name, value) if name in _MASKED else value
        for name, value in members.items()
        if name in names and not isinstance(value, list | dict)
    }


def _pairs(pairs: object, key: str, names: tuple[str, ...]) -> list[object]:
    """Return the pairs of these names, spaces in a name aside; a single pair is a list of one."""
    kept: list[object] = []
    for pair in pairs if isinstance(pairs, list) else [pairs]:
        if not isinstance(pair, dict):
            continue
        name, value = pair.get(key), pair.get("Value")
        if type(name) is str and name.replace(" ", "") in names:
            held = {"Value": value} if "Value" in pair else {}
            kept.append({key: name, **({} if isinstance(value, list | dict) else held)})
    return kept


def _masked(name: str, value: object) -> object:
    if type(value) is NumberText:
        # Masked, a number is text; left alone, it is as it was written.
        text = mask_reference(value) if name in _REFERENCES else mask_phones(value)
        return value if text == value else text
    if not isinstance(value, str):
        return value
    if name in _REFERENCES:
        return mask_reference(value)
    return mask_prompt_id(value) if name == "CheckoutRequestID" else mask_phones(value)


_REDUCE: dict[str, Callable[[Members], Members]] = {
    "confirmation": _confirmation,
    "validation": _confirmation,
    "stk": _prompt,
    "result": _result,
    "timeout": _result,
    "pull": _pulled,
    "statement": _stated,
    "hand": _by_hand,
}
