"""What a listener asks of the books: keep these callbacks, finish the unfinished, are you there.

Every promise to keep something is made after it is on disk. Knows nothing of HTTP and threads; one
thread at a time may call what writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from kelly_cli.daraja.messages import Notice, PaymentMessage
from kelly_cli.services.inbox import Delivery, delivery_ids
from kelly_cli.store.same_file import SameFile
from kelly_cli.store.schema import open_for_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from kelly_cli.daraja.messages import Kind
    from kelly_cli.services.entries import Entry
    from kelly_cli.services.inbox import Inbox
    from kelly_cli.store.database import Database

SOURCE = "http"
"""The source of everything that comes in this way."""

Outcome: TypeAlias = Literal["processed", "duplicate", "conflict", "unmatched", "failed"]


class Callback(NamedTuple):
    """A body as received, and what its path says it is."""

    raw: bytes
    kind: Kind


class Happened(NamedTuple):
    """What became of one callback. Texts are as they came from outside.

    ``at`` is aware UTC. ``where`` tells a person where the money went, or why nowhere.
    """

    at: datetime
    outcome: Outcome
    trans_id: str | None
    amount_cents: int | None
    where: str
    log_id: int
    error: str | None


class Intake:
    """The books as a listener sees them. ``clock``: aware UTC now.

    Raises:
        StorageError: there is no database file.
    """

    def __init__(self, database: Database, inbox: Inbox, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._inbox = inbox
        self._clock = clock
        self._ids = delivery_ids()
        self._file = SameFile(database.path)

    def take(self, callbacks: Sequence[Callback]) -> list[Happened]:
        """Keep and process callbacks in one unit of work; return what became of each, in order.

        Raises:
            StorageError: nobody may be told that any of them is kept.
        """
        self._file.check()
        ids = self._ids
        deliveries = [Delivery(raw, kind, SOURCE, next(ids)) for raw, kind in callbacks]
        entries = self._inbox.take(deliveries, narrate=True)
        # Rows in a file that was taken away meanwhile are lost, whatever the database says.
        self._file.check()
        return self._told(entries)

    def keep_validations(self, bodies: Sequence[bytes]) -> None:
        """Keep validation requests that were answered with "accepted". They are never money.

        Raises:
            StorageError: none of them is kept.
        """
        self._file.check()
        self._inbox.keep_validations(bodies, SOURCE)

    def unfinished(self) -> Iterator[list[Happened]]:
        """Finish what was logged and not processed, a unit of work at each step.

        Raises:
            StorageError: the database does not take it now.
        """
        self._file.check()
        for batch, entries in self._inbox.retry(pending_only=True):
            batch.narrate()
            yield self._told(entries)

    def check(self) -> None:
        """Return when the books can be read; writes nothing.

        Raises:
            StorageError: they cannot.
        """
        self._file.check()
        open_for_reading(self._database)

    def _told(self, entries: Sequence[Entry]) -> list[Happened]:
        at = self._clock()
        return [_happened(entry, at) for entry in entries]


def _happened(entry: Entry, at: datetime) -> Happened:
    parsed = entry.parsed
    amount_cents = parsed.amount_cents if isinstance(parsed, PaymentMessage) else None
    return Happened(
        at, _outcome(entry), entry.receipt, amount_cents, _where(entry), entry.log_row, entry.error
    )


def _outcome(entry: Entry) -> Outcome:
    if entry.processed:
        return "processed"
    if entry.is_duplicate:
        return "conflict" if entry.is_conflict else "duplicate"
    return "failed" if entry.payment_row is None else "unmatched"


def _where(entry: Entry) -> str:
    if isinstance(entry.parsed, Notice) and entry.processed:
        return entry.parsed.text
    return entry.note or entry.error or ("booked" if entry.processed else "seen before")
