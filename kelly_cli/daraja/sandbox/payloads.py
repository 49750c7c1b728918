"""The bodies that the pretend Safaricom posts. Source: daraja-facts 4, 5 and 6."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from kelly_cli.core.money import kes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from kelly_cli.daraja.sandbox.truth import Dealt

Parameter = tuple[str, object]

_CENTS = "\x00cents:"
"""Marks an amount that goes out as a number with two decimals, past binary fractions."""


def money(cents: int) -> str:
    """Return what becomes the number ``10.50`` once it is dumped by ``dumped``."""
    return f"{_CENTS}{kes(cents)}\x00"


def dumped(document: object) -> bytes:
    """Return a document as JSON."""
    text = json.dumps(document, separators=(",", ":"))
    marked = json.dumps(_CENTS)[1:-1]
    return text.replace(f'"{marked}', "").replace('\\u0000"', "").encode()


def c2b(dealt: Dealt, *, shape: str, names: str, validating: bool) -> bytes:
    """Return a validation request or a confirmation.

    ``shape`` of the number: v1, v2, plain or masked-hash; ``names``: first or all.
    """
    kind = "Customer Merchant Payment" if dealt.kind == "till" else "Pay Bill"
    body = {
        "TransactionType": "" if validating else kind,
        "TransID": dealt.receipt,
        "TransTime": f"{dealt.paid_at:%Y%m%d%H%M%S}",
        "TransAmount": kes(dealt.amount_cents),
        "BusinessShortCode": dealt.short_code,
        "BillRefNumber": "" if dealt.kind == "till" else dealt.reference,
        "InvoiceNumber": "",
        "OrgAccountBalance": "" if validating else kes(dealt.balance_cents),
        "ThirdPartyTransID": "" if validating else dealt.third_party_id,
        "MSISDN": shaped(dealt.payer.phone, shape),
        "FirstName": dealt.payer.first,
    }
    if names == "all":
        body |= {"MiddleName": dealt.payer.middle, "LastName": dealt.payer.last}
    return dumped(body)


def shaped(phone: str, shape: str) -> str:
    """Return a number as a callback shows it. Source: daraja-facts 4.2.

    >>> shaped("254708374149", "v2")
    '2547 ***** 149'
    """
    if shape == "plain":
        return phone
    if shape == "v2":
        return f"{phone[:4]} ***** {phone[-3:]}"
    hashed = hashlib.sha256(phone.encode()).hexdigest()
    return f"{hashed[:34]} ***** {hashed[39:]}" if shape == "masked-hash" else hashed


def prompt_paid(merchant_id: str, checkout_id: str, dealt: Dealt) -> bytes:
    """Return the callback of a prompt that was paid; the balance has no value."""
    items: list[dict[str, object]] = [
        {"Name": "Amount", "Value": money(dealt.amount_cents)},
        {"Name": "MpesaReceiptNumber", "Value": dealt.receipt},
        {"Name": "Balance"},
        {"Name": "TransactionDate", "Value": int(f"{dealt.paid_at:%Y%m%d%H%M%S}")},
        {"Name": "PhoneNumber", "Value": int(dealt.payer.phone)},
    ]
    told = "The service request is processed successfully."
    return _prompt(merchant_id, checkout_id, 0, told, {"CallbackMetadata": {"Item": items}})


def prompt_refused(merchant_id: str, checkout_id: str, code: int, told: str) -> bytes:
    """Return the callback of a prompt that was not paid: there is no metadata."""
    return _prompt(merchant_id, checkout_id, code, told, {})


def _prompt(
    merchant_id: str, checkout_id: str, code: int, told: str, more: dict[str, object]
) -> bytes:
    callback = {
        "MerchantRequestID": merchant_id,
        "CheckoutRequestID": checkout_id,
        "ResultCode": code,
        "ResultDesc": told,
        **more,
    }
    return dumped({"Body": {"stkCallback": callback}})


def result(
    ids: tuple[str, str],
    receipt: str,
    code: int | str,
    told: str,
    parameters: Sequence[Parameter] = (),
    *,
    lone: bool = False,
) -> bytes:
    """Return the result of a request. ``ids``: the originator's and Daraja's own.

    ``lone``: a list of one parameter is sent as that one object.
    """
    pairs = [{"Key": key, "Value": value} for key, value in parameters]
    body: dict[str, object] = {
        "ResultType": 0,
        "ResultCode": code,
        "ResultDesc": told,
        "OriginatorConversationID": ids[0],
        "ConversationID": ids[1],
        "TransactionID": receipt,
    }
    if pairs:
        alone = lone and len(pairs) == 1
        body["ResultParameters"] = {"ResultParameter": pairs[0] if alone else pairs}
    body["ReferenceData"] = {"ReferenceItem": {"Key": "Occasion", "Value": ""}}
    return dumped({"Result": body})


def garbage(dice: Random) -> tuple[bytes, str]:
    """Return a body that is no callback, and the content type that comes with it."""
    bodies = (
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b'{"TransID": "GARBAGE", "TransAmount": NaN}', "application/json"),
        (b'{"TransID": "A", "TransID": "B"}', "application/json"),
        (b'{"TransID": "NOAMOUNT01"}', "application/json"),
        (b'{"TransAmount": "1.005", "TransID": "HALFCENT01"}', "application/json"),
        (b"\xff\xfe\x00{", "application/octet-stream"),
        (b"<html><body>Request unsuccessful.</body></html>", "text/html"),
        (b"TransID=FORM000001&TransAmount=10", "application/x-www-form-urlencoded"),
        (b"[" * 400 + b"]" * 400, "application/json"),
        (b'{"a":"' + b"x" * 60_000 + b'"}', "application/json"),
    )
    return dice.choice(bodies)
