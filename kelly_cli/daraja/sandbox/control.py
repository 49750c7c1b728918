"""``/sandbox/...``: what a developer asks of the pretend Safaricom, and it of nobody else."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from kelly_cli.core.money import parse_kes
from kelly_cli.core.times import iso_nairobi
from kelly_cli.daraja.sandbox import scenario as scenarios
from kelly_cli.daraja.sandbox.busy_day import play
from kelly_cli.daraja.sandbox.delivering import FATES, Wanted, pay
from kelly_cli.daraja.sandbox.desk import as_json
from kelly_cli.errors import KellyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from kelly_cli.daraja.sandbox.desk import Members
    from kelly_cli.daraja.sandbox.state import Sandbox

PREFIX = "/sandbox"
TEST_PHONE = "254708374149"
TEST_CODE = "174379"
"""The published ones. Source: daraja-facts 5."""
_PHONE = re.compile(r"254[17][0-9]{8}")
_CODE = re.compile(r"[0-9]{5,7}")


async def control(sandbox: Sandbox, request: Request) -> Response:
    """Answer a request to ``/sandbox/...``; what is wrong is told as kelly tells it."""
    asked = (request.method, request.url.path.removeprefix(PREFIX))
    found = _PATHS.get(asked)
    if found is None:
        listed = ", ".join(f"{method} {PREFIX}{path}" for method, path in _PATHS)
        return as_json({"error": {"code": "not_found", "message": f"There is: {listed}"}}, 404)
    try:
        return as_json(await found(sandbox, await _members(request)))
    except KellyError as error:
        return as_json(error.as_dict(), 400)


async def _members(request: Request) -> Members:
    body = await request.body()
    if not body:
        return {}
    try:
        members = json.loads(body)
    except ValueError:
        members = None
    if not isinstance(members, dict):
        raise UsageError("the body is no JSON object")
    return members


async def _about(sandbox: Sandbox, _asked: Members) -> object:
    return {
        "scenario": sandbox.scenario.name,
        "about": sandbox.scenario.about,
        "scenarios": scenarios.names(),
        "seed": sandbox.settings.seed,
        "one_shot": sandbox.registers_once,
        "tokens_issued": sandbox.tokens.issued,
    }


async def _truth(sandbox: Sandbox, _asked: Members) -> object:
    await sandbox.settled()
    return sandbox.truth.as_json()


async def _registrations(sandbox: Sandbox, _asked: Members) -> object:
    listed = [
        {**each._asdict(), "at": iso_nairobi(each.at)} for each in sandbox.registered.values()
    ]
    return {"urls": listed, "pull": sorted(sandbox.pulls)}


async def _play(sandbox: Sandbox, asked: Members) -> object:
    name, changes = asked.get("scenario", sandbox.scenario.name), asked.get("set", {})
    if not isinstance(name, str) or not isinstance(changes, dict):
        raise UsageError("scenario is a name, and set is an object of tables")
    if "scenario" in asked or changes:
        sandbox.take_up(scenarios.load_named(name, changes))
    played = await play(sandbox, _short_code(sandbox, asked))
    return played._asdict()


async def _pay(sandbox: Sandbox, asked: Members) -> object:
    try:
        cents = parse_kes(str(asked.get("amount", "")))
    except ValueError as error:
        raise UsageError(f"amount: {error}") from None
    phone, fate = str(asked.get("phone", TEST_PHONE)), str(asked.get("fate", ""))
    if not cents or not _PHONE.fullmatch(phone) or fate not in ("", *FATES):
        raise UsageError(
            f"amount is above zero, phone 2547XXXXXXXX, fate one of {', '.join(FATES)}"
        )
    wanted = Wanted(
        _short_code(sandbox, asked),
        cents,
        str(asked.get("reference", "")),
        phone,
        bool(asked.get("till", False)),
        sandbox.now(),
    )
    return (await pay(sandbox, wanted, fate)).as_json()


async def _reverse(sandbox: Sandbox, asked: Members) -> object:
    dealt = sandbox.truth.find(str(asked.get("receipt", "")))
    if dealt is None or dealt.state != "completed":
        raise UsageError("receipt names no payment that can be reversed")
    sandbox.truth.turn_back(dealt)
    return dealt.as_json()


def _short_code(sandbox: Sandbox, asked: Members) -> str:
    code = str(asked.get("short_code") or next(iter(sandbox.registered), TEST_CODE))
    if not _CODE.fullmatch(code):
        raise UsageError(f"{code!r} is no short code")
    return code


_PATHS: dict[tuple[str, str], Callable[[Sandbox, Members], Awaitable[object]]] = {
    ("GET", ""): _about,
    ("GET", "/truth"): _truth,
    ("GET", "/registrations"): _registrations,
    ("POST", "/play"): _play,
    ("POST", "/pay"): _pay,
    ("POST", "/reverse"): _reverse,
}
"""``/reverse``: as an operator does in Safaricom's portal, without any callback."""
