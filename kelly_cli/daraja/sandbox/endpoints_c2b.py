"""C2B: registering URLs and simulating a payment. Source: daraja-facts 2 and 3."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kelly_cli.daraja.sandbox import desk
from kelly_cli.daraja.sandbox.busy_day import play
from kelly_cli.daraja.sandbox.delivering import Wanted, pay
from kelly_cli.daraja.sandbox.desk import Endpoint, Refused, as_json
from kelly_cli.daraja.sandbox.state import Registered

if TYPE_CHECKING:
    from starlette.responses import Response

    from kelly_cli.daraja.sandbox.desk import Members
    from kelly_cli.daraja.sandbox.state import Sandbox

BAD = "400.003.02"
BAD_TOKEN = (400, "400.003.01", "Invalid Access Token")
LONGEST_REFERENCE = 20

_MISMATCH = "Error Occurred - Invalid Access Token - Invalid API call as no apiproduct match found"
_QUIET = "Validation and Confirmation URLs are already registered"


async def _register(api: str, sandbox: Sandbox, asked: Members) -> object:
    _check_product(sandbox, api)
    code = desk.short_code_in(asked, "ShortCode", BAD)
    if asked["ResponseType"] not in ("Completed", "Cancelled"):
        raise desk.wrong("ResponseType", BAD)
    validation = desk.url_in(asked, "ValidationURL", BAD)
    confirmation = desk.url_in(asked, "ConfirmationURL", BAD)
    if code in sandbox.registered and sandbox.registers_once:
        return _already(sandbox)
    sandbox.registered[code] = Registered(
        code, confirmation, validation, asked["ResponseType"], api, sandbox.now()
    )
    if sandbox.is_to_play:
        sandbox.is_to_play = False
        sandbox.begin(_play(sandbox, code))
    return {
        "OriginatorCoversationID": sandbox.number("sandbox-#"),
        "ResponseCode": "0",
        "ResponseDescription": "Success",
    }


async def _play(sandbox: Sandbox, code: str) -> None:
    await play(sandbox, code)


def _check_product(sandbox: Sandbox, api: str) -> None:
    if sandbox.scenario.registration.product not in ("both", api):
        raise Refused(401, "401.003.01", _MISMATCH)


def _already(sandbox: Sandbox) -> Response:
    """Say that the URLs are registered, in one of the four shapes of daraja-facts 2.3."""
    says = sandbox.scenario.registration.says
    if says == "quiet":
        ids = {"ConversationID": "", "OriginatorCoversationID": ""}
        return as_json({**ids, "ResponseDescription": _QUIET})
    if says == "envelope":
        told = (
            "Execution of ServiceCallout SCO-AddURLVault failed. "
            "Reason: ResponseCode 409 is treated as error"
        )
        fault = {"faultcode": "SCO-AddURLVault", "faultstring": told}
        return as_json({"Envelope": {"Body": {"Fault": fault}}}, 500)
    if says == "vpn":
        told = "Duplicate notification info, SP ID is 107031, correlator is 0"
        raise Refused(500, "500.003.1001", told)
    raise Refused(500, "500.003.1001", "Urls are already registered")


async def _simulate(api: str, sandbox: Sandbox, asked: Members) -> object:
    _check_product(sandbox, api)
    code = desk.short_code_in(asked, "ShortCode", BAD)
    till = asked["CommandID"] == "CustomerBuyGoodsOnline"
    if not till and asked["CommandID"] != "CustomerPayBillOnline":
        raise desk.wrong("CommandID", BAD)
    cents = desk.cents_in(asked, "Amount", BAD)
    phone = desk.phone_in(asked, "Msisdn", BAD)
    reference = asked.get("BillRefNumber")
    given = type(reference) is str and 1 <= len(reference) <= LONGEST_REFERENCE
    if (till and reference is not None) or (not till and not given):
        raise desk.wrong("BillRefNumber", BAD)
    wanted = Wanted(code, cents, "" if till else str(reference), phone, till, sandbox.now())
    sandbox.begin(_pay(sandbox, wanted))
    return {
        "OriginatorCoversationID": sandbox.number("sandbox-#"),
        "ResponseCode": "0",
        "ResponseDescription": "Accept the service request successfully.",
    }


async def _pay(sandbox: Sandbox, wanted: Wanted) -> None:
    await pay(sandbox, wanted)


ENDPOINTS = {
    f"/mpesa/c2b/{api}/{path}": Endpoint(
        carry_out=partial(carry_out, api), needs=needs, may=may, bad_token=BAD_TOKEN, bad_field=BAD
    )
    for api in ("v1", "v2")
    for path, carry_out, needs, may in (
        (
            "registerurl",
            _register,
            ("ShortCode", "ResponseType", "ConfirmationURL", "ValidationURL"),
            (),
        ),
        ("simulate", _simulate, ("ShortCode", "CommandID", "Amount", "Msisdn"), ("BillRefNumber",)),
    )
}
