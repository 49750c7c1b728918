"""What the listener and its clerk, the process that has the books open, say to each other.

One socket pair between a process and the child that it started itself: frames of plain values,
each behind its length. Marshal is the cheapest that takes bytes as they are; nobody else ever
writes there. The words of both sides stand here, and what each of them promises.
"""

from __future__ import annotations

import marshal
import select
import struct
import threading
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

Frame: TypeAlias = tuple[Any, ...]
"""A word and what goes with it."""

# To the clerk. The first frame on the wire is what it starts with, the others are:
TAKE = "take"
"""Callbacks (bytes, kind, delivery id): each will be kept, or not kept, in the order sent."""
ASKED = "asked"
"""Validation requests (bytes, result code, note): noted or not noted, in the order sent."""
DRAIN = "drain"
"""Look into the spool now."""
STOP = "stop"
"""Finish what was sent, then say that it has ended."""

# From the clerk.
READY = "ready"
"""It takes callbacks from now on."""
KEPT = "kept"
"""The next so many callbacks are on disk: number. What happened to each follows by itself."""
NOT_KEPT = "not kept"
"""The next so many are not: number, whether the database is away, why."""
NOTED = "noted"
"""The next so many validation requests are on disk: number."""
NOT_NOTED = "not noted"
"""The next so many are not: number, whether the database is away, why."""
HAPPENED = "happened"
"""What became of callbacks, which nobody waits for: when (ISO), what happened to each."""
TROUBLE = "trouble"
"""Something else failed: whether the database is away, why."""
BACK = "back"
"""The database takes callbacks again."""
DOUBT = "doubt"
"""What speaks against the books now: (message, hint, code), or None."""
SAID = "said"
"""A line for a person."""
ENDED = "ended"
"""All that was sent is done."""

_LENGTH = struct.Struct("!I")
_PIECE = 1 << 20
_MOST_AT_ONCE = 8 << 20
"""Bytes that are read before what they say is looked at."""


def pack(frame: Frame) -> bytes:
    """Return a frame as it stands on the wire."""
    said = marshal.dumps(frame)
    return _LENGTH.pack(len(said)) + said


class Reader:
    """Makes frames of pieces of the wire."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that are whole now."""
        self._rest += data
        frames: list[Frame] = []
        place, end = 0, len(self._rest)
        with memoryview(self._rest) as view:
            while end - place >= _LENGTH.size:
                (size,) = _LENGTH.unpack_from(view, place)
                if end - place - _LENGTH.size < size:
                    break
                place += _LENGTH.size
                frames.append(marshal.loads(view[place : place + size]))  # noqa: S302 - our own words
                place += size
        del self._rest[:place]
        return frames


class Wire:
    """The clerk's end: one thread reads and waits there, any thread writes."""

    def __init__(self, end: socket.socket) -> None:
        end.settimeout(None)
        self._end = end
        self._reader = Reader()
        self._writing = threading.Lock()
        self._poll = select.poll()
        self._poll.register(end, select.POLLIN)
        self.is_cut = False
        """The other side has gone."""

    def send(self, *frame: Any) -> None:
        """Say something; to a side that has gone it is lost."""
        with self._writing:
            try:
                self._end.sendall(pack(frame))
            except OSError:
                self.is_cut = True

    def receive(self, timeout_s: float | None) -> Iterable[Frame]:
        """Wait for a frame and return all that came; nothing = none came in time, or it is cut."""
        timeout_ms = None if timeout_s is None else max(timeout_s, 0) * 1000
        frames: list[Frame] = []
        size = 0
        while size < _MOST_AT_ONCE and not self.is_cut:
            # A frame that has begun is waited for: its sender is writing it.
            if not self._poll.poll(0 if frames else timeout_ms):
                break
            try:
                data = self._end.recv(_PIECE)
            except OSError:
                data = b""
            if not data:
                self.is_cut = True
                break
            size += len(data)
            frames += self._reader.feed(data)
        return frames

    def close(self) -> None:
        """Leave."""
        self.is_cut = True
        self._end.close()
