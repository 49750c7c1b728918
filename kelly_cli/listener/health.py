"""Whether a callback sent now would be kept: the writer's own word, and a look at the books.

The look happens in a thread of its own, one at a time, so that a database that does not answer
holds up nothing, not even the end of the process.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kelly_cli.listener.writer import Writer

LOOK_S = 2.0
"""A look that takes longer is a bad one."""


class Health:
    """Asked by ``GET /healthz``, by anyone and at any rate. ``check`` raises unless all is well."""

    def __init__(self, check: Callable[[], None], writer: Writer) -> None:
        self._check = check
        self._writer = writer
        self._look: asyncio.Future[bool] | None = None

    @property
    def is_away(self) -> bool:
        """Tell whether the database takes nothing now, so that the spool would keep it."""
        return self._writer.is_away

    async def is_good(self) -> bool:
        """Tell whether a callback sent now would be kept, by the spool at least."""
        if self._writer.keeps_away:
            return True
        if not self._writer.keeps:
            return False
        if self._look is None:
            self._look = asyncio.get_running_loop().create_future()
            threading.Thread(
                target=self._look_once, args=(self._look,), name="kelly-health", daemon=True
            ).start()
        try:
            async with asyncio.timeout(LOOK_S):
                return await asyncio.shield(self._look)
        except TimeoutError:
            return False

    def _look_once(self, look: asyncio.Future[bool]) -> None:
        try:
            self._check()
        except Exception:  # noqa: BLE001 - whatever it is, it is not good
            good = False
        else:
            good = True
        # A loop that is closed has nobody left to answer.
        with suppress(RuntimeError):
            look.get_loop().call_soon_threadsafe(self._looked, look, good)

    def _looked(self, look: asyncio.Future[bool], good: bool) -> None:  # noqa: FBT001 - the loop passes it on
        self._look = None
        if not look.done():
            look.set_result(good)
