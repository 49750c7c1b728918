"""Progress: a bar on stderr for work that takes a while, and nothing at all for work that does not.

Nothing is imported or drawn before the work is known to be slow.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kelly_cli.render.terminal import Bar


class Progress:
    """How far a piece of work is. ``draw`` makes the bar; None = never show one."""

    def __init__(self, draw: Callable[[], Bar] | None, *, after_s: float) -> None:
        self._draw = draw
        self._done = 0
        self._visible_at = time.monotonic() + after_s
        self._bar: Bar | None = None

    def advance(self, n: int = 1) -> None:
        """Say that ``n`` more pieces are done."""
        self._done += n
        if self._bar is None and self._draw and time.monotonic() >= self._visible_at:
            self._bar = self._draw()
        if self._bar is not None:
            self._bar.move_to(self._done)

    def say(self, line: str) -> bool:
        """Print a line above the bar; False when there is no bar to print above."""
        if self._bar is None:
            return False
        self._bar.say(line)
        return True

    def close(self) -> None:
        """Take the bar away."""
        self._draw = None
        if self._bar is not None:
            self._bar.close()
            self._bar = None
