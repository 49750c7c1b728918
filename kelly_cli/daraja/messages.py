"""Callbacks: raw bytes in, plain facts out, or one reason why not.

The promise is contract section 7 to the letter. A C2B confirmation is read in this order, and the
first broken rule decides: body, TransID, TransAmount, TransTime, BusinessShortCode. Everything else
in it is for show and never a reason to fail. Nothing here knows the database, the clock or what a
reference stands for; times are Nairobi wall-clock without a zone, amounts integer cents.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from kelly_cli.daraja.by_hand import by_hand_in
from kelly_cli.daraja.by_hand import receipt_of as receipt_by_hand
from kelly_cli.daraja.fields import (
    MISSING,
    BrokenRuleError,
    Members,
    amount_in,
    balance,
    broken_rule,
    display,
    full_name,
    moment_in,
    object_in,
    receipt_in,
    receipt_or_none,
    result_code_in,
    short_code_in,
    storable,
)
from kelly_cli.daraja.pulled import pulled_in, receipt_of
from kelly_cli.daraja.results import answer_in
from kelly_cli.daraja.statement_body import receipt_of as receipt_stated
from kelly_cli.daraja.statement_body import stated_in
from kelly_cli.daraja.strict_json import NotOneObjectError, parse_object, shown

if TYPE_CHECKING:
    from datetime import datetime

Kind: TypeAlias = Literal[
    "confirmation", "stk", "result", "timeout", "validation", "pull", "statement", "hand"
]
_ZERO = re.compile(r"[+-]?0+(?:\.0+)?", re.ASCII)
_BACKSLASH = ord("\\")
_TOLD = 200
_MONEY_ITEMS = ("MpesaReceiptNumber", "Amount", "TransactionDate")


class PaymentMessage(NamedTuple):
    """Money that Safaricom says has arrived.

    ``receipt`` is canonical (upper case), ``paid_at`` Nairobi wall-clock. ``bill_ref`` is as typed,
    None when missing, blank or no text. Texts hold no NUL and no unpaired surrogate: each became
    U+FFFD. An STK callback has no short code, reference, name, kind or balance; a pulled record
    has no balance. ``method`` and ``keep`` (back from the rules) are of what a person recorded.
    """

    channel: Literal["c2b", "stk", "pull", "statement", "hand"]
    receipt: str
    amount_cents: int
    paid_at: datetime
    short_code: str | None
    bill_ref: str | None
    msisdn: str | None
    payer_name: str | None
    kind: str | None
    org_balance_cents: int | None
    checkout_request_id: str | None
    method: str = "mpesa"
    keep: bool = False


class Notice(NamedTuple):
    """A readable callback that carries no money; ``text`` tells a person what it says.

    ``receipt`` is the payment it speaks of, ``checkout_request_id`` the prompt that was refused,
    with Safaricom's code and words for it.
    """

    kind: Literal["stk_refused", "result", "timeout", "validation"]
    receipt: str | None
    text: str
    checkout_request_id: str | None = None
    result_code: str | None = None
    result_desc: str | None = None


class Refusal(NamedTuple):
    """A callback that breaks a rule: the field, and an error that names it and shows what came.

    ``receipt`` is the canonical TransID when that field itself is sound.
    """

    field: str
    error: str
    receipt: str | None


class ValidationRequest(NamedTuple):
    """What a validation request asks about, each None when unreadable. Never money."""

    receipt: str | None
    amount: str | None
    bill_ref: str | None
    short_code: str | None


Outcome: TypeAlias = PaymentMessage | Notice | Refusal


def parse_delivery(
    raw: bytes, kind: Kind | None, *, ours: frozenset[str], now: datetime
) -> tuple[Kind, Outcome]:
    """Read one callback and tell what it is; with ``kind`` None its shape says so.

    A body of another shape than ``kind`` is a refusal (contract section 4). A body that is no
    JSON object counts as a confirmation unless ``kind`` says otherwise.

    ``ours`` are our short codes as text, ``now`` is Nairobi wall-clock without a zone.
    """
    try:
        body = parse_object(raw)
    except NotOneObjectError as error:
        return kind or "confirmation", Refusal("body", f"body {error}", None)
    if kind is None:
        kind = _kind_by_shape(body)
    outcome: Outcome
    if kind == "confirmation":
        outcome = _confirmation(body, ours, now)
    elif kind == "stk":
        outcome = _stk(body, now)
    elif kind == "validation":
        outcome = _validation_notice(body)
    elif kind == "pull":
        outcome = _pulled(body, ours, now)
    elif kind == "statement":
        outcome = _stated(body, ours, now)
    elif kind == "hand":
        outcome = _by_hand(body, now)
    else:
        outcome = _result(body, kind)
    if _BACKSLASH in raw and isinstance(outcome, PaymentMessage):
        outcome = _clean(outcome)
    return kind, outcome


def parse_confirmation(
    raw: bytes, *, ours: frozenset[str], now: datetime
) -> PaymentMessage | Refusal:
    """Read a C2B confirmation (contract section 7)."""
    outcome = parse_delivery(raw, "confirmation", ours=ours, now=now)[1]
    assert not isinstance(outcome, Notice)  # noqa: S101 - a confirmation has money or is refused
    return outcome


def parse_stk(raw: bytes, *, now: datetime) -> Outcome:
    """Read the callback of a payment prompt: money, a refusal by the payer, or a broken rule.

    Source: daraja-facts 5. A ResultCode other than zero is a notice without money.
    """
    return parse_delivery(raw, "stk", ours=frozenset(), now=now)[1]


def parse_result(raw: bytes, kind: Literal["result", "timeout"]) -> Notice | Refusal:
    """Read the result or queue time-out of a status, balance or reversal request.

    Source: daraja-facts 6. A time-out means that the outcome is unknown, never that it failed.
    """
    try:
        return _result(parse_object(raw), kind)
    except NotOneObjectError as error:
        return Refusal("body", f"body {error}", None)


def parse_validation(raw: bytes) -> ValidationRequest | Refusal:
    """Read a validation request leniently: only a body that is no JSON object is refused."""
    try:
        return _validation(parse_object(raw))
    except NotOneObjectError as error:
        return Refusal("body", f"body {error}", None)


def _kind_by_shape(body: Members) -> Kind:
    """A TransID makes a confirmation, whatever else stands beside it: the rest is for show."""
    if "TransID" not in body:
        inner = body.get("Body")
        if isinstance(inner, dict) and "stkCallback" in inner:
            return "stk"
        if "Result" in body:
            return "result"
    return "confirmation"


def _confirmation(body: Members, ours: frozenset[str], now: datetime) -> PaymentMessage | Refusal:
    receipt = None
    try:
        receipt = receipt_in(body, "TransID")
        amount_cents = amount_in(body, "TransAmount")
        paid_at = moment_in(body, "TransTime", now)
        short_code = short_code_in(body, ours)
    except BrokenRuleError as broken:
        return Refusal(broken.field, str(broken), receipt)
    get = body.get
    bill_ref = get("BillRefNumber")
    if type(bill_ref) is not str or not bill_ref or bill_ref.isspace():
        bill_ref = None
    return PaymentMessage(
        "c2b",
        receipt,
        amount_cents,
        paid_at,
        short_code,
        bill_ref,
        display(get("MSISDN")),
        full_name(get("FirstName"), get("MiddleName"), get("LastName")),
        display(get("TransactionType")),
        balance(get("OrgAccountBalance")),
        None,
    )


def _stk(body: Members, now: datetime) -> Outcome:
    receipt = None
    try:
        callback = object_in(object_in(body, "Body"), "stkCallback", "Body.stkCallback")
        checkout_id = _display_storable(callback.get("CheckoutRequestID"))
        code = result_code_in(callback)
        if not _ZERO.fullmatch(code):
            told = f"payment prompt refused: {_told(callback)}"
            words = _one_line(display(callback.get("ResultDesc")) or "")[:_TOLD] or None
            return Notice("stk_refused", None, told, checkout_id, _one_line(code)[:_TOLD], words)
        items = _items(callback)
        receipt = receipt_in(items, "MpesaReceiptNumber", "CallbackMetadata.MpesaReceiptNumber")
        amount_cents = amount_in(items, "Amount", "CallbackMetadata.Amount")
        paid_at = moment_in(items, "TransactionDate", now, "CallbackMetadata.TransactionDate")
    except BrokenRuleError as broken:
        return Refusal(broken.field, str(broken), receipt)
    phone = display(items.get("PhoneNumber"))
    return PaymentMessage(
        "stk", receipt, amount_cents, paid_at, None, None, phone, None, None, None, checkout_id
    )


def _pulled(body: Members, ours: frozenset[str], now: datetime) -> PaymentMessage | Refusal:
    try:
        pulled = pulled_in(body, ours, now)
    except BrokenRuleError as broken:
        record = body.get("record")
        receipt = receipt_of(record) if isinstance(record, dict) else None
        return Refusal(broken.field, str(broken), receipt)
    return PaymentMessage("pull", *pulled, None, None)


def _stated(body: Members, ours: frozenset[str], now: datetime) -> PaymentMessage | Refusal:
    try:
        stated = stated_in(body, ours, now)
    except BrokenRuleError as broken:
        return Refusal(broken.field, str(broken), receipt_stated(body))
    return PaymentMessage("statement", *stated, None)


def _by_hand(body: Members, now: datetime) -> PaymentMessage | Refusal:
    try:
        told = by_hand_in(body, now)
    except BrokenRuleError as broken:
        return Refusal(broken.field, str(broken), receipt_by_hand(body))
    kind = " ".join(part for part in (told.method, told.number) if part)
    facts = (told.receipt, told.amount_cents, told.paid_at, None, told.bill_ref)
    people = (None, told.payer_name, kind, None, None)
    return PaymentMessage("hand", *facts, *people, told.method, told.keep)


def _result(body: Members, kind: Literal["result", "timeout"]) -> Notice | Refusal:
    try:
        result = object_in(body, "Result")
        answer = answer_in(result)
        if kind == "result" and answer.code is None:
            result_code_in(result)
    except BrokenRuleError as broken:
        return Refusal(broken.field, str(broken), None)
    told = [_told(result)]
    for key in ("TransactionStatus", "Amount", "AccountBalance"):
        text = answer.text(key)
        if text is not None:
            told.append(f"{key} {shown(text)}")
    if kind == "timeout":
        told.insert(0, "timed out, outcome unknown: ask for the status before trying again")
    return Notice(kind, answer.receipt, "; ".join(told))


def _validation(body: Members) -> ValidationRequest:
    amount, reference, short_code = (
        _display_storable(body.get(name))
        for name in ("TransAmount", "BillRefNumber", "BusinessShortCode")
    )
    receipt = receipt_or_none(body.get("TransID"))
    return ValidationRequest(receipt, amount, reference, short_code)


def _validation_notice(body: Members) -> Notice:
    asked = _validation(body)
    amount, reference = (shown(text) for text in (asked.amount, asked.bill_ref))
    return Notice(
        "validation", asked.receipt, f"validation request: amount {amount}, reference {reference}"
    )


def _told(members: Members) -> str:
    """Say what Safaricom says: ``ResultCode 1032: Request cancelled by user``."""
    code = display(members.get("ResultCode")) or "missing"
    text = f"ResultCode {code}: {display(members.get('ResultDesc')) or 'no description'}"[:_TOLD]
    return _one_line(text)


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def _items(callback: Members) -> Members:
    """Return the items of a paid prompt by name; the order is free and Balance has no value.

    Raises:
        BrokenRuleError: no items at all, or one of the money's items twice with two values.
    """
    metadata = object_in(callback, "CallbackMetadata")
    items = metadata.get("Item", MISSING)
    if not isinstance(items, list | dict):
        raise broken_rule("CallbackMetadata.Item", items, "is not a list")
    return _named(items, "Name", once=_MONEY_ITEMS)


def _named(pairs: object, key: str, *, once: tuple[str, ...] = ()) -> Members:
    """Return name → value of a list of pairs, or of a single pair; the first of a name stands."""
    found: Members = {}
    for pair in pairs if isinstance(pairs, list) else [pairs]:
        if not isinstance(pair, dict) or "Value" not in pair or type(pair.get(key)) is not str:
            continue
        name, value = pair[key], pair["Value"]
        if found.setdefault(name, value) != value and name in once:
            raise broken_rule(f"CallbackMetadata.{name}", value, f"is a second {name}")
    return found


def _clean(message: PaymentMessage) -> PaymentMessage:
    """Clean every text; a NUL or surrogate can only have come from an escape in the body."""
    return PaymentMessage._make(
        storable(value) if isinstance(value, str) else value for value in message
    )


def _display_storable(value: object) -> str | None:
    text = display(value)
    return None if text is None else storable(text)
