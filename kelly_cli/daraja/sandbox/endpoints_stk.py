"""Payment prompts: STK push and its query. Source: daraja-facts 5."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from kelly_cli.daraja.sandbox import desk
from kelly_cli.daraja.sandbox.delivering import answer_prompt
from kelly_cli.daraja.sandbox.desk import Endpoint, Refused
from kelly_cli.daraja.sandbox.state import Prompt

if TYPE_CHECKING:
    from kelly_cli.daraja.sandbox.desk import Members
    from kelly_cli.daraja.sandbox.state import Sandbox

FAMILY = "500.001.1001"
"""Merchant unknown, wrong credentials, payer busy or still processing: its message tells."""
_TIMESTAMP = re.compile(r"20[0-9]{12}")


async def _push(sandbox: Sandbox, asked: Members) -> object:
    code = desk.short_code_in(asked, "BusinessShortCode")
    _check_password(asked, code)
    kind = desk.word_in(asked, "TransactionType", "CustomerPayBillOnline", "CustomerBuyGoodsOnline")
    phone = desk.phone_in(asked, "PhoneNumber")
    if desk.phone_in(asked, "PartyA") != phone:
        raise desk.wrong("PartyA")
    party_b = desk.short_code_in(asked, "PartyB")
    if kind == "CustomerPayBillOnline" and party_b != code:
        raise desk.wrong("PartyB")
    prompt = Prompt(
        merchant_id=sandbox.number("29115-#-1"),
        checkout_id=sandbox.number(f"ws_CO_{sandbox.now():%d%m%Y%H%M%S}#"),
        short_code=code,
        kind="till" if kind == "CustomerBuyGoodsOnline" else "paybill",
        phone=phone,
        amount_cents=desk.cents_in(asked, "Amount"),
        reference=desk.text_in(asked, "AccountReference", 1, 12),
        callback_url=desk.url_in(asked, "CallBackURL"),
    )
    desk.text_in(asked, "TransactionDesc", 1, 13)
    if any(each.phone == phone and each.code is None for each in sandbox.prompts.values()):
        told = (
            "Unable to lock subscriber, a transaction is already in process for the current "
            "subscriber"
        )
        raise Refused(500, FAMILY, told)
    sandbox.prompts[prompt.checkout_id] = prompt
    weather = sandbox.scenario.prompts
    if weather.callback_first:
        await answer_prompt(sandbox, prompt, 0)
    else:
        sandbox.begin(answer_prompt(sandbox, prompt, weather.delay_s))
    return {
        "MerchantRequestID": prompt.merchant_id,
        "CheckoutRequestID": prompt.checkout_id,
        "ResponseCode": "0",
        "ResponseDescription": "Success. Request accepted for processing",
        "CustomerMessage": "Success. Request accepted for processing",
    }


def _check_password(asked: Members, code: str) -> None:
    """Check that the password is of this short code and this timestamp, whatever the passkey."""
    stamp, password = asked["Timestamp"], asked["Password"]
    if type(stamp) is not str or not _TIMESTAMP.fullmatch(stamp):
        raise desk.wrong("Timestamp")
    try:
        plain = base64.b64decode(password, validate=True).decode("ascii")
    except (binascii.Error, ValueError, TypeError):
        raise desk.wrong("Password") from None
    is_ours = plain.startswith(code) and plain.endswith(stamp)
    if not is_ours or len(plain) <= len(code) + len(stamp):
        raise Refused(500, FAMILY, "Wrong credentials")


async def _query(sandbox: Sandbox, asked: Members) -> object:
    _check_password(asked, desk.short_code_in(asked, "BusinessShortCode"))
    prompt = sandbox.prompts.get(str(asked["CheckoutRequestID"]))
    if prompt is None:
        raise desk.wrong("CheckoutRequestID")
    code, told = str(prompt.code), prompt.told
    if prompt.code is None:
        if sandbox.scenario.prompts.pending == "500":
            raise Refused(500, FAMILY, "The transaction is being processed")
        code, told = "4999", "The transaction is still under processing"
    return {
        "ResponseCode": "0",
        "ResponseDescription": "The service request has been accepted successsfully",
        "MerchantRequestID": prompt.merchant_id,
        "CheckoutRequestID": prompt.checkout_id,
        "ResultCode": code,
        "ResultDesc": told,
    }


_ASKED = ("BusinessShortCode", "Password", "Timestamp")

ENDPOINTS = {
    "/mpesa/stkpush/v1/processrequest": Endpoint(
        carry_out=_push,
        needs=(
            *_ASKED,
            "TransactionType",
            "Amount",
            "PartyA",
            "PartyB",
            "PhoneNumber",
            "CallBackURL",
            "AccountReference",
            "TransactionDesc",
        ),
    ),
    "/mpesa/stkpushquery/v1/query": Endpoint(
        carry_out=_query, needs=(*_ASKED, "CheckoutRequestID")
    ),
}
