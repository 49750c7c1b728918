"""Pull: the payments of the last 48 hours, page by page. Source: daraja-facts 6.8."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kelly_cli.core.money import kes
from kelly_cli.daraja.sandbox import desk
from kelly_cli.daraja.sandbox.desk import Endpoint, Refused
from kelly_cli.daraja.sandbox.payloads import shaped

if TYPE_CHECKING:
    from kelly_cli.daraja.sandbox.desk import Members
    from kelly_cli.daraja.sandbox.state import Sandbox
    from kelly_cli.daraja.sandbox.truth import Dealt

REACH = timedelta(hours=48)
NOTHING = "No records found or Organization Name not available"
BAD_TOKEN = (401, "401.001", "Invalid Access Token")


async def _register(sandbox: Sandbox, asked: Members) -> object:
    code = desk.short_code_in(asked, "ShortCode")
    desk.word_in(asked, "RequestType", "Pull")
    desk.phone_in(asked, "NominatedNumber")
    desk.url_in(asked, "CallBackURL")
    again = code in sandbox.pulls
    sandbox.pulls.add(code)
    told = "already registered" if again else "registered successfully"
    return {
        "ResponseRefID": sandbox.number("26178-#-1"),
        "Response Status": "1001" if again else "1000",
        "ShortCode": code,
        "Response Description": f"ShortCode {told}",
    }


async def _query(sandbox: Sandbox, asked: Members) -> object:
    code = desk.short_code_in(asked, "ShortCode")
    start, end = _moment(asked, "StartDate"), _moment(asked, "EndDate")
    offset = asked["OffSetValue"]
    if not str(offset).isdecimal() or isinstance(offset, bool):
        raise desk.wrong("OffSetValue")
    if end < start or end - start > REACH:
        raise desk.wrong("StartDate")
    weather, first = sandbox.scenario.pull, int(offset)
    found: list[Dealt | None] = []
    if code in sandbox.pulls:
        found += sandbox.truth.moved(code, max(start, sandbox.now() - REACH), end)
    if found:
        found[:0] = [None] * weather.settlements
    page = found[first : first + weather.page]
    if not page and weather.repeats:
        page = found[-weather.page :]
    if not page:
        return _nothing(sandbox)
    return {
        "ResponseRefID": sandbox.number("26178-#-2"),
        "ResponseCode": "1000",
        "ResponseMessage": "Success",
        "Response": [[_sweep() if each is None else _row(each, weather.zone) for each in page]],
    }


def _nothing(sandbox: Sandbox) -> object:
    """Say that there is nothing: a quiet day and an unregistered short code look alike."""
    if sandbox.scenario.pull.nothing == "error":
        raise Refused(500, "500.001.1001", "Failed to retrieve transactions")
    return {
        "ResponseRefID": sandbox.number("26178-#-2"),
        "ResponseCode": "1001",
        "ResponseMessage": NOTHING,
        "Response": "[[]]",
    }


def _moment(asked: Members, name: str) -> datetime:
    try:
        return datetime.strptime(str(asked[name]), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - wall-clock
    except ValueError:
        raise desk.wrong(name) from None


def _sweep() -> dict[str, object]:
    """Return a row that is no payment: the account was emptied into the bank."""
    return {
        "transactionId": "SWEEP00001",
        "trxDate": "2026-01-01T00:00:00Z",
        "msisdn": "",
        "sender": "",
        "transactiontype": "organization-settlement",
        "billreference": "",
        "amount": "1000.00",
        "organizationname": "A business",
    }


def _row(dealt: Dealt, zone: str) -> dict[str, object]:
    """Return a payment as pull has it; the Z at the end of its time is not to be trusted."""
    at = dealt.paid_at - timedelta(hours=3) if zone == "utc" else dealt.paid_at
    goods = "buy-goods" if dealt.kind == "till" else "pay-bill"
    return {
        "transactionId": dealt.receipt,
        "trxDate": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "msisdn": shaped(dealt.payer.phone, "v2"),
        "sender": dealt.payer.name,
        "transactiontype": f"c2b-{goods}-debit",
        "billreference": dealt.reference,
        "amount": kes(dealt.amount_cents),
        "organizationname": "A business",
    }


ENDPOINTS = {
    "/pulltransactions/v1/register": Endpoint(
        carry_out=_register,
        needs=("ShortCode", "RequestType", "NominatedNumber", "CallBackURL"),
        bad_token=BAD_TOKEN,
    ),
    "/pulltransactions/v1/query": Endpoint(
        carry_out=_query,
        needs=("ShortCode", "StartDate", "EndDate", "OffSetValue"),
        bad_token=BAD_TOKEN,
    ),
}
