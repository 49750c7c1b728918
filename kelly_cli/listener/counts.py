"""What the listener counts as it goes: plain numbers, cheap on the hot path.

Each number has one thread that raises it, so no lock is needed; any thread may read. How they look
to Prometheus is for ``meters``, what is worth an alert for ``watch``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ACK_BOUNDS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
BATCH_BOUNDS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2000)


class Spread:
    """How values spread over buckets, each up to its bound, the last without one."""

    __slots__ = ("bounds", "buckets", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.buckets = [0] * (len(bounds) + 1)
        self.total: float = 0

    def see(self, value: float) -> None:
        """Count one value."""
        self.buckets[bisect_left(self.bounds, value)] += 1
        self.total += value


def _none() -> int:
    return 0


@dataclass(slots=True)
class Counts:
    """Since the start of this process."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By kind and outcome: what became of callbacks."""
    commits: int = 0
    """Units of work that kept callbacks."""
    answers: Counter[int] = field(default_factory=Counter)
    """By HTTP status."""
    plausible_refusals: int = 0
    """Bodies refused by address that look like a callback for a short code of ours."""
    acks: Spread = field(default_factory=lambda: Spread(ACK_BOUNDS_S))
    """Seconds from the last byte of a callback to its answer."""
    batches: Spread = field(default_factory=lambda: Spread(BATCH_BOUNDS))
    """Callbacks in a unit of work."""
    last_callback_s: float | None = None
    """When the last one was answered, by the monotonic clock."""
    spool_depth: Callable[[], int] = _none
    """Asked for the callbacks in the spool; whoever has a spool sets it. Any thread asks."""
    away_s: Callable[[], int] = _none
    """Asked for how long the database has taken nothing, in seconds; 0 = it takes callbacks."""
    turned_away: Callable[[], int] = _none
    """Asked for the connections that ended without a word, because there were too many."""
    let_go: int = 0
    """Bodies refused by address that came too fast for the quarantine."""
    unkept_validations: int = 0
    """Validation requests that were answered and found no room to wait for the books."""
