"""The live page over HTTP: one address that nobody can guess, on loopback, and nothing but GET.

Refusals, in this order, all of them empty: 404 another Host than this machine's own loopback (a
name that a stranger pointed here) · 404 any other path · 405 another method · 503 too many streams.
Nothing is stored in the browser, nothing is asked of any other place.
"""

from __future__ import annotations

import hmac
import re
import secrets
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import uvicorn
from starlette.responses import Response, StreamingResponse

from kelly_cli.listener.board_hub import Hub

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable

    from starlette.types import Receive, Scope, Send

    from kelly_cli.listener.board_hub import Page, Source

SECRET_BYTES = 24
"""192 bits in the address."""
MOST_STREAMS = 100
MOST_CONNECTIONS = 400
BEAT_S = 5.0
"""A stream says that it is alive; a page that hears nothing for longer says so."""
DRAW_S = 20.0
"""How long a page waits for its first drawing."""
FINISH_S = 2
MOST_QUERY_BYTES = 100
_CODE = re.compile(r"[0-9A-Za-z]{1,20}", re.ASCII)
_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_EMPTY_POLICY = "default-src 'none'; frame-ancestors 'none'"


def new_secret() -> str:
    """Return the part of the address that nobody can guess."""
    return secrets.token_urlsafe(SECRET_BYTES)


def policy(nonce: str) -> str:
    """Return what the page may do, for its own head; as a header it gets one word more."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
    )


class BoardApp:
    """The application. ``whole(name, drawing, nonce)`` makes the page around a drawing."""

    def __init__(
        self, hub: Hub, *, secret: str, port: int, whole: Callable[[str, str, str], str]
    ) -> None:
        self._hub = hub
        self._page_path = f"/{secret}/".encode()
        self._live_path = f"/{secret}/live".encode()
        names = ("127.0.0.1", "localhost", "[::1]")
        self._hosts = {f"{name}:{port}".encode() for name in names}
        if port == 80:  # noqa: PLR2004 - the port that browsers do not write
            self._hosts |= {name.encode() for name in names}
        self._whole = whole
        self._streams = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        await (await self._answer(scope))(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response:
        hosts = [value.lower() for name, value in scope["headers"] if name == b"host"]
        path = scope["raw_path"]
        is_page = hmac.compare_digest(path, self._page_path)
        is_live = hmac.compare_digest(path, self._live_path)
        if len(hosts) != 1 or hosts[0] not in self._hosts or not (is_page or is_live):
            return _empty(404)
        if scope["method"] not in {"GET", "HEAD"}:
            return _empty(405, allow="GET, HEAD")
        name = _code_of(scope["query_string"])
        if name is None:
            return _empty(404)
        if is_page:
            return await self._page(name)
        if scope["method"] == "HEAD" or self._streams >= MOST_STREAMS or self._hub.is_over:
            return _empty(503, **{"retry-after": "5"})
        return StreamingResponse(
            self._stream(name),
            media_type="text/event-stream",
            headers={**_HEADERS, "content-security-policy": _EMPTY_POLICY},
        )

    async def _page(self, name: str) -> Response:
        nonce = secrets.token_urlsafe(16)
        with self._hub.watching(name) as page:
            await self._hub.newer(page, 0, within_s=DRAW_S)
            text = self._whole(name, page.html, nonce)
        frames = "; frame-ancestors 'none'"
        headers = {**_HEADERS, "content-security-policy": policy(nonce) + frames}
        return Response(text, media_type="text/html; charset=utf-8", headers=headers)

    async def _stream(self, name: str) -> AsyncIterator[bytes]:
        self._streams += 1
        try:
            with self._hub.watching(name) as page:
                yield b"retry: 1000\n\n"
                async for event in self._events(page):
                    yield event
        finally:
            self._streams -= 1

    async def _events(self, page: Page) -> AsyncIterator[bytes]:
        version = 0
        while not self._hub.is_over:
            if await self._hub.newer(page, version, within_s=BEAT_S):
                version = page.version
                data = "".join(f"data: {line}\n" for line in page.html.splitlines())
                yield f"event: board\n{data}\n".encode()
            elif not self._hub.is_over:
                yield b"event: beat\ndata: -\n\n"


def _code_of(query: bytes) -> str | None:
    """Return the short code that a query asks for, "" = all; None = it asks for something else."""
    if not query:
        return ""
    if len(query) > MOST_QUERY_BYTES:
        return None
    asked = parse_qs(query.decode("ascii", "replace"), keep_blank_values=True)
    codes = asked.pop("code", [""])
    if asked or len(codes) != 1:
        return None
    return codes[0] if not codes[0] or _CODE.fullmatch(codes[0]) else None


def _empty(status: int, **more: str) -> Response:
    return Response(
        status_code=status, headers={**_HEADERS, "content-security-policy": _EMPTY_POLICY, **more}
    )


class _Server(uvicorn.Server):
    """The server, with a word once it takes connections, and an end that no open page holds up."""

    def __init__(self, config: uvicorn.Config, hub: Hub, ready: Callable[[], bool]) -> None:
        super().__init__(config)
        self._hub = hub
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the doors; ``ready`` tells whether it is to go on."""
        self._hub.start()
        await super().startup(sockets)
        if not self._ready():
            self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, and then the server."""
        self._hub.stop()
        await super().shutdown(sockets)


def serve(
    bound: socket.socket,
    source: Source,
    *,
    secret: str,
    whole: Callable[[str, str, str], str],
    ready: Callable[[], bool],
) -> None:
    """Serve until a signal. ``ready`` is called once; False = end at once."""
    hub = Hub(source)
    app = BoardApp(hub, secret=secret, port=bound.getsockname()[1], whole=whole)
    config = uvicorn.Config(
        app,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="critical",
        # The address is a secret: it is written down nowhere.
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=FINISH_S,
    )
    _Server(config, hub, ready).run([bound])
