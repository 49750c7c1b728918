"""Which alert is sent, and when: something that happened, or something that goes on.

Promise: the first of a kind is an alert at once; what follows within the window is counted and told
when the window ends. An alert holds a kind and numbers, and nothing that came from outside. What is
remembered is one short record for each kind. Times are seconds of any steady clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

AlertKind: TypeAlias = Literal[
    "failed", "conflict", "unavailable", "refused", "spool", "away", "silence", "disk"
]
KINDS: tuple[AlertKind, ...] = get_args(AlertKind)
GOING_ON: frozenset[AlertKind] = frozenset({"spool", "away", "silence", "disk"})
"""States: their number is a size, the newest counts. Of the others each is one more event."""

_TEXTS: Mapping[AlertKind, tuple[str, str]] = {
    "failed": (
        "{n} failed",
        "Callbacks that failed or found no owner: {n}. See: kelly webhook list --failed",
    ),
    "conflict": (
        "{n} in conflict",
        "Repeats of a receipt with other facts: {n}. See: kelly webhook list --conflicts",
    ),
    "unavailable": (
        "{n} answered 503",
        "Callbacks that could not be kept and were answered 503: {n}. See the listener's log.",
    ),
    "refused": (
        "{n} refused that look genuine",
        "Refused by address, but looking genuine: {n}. See: kelly webhook quarantine list",
    ),
    "spool": (
        "{n} wait in the spool",
        "Callbacks that are safe in the spool because the database does not take them: {n}.",
    ),
    "away": (
        "the database is away for {n} s",
        "The database has taken nothing for {n} s: callbacks wait in the spool. Look at its log.",
    ),
    "silence": (
        "no callback for {n} min",
        "No callback for {n} minutes of business, much longer than usual. Does M-Pesa reach us?",
    ),
    "disk": (
        "{n} MiB left on the disk",
        "Only {n} MiB are free where callbacks are. They are kept as long as there is room.",
    ),
}


class Alert(NamedTuple):
    """What is to be sent. ``number``: events, or the size of a state."""

    kind: AlertKind
    number: int

    @property
    def title(self) -> str:
        """One short line."""
        return f"kelly: {_TEXTS[self.kind][0].format(n=self.number)}"

    @property
    def text(self) -> str:
        """What happened, and where to look."""
        return _TEXTS[self.kind][1].format(n=self.number)


@dataclass(slots=True)
class _Kind:
    number: int = 0
    sent_at_s: int | None = None


class Alerting:
    """Decides what is sent. ``repeat_s``: a kind is told once in this time."""

    def __init__(self, *, repeat_s: int) -> None:
        self._repeat_s = repeat_s
        self._kinds: dict[AlertKind, _Kind] = {}

    def happened(self, kind: AlertKind, number: int = 1) -> None:
        """Take note of something that happened ``number`` times."""
        if number > 0:
            self._kinds.setdefault(kind, _Kind()).number += number

    def goes_on(self, kind: AlertKind, size: int | None) -> None:
        """Take note of a state and its size; None = it does not hold (any more)."""
        self._kinds.setdefault(kind, _Kind()).number = size or 0

    def due(self, now_s: int) -> list[Alert]:
        """Return what is to be sent now, and count it as sent."""
        alerts = []
        for kind in KINDS:
            state = self._kinds.get(kind)
            if state is None or not state.number or self._waits(state, now_s):
                continue
            alerts.append(Alert(kind, state.number))
            state.number, state.sent_at_s = 0, now_s
        return alerts

    def _waits(self, state: _Kind, now_s: int) -> bool:
        return state.sent_at_s is not None and now_s - state.sent_at_s < self._repeat_s
