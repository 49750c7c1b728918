"""The answers that are none: pages, faults, empty and endless bodies. Source: daraja-facts 7."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kelly_cli.daraja.sandbox.scenario import Answer

LONG = 10 * 1024 * 1024
PIECE = 64 * 1024

_PAGE = (
    "<html><head><META NAME='ROBOTS' CONTENT='NOINDEX, NOFOLLOW'></head><body><iframe>"
    "Request unsuccessful. Incapsula incident ID: 0-0</iframe></body></html>"
)
_SPIKE = {
    "fault": {
        "faultstring": "Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=5, "
        "periodInMicroseconds=1000000, maxBurstMessageCount=1.0}",
        "detail": {"errorcode": "policies.ratelimit.SpikeArrestViolation"},
    }
}
_ENVELOPE = {
    "Envelope": {
        "Body": {
            "Fault": {
                "faultcode": "SC-SearchURL",
                "faultstring": "Execution of ServiceCallout SC-SearchURL failed. Reason: "
                "ResponseCode 503 is treated as error",
            }
        }
    }
}
_NO_PRODUCT = (
    "Error Occurred - Invalid Access Token - Invalid API call as no apiproduct match found"
)


def _refusal(code: str, message: str) -> str:
    return json.dumps({"requestId": "sandbox-0", "errorCode": code, "errorMessage": message})


_BODIES: dict[str, tuple[int, str, str]] = {
    "waf": (503, "text/html", _PAGE),
    "spike-arrest": (429, "application/json", json.dumps(_SPIKE)),
    "busy": (500, "application/json", _refusal("500.003.02", "System is busy. Please try again.")),
    "quota": (500, "application/json", _refusal("500.003.03", "Quota Violation")),
    "empty": (400, "text/plain", ""),
    "envelope": (500, "application/json", json.dumps(_ENVELOPE)),
    "token": (401, "application/json", _refusal("401.003.01", _NO_PRODUCT)),
    "redirect": (302, "text/plain", ""),
}


async def misbehave(answer: Answer) -> Response:
    """Return what a request gets instead of its answer."""
    await asyncio.sleep(answer.delay_s)
    if answer.says == "long":
        return StreamingResponse(_endless(), answer.status or 200, media_type="application/json")
    if answer.says == "cut":
        headers = {"content-length": "1000"}
        return StreamingResponse(_cut(), answer.status or 200, headers, "application/json")
    status, kind, body = _BODIES[answer.says]
    headers = {"location": "http://127.0.0.1:1/"} if answer.says == "redirect" else {}
    return Response(body, answer.status or status, headers, kind)


async def _endless() -> AsyncIterator[bytes]:
    yield b'{"a":"'
    for _ in range(LONG // PIECE):
        yield b"x" * PIECE
    yield b'"}'


async def _cut() -> AsyncIterator[bytes]:
    yield b'{"ResponseCode'
