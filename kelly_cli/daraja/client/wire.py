"""The bodies that Daraja wants, key by key, misspelt ones included.

Promise: exact keys and types, in the documented order; amounts are whole shillings. Sends nothing.
Source: daraja-facts 2, 3, 5, 6.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import kes
from kelly_cli.errors import DomainError

if TYPE_CHECKING:
    from datetime import datetime

    from kelly_cli.daraja.client.shapes import Keys

_CENTS = 100
_SHORT_CODE_TYPE = "4"
_REVERSAL_TYPE = "11"
_PULL_TIME = "%Y-%m-%d %H:%M:%S"

Body = dict[str, object]


class Asker(NamedTuple):
    """Who asks in the name of a short code, and where the result goes."""

    initiator: str
    security_credential: str
    short_code: str
    result_url: str
    timeout_url: str
    remarks: str


def shillings(amount_cents: int) -> int:
    """Return whole shillings.

    Raises:
        DomainError: the amount has cents, or is not above zero.
    """
    if amount_cents % _CENTS or amount_cents <= 0:
        raise DomainError(
            f"KES {kes(amount_cents)} is not a whole number of shillings above zero",
            hint="M-Pesa takes whole shillings only: give an amount without cents",
            code="amount_not_whole",
        )
    return amount_cents // _CENTS


def stk_password(short_code: str, passkey: str, timestamp: str) -> str:
    """Return the password of a payment prompt: it is good for this timestamp only."""
    return base64.b64encode(f"{short_code}{passkey}{timestamp}".encode()).decode()


def timestamp(at: datetime) -> str:
    """Write a wall-clock time as prompts want it."""
    return at.strftime("%Y%m%d%H%M%S")


def register_urls(
    *, short_code: str, response_type: str, confirmation_url: str, validation_url: str
) -> Body:
    """C2B register URL, v1 and v2."""
    return {
        "ShortCode": short_code,
        "ResponseType": response_type,
        "ConfirmationURL": confirmation_url,
        "ValidationURL": validation_url,
    }


def simulate(
    *, short_code: str, amount_cents: int, msisdn: str, bill_ref: str | None, buy_goods: bool
) -> Body:
    """C2B simulate, v1 and v2. A till takes no bill reference at all."""
    body: Body = {
        "ShortCode": int(short_code),
        "CommandID": "CustomerBuyGoodsOnline" if buy_goods else "CustomerPayBillOnline",
        "Amount": shillings(amount_cents),
        "Msisdn": int(msisdn),
    }
    if not buy_goods:
        body["BillRefNumber"] = bill_ref or ""
    return body


def stk_push(  # noqa: PLR0913 - the keys of the wire
    *,
    short_code: str,
    password: str,
    at: datetime,
    buy_goods: bool,
    amount_cents: int,
    phone: str,
    party_b: str,
    callback_url: str,
    reference: str,
    description: str,
) -> Body:
    """M-Pesa Express. Phones are JSON numbers: as text some prompts end in 1037."""
    return {
        "BusinessShortCode": short_code,
        "Password": password,
        "Timestamp": timestamp(at),
        "TransactionType": "CustomerBuyGoodsOnline" if buy_goods else "CustomerPayBillOnline",
        "Amount": shillings(amount_cents),
        "PartyA": int(phone),
        "PartyB": party_b,
        "PhoneNumber": int(phone),
        "CallBackURL": callback_url,
        "AccountReference": reference,
        "TransactionDesc": description,
    }


def stk_query(*, short_code: str, password: str, at: datetime, checkout_request_id: str) -> Body:
    """M-Pesa Express query."""
    return {
        "BusinessShortCode": short_code,
        "Password": password,
        "Timestamp": timestamp(at),
        "CheckoutRequestID": checkout_request_id,
    }


def payment_status(
    asker: Asker, *, receipt: str | None, original_conversation_id: str | None, occasion: str
) -> Body:
    """Transaction status; ``Occasion`` has one "s" here."""
    which = (
        {"TransactionID": receipt}
        if receipt
        else {"OriginalConversationID": original_conversation_id or ""}
    )
    return {
        "Initiator": asker.initiator,
        "SecurityCredential": asker.security_credential,
        "CommandID": "TransactionStatusQuery",
        **which,
        "PartyA": asker.short_code,
        "IdentifierType": _SHORT_CODE_TYPE,
        "ResultURL": asker.result_url,
        "QueueTimeOutURL": asker.timeout_url,
        "Remarks": asker.remarks,
        "Occasion": occasion,
    }


def account_balance(asker: Asker) -> Body:
    """Account balance."""
    return {
        "Initiator": asker.initiator,
        "SecurityCredential": asker.security_credential,
        "CommandID": "AccountBalance",
        "PartyA": asker.short_code,
        "IdentifierType": _SHORT_CODE_TYPE,
        "Remarks": asker.remarks,
        "QueueTimeOutURL": asker.timeout_url,
        "ResultURL": asker.result_url,
    }


def reversal(asker: Asker, *, receipt: str, amount_cents: int) -> Body:
    """Reversal; ``RecieverIdentifierType`` is misspelt on the wire, and there is no occasion."""
    return {
        "Initiator": asker.initiator,
        "SecurityCredential": asker.security_credential,
        "CommandID": "TransactionReversal",
        "TransactionID": receipt,
        "Amount": shillings(amount_cents),
        "ReceiverParty": asker.short_code,
        "RecieverIdentifierType": _REVERSAL_TYPE,
        "ResultURL": asker.result_url,
        "QueueTimeOutURL": asker.timeout_url,
        "Remarks": asker.remarks,
    }


def pull_register(*, short_code: str, nominated_number: str, callback_url: str) -> Body:
    """Pull, register."""
    return {
        "ShortCode": short_code,
        "RequestType": "Pull",
        "NominatedNumber": nominated_number,
        "CallBackURL": callback_url,
    }


def pull_query(*, short_code: str, start: datetime, end: datetime, offset: int) -> Body:
    """Pull, query: Nairobi wall clock; ``OffSetValue`` counts rows and is text."""
    return {
        "ShortCode": short_code,
        "StartDate": start.strftime(_PULL_TIME),
        "EndDate": end.strftime(_PULL_TIME),
        "OffSetValue": str(offset),
    }


def qr(
    *,
    merchant_name: str,
    reference: str,
    amount_cents: int | None,
    kind: str,
    cpi: str,
    size_px: int,
) -> Body:
    """Dynamic QR. Without an amount the key is left out, and the payer types one."""
    amount = {} if amount_cents is None else {"Amount": shillings(amount_cents)}
    return {
        "MerchantName": merchant_name,
        "RefNo": reference,
        **amount,
        "TrxCode": kind,
        "CPI": cpi,
        "Size": str(size_px),
    }


def basic(keys: Keys) -> str:
    """Return the value of the Authorization header that asks for a token."""
    pair = f"{keys.consumer_key}:{keys.consumer_secret}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"
