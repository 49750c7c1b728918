"""What the listener counts, and how Prometheus reads it.

Each number has one thread that raises it, so no lock is needed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

OUTCOMES = ("processed", "duplicate", "conflict", "unmatched", "failed")
CONTENT_TYPE = "text/plain; version=0.0.4"


@dataclass(slots=True)
class Counts:
    """Since the start of this process."""

    outcomes: Counter[str] = field(default_factory=Counter)
    commits: int = 0
    """Units of work that kept callbacks."""
    answers: Counter[int] = field(default_factory=Counter)
    """By HTTP status."""

    def as_prometheus(self, *, waiting: int) -> str:
        """Return all of it as Prometheus text. ``waiting``: callbacks not on disk yet."""
        lines = ["# TYPE kelly_callbacks_total counter"]
        lines += [
            f'kelly_callbacks_total{{outcome="{name}"}} {self.outcomes[name]}' for name in OUTCOMES
        ]
        lines += ["# TYPE kelly_commits_total counter", f"kelly_commits_total {self.commits}"]
        lines += ["# TYPE kelly_http_answers_total counter"]
        lines += [
            f'kelly_http_answers_total{{status="{status}"}} {number}'
            for status, number in sorted(self.answers.items())
        ]
        lines += ["# TYPE kelly_callbacks_waiting gauge", f"kelly_callbacks_waiting {waiting}"]
        return "\n".join(lines) + "\n"
