"""The hub of the live page: one thread asks the books for everybody, at most once a second.

Promise: however many pages are open, there is one look a second and nobody waits for another's
slowness: each page gets the newest drawing when it can take one, and none in between. When nobody
looks, nothing is asked. Knows nothing of what is drawn.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOK_S = 1.0
REDRAW_S = 15.0
"""What depends on the clock is drawn anew after this, also when nothing changed."""
IDLE_S = 5.0
MOST_PAGES = 32
"""Different pages (short codes) that are remembered."""


class Source(Protocol):
    """What is looked at. Its methods may wait, run in one thread, and raise nothing."""

    def mark(self) -> object:
        """Return something that differs when the drawing may: the cheap question."""

    def draw(self, name: str) -> str:
        """Return the drawing of one page."""

    def rest(self) -> None:
        """Let go of what is open: nobody looks."""


@dataclass(slots=True)
class Page:
    """One page as it was drawn last. ``version`` 0 = not yet."""

    html: str = ""
    version: int = 0
    mark: object = None
    drawn_s: float = 0.0
    wanted_s: float = 0.0
    watchers: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Hub:
    """Draws pages for those who watch them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pages: dict[str, Page] = {}
        self._thread = ThreadPoolExecutor(1, "kelly-board")
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.is_over = False

    def start(self) -> None:
        """Begin to look, in the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """End: whoever waits is woken."""
        self.is_over = True
        if self._task is not None:
            self._task.cancel()
        for page in self._pages.values():
            page.changed.set()
        self._thread.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def watching(self, name: str) -> Iterator[Page]:
        """Keep a page alive while the block runs."""
        page = self._page(name)
        page.watchers += 1
        self._wanted.set()
        try:
            yield page
        finally:
            page.watchers -= 1
            page.wanted_s = monotonic()

    async def newer(self, page: Page, than: int, *, within_s: float) -> bool:
        """Return whether a page has a newer drawing; wait for one up to a time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while page.version == than and not self.is_over:
                    changed = page.changed
                    await changed.wait()
        return page.version != than

    def _page(self, name: str) -> Page:
        page = self._pages.pop(name, None) or Page()
        page.wanted_s = monotonic()
        self._pages[name] = page
        for other in [key for key, each in self._pages.items() if not each.watchers]:
            if len(self._pages) > MOST_PAGES and other != name:
                del self._pages[other]
        return page

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began_s = monotonic()
            # Whoever comes from here on, even while the source goes to rest, wakes it again.
            self._wanted.clear()
            wanted = {
                name: page
                for name, page in self._pages.items()
                if page.watchers or began_s - page.wanted_s < IDLE_S
            }
            if not wanted:
                await loop.run_in_executor(self._thread, self._source.rest)
                await self._wanted.wait()
                continue
            await self._turn(wanted)
            await asyncio.sleep(max(began_s + LOOK_S - monotonic(), 0.05))

    async def _turn(self, wanted: dict[str, Page]) -> None:
        """Ask the cheap question; draw the one page that is out of date for longest."""
        loop = asyncio.get_running_loop()
        mark = await loop.run_in_executor(self._thread, self._source.mark)
        now_s = monotonic()
        stale = [
            (page.drawn_s, name)
            for name, page in wanted.items()
            if page.mark != mark or now_s - page.drawn_s >= REDRAW_S
        ]
        if not stale:
            return
        name = min(stale)[1]
        page = wanted[name]
        html = await loop.run_in_executor(self._thread, self._source.draw, name)
        page.mark, page.drawn_s = mark, monotonic()
        if html != page.html:
            page.html = html
            page.version += 1
            page.changed.set()
            page.changed = asyncio.Event()
