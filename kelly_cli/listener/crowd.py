"""How many connections there are, and who goes when there are too many.

Who has been sending a request for the longest goes first: a callback needs milliseconds, a slow
stranger never ends. After them go those who rest between two requests, and nobody who waits for an
answer. One thread, the loop's, uses it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_CONNECTIONS = 1024
MOST_OF_A_STRANGER = 32
"""Connections from one address that is on no list."""


class Guest(Protocol):
    """A connection, as far as the crowd knows it."""

    def leave(self) -> None:
        """Go, at once and without an answer."""


class Crowd:
    """All connections of one listener. ``place_of_stranger``: None = not counted by address."""

    def __init__(
        self,
        place_of_stranger: Callable[[str], object | None],
        *,
        most: int = MOST_CONNECTIONS,
        most_of_a_stranger: int = MOST_OF_A_STRANGER,
    ) -> None:
        self._place_of_stranger = place_of_stranger
        self._most = most
        self._most_of_a_stranger = most_of_a_stranger
        self._places: Counter[object] = Counter()
        # In the order in which they began; dictionaries keep it.
        self._sending: dict[Guest, None] = {}
        self._resting: dict[Guest, None] = {}
        self.size = 0
        self.turned_away = 0
        """Connections that ended without a word since the start."""

    def enter(self, guest: Guest, peer: str) -> object | None:
        """Count a new connection; return by what it is counted, which ``left`` is told.

        When there are too many, one of them ends.
        """
        place = self._place_of_stranger(peer)
        self.size += 1
        if place is not None:
            self._places[place] += 1
            if self._places[place] > self._most_of_a_stranger:
                self._turn_away(guest)
                return place
        if self.size > self._most:
            self._turn_away(next(iter(self._sending or self._resting), guest))
        return place

    def left(self, guest: Guest, place: object | None) -> None:
        """Forget a connection."""
        self.size -= 1
        self.has_sent(guest)
        if place is not None:
            self._places[place] -= 1
            if not self._places[place]:
                del self._places[place]

    def is_sending(self, guest: Guest) -> None:
        """Remember that a request began and is not whole; a second word changes nothing."""
        self._sending.setdefault(guest, None)

    def has_sent(self, guest: Guest) -> None:
        """Remember that its request is whole: it waits for its answer."""
        self._sending.pop(guest, None)
        self._resting.pop(guest, None)

    def rests(self, guest: Guest) -> None:
        """Remember that it has its answer."""
        self._resting[guest] = None

    def _turn_away(self, guest: Guest) -> None:
        self.turned_away += 1
        self.has_sent(guest)
        guest.leave()
