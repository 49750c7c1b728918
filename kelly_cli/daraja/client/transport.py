"""HTTP itself: one request out, one bounded answer in. The only module that names httpx.

Promise: a request ends within its limits whatever the other side does; a failure knows whether
anything was sent; no redirect is followed, no certificate is let off, nothing is repeated here.
Knows nothing of Safaricom's words.
"""

from __future__ import annotations

import socket
import ssl
import threading
import zlib
from typing import TYPE_CHECKING, NamedTuple

import httpx

from kelly_cli import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_ANSWER_BYTES = 1024 * 1024
"""An answer is read so far, packed or unpacked."""

_GZIP = 31
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class Limits(NamedTuple):
    """How long each part of a request may take, in seconds."""

    connect_s: float = 10
    silence_s: float = 30
    """Between two pieces of the answer, and for sending one piece."""
    whole_s: float = 60
    """From the first look at the address book to the last byte."""


class Answer(NamedTuple):
    """What came back, whole."""

    status: int
    body: bytes
    """Unpacked."""


class TransportError(Exception):
    """No whole answer came. Never leaves the client.

    ``why`` is for people and holds nothing that was sent; ``sent``: bytes of the request may have
    arrived; ``passing``: trying again may help.
    """

    def __init__(self, why: str, *, sent: bool, passing: bool = True) -> None:
        super().__init__(why)
        self.why = why
        self.sent = sent
        self.passing = passing


class Transport:
    """A way to one server. Each request has a connection of its own.

    A kept connection may have died unseen, and then nobody knows whether a request arrived.
    """

    def __init__(self, base_url: str, limits: Limits) -> None:
        self._base_url = base_url
        self._limits = limits
        timeout = httpx.Timeout(limits.silence_s, connect=limits.connect_s)
        self._client = httpx.Client(
            timeout=timeout,
            limits=httpx.Limits(max_keepalive_connections=0),
            follow_redirects=False,
            trust_env=not _is_here(base_url),
            headers={
                "User-Agent": f"kelly/{__version__}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
            },
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """Send one request and read its answer.

        Raises:
            TransportError: no whole answer within the limits.
        """
        flight = _Flight()
        try:
            request = self._client.build_request(
                method,
                f"{self._base_url}{path}",
                headers=headers,
                content=body,
                extensions={"trace": flight.watch},
            )
        except httpx.InvalidURL:
            raise TransportError("its address is no URL", sent=False, passing=False) from None
        # In a thread: neither looking up a name nor a dripping head has a time limit of its own.
        thread = threading.Thread(target=self._fly, args=(flight, request), daemon=True)
        thread.start()
        thread.join(self._limits.whole_s)
        if thread.is_alive():
            why = f"no whole answer within {self._limits.whole_s:g} s"
            raise TransportError(why, sent=flight.give_up())
        if flight.answer is None:
            raise flight.failure or TransportError("no answer", sent=flight.sent)
        return flight.answer

    def _fly(self, flight: _Flight, request: httpx.Request) -> None:
        try:
            response = self._client.send(request, stream=True)
            try:
                body = _unpacked(response, b"".join(_bounded(response, flight)))
            finally:
                response.close()
            flight.answer = Answer(response.status_code, body)
        except TransportError as failure:
            flight.failure = failure
        except (httpx.HTTPError, httpx.StreamError) as error:
            flight.failure = self._failure(flight, error)
        except Exception as error:  # noqa: BLE001 - above a thread stands nobody
            why = f"the request failed ({type(error).__name__})"
            flight.failure = TransportError(why, sent=flight.sent, passing=False)

    def _failure(self, flight: _Flight, error: Exception) -> TransportError:
        sent = flight.sent or not isinstance(error, _NEVER_SENT)
        if isinstance(error, httpx.ConnectTimeout):
            return TransportError(f"no connection within {self._limits.connect_s:g} s", sent=sent)
        if isinstance(error, httpx.TimeoutException):
            return TransportError(f"no answer within {self._limits.silence_s:g} s", sent=sent)
        why, passing = _why(error)
        return TransportError(why, sent=sent, passing=passing)


class _TooLateError(RuntimeError):
    """Nobody waits any more: the request must not go out."""


class _Flight:
    """One request on its way: seen by the thread that flies it and by the one that waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given_up = False
        self.sent = False
        self.answer: Answer | None = None
        self.failure: TransportError | None = None

    def watch(self, event: str, info: Mapping[str, object]) -> None:
        """Note the moment before the first byte goes out (httpcore's trace)."""
        if not event.endswith("send_request_headers.started"):
            return
        if getattr(info.get("request"), "method", b"") == b"CONNECT":
            return  # This goes to a proxy.
        with self._lock:
            if self._given_up:
                raise _TooLateError
            self.sent = True

    def give_up(self) -> bool:
        """Keep the request from going out, and tell whether it was too late for that."""
        with self._lock:
            self._given_up = True
            return self.sent

    @property
    def given_up(self) -> bool:
        """Tell whether anybody still waits."""
        return self._given_up


def _why(error: Exception) -> tuple[str, bool]:
    """Return what happened, in words of ours, and whether it may pass."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message})", False
        if isinstance(cause, ssl.SSLError):
            return "it does not speak TLS as it must", False
        if isinstance(cause, socket.gaierror):
            return "its name is not known here (is there internet?)", True
        if isinstance(cause, ConnectionRefusedError):
            return "nobody listens there", True
    if isinstance(error, httpx.ConnectError):
        return "no connection came about", True
    return "the connection broke before the answer was whole", True


def _bounded(response: httpx.Response, flight: _Flight) -> Iterator[bytes]:
    left = MAX_ANSWER_BYTES
    for piece in response.iter_raw(64 * 1024):
        left -= len(piece)
        if left < 0:
            raise _too_long()
        if flight.given_up:
            raise _TooLateError
        yield piece


def _unpacked(response: httpx.Response, body: bytes) -> bytes:
    """Unpack a body that was packed although it was asked not to be."""
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing in {"", "identity"}:
        return body
    if packing not in {"gzip", "x-gzip"}:
        raise TransportError("the answer is packed in a way unknown", sent=True, passing=False)
    opened = zlib.decompressobj(_GZIP)
    try:
        text = opened.decompress(body, MAX_ANSWER_BYTES + 1)
    except zlib.error:
        raise TransportError("the answer cannot be unpacked", sent=True) from None
    if len(text) > MAX_ANSWER_BYTES:
        raise _too_long()
    return text


def _too_long() -> TransportError:
    why = f"the answer is longer than {MAX_ANSWER_BYTES // 1024} KiB"
    return TransportError(why, sent=True, passing=False)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_here(base_url: str) -> bool:
    """Tell whether the server is on this machine, which no proxy can reach."""
    try:
        return httpx.URL(base_url).host in {"127.0.0.1", "localhost", "::1"}
    except httpx.InvalidURL:
        return False
