"""One request from token to verdict: a token in, one refresh at most, repeats only where safe.

What is repeated (three times at most, further and further apart): taking a token, queries, pulls
and QR codes, because they change nothing. A status or balance request moves no money either, but
each one starts an answer of its own, and the operator is locked after some wrong passwords: it is
sent again only when it was not let in (no connection, or turned away as busy). Registering,
simulating, prompting and reversing are sent once. A request that was refused for its token never
got past the gateway: it may go again with a new one. Source: daraja-facts 1 and 7.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import stamina
import stamina.instrumentation

from kelly_cli.daraja.client import verdicts, wire
from kelly_cli.daraja.client.calls import TOKEN, Call
from kelly_cli.daraja.client.errors import (
    BadAnswerError,
    BusyError,
    CredentialsError,
    DarajaError,
    UnreachableError,
)
from kelly_cli.daraja.client.replies import read, text_in
from kelly_cli.daraja.client.tokens import Token, Tokens, is_token, lifetime
from kelly_cli.daraja.client.transport import TransportError
from kelly_cli.daraja.strict_json import NotOneObjectError, parse_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from kelly_cli.daraja.client.replies import Reading
    from kelly_cli.daraja.client.shapes import Keys, Place
    from kelly_cli.daraja.client.transport import Answer, Transport
    from kelly_cli.daraja.client.veil import Veil

TIMES = 3
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 4.0
_OK, _LAST_OK = 200, 299
_KEY_STATUSES = {400, 401}

T = TypeVar("T")

# Its own way is to log what it repeats, arguments included, on stdout.
stamina.instrumentation.set_on_retry_hooks([])


def _passing(error: Exception) -> bool:
    return isinstance(error, DarajaError) and error.retryable


def _not_let_in(error: Exception) -> bool:
    return isinstance(error, (UnreachableError, BusyError)) and error.retryable


@dataclass(slots=True)
class _Turn:
    """One request and how far it came."""

    call: Call
    body: bytes = field(repr=False)
    token: Token
    refreshed: bool = False
    """A token failure was answered by another token already."""


class Asking:
    """Asks one server in the name of one app."""

    def __init__(
        self,
        place: Place,
        keys: Keys,
        now: Callable[[], datetime],
        transport: Transport,
        veil: Veil,
    ) -> None:
        self._keys = keys
        self._now = now
        self._transport = transport
        self._veil = veil
        identity = (place.environment, place.base_url, keys.consumer_key)
        self.tokens = Tokens(place.token_folder, identity, self._take_token, now)

    def ask(self, call: Call, body: Mapping[str, object]) -> Reading:
        """Send a request and return Safaricom's yes.

        Raises:
            DarajaError: anything else than a yes.
        """
        turn = _Turn(call, json.dumps(body).encode(), self._token_for(call))
        if call.care == "once":
            return self._attempt(turn)
        worth_it = _passing if call.care == "repeat" else _not_let_in
        return _repeated(lambda: self._attempt(turn), worth_it)

    def _attempt(self, turn: _Turn) -> Reading:
        call = turn.call
        reading = self._send(turn)
        if verdicts.is_token_failure(reading) and not turn.refreshed:
            turn.refreshed = True
            turn.token = self._token_for(call, refused=turn.token.value)
            reading = self._send(turn)
        if verdicts.is_token_failure(reading):
            raise verdicts.token_refused(call, reading)
        if reading.unreadable:
            raise verdicts.unreadable(call, reading)
        if not call.yes(reading):
            raise verdicts.refused(call, reading)
        return reading

    def _send(self, turn: _Turn) -> Reading:
        headers = {
            "Authorization": f"Bearer {turn.token.value}",
            "Content-Type": "application/json",
        }
        try:
            answer = self._transport.send("POST", turn.call.path, headers=headers, body=turn.body)
        except TransportError as failure:
            raise verdicts.no_answer(turn.call, failure) from None
        return read(answer, self._veil)

    def _token_for(self, call: Call, refused: str = "") -> Token:
        try:
            token = self.tokens.instead_of(refused) if refused else self.tokens.current()[0]
        except BadAnswerError as error:
            # What this answer leaves open is the token alone: the request never went out.
            raise UnreachableError(
                f"{error.message}. The {call.name} was not sent",
                hint=error.hint,
                status=error.status,
                error_code=error.error_code,
                error_message=error.error_message,
                raw=error.raw,
            ).once() from None
        except DarajaError as error:
            raise error.once() from None
        self._veil.keep(token.value)
        return token

    def _take_token(self) -> Token:
        return _repeated(self._take_token_once, _passing)

    def _take_token_once(self) -> Token:
        headers = {"Authorization": wire.basic(self._keys)}
        taken_at = self._now()
        try:
            answer = self._transport.send("GET", TOKEN.path, headers=headers)
        except TransportError as failure:
            raise verdicts.no_answer(TOKEN, failure) from None
        if _OK <= answer.status <= _LAST_OK:
            found = self._token_in(answer, taken_at)
            if found:
                return found
        elif b"access_token" in answer.body:
            answer = answer._replace(body=b"")
        raise _no_token(read(answer, self._veil))

    def _token_in(self, answer: Answer, taken_at: datetime) -> Token | None:
        try:
            members = parse_object(answer.body)
        except NotOneObjectError:
            return None
        value = members.get("access_token")
        if type(value) is not str or not is_token(value):  # A number is text of its own type.
            return None
        life = lifetime(text_in(members, "expiresin"))
        return Token(value, taken_at, taken_at + max(life, timedelta()))


def _no_token(reading: Reading) -> DarajaError:
    """Return the error for an answer without a token; its text may hold half of one."""
    bare = reading._replace(raw="", members={}) if "access_token" in reading.raw else reading
    if bare.status in _KEY_STATUSES and not bare.raw.lstrip().startswith("<"):
        label = bare.code or f"HTTP {bare.status}"
        said = bare.said or "an empty answer, its way to say that the keys are wrong"
        return CredentialsError(
            f"Safaricom refused the consumer key and secret ({label}): {said}",
            hint="Check MPESA_CONSUMER_KEY and MPESA_CONSUMER_SECRET; "
            "keys of the sandbox do not work in production",
            status=bare.status,
            error_code=bare.code,
            error_message=bare.message,
            raw=bare.raw,
        )
    if not bare.unreadable and not bare.wrong:
        bare = bare._replace(unreadable=f"no access token that can be used (HTTP {bare.status})")
    if bare.unreadable:
        return verdicts.unreadable(TOKEN, bare)
    return verdicts.refused(TOKEN, bare)


def _repeated(work: Callable[[], T], worth_it: Callable[[Exception], bool]) -> T:
    for attempt in stamina.retry_context(
        on=worth_it,
        attempts=TIMES,
        timeout=None,
        wait_initial=FIRST_PAUSE_S,
        wait_max=LONGEST_PAUSE_S,
    ):
        with attempt:
            return work()
    raise AssertionError  # pragma: no cover - the last attempt raises
