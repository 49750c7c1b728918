"""The entrance: who may come in, how often and how many at once. Knows no HTTP.

Strangers are all whose addresses are neither allowed by name, nor trusted proxies, nor on
Safaricom's list. Only they are ever limited: a callback refused is money that nobody hears of.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.listener import addresses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kelly_cli.listener.addresses import Address, Network

RATE_PER_S = 50.0
"""Requests of one stranger, when any address is allowed."""
BURST = 200.0
MOST_PLACES = 4096
"""Strangers whose requests are counted; the longest unseen is forgotten."""
REMEMBERED = 4096


class Sender(NamedTuple):
    """Who sent a request. ``address`` None: what the proxies said of him cannot be read."""

    address: Address | None
    is_allowed: bool


class Entrance:
    """The rules of one listener.

    ``allowed`` empty = any address. ``trusted``: proxies whose ``X-Forwarded-For`` is believed.
    ``published``: Safaricom's own list, never limited.
    """

    def __init__(
        self,
        *,
        allowed: Sequence[Network],
        trusted: Sequence[Network],
        published: Sequence[Network] = (),
    ) -> None:
        self._allowed = addresses.plain_networks(allowed)
        self._trusted = addresses.plain_networks(trusted)
        self._published = addresses.plain_networks(published)
        self._tokens: OrderedDict[object, tuple[float, float]] = OrderedDict()
        # The same few senders come again and again.
        self._sender = lru_cache(REMEMBERED)(self._find_sender)
        self._is_published = lru_cache(REMEMBERED)(self._find_published)
        self.place_of_stranger = lru_cache(REMEMBERED)(self._find_place_of_stranger)

    def sender(self, peer: str, headers: Sequence[tuple[bytes, bytes]]) -> Sender:
        """Return who sent a request that came from ``peer`` with these headers."""
        if not self._trusted:
            return self._sender(peer, ())
        return self._sender(
            peer, tuple(value.decode("latin-1") for n, value in headers if n == b"x-forwarded-for")
        )

    def may_look(self, sender: Sender) -> bool:
        """Tell whether a sender may see the counters: from this machine, or allowed by name."""
        address = sender.address
        return address is not None and (
            address.is_loopback or (bool(self._allowed) and sender.is_allowed)
        )

    def is_too_fast(self, sender: Sender, now_s: float) -> bool:
        """Count a request of a stranger, and tell whether it is one too many.

        Nobody is limited by a list of allowed addresses, and Safaricom never. ``now_s``: monotonic.
        """
        address = sender.address
        if self._allowed or address is None or self._is_published(address):
            return False
        place = addresses.place_of(address)
        tokens, at_s = self._tokens.pop(place, (BURST, now_s))
        tokens = min(BURST, tokens + (now_s - at_s) * RATE_PER_S)
        is_late = tokens < 1
        self._tokens[place] = (tokens if is_late else tokens - 1, now_s)
        if len(self._tokens) > MOST_PLACES:
            self._tokens.popitem(last=False)
        return is_late

    def _find_sender(self, peer: str, forwarded: tuple[str, ...]) -> Sender:
        return Sender(
            addresses.sender_of(peer, forwarded, self._trusted),
            addresses.is_allowed(peer, forwarded, self._allowed, self._trusted),
        )

    def _find_published(self, address: Address) -> bool:
        return addresses.is_in(address, self._published)

    def _find_place_of_stranger(self, peer: str) -> object | None:
        """Return by what a stranger's connections are counted; None = he is no stranger."""
        address = addresses.sender_of(peer, (), ())
        if address is None:
            return peer
        known = (*self._allowed, *self._trusted, *self._published)
        return None if addresses.is_in(address, known) else addresses.place_of(address)
