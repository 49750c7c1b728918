"""The line to the clerk: starts him, carries frames both ways, and starts another when he dies.

Lives in the loop. A clerk ends by himself when his end of the line is closed, so that none outlives
the listener by more than the unit of work in his hands.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, cast

from kelly_cli.listener import wire

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

START_S = 30.0
"""How long the first clerk may take before the doors open without him."""
AGAIN_S = 0.1
"""The pause before another clerk is started; doubled each time that one dies soon."""
MOST_AGAIN_S = 10.0
SOUND_S = 60.0
"""A clerk who lived so long died of something new."""
_BUFFER_BYTES = 1 << 20


class Clerk(Protocol):
    """A clerk who was started: the end of his line, and what is left to do with him."""

    end: socket.socket

    def leave(self) -> str:
        """End him, if he has not ended, and tell how he did."""


class OpenClerk(Protocol):
    """Starts a clerk. ``first``: the books were opened just now; later they are looked at anew."""

    def __call__(self, *, first: bool) -> Clerk:
        """Start one.

        Raises:
            OSError: the system has no room for him.
        """


class ClerkLine(asyncio.Protocol):
    """``hear`` gets each word and its facts, ``lost`` why the clerk has gone; ``ready``: send."""

    def __init__(
        self,
        open_clerk: OpenClerk,
        *,
        hear: Callable[[str, Sequence[Any]], None],
        lost: Callable[[str], None],
        ready: Callable[[], None],
    ) -> None:
        self._open = open_clerk
        self._hear = hear
        self._lost = lost
        self._ready = ready
        self._loop: asyncio.AbstractEventLoop
        self._clerk: Clerk | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._reader = wire.Reader()
        self._starting: asyncio.Task[None] | None = None
        self._began_s = 0.0
        self._pause_s = AGAIN_S
        self._is_full = self._has_ended = self._is_closing = False
        self._moved = asyncio.Event()
        self.is_open = False
        """He takes callbacks, as far as anybody knows."""

    @property
    def takes(self) -> bool:
        """Tell whether something may be sent now: there is a clerk, and room on the line."""
        return self.is_open and not self._is_full

    async def start(self) -> None:
        """Start the first clerk, and wait until he is ready, dead, or too slow to wait for."""
        self._loop = asyncio.get_running_loop()
        await self._start_one(first=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(START_S):
                await self._moved.wait()

    def send(self, word: str, *facts: Any) -> None:
        """Send a frame; to a clerk who has died it is lost, and ``lost`` comes."""
        if self._transport is not None:
            self._transport.write(wire.pack((word, *facts)))

    async def finish(self, *, timeout_s: float) -> bool:
        """Ask the clerk to end, and tell whether he did in time; in the end there is none."""
        self._is_closing = True
        if self._starting is not None:
            self._starting.cancel()
        self._moved.clear()
        self.send(wire.STOP)
        if self.is_open:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._moved.wait()
        if self._transport is not None:
            self._transport.close()
        if self._clerk is not None:
            self._clerk.leave()
        return self._has_ended

    async def _start_one(self, *, first: bool) -> None:
        self._began_s = monotonic()
        try:
            self._clerk = self._open(first=first)
            self._reader = wire.Reader()
            self._is_full = self._has_ended = False
            await self._loop.create_connection(lambda: self, sock=self._clerk.end)
        except OSError as error:
            self._start_again(f"the process that has the books open cannot be started: {error}")

    def _start_again(self, why: str) -> None:
        self.is_open = False
        self._transport = None
        self._moved.set()
        if self._is_closing:
            return
        lived_s = monotonic() - self._began_s
        self._pause_s = AGAIN_S if lived_s > SOUND_S else min(self._pause_s * 2, MOST_AGAIN_S)
        self._starting = self._loop.create_task(self._start_later(self._pause_s))
        self._lost(why)

    async def _start_later(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        await self._start_one(first=False)

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Have a line."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.set_write_buffer_limits(high=_BUFFER_BYTES)

    def data_received(self, data: bytes) -> None:
        """Hear what he says."""
        for word, *facts in self._reader.feed(data):
            if word == wire.READY:
                self.is_open = True
                self._moved.set()
                self._ready()
            elif word == wire.ENDED:
                self._has_ended = True
                self._moved.set()
            else:
                self._hear(word, facts)

    def pause_writing(self) -> None:
        """Let what comes grow together."""
        self._is_full = True

    def resume_writing(self) -> None:
        """Go on."""
        self._is_full = False
        self._ready()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - what the clerk died of is told by his end
        """Do without him, and start another."""
        how = "" if self._clerk is None or self._is_closing else self._clerk.leave()
        self._start_again(f"the process that has the books open ended ({how}): another is started")
