"""The gate: every reason to refuse a request, in the order of contract section 5.

    404 unknown path or wrong token → 403 → 405 → 415 → 413 → 429

It decides on the raw path, before anything else is looked at, and reads the body whole or not at
all. What comes before (400, 431) and the clock (408) are the guard's; what a body means is no
business of the gate. A body that is refused for its address alone is set aside, for a person.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from kelly_cli.listener.routes import RETRY_AFTER_S, Door
from kelly_cli.services.quarantine import Stranger

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from kelly_cli.listener.counts import Counts
    from kelly_cli.listener.entrance import Entrance, Sender
    from kelly_cli.listener.keeper import Keeper
    from kelly_cli.listener.routes import Page, Routes

LINGER_S = 1.0
"""How long a refused body is read and thrown away, so that its sender can read the answer."""


class _RefusedError(Exception):
    """The request ends here. ``lingers``: the sender is still sending, and is let finish."""

    def __init__(
        self, status: int, headers: dict[str, str] | None = None, *, lingers: bool = True
    ) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers or {}
        self.lingers = lingers


class Gate:
    """The ASGI application in front of everything.

    ``entrance`` knows who may come in; ``keeper`` keeps what came from others.
    """

    def __init__(
        self,
        routes: Routes,
        counts: Counts,
        *,
        max_body_bytes: int,
        entrance: Entrance,
        keeper: Keeper,
    ) -> None:
        self._routes = routes
        self._counts = counts
        self._max_body_bytes = max_body_bytes
        self._entrance = entrance
        self._keeper = keeper

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
        sender = self._entrance.sender(scope["client"][0], scope["headers"])
        if not isinstance(route, Door):
            return await self._look_at(route, sender, scope)
        if not sender.is_allowed:
            await self._set_aside(route, sender, scope, receive)
        if scope["method"] != route.method:
            raise _RefusedError(405, {"allow": route.method})
        self._check_headers(scope)
        raw = await self._body(receive)
        read_s = monotonic()
        if self._entrance.is_too_fast(sender, read_s):
            raise _RefusedError(429, {"retry-after": str(RETRY_AFTER_S)}, lingers=False)
        answer = await route.answer(raw, route.kind)
        if route.kind != "validation":
            self._counts.last_callback_s = answered_s = monotonic()
            self._counts.acks.see(answered_s - read_s)
        return answer

    async def _look_at(self, page: Page, sender: Sender, scope: Scope) -> Response:
        if page.near and not self._entrance.may_look(sender):
            raise _RefusedError(403)
        if scope["method"] != page.method:
            raise _RefusedError(405, {"allow": page.method})
        return await page.answer()

    async def _set_aside(self, door: Door, sender: Sender, scope: Scope, receive: Receive) -> None:
        """Refuse for the address; keep the body, when it is one that could have been taken.

        Raises:
            _RefusedError: always.
        """
        if scope["method"] != door.method or _declared(scope) > self._max_body_bytes:
            raise _RefusedError(403)
        try:
            raw = await self._body(receive)
        except _RefusedError as too_long:
            raise _RefusedError(403, lingers=too_long.lingers) from None
        if raw:
            peer = scope["client"][0]
            is_read = sender.address is not None
            self._keeper.offer(
                Stranger(
                    address=str(sender.address) if is_read else peer,
                    path=door.path,
                    kind=door.kind,
                    raw=raw,
                    reason="address not allowed" if is_read else "X-Forwarded-For cannot be read",
                )
            )
        raise _RefusedError(403, lingers=False)

    def _check_headers(self, scope: Scope) -> None:
        declared = 0
        for name, value in scope["headers"]:
            if name == b"content-length":
                declared = int(value)
            elif name == b"content-encoding" and value.strip().lower() not in {b"", b"identity"}:
                raise _RefusedError(415)
        if declared > self._max_body_bytes:
            raise _RefusedError(413)

    async def _body(self, receive: Receive) -> bytes:
        """Read the whole body. The guard ends a connection on which it takes too long.

        Raises:
            ClientDisconnect: the sender hung up, or was cut off, before its end.
        """
        try:
            message = await receive()
            raw: bytes = message.get("body", b"")
            while message["type"] == "http.request" and message.get("more_body", False):
                if len(raw) > self._max_body_bytes:
                    raise _RefusedError(413)
                message = await receive()
                raw += message.get("body", b"")
        except asyncio.CancelledError:
            # The server ends, and waits no longer for what is not complete.
            raise _RefusedError(408, lingers=False) from None
        if message["type"] != "http.request":
            raise ClientDisconnect
        if len(raw) > self._max_body_bytes:
            raise _RefusedError(413, lingers=False)
        return raw


def _declared(scope: Scope) -> int:
    """Return the length that a request says it has; 0 when it says none."""
    return next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)


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
