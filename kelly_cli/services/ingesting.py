"""Files of callbacks onto the one road, streamed: a million lines are not a million in memory."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, BinaryIO

from kelly_cli.daraja.pieces import split
from kelly_cli.services.inbox import Delivery, Inbox, Tally, delivery_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kelly_cli.daraja.messages import Kind

FIRST_ROWS, FEWEST_ROWS, MOST_ROWS = 1000, 200, 5000
"""Callbacks that one unit of work takes: more than the most is no faster."""

UNIT_S = 0.25
"""How long a unit of work should hold the books: a listener's callback waits for one of them."""

BULK_BYTES = 8 << 20
"""A unit of work is cut earlier when its bodies are this large."""


class Ingest:
    """One run over files. ``tally`` is right at any moment: it counts what is committed.

    ``kind`` None = the shape of each piece says what it is.
    """

    def __init__(self, inbox: Inbox, *, kind: Kind | None = None) -> None:
        self._inbox = inbox
        self._kind = kind
        self._ids = delivery_ids()
        self._stopping = False
        self.tally = Tally()

    def stop(self) -> None:
        """Stop after the unit of work that runs now."""
        self._stopping = True

    def run(self, stream: BinaryIO, source: str, advance: Callable[[int], None]) -> bool:
        """Take every piece of one stream; tell ``advance`` the bytes read since it was last told.

        Return False when it was stopped before the end.

        Raises:
            StorageError: the database took no more; ``tally`` says how far it came.
        """
        pieces = split(stream)
        told = 0
        with _collecting_between_batches() as collect:
            rows, source_of_pieces = FIRST_ROWS, iter(pieces)
            while batch := _next_batch(source_of_pieces, rows):
                if self._stopping:
                    return False
                started = monotonic()
                self._take(batch, source)
                rows = _fitting(rows, monotonic() - started)
                collect()
                advance(pieces.bytes_read - told)
                told = pieces.bytes_read
        return True

    def _take(self, batch: list[bytes], source: str) -> None:
        if self._kind == "validation":
            self.tally.processed += self._inbox.keep_validations(batch, source)
            return
        kind, ids = self._kind, self._ids
        deliveries = [Delivery(raw, kind, source, next(ids)) for raw in batch]
        for entry in self._inbox.take(deliveries):
            self.tally.add(entry)


@contextmanager
def _collecting_between_batches() -> Iterator[Callable[[], object]]:
    """Keep the cycle collector from walking a batch that is alive: it costs a sixth of the rate."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield lambda: gc.collect(0)
    finally:
        if was_on:
            gc.enable()


def _fitting(rows: int, took_s: float) -> int:
    """Return how many callbacks the next unit of work takes, so that it holds the books briefly."""
    wanted = int(rows * UNIT_S / max(took_s, 0.001))
    return max(FEWEST_ROWS, min(MOST_ROWS, wanted, rows * 2))


def _next_batch(pieces: Iterator[bytes], rows: int) -> list[bytes]:
    """Take up to ``rows`` pieces, fewer when they are large."""
    batch: list[bytes] = []
    size = 0
    while size < BULK_BYTES and len(batch) < rows:
        more = list(islice(pieces, min(500, rows - len(batch))))
        if not more:
            break
        batch += more
        size += sum(map(len, more))
    return batch
