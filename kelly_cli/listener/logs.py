"""The log: one event is one line of JSON on stderr, whatever a stranger put into it.

Promise: no secret and no whole phone gets into a line, and nothing in it can end it, steer a
terminal or forge another one. The keys ``at``, ``level`` and ``event`` come first, always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import structlog

from kelly_cli.core.masking import mask_phones
from kelly_cli.core.money import kes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
    from datetime import datetime

    from structlog.typing import EventDict, Processor

    from kelly_cli.services.serving import Happened

SECRET = "********"  # noqa: S105 - what stands for one
LONGEST_TEXT = 400
"""Characters of a text from outside; the rest is in the books."""
SHORTEST_SECRET = 4
"""Shorter ones are not looked for: every line would be full of stars."""

_LEVELS = {"failed": "error", "conflict": "error", "unmatched": "warning"}

_OUR_WORDS = frozenset({"level", "event", "kind", "outcome", "amount"})
"""Facts that hold nothing from outside."""

Fact: TypeAlias = "str | int | bool | None"


class Note(NamedTuple):
    """One event for the log: its level, its name, and what is to be known of it."""

    level: str
    """``info``, ``warning`` or ``error``."""
    event: str
    facts: Mapping[str, Fact]


class _Lines:
    """Where structlog puts finished lines; it calls the method of the level.

    They go out together: a write for each would hand the interpreter over to other threads and
    wait to get it back, once for each callback.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._lines: list[str] = []

    def msg(self, line: str) -> None:
        self._lines.append(f"{line}\n")

    info = warning = error = msg

    def flush(self) -> None:
        text = "".join(self._lines)
        self._lines.clear()
        self._write(text)


class Logbook:
    """Writes the log. One thread at a time may call it, and waits as long as ``write`` does.

    ``dump`` writes a value as one harmless line of JSON. ``secrets`` never get into a line.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        dump: Callable[[object], str],
        clock: Callable[[], datetime],
        secrets: Iterable[str] = (),
    ) -> None:
        self._clock = clock
        self._dump = dump
        self._secrets = sorted(
            {each for each in secrets if len(each) >= SHORTEST_SECRET}, key=len, reverse=True
        )
        processors: Sequence[Processor] = [
            structlog.processors.add_log_level,
            self._tidy,
            structlog.processors.JSONRenderer(serializer=lambda facts, **_: dump(facts)),
        ]
        self._lines = _Lines(write)
        self._log = structlog.wrap_logger(
            self._lines,
            processors=processors,
            wrapper_class=structlog.make_filtering_bound_logger("info"),
            cache_logger_on_first_use=True,
        )

    def write(self, note: Note) -> None:
        """Write one event."""
        self._add(note)
        self._lines.flush()

    def happened(self, callbacks: Iterable[Happened]) -> None:
        """Write an event for each callback; its payer and where the money went stay out of it.

        As ``write`` would, without structlog's steps for each: a busy hour is mostly these lines.
        """
        dump, harmless = self._dump, self._harmless
        at = dump(self._clock().isoformat())
        for each in callbacks:
            level = _LEVELS.get(each.outcome, "info")
            amount = None if each.amount_cents is None else kes(each.amount_cents)
            self._lines.msg(
                f'{{"at": {at}, "level": "{level}", "event": "callback", "kind": "{each.kind}", '
                f'"outcome": "{each.outcome}", "log_id": {each.log_id}, '
                f'"trans_id": {dump(harmless(each.trans_id))}, "amount": {dump(amount)}, '
                f'"error": {dump(harmless(each.error))}}}'
            )
        self._lines.flush()

    def _add(self, note: Note) -> None:
        getattr(self._log, note.level)(note.event, **note.facts)

    def complaint(self, text: str) -> None:
        """Write what one of the listener's parts has to say to a person."""
        said = text.removeprefix("Warning: ")
        level = "info" if said == text else "warning"
        self.write(Note(level, "notice", {"message": said}))

    def _tidy(self, _logger: object, _method: str, facts: EventDict) -> MutableMapping[str, object]:
        """Mask every text, and put what every line has before what only some have."""
        told = {
            name: value if name in _OUR_WORDS else self._harmless(value)
            for name, value in facts.items()
        }
        first = {"at": self._clock().isoformat(), "level": told.pop("level")}
        return {**first, "event": told.pop("event"), **told}

    def _harmless(self, value: object) -> object:
        if not isinstance(value, str):
            return value
        for secret in self._secrets:
            value = value.replace(secret, SECRET)
        # Plain signs: a log is searched with plain tools.
        masked = mask_phones(value, dots="*****")
        return masked if len(masked) <= LONGEST_TEXT else f"{masked[:LONGEST_TEXT]}..."
