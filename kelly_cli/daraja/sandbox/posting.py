"""Posts bodies to callback URLs, once each: what was not taken is told, never sent again.

Over the standard library's client in threads, because thousands of posts in a row cost a tenth of
what they cost with the client of ``daraja.client``. A redirect is an answer; no proxy is asked.
"""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import ip_address
from time import monotonic
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

JSON = "application/json"
AT_ONCE = 64
KEPT_S = 5
"""An idle connection is not used again after that: the listener may have closed it."""
SHOWN = 2000
"""So much of an answer is kept."""


class Posted(NamedTuple):
    """What came of a post. ``status`` None = no answer, ``problem`` says why ("" = answered)."""

    status: int | None
    body: bytes
    problem: str = ""

    @property
    def taken(self) -> bool:
        """Whether it was answered 2xx."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP's


class _Line(threading.local):
    """A thread's own connection, where it leads, and when it was last used."""

    connection: http.client.HTTPConnection | None = None
    where: tuple[str, str] = ("", "")
    used_s = 0.0


def is_here(url: str) -> bool:
    """Tell whether a URL leads to this machine."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class Poster:
    """Posts from one event loop over connections that stay open."""

    def __init__(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._pool = ThreadPoolExecutor(AT_ONCE, "posting")
        self._line = _Line()
        self._open: set[http.client.HTTPConnection] = set()

    async def post(self, url: str, body: bytes, content_type: str = JSON) -> Posted:
        """Post a body and wait for the answer, at most as long as M-PESA does."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._deadline_s):
                return await loop.run_in_executor(self._pool, self._post, url, body, content_type)
        except TimeoutError:
            return Posted(None, b"", f"no answer within {self._deadline_s:g} s")

    def close(self) -> None:
        """Close the connections, those too that still wait for an answer."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for connection in tuple(self._open):
            if connection.sock is not None:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _post(self, url: str, body: bytes, content_type: str) -> Posted:
        try:
            parts = urlsplit(url)
            connection = self._connection(parts)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, body, {"content-type": content_type})
            answer = connection.getresponse()
            text = answer.read(SHOWN)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._hang_up()
            return Posted(None, b"", _why(error))
        if not answer.isclosed():
            self._hang_up()
        self._line.used_s = monotonic()
        return Posted(answer.status, text)

    def _connection(self, parts: SplitResult) -> http.client.HTTPConnection:
        line = self._line
        if line.where != (parts.scheme, parts.netloc) or monotonic() - line.used_s > KEPT_S:
            self._hang_up()
        if line.connection is None:
            tls = parts.scheme == "https"
            made = http.client.HTTPSConnection if tls else http.client.HTTPConnection
            line.connection = made(parts.hostname or "", parts.port, timeout=self._deadline_s)
            line.where = (parts.scheme, parts.netloc)
            self._open.add(line.connection)
        return line.connection

    def _hang_up(self) -> None:
        connection, self._line.connection = self._line.connection, None
        if connection is not None:
            self._open.discard(connection)
            connection.close()


def post(url: str, body: bytes, *, timeout_s: float) -> Posted:
    """Post one body from a command."""

    async def once() -> Posted:
        poster = Poster(timeout_s)
        try:
            return await poster.post(url, body)
        finally:
            poster.close()

    return asyncio.run(once())


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
