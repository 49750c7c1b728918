"""The paths of contract section 5 and what stands behind each.

A path is compared as it came, byte for byte: no decoding, no trailing slash, no other case. With a
token the callback paths exist only under it.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, NamedTuple

from starlette.responses import Response

from kelly_cli.listener.meters import CONTENT_TYPE, Meters
from kelly_cli.services.inbox import Answered

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kelly_cli.daraja.messages import Kind
    from kelly_cli.listener.counts import Counts
    from kelly_cli.listener.health import Health
    from kelly_cli.listener.validation import Validator
    from kelly_cli.listener.writer import Writer

RETRY_AFTER_S = 5

_TOKEN_PREFIX = b"/hooks/"


def _json(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, media_type="application/json")


ACCEPTED = _json(b'{"ResultCode": 0, "ResultDesc": "Accepted"}')
VALID = _json(b'{"ResultCode": "0", "ResultDesc": "Accepted"}')


def _rejection(code: str) -> Response:
    return _json(f'{{"ResultCode": "{code}", "ResultDesc": "Rejected"}}'.encode())


VALIDATION_ERROR = _rejection("C2B00016")
UNAVAILABLE = _json(b"{}", 503, {"retry-after": str(RETRY_AFTER_S)})
GOOD = _json(b'{"status": "ok"}')
AWAY = _json(b'{"status": "ok", "database": "away"}')
BAD = _json(b'{"status": "unavailable"}', 503)


class Page(NamedTuple):
    """Something to look at. ``near``: only from this machine and from allowed addresses."""

    answer: Callable[[], Awaitable[Response]]
    near: bool
    method: str = "GET"


class Door(NamedTuple):
    """Something to post to. ``path``: without a token."""

    answer: Callable[[bytes, Kind], Awaitable[Response]]
    kind: Kind
    method: str = "POST"
    path: str = ""


class Desk:
    """What is done with a request that passed the gate."""

    def __init__(
        self, writer: Writer, health: Health, counts: Counts, validator: Validator | None = None
    ) -> None:
        self._writer = writer
        self._validator = validator
        self._health = health
        self._meters = Meters(counts, waiting=lambda: writer.waiting)

    async def keep(self, raw: bytes, kind: Kind) -> Response:
        """Answer 200 once the bytes are on disk, whatever becomes of them."""
        kept = self._writer.offer(raw, kind)
        return ACCEPTED if kept is not None and await kept else UNAVAILABLE

    async def validate(self, raw: bytes, _kind: Kind) -> Response:
        """Answer in time by the policy; keeping the request may come later."""
        try:
            validator = self._validator
            answered = Answered(raw) if validator is None else await validator.answer(raw)
            self._writer.keep_validation(answered)
        except Exception:  # noqa: BLE001 - Safaricom has a code for it, and the payer waits
            return VALIDATION_ERROR
        return VALID if answered.result_code == "0" else _rejection(answered.result_code)

    async def health(self) -> Response:
        """Answer 200 while a callback sent now would be kept."""
        if not await self._health.is_good():
            return BAD
        return AWAY if self._health.is_away else GOOD

    async def metrics(self) -> Response:
        """Answer the counters as Prometheus reads them."""
        return Response(self._meters.text(), headers={"content-type": CONTENT_TYPE})


class Routes:
    """From a raw path to what stands behind it. ``token`` None = the callback paths are bare."""

    def __init__(self, desk: Desk, token: str | None) -> None:
        self._pages: dict[bytes, Page | Door] = {
            b"/healthz": Page(desk.health, near=False),
            b"/metrics": Page(desk.metrics, near=True),
        }
        doors = {
            b"/api/webhooks/mpesa": Door(desk.keep, "confirmation"),
            b"/c2b/confirmation": Door(desk.keep, "confirmation"),
            b"/c2b/validation": Door(desk.validate, "validation"),
            b"/stk/callback": Door(desk.keep, "stk"),
        }
        for asked in (b"status", b"balance", b"reversal"):
            doors[b"/results/" + asked] = Door(desk.keep, "result")
            doors[b"/timeouts/" + asked] = Door(desk.keep, "timeout")
        self._doors = {path: door._replace(path=path.decode()) for path, door in doors.items()}
        self._token = None if token is None else token.encode()

    def find(self, raw_path: bytes) -> Page | Door | None:
        """Return what stands behind a path, or None; a wrong token is an unknown path."""
        page = self._pages.get(raw_path)
        if page is not None:
            return page
        if self._token is None:
            return self._doors.get(raw_path)
        given, slash, rest = raw_path.removeprefix(_TOKEN_PREFIX).partition(b"/")
        # Compared whatever else is wrong: the time tells nothing about the token.
        right = hmac.compare_digest(given, self._token)
        if not (right and raw_path.startswith(_TOKEN_PREFIX)):
            return None
        return self._doors.get(slash + rest)
