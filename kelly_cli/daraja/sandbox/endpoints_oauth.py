"""Access tokens and QR pictures. Source: daraja-facts 1 and 6.7."""

from __future__ import annotations

import base64
import binascii
import io
from typing import TYPE_CHECKING

from starlette.responses import Response

from kelly_cli.daraja.sandbox import desk
from kelly_cli.daraja.sandbox.desk import Endpoint, Refused, as_json, as_refusal

if TYPE_CHECKING:
    from starlette.requests import Request

    from kelly_cli.daraja.sandbox.desk import Members
    from kelly_cli.daraja.sandbox.state import Sandbox

OAUTH = "/oauth/v1/generate"


def give_token(sandbox: Sandbox, request: Request) -> Response:
    """Return a token to whoever shows any consumer key and secret."""
    try:
        key = _key_of(request)
    except Refused as refused:
        return as_refusal(sandbox, refused)
    if key is None:
        return Response(b"", 400)
    weather = sandbox.scenario.tokens
    until = sandbox.until(weather.lifetime_s)
    token = sandbox.tokens.issue(key, until, weather.uses, older_die=weather.older_die)
    lifetime: object = str(weather.lifetime_s) if weather.as_text else weather.lifetime_s
    return as_json({"access_token": token, "expires_in": lifetime})


def _key_of(request: Request) -> str | None:
    """Return the consumer key; None = keys that Safaricom answers with an empty body."""
    if request.method != "GET":
        raise Refused(405, "405.001", "Method Not Allowed")
    if request.query_params.get("grant_type") != "client_credentials":
        raise Refused(400, "400.008.02", "Invalid grant type passed")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise Refused(400, "400.008.01", "Invalid Authentication passed")
    try:
        key, colon, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return key if key and colon and secret else None


async def _draw(sandbox: Sandbox, asked: Members) -> object:
    desk.text_in(asked, "MerchantName", 1, 100)
    reference = desk.text_in(asked, "RefNo", 1, 100)
    kind = desk.word_in(asked, "TrxCode", "BG", "PB", "WA", "SM", "SB")
    size = str(asked["Size"])
    if not size.isdecimal() or not 1 <= int(size) <= 2000:  # noqa: PLR2004 - no wall of pixels
        raise desk.wrong("Size")
    cents = desk.cents_in(asked, "Amount") if asked.get("Amount") not in (None, "", 0, "0") else 0
    text = f"sandbox {kind} {asked['CPI']} {reference} {cents // 100}"
    return {
        "ResponseCode": "00",
        "RequestID": sandbox.number("sandbox-#-3"),
        "ResponseDescription": "The service request is processed successfully.",
        "QRCode": base64.b64encode(_picture(text, int(size))).decode("ascii"),
    }


def _picture(text: str, size_px: int) -> bytes:
    import segno

    code, png = segno.make(text, micro=False), io.BytesIO()
    code.save(png, kind="png", scale=max(size_px // code.symbol_size()[0], 1))
    return png.getvalue()


ENDPOINTS = {
    "/mpesa/qrcode/v1/generate": Endpoint(
        carry_out=_draw, needs=("MerchantName", "RefNo", "TrxCode", "CPI", "Size"), may=("Amount",)
    ),
}
