"""What every endpoint does first: method, token, content type, JSON, exact members.

The errors are Safaricom's. Source: daraja-facts 1 and 7. The checks are this package's own.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from kelly_cli.daraja.sandbox.state import Sandbox

Members = dict[str, Any]

MOST_SHILLINGS = 250_000
MAX_BODY = 64 * 1024

_FORBIDDEN = ("M-PESA", "MPESA", "SAFARICOM", "EXE", "EXEC", "CMD", "SQL", "QUERY")
"""Source: daraja-facts 2.2; a substring of the whole URL, in any case."""
_CODE = re.compile(r"[0-9]{5,7}")
_PHONE = re.compile(r"254[17][0-9]{8}")
_URL = re.compile(r"https?://[^\s<>\"{}|\\^`/?#]+(/[^\s<>\"{}|\\^`]*)?", re.IGNORECASE)


class Refused(Exception):  # noqa: N818 - an answer, not a fault of ours
    """A request that Safaricom refuses, with the HTTP status and its own code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One path: the members it needs and may have, and how it says that a token is bad."""

    carry_out: Callable[[Sandbox, Members], Awaitable[object]]
    needs: tuple[str, ...]
    may: tuple[str, ...] = ()
    bad_token: tuple[int, str, str] = (404, "404.001.03", "Invalid Access Token")
    bad_field: str = "400.002.02"


def as_json(document: object, status: int = 200) -> Response:
    """Return a document as the answer."""
    return Response(json.dumps(document), status, media_type="application/json")


def as_refusal(sandbox: Sandbox, refused: Refused) -> Response:
    """Return a refusal in Safaricom's usual shape."""
    body = {
        "requestId": sandbox.number("sandbox-#-1"),
        "errorCode": refused.code,
        "errorMessage": refused.message,
    }
    return as_json(body, refused.status)


async def answer(sandbox: Sandbox, endpoint: Endpoint, request: Request) -> Response:
    """Check a request and carry it out."""
    try:
        if request.method != "POST":
            raise Refused(405, "405.001", "Method Not Allowed")  # noqa: TRY301
        _check_token(sandbox, endpoint, request.headers.get("authorization", ""))
        members = await _members(endpoint, request)
        done = await endpoint.carry_out(sandbox, members)
    except Refused as refused:
        return as_refusal(sandbox, refused)
    return done if isinstance(done, Response) else as_json(done)


def _check_token(sandbox: Sandbox, endpoint: Endpoint, header: str) -> None:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(404, "404.001.04", "Invalid Authentication Header")
    if not sandbox.tokens.is_good(token.strip(), sandbox.settings.now()):
        raise Refused(*endpoint.bad_token)


async def _members(endpoint: Endpoint, request: Request) -> Members:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _invalid(endpoint, endpoint.needs[0])
    body = await request.body()
    try:
        members = json.loads(body) if len(body) <= MAX_BODY else None
    except ValueError:
        members = None
    if not isinstance(members, dict):
        raise Refused(400, "400.002.05", "Invalid Request Payload")
    for name in endpoint.needs:
        if members.get(name) in (None, ""):
            raise _invalid(endpoint, name)
    for name in members:
        if name not in endpoint.needs and name not in endpoint.may:
            raise Refused(400, "400.002.05", f"Invalid Request Payload - Unknown member {name}")
    return members


def _invalid(endpoint: Endpoint, name: str) -> Refused:
    return Refused(400, endpoint.bad_field, f"Bad Request - Invalid {name}")


def wrong(name: str, code: str = "400.002.02", why: str = "") -> Refused:
    """Return the refusal of a member's value."""
    return Refused(400, code, f"Bad Request - Invalid {name}" + (f" - {why}" if why else ""))


def short_code_in(members: Members, name: str, code: str = "400.002.02") -> str:
    """Return a short code as text."""
    text = _plain(members[name])
    if not _CODE.fullmatch(text):
        raise wrong(name, code)
    return text


def phone_in(members: Members, name: str, code: str = "400.002.02") -> str:
    """Return a phone as ``2547XXXXXXXX``."""
    text = _plain(members[name])
    if not _PHONE.fullmatch(text):
        raise wrong(name, code)
    return text


def cents_in(members: Members, name: str, code: str = "400.002.02") -> int:
    """Return an amount of whole shillings, in cents."""
    text = _plain(members[name])
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= MOST_SHILLINGS:
        raise wrong(name, code)
    return int(text) * 100


def text_in(members: Members, name: str, low: int, high: int) -> str:
    """Return a text of so many signs."""
    text = members[name]
    if type(text) is not str or not low <= len(text) <= high:
        raise wrong(name)
    return text


def url_in(members: Members, name: str, code: str = "400.002.02") -> str:
    """Return a URL that Safaricom would call."""
    text = members[name]
    if type(text) is not str or not _URL.fullmatch(text):
        raise wrong(name, code)
    for word in _FORBIDDEN:
        if word in text.upper():
            raise wrong(name, code, f"URL has the word {word}")
    return text


def word_in(members: Members, name: str, *words: str) -> str:
    """Return a word that must be one of these, exactly."""
    text = _plain(members[name])
    if text not in words:
        raise wrong(name)
    return text


def _plain(value: object) -> str:
    """Return what stands in a number or in a text."""
    return str(value) if type(value) in {int, str} else ""
