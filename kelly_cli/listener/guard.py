"""The guard: uvicorn's httptools protocol with limits and a clock, and no parser of its own.

    too large a head → 431 · any doubt about the framing → 400 · not whole in time → 408 or close

Promise: a request reaches the gate with one reading only, every connection gets an answer or its
end in time whatever it sends, and after a refusal nothing more is read as a request. Requests sent
ahead of an answer (pipelining) are not taken: the connection closes behind that answer.
"""

from __future__ import annotations

import re
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from kelly_cli.listener.counts import Counts
    from kelly_cli.listener.crowd import Crowd

WHOLE_S = 10.0
"""From the first moment to the last byte of a request."""
LINGER_S = 1.0
"""How long a refused sender is heard out, so that he can read the answer."""
HEAD_BYTES = 16 * 1024
FIELDS = 100
TARGET_BYTES = 2 * 1024
OVERHEAD = 8
"""Bytes on the wire for one of a chunked body: chunks of one byte take six."""

UNIX_PEER = "127.0.0.1"
"""Who comes through a Unix socket is on this machine; the rights of the socket let him in."""

_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


class _DoubtError(Exception):
    """The request is refused with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Guard(HttpToolsProtocol):
    """One connection. ``guarding`` makes the class of a listener's own."""

    counts: ClassVar[Counts]
    crowd: ClassVar[Crowd]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._timer: asyncio.TimerHandle | None = None
        self._place: object | None = None
        # A message is whole, or none has begun.
        self._is_whole = True
        self._in_head = False
        self._is_deaf = False
        self._status = 0
        # Of the message at hand: bytes read, of them body, and of them head by name and value.
        self._read_bytes = self._body_bytes = self._head_bytes = 0
        self._fields = self._hosts = 0

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock; a connection without an address, or one too many, ends at once."""
        super().connection_made(transport)
        connected = transport.get_extra_info("socket")
        if connected is not None and connected.family == getattr(socket, "AF_UNIX", None):
            self.client = (UNIX_PEER, 0)
        self._place = self.crowd.enter(self, self.client[0] if self.client else "")
        if self.client is None:
            # It has gone already. Whoever it was, nothing of it is taken.
            self.leave()
        else:
            self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._stop_clock()
        self.crowd.left(self, self._place)
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the way back open for a sender who has said all and waits for his answer."""
        if self._is_deaf or not self._is_waiting():
            return False
        self.cycle.keep_alive = False
        return True

    def leave(self) -> None:
        """End at once, without an answer."""
        self._is_deaf = True
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on, and refuse what is not a request beyond doubt."""
        self._unset_keepalive_if_required()
        if self._is_deaf:
            return
        if self._is_whole:
            self._read_bytes = self._body_bytes = 0
        self._read_bytes += len(data)
        try:
            self.parser.feed_data(data)
            self._check_overhead()
        except _DoubtError as doubt:
            self._refuse(doubt.status)
        except (HttpParserError, HttpParserUpgrade):
            # A doubt of ours, or the parser's own; one about a trailer is about the body.
            self._refuse(self._status or HTTPStatus.BAD_REQUEST)
        else:
            # Also for a few line ends, which begin nothing and stop uvicorn's own clock.
            if not self._is_waiting():
                self._start_clock()

    # What the parser calls

    def on_message_begin(self) -> None:
        """Begin a request, unless the last one has no answer yet."""
        if self._is_waiting():
            self.cycle.keep_alive = False
            self._doubt(HTTPStatus.BAD_REQUEST)
        self._is_whole, self._in_head = False, True
        self._head_bytes = self._fields = self._hosts = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        super().on_url(url)
        if len(self.url) > TARGET_BYTES:
            self._doubt(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field, of the head or of the trailer."""
        self._fields += 1
        self._head_bytes += len(name) + len(value) + 4
        if self._fields > FIELDS or self._head_bytes + len(self.url) > HEAD_BYTES:
            self._doubt(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if not self._in_head:
            # A trailer is no header: nothing of it may be looked at.
            return
        kind = name.lower()
        if kind == b"host":
            self._hosts += 1
            if not _HOST.fullmatch(value):
                self._doubt(HTTPStatus.BAD_REQUEST)
        elif kind == b"transfer-encoding" and value.lower() != b"chunked":
            self._doubt(HTTPStatus.BAD_REQUEST)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Let the request begin, unless more than one reading of it is possible."""
        version = self.parser.get_http_version()
        is_old = version == "1.0"
        chunked = any(name == b"transfer-encoding" for name, _ in self.headers)
        if (
            (version != "1.1" and not is_old)
            or self._hosts > 1
            or (not self._hosts and not is_old)
            or (chunked and is_old)
            # httptools leaves the body of such a one out: an empty body would be taken for it.
            or self.parser.should_upgrade()
            or not self.url.startswith(b"/")
            or b"#" in self.url
        ):
            self._doubt(HTTPStatus.BAD_REQUEST)
        self._in_head = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the clock: the request is whole."""
        self._is_whole = True
        self._stop_clock()
        self.crowd.has_sent(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Rest until the next request."""
        self.crowd.rests(self)
        super().on_response_complete()

    # The clock, and the end

    def _is_waiting(self) -> bool:
        """Tell whether a whole request waits for its answer."""
        # uvicorn has no request at first, and does not say so in its types.
        cycle: RequestResponseCycle | None = self.cycle
        return self._is_whole and cycle is not None and not cycle.response_complete

    def _start_clock(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(WHOLE_S, self._run_out)
            self.crowd.is_sending(self)

    def _stop_clock(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self.crowd.has_sent(self)

    def _run_out(self) -> None:
        """End a request that is not whole in time; nothing is said to one that never began."""
        self._timer = None
        self.crowd.has_sent(self)
        if self._is_whole:
            if not self._is_waiting():
                self.transport.close()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _check_overhead(self) -> None:
        """Refuse a request of which too much is neither head nor body."""
        if self._is_whole:
            return
        if self._read_bytes - self._body_bytes > HEAD_BYTES + OVERHEAD * self._body_bytes:
            if self._in_head:
                raise _DoubtError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            raise _DoubtError(HTTPStatus.BAD_REQUEST)

    def _doubt(self, status: int) -> None:
        # The parser wraps what its callbacks raise: the status is remembered beside.
        self._status = status
        raise _DoubtError(status)

    def _refuse(self, status: int) -> None:
        """Answer and hear no more. A request before this one gets its own answer, and no other."""
        self._is_deaf = True
        self._stop_clock()
        if self._is_waiting():
            self.cycle.keep_alive = False
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            has_begun = cycle.response_started
            # The gate is told that nobody is there any more.
            cycle.disconnected = True
            cycle.message_event.set()
            if has_begun:
                self.transport.close()
                return
        self.counts.answers[status] += 1
        phrase = HTTPStatus(status).phrase
        self.transport.write(
            f"HTTP/1.1 {int(status)} {phrase}\r\n"
            "content-length: 0\r\nconnection: close\r\n\r\n".encode()
        )
        # To close on somebody who is still sending would take the answer away from him.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.close)


def guarding(counts: Counts, crowd: Crowd) -> type[Guard]:
    """Return the protocol of one listener."""
    return type("Guard", (Guard,), {"counts": counts, "crowd": crowd})
