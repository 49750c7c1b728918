"""The pretend Safaricom as one starlette app: Daraja's own paths, and ``/sandbox/...``."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Route

from kelly_cli.daraja.sandbox import (
    endpoints_c2b,
    endpoints_oauth,
    endpoints_pull,
    endpoints_results,
    endpoints_stk,
)
from kelly_cli.daraja.sandbox.control import PREFIX, control
from kelly_cli.daraja.sandbox.desk import Refused, answer, as_refusal
from kelly_cli.daraja.sandbox.endpoints_oauth import OAUTH, give_token
from kelly_cli.daraja.sandbox.misbehaving import misbehave
from kelly_cli.daraja.sandbox.state import Sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from kelly_cli.daraja.sandbox.state import Settings

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

_ENDPOINTS = {
    **endpoints_oauth.ENDPOINTS,
    **endpoints_c2b.ENDPOINTS,
    **endpoints_stk.ENDPOINTS,
    **endpoints_results.ENDPOINTS,
    **endpoints_pull.ENDPOINTS,
}


def build_sandbox(settings: Settings) -> Starlette:
    """Return the app; its state is made when it starts and is gone when it ends."""
    sandbox = Sandbox(settings)

    async def dispatch(request: Request) -> Response:
        path = request.url.path
        if path == PREFIX or path.startswith(f"{PREFIX}/"):
            return await control(sandbox, request)
        response = await _answer(sandbox, path, request)
        sandbox.tell("request", f"{request.method} {path}", str(response.status_code))
        return response

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await sandbox.close()

    return Starlette(
        routes=[Route("/{path:path}", dispatch, methods=list(METHODS))], lifespan=lifespan
    )


async def _answer(sandbox: Sandbox, path: str, request: Request) -> Response:
    wrong = sandbox.misbehaviour(path)
    if wrong is not None and not wrong.done:
        return await misbehave(wrong)
    response = await _serve(sandbox, path, request)
    return response if wrong is None else await misbehave(wrong)


async def _serve(sandbox: Sandbox, path: str, request: Request) -> Response:
    if path == OAUTH:
        return give_token(sandbox, request)
    endpoint = _ENDPOINTS.get(path)
    if endpoint is None:
        return as_refusal(sandbox, Refused(404, "404.001.01", "Resource not found"))
    return await answer(sandbox, endpoint, request)
