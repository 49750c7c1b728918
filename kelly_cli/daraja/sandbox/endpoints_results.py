"""Requests whose result comes by callback: status, balance, reversal. Source: daraja-facts 6."""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import kes
from kelly_cli.daraja.sandbox import desk, payloads
from kelly_cli.daraja.sandbox.desk import Endpoint
from kelly_cli.daraja.sandbox.payloads import Parameter, money

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kelly_cli.daraja.sandbox.desk import Members
    from kelly_cli.daraja.sandbox.state import Sandbox
    from kelly_cli.daraja.sandbox.truth import Dealt

SEALED = 256
"""Bytes of a password under a key of 2,048 bits."""
DONE = "The service request is processed successfully."


class Found(NamedTuple):
    """What a request came to."""

    code: int | str
    told: str
    parameters: Sequence[Parameter] = ()


def _accept(sandbox: Sandbox, asked: Members, kind: str, find: Callable[[], Found]) -> object:
    """Acknowledge a request, and post what it comes to."""
    _check_sealed(asked["SecurityCredential"])
    urls = desk.url_in(asked, "ResultURL"), desk.url_in(asked, "QueueTimeOutURL")
    ids = sandbox.number("sandbox-#-1"), sandbox.number(f"AG_{sandbox.now():%Y%m%d}_#")
    sandbox.begin(_answer(sandbox, kind, ids, urls, find))
    return {
        "OriginatorConversationID": ids[0],
        "ConversationID": ids[1],
        "ResponseCode": "0",
        "ResponseDescription": "Accept the service request successfully.",
    }


def _check_sealed(credential: object) -> None:
    try:
        sealed = base64.b64decode(str(credential), validate=True)
    except (binascii.Error, ValueError):
        sealed = b""
    if len(sealed) != SEALED:
        raise desk.wrong("SecurityCredential")


async def _answer(
    sandbox: Sandbox,
    kind: str,
    ids: tuple[str, str],
    urls: tuple[str, str],
    find: Callable[[], Found],
) -> None:
    weather = sandbox.scenario.results
    await asyncio.sleep(weather.delay_s)
    receipt = sandbox.payers.receipt(sandbox.now())
    if weather.outcome == "failed":
        found = Found(2001, "The initiator information is invalid.")
    else:
        # What times out was carried out all the same: nobody can know.
        found = find()
    if weather.outcome == "none":
        sandbox.tell(kind, ids[1], "lost, as the scenario wants")
        return
    if weather.outcome == "timeout":
        found = Found(1, "The service request has timed out in the queue")
    url = urls[1 if weather.outcome == "timeout" else 0]
    body = payloads.result(ids, receipt, *found, lone=weather.lone_parameter)
    await sandbox.post(kind, ids[1], url, body)


async def _status(sandbox: Sandbox, asked: Members) -> object:
    desk.word_in(asked, "CommandID", "TransactionStatusQuery")
    desk.word_in(asked, "IdentifierType", "4", "2")
    code = desk.short_code_in(asked, "PartyA")
    receipt = asked.get("TransactionID") or ""
    if bool(receipt) == bool(asked.get("OriginalConversationID")):
        raise desk.wrong("TransactionID")

    def find() -> Found:
        dealt = sandbox.truth.find(str(receipt))
        if dealt is None or dealt.short_code != code:
            return Found("R000002", "The OriginalTransactionID is invalid.")
        return Found(0, DONE, _facts_of(dealt, sandbox))

    return _accept(sandbox, asked, "status", find)


def _facts_of(dealt: Dealt, sandbox: Sandbox) -> list[Parameter]:
    """Return what a status tells: times are numbers, a key comes twice, there is no reference."""
    paid_at = int(f"{dealt.paid_at:%Y%m%d%H%M%S}")
    payer = f"{dealt.payer.phone} - {dealt.payer.name}"
    return [
        ("DebitPartyName", payer),
        ("DebitPartyName", payer),
        ("CreditPartyName", f"{dealt.short_code} - A business  "),
        ("OriginatorConversationID", sandbox.number("sandbox-#")),
        ("InitiatedTime", paid_at),
        ("FinalisedTime", paid_at),
        ("DebitAccountType", "MMF Account For Customer"),
        ("DebitPartyCharges", ""),
        ("CreditPartyCharges", ""),
        ("TransactionReason", ""),
        ("ReasonType", "Buy Goods" if dealt.kind == "till" else "Pay Bill Online"),
        ("TransactionStatus", "Cancelled" if dealt.state == "cancelled" else "Completed"),
        ("Amount", money(dealt.amount_cents)),
        ("ConversationID", sandbox.number("AG_#")),
        ("ReceiptNo", dealt.receipt),
    ]


async def _balance(sandbox: Sandbox, asked: Members) -> object:
    desk.word_in(asked, "CommandID", "AccountBalance")
    desk.word_in(asked, "IdentifierType", "4", "2")
    code = desk.short_code_in(asked, "PartyA")

    def find() -> Found:
        tills = {each.short_code for each in sandbox.truth if each.kind == "till"}
        name = "Merchant Account" if code in tills else "Utility Account"
        held = kes(sandbox.truth.balance(code))
        accounts = [
            "Working Account|KES|0.00|0.00|0.00|0.00",
            f"{name}|KES|{held}|{held}|0.00|0.00",
            "Charges Paid Account|KES|-15.00|-15.00|0.00|0.00",
        ]
        at = int(f"{sandbox.now():%Y%m%d%H%M%S}")
        return Found(0, DONE, [("AccountBalance", "&".join(accounts)), ("BOCompletedTime", at)])

    return _accept(sandbox, asked, "balance", find)


async def _reversal(sandbox: Sandbox, asked: Members) -> object:
    desk.word_in(asked, "CommandID", "TransactionReversal")
    desk.word_in(asked, "RecieverIdentifierType", "11")
    code = desk.short_code_in(asked, "ReceiverParty")
    cents = desk.cents_in(asked, "Amount")
    desk.text_in(asked, "Remarks", 2, 100)

    def find() -> Found:
        dealt = sandbox.truth.find(str(asked["TransactionID"]))
        known = dealt is not None and dealt.short_code == code and dealt.amount_cents == cents
        if dealt is None or not known or dealt.state == "cancelled":
            return Found("R000002", "The OriginalTransactionID is invalid.")
        if dealt.state == "reversed":
            return Found("R000001", "The transaction has already been reversed.")
        if sandbox.truth.balance(code) < cents:
            return Found(1, "The balance is insufficient for the transaction")
        held = kes(sandbox.truth.turn_back(dealt))
        return Found(0, DONE, _facts_of_reversal(dealt, held, f"{sandbox.now():%Y%m%d%H%M%S}"))

    return _accept(sandbox, asked, "reversal", find)


def _facts_of_reversal(dealt: Dealt, held: str, at: str) -> list[Parameter]:
    account = "Merchant Account" if dealt.kind == "till" else "Utility Account"
    return [
        ("DebitAccountBalance", f"{account}|KES|{held}|{held}|0.00|0.00"),
        ("Amount", money(dealt.amount_cents)),
        ("TransCompletedTime", int(at)),
        ("OriginalTransactionID", dealt.receipt),
        ("Charge", money(0)),
        ("CreditPartyPublicName", f"{dealt.payer.phone} - {dealt.payer.name}"),
        ("DebitPartyPublicName", f"{dealt.short_code} - A business"),
    ]


_WHO = ("Initiator", "SecurityCredential", "CommandID")
_WHERE = ("ResultURL", "QueueTimeOutURL", "Remarks")

ENDPOINTS = {
    "/mpesa/transactionstatus/v1/query": Endpoint(
        carry_out=_status,
        needs=(*_WHO, "PartyA", "IdentifierType", *_WHERE),
        may=("TransactionID", "OriginalConversationID", "Occasion"),
    ),
    "/mpesa/accountbalance/v1/query": Endpoint(
        carry_out=_balance,
        needs=(*_WHO, "PartyA", "IdentifierType", *_WHERE),
        bad_token=(401, "401.002.01", "Error Occurred - Invalid Access Token"),
    ),
    "/mpesa/reversal/v1/request": Endpoint(
        carry_out=_reversal,
        needs=(
            *_WHO,
            "TransactionID",
            "Amount",
            "ReceiverParty",
            "RecieverIdentifierType",
            *_WHERE,
        ),
    ),
}
