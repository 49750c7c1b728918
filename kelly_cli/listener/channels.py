"""Where alerts go: one thread and one short queue for each address, sent by apprise.

Promise: a channel that is dead or slow holds up nothing but itself. It is tried again for a while;
what does not fit into its queue pushes out the oldest. Its address is a secret and is never told.
"""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections import deque
from contextlib import suppress
from importlib.util import find_spec
from time import monotonic
from typing import TYPE_CHECKING, Any

from kelly_cli.errors import ConfigError
from kelly_cli.listener.logs import Note

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from kelly_cli.core.alerting import Alert

MOST_WAITING = 50
AGAIN_S = (1, 2, 5, 10, 20, 30)
"""After a failure; the last one repeats."""
OLDEST_S = 3600.0
"""An alert that could not be sent for so long is let go."""


PHONE = "{phone}"
"""An address that holds it is for customers: alerts do not go there."""
_BETWEEN = r"(?i)[\s,]+(?=[a-z][a-z0-9+.-]*://)"


class Channel:
    """One address. ``deliver`` sends a title and a text and tells whether it went; it may wait.

    ``name`` is for the log and tells nothing of the address; ``note`` gets events for the log.
    """

    def __init__(
        self, name: str, deliver: Callable[[str, str], bool], note: Callable[[Note], None]
    ) -> None:
        self._name = name
        self._deliver = deliver
        self._note = note
        self._queue: deque[tuple[float, Alert]] = deque(maxlen=MOST_WAITING)
        self._some = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"kelly-{name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def send(self, alert: Alert) -> None:
        """Send it, later. Never waits."""
        self._queue.append((monotonic(), alert))
        self._some.set()

    def stop(self, *, timeout_s: float) -> None:
        """Send what waits, each once, as far as that goes in ``timeout_s``."""
        self._over.set()
        self._some.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        failures = 0
        while True:
            self._some.wait()
            self._some.clear()
            while self._queue:
                waiting = self._queue.popleft()
                if self._goes(waiting[1]):
                    failures = 0
                    continue
                if self._over.is_set():
                    return
                self._keep(waiting)
                failures += 1
                if failures == 1:
                    self._note(Note("warning", "alert_not_sent", {"channel": self._name}))
                self._over.wait(AGAIN_S[min(failures, len(AGAIN_S)) - 1])
            if self._over.is_set():
                return

    def _goes(self, alert: Alert) -> bool:
        with suppress(Exception):
            return self._deliver(alert.title, alert.text)
        return False

    def _keep(self, waiting: tuple[float, Alert]) -> None:
        """Put an alert that did not go in front again, unless it is old or newer ones need room."""
        if monotonic() - waiting[0] < OLDEST_S and len(self._queue) < MOST_WAITING:
            self._queue.appendleft(waiting)


def open_channels(urls: str, note: Callable[[Note], None]) -> list[Channel]:
    """Return a channel, not started yet, for each of the Apprise URLs that are for alerts.

    Raises:
        ConfigError: ``missing_extra``, apprise is not installed; ``bad_alert_url``.
    """
    apprise = load_apprise()
    channels = []
    for number, url in addresses_in(urls):
        if PHONE in url:
            continue
        made = opened(apprise, url)
        if made is None:
            raise bad_address(number)
        channels.append(Channel(f"alerts-{number}", _delivers(made), note))
    return channels


def load_apprise() -> ModuleType:
    """Return apprise, made quiet.

    Raises:
        ConfigError: ``missing_extra``, it is not installed.
    """
    if find_spec("apprise") is None:
        raise ConfigError(
            "alerts.urls is set, and alerts need the package apprise, which is not installed",
            hint="pip install 'kelly-cli[alerts]'",
            code="missing_extra",
        )
    apprise = _apprise()
    # It would print addresses, secrets and all, on stderr.
    logger = logging.getLogger("apprise")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return apprise


def addresses_in(urls: str) -> list[tuple[int, str]]:
    """Return the Apprise URLs of the setting, numbered from 1."""
    return list(enumerate(re.split(_BETWEEN, urls.strip(" ,")), 1))


def opened(apprise: ModuleType, url: str) -> Any:
    """Return what sends to an address, None = Apprise does not understand it."""
    made = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    return made if isinstance(made, apprise.NotifyBase) else None


def _apprise() -> ModuleType:
    with warnings.catch_warnings():
        # Its hundred modules use what Python will drop; that is for its own authors.
        warnings.simplefilter("ignore", DeprecationWarning)
        import apprise

        apprise.Apprise.instantiate("json://localhost")
    return apprise


def bad_address(number: int) -> ConfigError:
    """Return the error of an address, which tells nothing of it but its number."""
    return ConfigError(
        f"alerts.urls: address {number} is none that Apprise understands",
        hint="Write Apprise URLs, separated by commas, such as mailtos://USER:PASSWORD@HOST",
        code="bad_alert_url",
    )


def _delivers(made: object) -> Callable[[str, str], bool]:
    def deliver(title: str, text: str) -> bool:
        return bool(made.notify(body=text, title=title))  # type: ignore[attr-defined]

    return deliver
