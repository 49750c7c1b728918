"""What an answer means for the request that it answers: a yes, or one typed error.

Promise: a request that may have changed something is called refused only when Safaricom said so in
words that can be read; everything else is unknown. Knows no HTTP library and no token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from kelly_cli.daraja.client.codes import hint_for
from kelly_cli.daraja.client.errors import (
    AlreadyRegisteredError,
    BadAnswerError,
    BusyError,
    CredentialsError,
    DarajaError,
    DarajaRefusedError,
    OutcomeUnknownError,
    ProductMismatchError,
    UnreachableError,
)

if TYPE_CHECKING:
    from kelly_cli.daraja.client.calls import Call
    from kelly_cli.daraja.client.replies import Reading
    from kelly_cli.daraja.client.transport import TransportError

_TOKEN_WORDS = ("invalid access token", "access token expired", "access_token_expired")
_NO_PRODUCT = "apiproduct match"
_BUSY_CODES = {"500.003.02", "500.003.03", "26", "100000001", "100000002", "100000011"}
_BUSY_WORDS = ("spike arrest", "spikearrest", "quota violation", "quotaviolation", "system is busy")
_PLAIN_NO = {"500.001.1001", "500.002.1001"}
_UNCLEAR_WORDS = ("being processed", "internal server error", "internal error")
_ALREADY = {"/pulltransactions/v1/register": "Nothing is left to do: run kelly mpesa pull"}
_ALREADY_CODE = "500.003.1001"
_TOO_MANY, _NOT_LET_IN, _SERVER = 429, 401, 500


class _Facts(TypedDict, total=False):
    status: int
    error_code: str
    error_message: str
    raw: str


def is_token_failure(reading: Reading) -> bool:
    """Tell whether the token was refused, whatever the code. Source: daraja-facts 1, rule 1."""
    words = f"{reading.code} {reading.message}".lower()
    return (
        reading.status == _NOT_LET_IN
        or any(word in words for word in _TOKEN_WORDS)
        or _NO_PRODUCT in words
    )


def no_answer(call: Call, failure: TransportError) -> DarajaError:
    """Return the error for a request that got no whole answer."""
    if not failure.sent:
        error: DarajaError = UnreachableError(
            f"Safaricom cannot be reached for the {call.name}: {failure.why}. Nothing was sent",
            hint="Check mpesa.base_url and the internet connection, then run it again",
        )
    elif call.care == "repeat":
        error = BadAnswerError(
            f"Safaricom did not answer the {call.name}: {failure.why}",
            hint="It is safe to try again: run it again in a minute",
        )
    else:
        error = _unknown(call, failure.why)
    error.retryable = failure.passing and error.retryable
    return error


def unreadable(call: Call, reading: Reading) -> DarajaError:
    """Return the error for an answer that says neither yes nor no."""
    if reading.status == _TOO_MANY:
        return _busy(call, reading)
    if call.care != "repeat":
        return _unknown(call, f"it answered with {reading.unreadable}", reading)
    error = BadAnswerError(
        f"Safaricom's answer to the {call.name} cannot be read: {reading.unreadable}",
        hint="Check mpesa.base_url; a page of its firewall means that this address is not liked",
        **_facts(reading),
    )
    error.retryable = reading.status >= _SERVER
    return error


def refused(call: Call, reading: Reading) -> DarajaError:
    """Return the error for a readable no."""
    words = f"{reading.code} {reading.message}".lower()
    label = reading.code or f"HTTP {reading.status}"
    if call.before(reading):
        return AlreadyRegisteredError(
            f"The {call.name} stands at Safaricom already ({label}): {reading.said}",
            hint=_ALREADY.get(call.path) or hint_for(_ALREADY_CODE, _shape(words)),
            **_facts(reading),
        )
    if _is_busy(words, reading):
        return _busy(call, reading)
    unclear = any(word in words for word in _UNCLEAR_WORDS) or reading.code not in _PLAIN_NO
    if call.care != "repeat" and reading.status >= _SERVER and unclear:
        return _unknown(call, f"it answered {label}: {reading.said}", reading)
    return DarajaRefusedError(
        f"Safaricom refused the {call.name} ({label}): {reading.said}",
        hint=hint_for(reading.code, reading.message),
        **_facts(reading),
    )


def token_refused(call: Call, reading: Reading) -> DarajaError:
    """Return the error for a token that is refused although it is a new one."""
    label = reading.code or f"HTTP {reading.status}"
    if _NO_PRODUCT in reading.message.lower():
        return ProductMismatchError(
            f"This app may not use {call.product} ({label}): {reading.said}",
            hint=_other_version(call),
            **_facts(reading),
        )
    return CredentialsError(
        f"Safaricom refused a new access token for the {call.name} ({label}): {reading.said}",
        hint=f"Check on the portal that the app of this consumer key has {call.product}",
        **_facts(reading),
    )


def _other_version(call: Call) -> str:
    add = f"Add {call.product} to the app on the Daraja portal"
    for ours, other in (("v1", "v2"), ("v2", "v1")):
        if f"/c2b/{ours}/" in call.path:
            return f"Try --api {other}: the app may have C2B {other} only. Otherwise: {add}"
    return add


def _shape(words: str) -> str:
    """Return the words under which the catalogue knows this shape of "already registered"."""
    older = "duplicate notification"
    return older if older in words else "already registered"


def _is_busy(words: str, reading: Reading) -> bool:
    return (
        reading.status == _TOO_MANY
        or reading.code in _BUSY_CODES
        or any(word in words for word in _BUSY_WORDS)
        or ("searchurl" in words and "503" in words)
    )


def _busy(call: Call, reading: Reading) -> BusyError:
    label = reading.code or f"HTTP {reading.status}"
    said = reading.said or "too many requests"
    return BusyError(
        f"Safaricom is busy and did not take the {call.name} ({label}): {said}",
        hint="Nothing was done: wait a minute, then run it again",
        **_facts(reading),
    )


def _unknown(call: Call, why: str, reading: Reading | None = None) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"Whether Safaricom took the {call.name} is unknown: {why}",
        hint=f"Before you send it again, check with {call.look}",
        **(_facts(reading) if reading else _Facts()),
    )


def _facts(reading: Reading) -> _Facts:
    return {
        "status": reading.status,
        "error_code": reading.code,
        "error_message": reading.message,
        "raw": reading.raw,
    }
