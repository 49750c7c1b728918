"""What the pretend Safaricom remembers, in memory and for one event loop: nothing outlives it."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.daraja.sandbox.payers import Payers
from kelly_cli.daraja.sandbox.posting import Posted, Poster, is_here
from kelly_cli.daraja.sandbox.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from kelly_cli.daraja.sandbox.scenario import Answer, Scenario

DEADLINE_S = 8.0
"""How long M-PESA waits for an answer. Source: daraja-facts 4.4."""


class Event(NamedTuple):
    """Something to tell whoever watches. Holds no URL, because a URL may hold a secret path.

    ``what``: ``request`` (name: its path) or a callback by its kind (name: what it is about).
    """

    at: datetime
    what: str
    name: str
    outcome: str


class Settings(NamedTuple):
    """How to be. ``now`` gives aware instants; ``anywhere``: callbacks may leave this machine.

    ``plays``: the scenario's payments are dealt once URLs are registered.
    """

    now: Callable[[], datetime]
    seed: int
    scenario: Scenario
    one_shot: bool = False
    tell: Callable[[Event], None] | None = None
    deadline_s: float = DEADLINE_S
    anywhere: bool = False
    plays: bool = False


class Registered(NamedTuple):
    """Where the callbacks of a short code go."""

    short_code: str
    confirmation_url: str
    validation_url: str
    response_type: str
    api: str
    at: datetime


@dataclass(slots=True, kw_only=True)
class Prompt:
    """A payer who is asked for his PIN. ``code`` None = he has not answered yet."""

    merchant_id: str
    checkout_id: str
    short_code: str
    kind: str
    phone: str
    amount_cents: int
    reference: str
    callback_url: str
    code: int | None = None
    told: str = ""


class Tokens:
    """Access tokens: whose they are, until when, and for how many requests."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[str, datetime, int]] = {}
        self.issued = 0

    def issue(self, key: str, until: datetime, uses: int, *, older_die: bool) -> str:
        """Return a fresh token. ``uses`` 0 = any number of requests."""
        if older_die:
            self._tokens = {each: held for each, held in self._tokens.items() if held[0] != key}
        token = secrets.token_urlsafe(21)
        self._tokens[token] = (key, until, uses or -1)
        self.issued += 1
        return token

    def is_good(self, token: str, now: datetime) -> bool:
        """Tell whether a token is good, and use it once."""
        key, until, uses = self._tokens.get(token, ("", now, 0))
        if uses == 0 or now >= until:
            return False
        self._tokens[token] = (key, until, uses - 1)
        return True


class Sandbox:
    """The pretend Safaricom."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.payers = Payers(settings.seed)
        self.truth = Truth()
        self.tokens = Tokens()
        self.registered: dict[str, Registered] = {}
        self.pulls: set[str] = set()
        """Short codes that are registered to pull."""
        self.prompts: dict[str, Prompt] = {}
        self.playing = asyncio.Lock()
        self.is_to_play = settings.plays
        """Whether the scenario's payments wait for URLs to post to."""
        self._poster = Poster(settings.deadline_s)
        self._tasks: set[asyncio.Task[None]] = set()
        self._run = f"{secrets.randbelow(10**6):06d}"
        """In every id, so that those of two runs never meet, whatever the seed."""
        self._numbers = 0
        self._answers: list[list[Answer]] = []
        self.take_up(settings.scenario)

    def take_up(self, scenario: Scenario) -> None:
        """Behave like that from now on."""
        self.scenario = scenario
        self._answers = [[each] * each.times for each in scenario.answers]

    @property
    def registers_once(self) -> bool:
        """Whether a second registration is refused, as in production."""
        return self.settings.one_shot or self.scenario.registration.once

    def now(self) -> datetime:
        """Return Nairobi wall-clock, without zone and in whole seconds, as M-PESA tells it."""
        return nairobi_wall_clock(self.settings.now()).replace(microsecond=0)

    def until(self, seconds: int) -> datetime:
        """Return the instant in so many seconds."""
        return self.settings.now() + timedelta(seconds=seconds)

    def number(self, form: str) -> str:
        """Return a fresh id: ``form`` with a number for each ``#``."""
        self._numbers += 1
        return form.replace("#", f"{self._run}{self._numbers:06d}")

    def misbehaviour(self, path: str) -> Answer | None:
        """Return what a request to a path gets instead of its answer, once for each time."""
        for left in self._answers:
            if left and path.startswith(left[0].path):
                return left.pop()
        return None

    async def post(
        self, kind: str, about: str, url: str, body: bytes, content_type: str = "application/json"
    ) -> Posted:
        """Post a callback once, and tell what came of it."""
        if self.settings.anywhere or is_here(url):
            posted = await self._poster.post(url, body, content_type)
        else:
            posted = Posted(None, b"", "not sent: pretend money stays on this machine")
        self.tell(kind, about, posted.problem or str(posted.status))
        return posted

    def tell(self, what: str, name: str, outcome: str) -> None:
        """Tell whoever watches."""
        if self.settings.tell is not None:
            self.settings.tell(Event(self.settings.now(), what, name, outcome))

    def begin(self, work: Coroutine[object, object, None]) -> None:
        """Let work go on beside."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Return once nothing goes on beside."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Stop all that goes on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._poster.close()
