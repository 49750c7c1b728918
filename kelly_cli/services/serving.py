"""What a listener asks of the books: keep these callbacks, finish the unfinished, are you there.

Every promise to keep something is made after it is on disk. Knows nothing of HTTP and threads; one
thread at a time may call what writes. The shelf is the part that needs no books: a listener has it
where it answers, and the books may be open in another process.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from kelly_cli.core.spooled import Record
from kelly_cli.daraja.messages import Notice, PaymentMessage
from kelly_cli.errors import StorageError
from kelly_cli.services.inbox import Answered, Delivery, delivery_ids
from kelly_cli.services.spooling import SOURCE, drain_unit
from kelly_cli.services.standing import Standing
from kelly_cli.store.spool_drain import Drain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from kelly_cli.daraja.messages import Kind
    from kelly_cli.services.entries import Entry
    from kelly_cli.services.inbox import Inbox
    from kelly_cli.store.database import Database
    from kelly_cli.store.spool import Spool

Outcome: TypeAlias = Literal["processed", "duplicate", "conflict", "unmatched", "failed"]


class Callback(NamedTuple):
    """A body as received, and what its path says it is. ``delivery_id`` "" = not given yet."""

    raw: bytes
    kind: Kind
    delivery_id: str = ""


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
    kind: str = "confirmation"


class Shelf:
    """The spool beside the books (None = there is none), as whoever answers callbacks sees it.

    ``clock``: aware UTC now.
    """

    def __init__(self, spool: Spool | None, clock: Callable[[], datetime]) -> None:
        self._spool = spool
        self._clock = clock
        self._ids = delivery_ids()

    def next_id(self) -> str:
        """Return the delivery id of a callback that came just now. One thread at a time."""
        return next(self._ids)

    @property
    def is_there(self) -> bool:
        """Tell whether there is one."""
        return self._spool is not None

    def takes(self) -> bool:
        """Tell whether, as far as can be seen, it would keep a callback."""
        return self._spool is not None and self._spool.takes()

    def depth(self) -> int:
        """Count the callbacks in it. Any thread."""
        return 0 if self._spool is None else self._spool.waiting().records

    def keep(self, callbacks: Sequence[Callback]) -> None:
        """Put callbacks on disk beside the books. One thread at a time.

        Raises:
            StorageError: nobody may be told that any of them is kept.
        """
        if self._spool is None:
            raise StorageError("there is no spool")
        now = self._clock()
        self._spool.append(
            [Record(each.delivery_id, each.kind, now, each.raw) for each in callbacks]
        )


class Intake:
    """The books as a listener sees them, and the spool beside them (None = there is none).

    ``clock``: aware UTC now. ``opened`` False: the books are away, and opened when they are back.

    Raises:
        StorageError: the books are said to be open, and there is no database file.
    """

    def __init__(
        self,
        database: Database,
        inbox: Inbox,
        clock: Callable[[], datetime],
        *,
        spool: Spool | None = None,
        opened: bool = True,
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._clock = clock
        self._ids = delivery_ids()
        self._spool = spool
        self._drain = None if spool is None else Drain(spool)
        self.standing = Standing(database, spool, opened=opened)

    def take(
        self, callbacks: Sequence[Callback], *, kept: Callable[[], None] | None = None
    ) -> list[Happened]:
        """Keep and process callbacks in one unit of work; return what became of each, in order.

        ``kept`` is called as soon as all of them are on disk: who waits need not wait for more.

        Raises:
            StorageError: nobody may be told that any of them is kept, unless ``kept`` was called.
        """

        def on_disk() -> None:
            # Rows in a file that was taken away meanwhile are lost, whatever the database says.
            self.standing.check()
            if kept is not None:
                kept()

        self.standing.check()
        deliveries = [
            Delivery(raw, kind, SOURCE, delivery_id or next(self._ids))
            for raw, kind, delivery_id in callbacks
        ]
        with self._trusted():
            entries = self._inbox.take(deliveries, narrate=True, kept=on_disk)
        return self._told(entries)

    def keep_validations(self, answered: Sequence[Answered | bytes]) -> None:
        """Keep validation requests with what was answered to them. They are never money.

        Raises:
            StorageError: none of them is kept.
        """
        self.standing.check()
        with self._trusted():
            self._inbox.keep_validations(answered, SOURCE)

    def unfinished(self) -> Iterator[list[Happened]]:
        """Finish what was logged and not processed, a unit of work at each step.

        Raises:
            StorageError: the database does not take it now.
        """
        self.standing.check()
        with self._trusted():
            for batch, entries in self._inbox.retry(pending_only=True):
                batch.narrate()
                yield self._told(entries)

    def probe(self) -> None:
        """Return when the books take writes; writes nothing.

        Raises:
            StorageError: they do not.
        """
        self.standing.check()
        with self._trusted(), self._database.writing():
            pass

    # The spool

    @property
    def has_spool(self) -> bool:
        """Tell whether there is one to drain."""
        return self._spool is not None

    def drain(self) -> list[Happened] | None:
        """Put the next of the spool into the books; nothing = it is empty, None = later.

        Raises:
            StorageError: the database does not take it now, or the spool cannot be read.
        """
        if self._drain is None or self._spool is None:
            return []
        self.standing.check()
        with self._trusted():
            self.standing.learn()
        if not self._spool.segments():
            with suppress(OSError):
                self._spool.make_reserve()
            return []
        with self._trusted():
            entries = drain_unit(self._inbox, self._drain)
        self.standing.check()
        return None if entries is None else self._told(entries)

    @property
    def damaged(self) -> int:
        """How many pieces of the spool could not be read, since the start; they are kept aside."""
        return 0 if self._drain is None else self._drain.damaged

    @contextmanager
    def _trusted(self) -> Iterator[None]:
        """Trust nothing that stands there after a fault of the disk or of the server."""
        try:
            yield
        except StorageError as error:
            if not error.retryable and error.code != "spool_unusable":
                self.standing.doubt(error)
            raise

    def _told(self, entries: Sequence[Entry]) -> list[Happened]:
        at = self._clock()
        return [_happened(entry, at) for entry in entries]


def _happened(entry: Entry, at: datetime) -> Happened:
    parsed = entry.parsed
    amount_cents = parsed.amount_cents if isinstance(parsed, PaymentMessage) else None
    return Happened(
        at,
        _outcome(entry),
        entry.receipt,
        amount_cents,
        _where(entry),
        entry.log_row,
        entry.error,
        entry.kind,
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
