"""The gate: every reason to refuse a request, in the order of contract section 5.

    404 unknown path or wrong token → 403 → 405 → 415 → 413 → 408

It decides on the raw path, before anything else is looked at, and reads the body whole or not at
all. Broken framing is the parser's, save what only shows in a body that is not as long as it was
declared (400); what a body means is no business of the gate.
"""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from kelly_cli.listener.routes import Door

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from kelly_cli.listener.counts import Counts
    from kelly_cli.listener.routes import Page, Routes

BODY_S = 10.0
"""A request that is not complete by then is refused."""
LINGER_S = 1.0
"""How long a refused body is read and thrown away, so that its sender can read the answer."""


class _RefusedError(Exception):
    """The request ends here. ``lingers``: the sender is still sending, and is let finish."""

    def __init__(self, status: int, *, allow: str = "", lingers: bool = True) -> None:
        super().__init__(status)
        self.status = status
        self.headers = {"allow": allow} if allow else {}
        self.lingers = lingers


class Gate:
    """The ASGI application in front of everything."""

    def __init__(self, routes: Routes, counts: Counts, *, max_body_bytes: int) -> None:
        self._routes = routes
        self._counts = counts
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. A sender that hung up before the last byte gets none."""
        try:
            answer = await self._answer(scope, receive)
        except _RefusedError as refused:
            self._counts.answers[refused.status] += 1
            await _refuse(refused, receive, send)
        except ClientDisconnect:
            return
        else:
            self._counts.answers[answer.status_code] += 1
            await answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        route = self._routes.find(scope["raw_path"])
        if route is None:
            raise _RefusedError(404)
        if not isinstance(route, Door):
            return await _look_at(route, scope)
        if scope["method"] != route.method:
            raise _RefusedError(405, allow=route.method)
        declared = self._declared_bytes(scope)
        raw = await self._body(receive)
        if declared is not None and len(raw) != declared:
            # The parser stops at "Connection: upgrade", and the body stays unread.
            raise _RefusedError(400, lingers=False)
        return await route.answer(raw, route.kind)

    def _declared_bytes(self, scope: Scope) -> int | None:
        """Return the length that the headers declare. None = the body is chunked, or there is none.

        Raises:
            _RefusedError: the headers alone are reason enough.
        """
        declared = None
        upgrades = chunked = False
        for name, value in scope["headers"]:
            if name == b"content-length":
                declared = int(value)
            elif name == b"content-encoding" and value.strip().lower() not in {b"", b"identity"}:
                raise _RefusedError(415)
            elif name == b"transfer-encoding":
                chunked = True
            elif name == b"upgrade":
                upgrades = True
        if upgrades and chunked:
            raise _RefusedError(400)
        if declared is not None and declared > self._max_body_bytes:
            raise _RefusedError(413)
        return declared

    async def _body(self, receive: Receive) -> bytes:
        """Read the whole body.

        Raises:
            ClientDisconnect: the sender hung up before its end.
        """
        try:
            async with asyncio.timeout(BODY_S):
                message = await receive()
                raw: bytes = message.get("body", b"")
                while message["type"] == "http.request" and message.get("more_body", False):
                    if len(raw) > self._max_body_bytes:
                        raise _RefusedError(413)
                    message = await receive()
                    raw += message.get("body", b"")
        except (TimeoutError, asyncio.CancelledError):
            # Cancelled: the server ends, and waits no longer for what is not complete.
            raise _RefusedError(408, lingers=False) from None
        if message["type"] != "http.request":
            raise ClientDisconnect
        if len(raw) > self._max_body_bytes:
            raise _RefusedError(413, lingers=False)
        return raw


async def _look_at(page: Page, scope: Scope) -> Response:
    client = scope["client"]
    if page.near and not (client and ip_address(client[0]).is_loopback):
        raise _RefusedError(403)
    if scope["method"] != page.method:
        raise _RefusedError(405, allow=page.method)
    return await page.answer()


async def _refuse(refused: _RefusedError, receive: Receive, send: Send) -> None:
    """Answer without a body and close.

    Closing on somebody who is still sending makes his system throw the answer away: the answer
    goes out whole first, and what he sends is read for a moment.
    """
    empty = Response(status_code=refused.status, headers={**refused.headers, "connection": "close"})
    await send(
        {
            "type": "http.response.start",
            "status": refused.status,
            "headers": empty.raw_headers,
        }
    )
    if refused.lingers:
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        await _read_away(receive)
    await send({"type": "http.response.body", "body": b""})


async def _read_away(receive: Receive) -> None:
    try:
        async with asyncio.timeout(LINGER_S):
            while (await receive()).get("more_body", False):
                pass
    except TimeoutError:
        return
