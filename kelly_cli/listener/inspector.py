"""The inspector: a thread that reads the pages which the start had no time for.

No callback waits for it. When it finds damage, the books are trusted no longer: from then on
callbacks go to the spool, and a person is told.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from kelly_cli.errors import KellyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kelly_cli.services.standing import Standing

LOOK_EVERY_S = 2.0
AGAIN_S = 60.0
"""After a look that failed for another reason than damage."""


class Inspector:
    """The thread. ``complain`` tells a person."""

    def __init__(self, standing: Standing, complain: Callable[[str], None]) -> None:
        self._standing = standing
        self._complain = complain
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kelly-inspector", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, *, timeout_s: float) -> None:
        """End it, also within a look."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        pause_s = LOOK_EVERY_S
        while not self._over.wait(pause_s):
            pause_s = LOOK_EVERY_S
            if not self._standing.has_unread_pages:
                continue
            try:
                self._standing.read_on(self._over)
            except Exception as error:  # noqa: BLE001 - the thread must outlive everything
                pause_s = AGAIN_S
                said = error.message if isinstance(error, KellyError) else repr(error)
                self._complain(f"Warning: the pages of the database were looked at: {said}")
