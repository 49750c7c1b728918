"""An answer, read: what Safaricom says, in whichever of its shapes it says it.

Shapes: a reply with an all-zero code (``0``, ``00``, ``00000000``); an error body; an Apigee fault;
SOAP turned into JSON; a page; nothing at all; HTTP 200 with an error in it. Keys come misspelt,
with spaces and in any case. Decides nothing: what an answer means for a request is in ``verdicts``.
Source: daraja-facts 2.1, 2.3, 7.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.daraja.client.shapes import Reply
from kelly_cli.daraja.strict_json import NotOneObjectError, parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kelly_cli.daraja.client.transport import Answer
    from kelly_cli.daraja.client.veil import Veil

_REDIRECT, _ERROR = 300, 400
_SHOWN = 300
_NOT_NAME = re.compile(r"[^a-z0-9]")
_ZEROS = re.compile(r"0+", re.ASCII)
_CODES = ("responsecode", "responsestatus")
_WORDS = ("responsedescription", "responsemessage", "customermessage", "resultdesc")
_OTHER_WORDS = ("message", "errordescription", "error", "detail")


class Reading(NamedTuple):
    """An answer as far as it can be read. Holds no secret."""

    status: int
    code: str
    """"" = none."""
    message: str
    members: dict[str, object]
    """Empty when it is no JSON object."""
    raw: str
    wrong: bool
    """It says itself that something is wrong."""
    unreadable: str
    """Why it cannot be read; "" = it can."""

    @property
    def zero(self) -> bool:
        """Tell whether the code is Safaricom's yes."""
        return _ZEROS.fullmatch(self.code) is not None

    @property
    def said(self) -> str:
        """Return Safaricom's words for one line."""
        words = " ".join(self.message.split())
        return words if len(words) <= _SHOWN else f"{words[: _SHOWN - 1]}…"

    @property
    def reply(self) -> Reply:
        """Return it as a yes."""
        return Reply(self.status, self.code, self.message, self.members, self.raw)


def read(answer: Answer, veil: Veil) -> Reading:
    """Read an answer, secrets hidden before anything looks at it."""
    # Cut by no codec: a secret must be found although the bytes around it are no text.
    seen = veil.hide(answer.body.decode("utf-8", "surrogateescape"))
    body = seen.encode("utf-8", "surrogateescape")
    raw = veil.hide(body.decode("utf-8", "replace").replace("\0", ""))
    status = answer.status
    if _REDIRECT <= status < _ERROR:
        return _unreadable(status, raw, f"a redirect (HTTP {status}), which is not followed")
    if not body.strip():
        return _unreadable(status, raw, f"an empty answer (HTTP {status})")
    try:
        members = parse_object(body)
    except NotOneObjectError as error:
        return _unreadable(status, raw, _no_object(status, body, error))
    hidden = veil.hide_in(members)
    if hidden != members and isinstance(hidden, dict):
        # It stood there in escapes, so the text holds it still.
        members, raw = hidden, "(left out: it holds a secret in escapes)"
    return _understood(status, members, raw)


def _understood(status: int, members: dict[str, object], raw: str) -> Reading:
    fault = find(members, "faultstring")
    code = text_in(members, "errorcode")
    message = text_in(members, "errormessage")
    wrong = bool(fault or code or message or status >= _ERROR)
    if fault:
        code, message = code or find(members, "errorcode"), fault
    own_code = text_in(members, *_CODES)
    code = code or own_code
    message = message or text_in(members, *_WORDS)
    if status >= _ERROR:
        message = message or text_in(members, *_OTHER_WORDS)
        if _ZEROS.fullmatch(code):
            return _unreadable(status, raw, f"HTTP {status} beside the code {code}", members)
    if not code and not message:
        return _unreadable(status, raw, f"nothing that says yes or no (HTTP {status})", members)
    return Reading(status, code[:_SHOWN], message, members, raw, wrong, "")


def _unreadable(
    status: int, raw: str, why: str, members: dict[str, object] | None = None
) -> Reading:
    return Reading(status, "", "", members or {}, raw, status >= _ERROR, why)


def _no_object(status: int, body: bytes, error: NotOneObjectError) -> str:
    if b"incapsula" in body.lower():
        return f"the page of its firewall (Incapsula, HTTP {status})"
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return f"a page instead of an answer (HTTP {status})"
    return f"text that {error} (HTTP {status})"


def text_in(members: Mapping[str, object], *names: str) -> str:
    """Return the first member with a text or number of one of these names, "" when there is none.

    Names are compared without case, spaces and signs: ``Response Code`` is ``responsecode``.
    """
    named = {_NOT_NAME.sub("", key.lower()): value for key, value in members.items()}
    for name in names:
        value = named.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def find(value: object, name: str) -> str:
    """Return the text of this name at any depth ("" = none). Depth is bounded by the reader."""
    if isinstance(value, dict):
        found = text_in(value, name)
        inner = list(value.values())
    elif isinstance(value, list):
        found, inner = "", value
    else:
        return ""
    return found or next(filter(None, (find(held, name) for held in inner)), "")
