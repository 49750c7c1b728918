"""Room: how much may wait in memory, in number and in bytes. One thread enters, one leaves."""

from __future__ import annotations


class Room:
    """Counts what came in and what went out, each by one thread, so that no lock is needed."""

    def __init__(self, *, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._entered = self._entered_bytes = 0
        self._left = self._left_bytes = 0

    def enter(self, size: int) -> bool:
        """Let one of ``size`` bytes in, or tell that there is no room for it."""
        if (
            self._entered - self._left >= self._most
            or self._entered_bytes - self._left_bytes >= self._most_bytes
        ):
            return False
        self._entered += 1
        self._entered_bytes += size
        return True

    def leave(self, number: int, size: int) -> None:
        """Give back the room of ``number`` that were ``size`` bytes together."""
        self._left += number
        self._left_bytes += size
