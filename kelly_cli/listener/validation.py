"""Validation by policy, in time: the books are asked in threads, and the payer never waits long.

Reading does not wait for the writer; when a look at the books hangs or fails all the same, ``warn``
accepts and ``strict`` refuses. Nothing here is money.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING

from kelly_cli.services.inbox import Answered
from kelly_cli.services.validating import OTHER, Doubt

if TYPE_CHECKING:
    from collections.abc import Callable

THREADS = 4
WITHIN_S = 1.5
"""From the last byte of a request to its answer (the contract promises 2)."""
MOST_WAITING = 1000
_IN_TIME = "not_judged: the books did not answer in time"


class Validator:
    """The policies ``warn`` and ``strict``. ``judge`` reads the books, in threads of its own."""

    def __init__(self, judge: Callable[[bytes], Doubt | None], *, strict: bool) -> None:
        self._judge = judge
        self._strict = strict
        self._queue: SimpleQueue[tuple[bytes, asyncio.Future[Doubt | None]]] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"kelly-validation-{number}", daemon=True)
            for number in range(THREADS)
        ]

    def start(self) -> None:
        """Start the threads; they end with the process."""
        for thread in self._threads:
            thread.start()

    async def answer(self, raw: bytes) -> Answered:
        """Return what to answer, in time whatever the books do."""
        if self._queue.qsize() >= MOST_WAITING:
            return self._answered(raw, Doubt(OTHER, _IN_TIME))
        judged: asyncio.Future[Doubt | None] = asyncio.get_running_loop().create_future()
        self._queue.put((raw, judged))
        try:
            async with asyncio.timeout(WITHIN_S):
                return self._answered(raw, await judged)
        except TimeoutError:
            return self._answered(raw, Doubt(OTHER, _IN_TIME))

    def _answered(self, raw: bytes, doubt: Doubt | None) -> Answered:
        if doubt is None:
            return Answered(raw)
        if self._strict:
            return Answered(raw, doubt.code, doubt.why)
        return Answered(raw, "0", f"{doubt.code} {doubt.why}")

    def _run(self) -> None:
        while True:
            raw, judged = self._queue.get()
            if judged.done():
                # Whoever asked has his answer.
                continue
            try:
                doubt = self._judge(raw)
            except Exception as error:  # noqa: BLE001 - the thread must outlive everything
                doubt = Doubt(OTHER, f"not_judged: {type(error).__name__}: {error}"[:300])
            # A loop that is closed has nobody left to answer.
            with suppress(RuntimeError):
                judged.get_loop().call_soon_threadsafe(_settle, judged, doubt)


def _settle(judged: asyncio.Future[Doubt | None], doubt: Doubt | None) -> None:
    if not judged.done():
        judged.set_result(doubt)
