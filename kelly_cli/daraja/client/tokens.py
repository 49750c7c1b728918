"""The access token: one file that all of a user's programs share, so that one is taken for all.

A new token may end the one before, so whoever needs one takes the lock, looks again, and only then
asks. It is taken anew a while before it ends. The file is for its owner alone, is replaced whole,
and what is wrong in it counts as no token. Source: daraja-facts 1.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from kelly_cli.daraja.client.errors import UnreachableError
from kelly_cli.errors import ConfigError
from kelly_cli.locks import try_lock, unlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

EARLY = timedelta(seconds=120)
"""So long before its end a token is taken anew: a request must not arrive with a dead one."""
LONGEST = timedelta(seconds=3600)
UNSURE = timedelta(seconds=60)
"""How long a token is kept whose end cannot be read."""

_WAIT_S = 150.0
_PAUSE_S = 0.02
_MAX_BYTES = 16 * 1024
_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. Prints without itself."""

    value: str = field(repr=False)
    taken_at: datetime
    expires_at: datetime

    def good_at(self, now: datetime) -> bool:
        """Tell whether it may be used: not near its end, and not from the future."""
        early = min(EARLY, (self.expires_at - self.taken_at) / 4)
        # A clock that was set back would keep a dead token for long.
        return self.taken_at - EARLY <= now < self.expires_at - early


def lifetime(expires_in: str) -> timedelta:
    """Read ``expires_in``, which comes as a number or as text, in whole seconds."""
    digits = expires_in.partition(".")[0]
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 9):  # noqa: PLR2004
        return UNSURE
    return min(timedelta(seconds=int(digits)), LONGEST)


def is_token(value: object) -> bool:
    """Tell whether this can stand in a header: visible ASCII, of a bearable length."""
    longest = 4096
    return (
        isinstance(value, str)
        and 0 < len(value) <= longest
        and all("!" <= sign <= "~" for sign in value)
    )


class Tokens:
    """The token of one environment, server and consumer key."""

    def __init__(
        self,
        folder: Path,
        identity: tuple[str, ...],
        take: Callable[[], Token],
        now: Callable[[], datetime],
    ) -> None:
        name = sha256("\0".join(identity).encode()).hexdigest()[:32]
        self._folder = folder
        self._file = folder / f"{name}.json"
        self._lock = folder / f"{name}.lock"
        self._take = take
        self._now = now

    def current(self) -> tuple[Token, bool]:
        """Return a token that is good now, and whether it was taken for this.

        Raises:
            DarajaError: none could be taken.
            ConfigError: the folder of tokens cannot be used.
        """
        return self._other_than("")

    def instead_of(self, refused: str) -> Token:
        """Return another token than the refused one: a new one, unless somebody took it already.

        Raises:
            DarajaError: none could be taken.
            ConfigError: the folder of tokens cannot be used.
        """
        return self._other_than(refused)[0]

    def _other_than(self, refused: str) -> tuple[Token, bool]:
        found = self._usable(refused)
        if found:
            return found, False
        with self._alone():
            found = self._usable(refused)
            if found:
                return found, False
            taken = self._take()
            self._write(taken)
            return taken, True

    def _usable(self, refused: str) -> Token | None:
        found = self._read()
        if found and found.value != refused and found.good_at(self._now()):
            return found
        return None

    def _read(self) -> Token | None:
        try:
            with self._file.open("rb") as file:
                if os.name == "posix" and os.fstat(file.fileno()).st_mode & _OTHERS:
                    return None  # Others could read it: it is taken anew, and the file is closed.
                held = json.loads(file.read(_MAX_BYTES))
            token = Token(
                held["access_token"],
                datetime.fromtimestamp(held["taken_at"], UTC),
                datetime.fromtimestamp(held["expires_at"], UTC),
            )
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None
        return token if is_token(token.value) else None

    def _write(self, token: Token) -> None:
        held = {
            "access_token": token.value,
            "taken_at": token.taken_at.timestamp(),
            "expires_at": token.expires_at.timestamp(),
        }
        part = self._file.with_suffix(".part")
        try:
            part.unlink(missing_ok=True)
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                json.dump(held, file)
            part.replace(self._file)
        except OSError as error:
            raise self._unusable(error) from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
            descriptor = os.open(self._lock, flags, 0o600)
        except OSError as error:
            raise self._unusable(error) from None
        try:
            _wait(descriptor)
            try:
                yield
            finally:
                unlock(descriptor)
        finally:
            os.close(descriptor)

    def _unusable(self, error: OSError) -> ConfigError:
        return ConfigError(
            f"the folder of access tokens {self._folder} cannot be used: {error.strerror}",
            hint="Give this user the right to write there, or set XDG_STATE_HOME",
            code="token_folder_unusable",
        )


def _wait(descriptor: int) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not try_lock(descriptor):
        if time.monotonic() >= deadline:
            raise UnreachableError(
                f"another kelly has been taking an access token for {_WAIT_S:g} s. "
                "Nothing was sent",
                hint="Wait for it to finish, then run it again",
            )
        time.sleep(_PAUSE_S)
