"""The inbox: take deliveries, keep every one of them, and work off what is unfinished.

Raw first: whatever happens to a callback, its bytes are logged. A poisonous one costs only itself:
its batch is logged as pending and taken one by one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.daraja.messages import ValidationRequest, parse_delivery
from kelly_cli.errors import NotFoundError, StorageError
from kelly_cli.services.batch import Batch
from kelly_cli.services.entries import Entry, log_state
from kelly_cli.services.retry_audit import record_retry
from kelly_cli.store import inbox_rows
from kelly_cli.store.audit_rows import Hand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from kelly_cli.daraja.messages import Kind
    from kelly_cli.store.database import Database

RETRY_ROWS = 500
"""Logs that one unit of work of ``reprocess`` takes."""

MOST_FAILURES = 100
"""Failures that a result lists; all of them are in the log."""


class Delivery(NamedTuple):
    """Bytes as received. ``kind`` None = the shape of the body says what it is.

    ``came_at``: aware UTC, None = now.
    """

    raw: bytes
    kind: Kind | None
    source: str
    delivery_id: str
    came_at: datetime | None = None


class Answered(NamedTuple):
    """A validation request and its answer. ``note`` marks what a stricter policy would not take."""

    raw: bytes
    result_code: str = "0"
    note: str | None = None


class OurCode(NamedTuple):
    """A paybill or till that is ours now."""

    code: str
    kind: str
    name: str | None
    environment: str


@dataclass(slots=True)
class Tally:
    """What became of a number of deliveries; ``received`` is the sum of the other three."""

    processed: int = 0
    duplicates: int = 0
    conflicts: int = 0
    failed: int = 0
    failures: list[dict[str, object]] = field(default_factory=list)

    @property
    def received(self) -> int:
        """All of them."""
        return self.processed + self.duplicates + self.failed

    def add(self, entry: Entry) -> None:
        """Count one."""
        if entry.processed:
            self.processed += 1
        elif entry.is_duplicate:
            self.duplicates += 1
            self.conflicts += entry.is_conflict
        else:
            self.failed += 1
            if len(self.failures) < MOST_FAILURES:
                self.failures.append(
                    {"log_id": entry.log_row, "trans_id": entry.receipt, "error": entry.error}
                )


class Inbox:
    """The one road's door. ``codes``: ours now; ``clock``: aware UTC now.

    ``actor``: who tries logs again, for the audit.
    """

    def __init__(
        self,
        database: Database,
        codes: Sequence[OurCode],
        clock: Callable[[], datetime],
        *,
        actor: str = "kelly",
    ) -> None:
        self._database = database
        self._actor = actor
        self._codes = codes
        self._ours = frozenset(code.code for code in codes)
        self._clock = clock
        self._codes_known = False

    def take(
        self,
        deliveries: Sequence[Delivery],
        *,
        narrate: bool = False,
        again: bool = False,
        kept: Callable[[], None] | None = None,
    ) -> list[Entry]:
        """Log and process deliveries in one unit of work; return what became of each, in order.

        ``narrate``: each entry's note says where its money went. ``again``: some may be logged
        already, by their delivery ids: those are left out. ``kept`` is called when all of it is on
        disk, before anything is told.

        Raises:
            StorageError: the database took none of them.
        """
        now = self._clock()
        wall = nairobi_wall_clock(now)
        entries = [self._parsed(delivery, wall) for delivery in deliveries]
        try:
            with self._database.writing() as connection:
                self._prepare(connection, now)
                if again:
                    entries = _not_logged(connection, entries)
                batch = Batch(connection, entries, now)
                batch.run()
        except StorageError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the bytes must be kept
            afresh = [self._parsed(each, wall) for each in deliveries]
            entries, narrate = self._one_by_one(afresh, now), False
        else:
            self._codes_known = True
        if kept is not None:
            kept()
        if narrate:
            batch.narrate()
        return entries

    def try_out(self, connection: Connection, deliveries: Sequence[Delivery]) -> list[Entry]:
        """Do what ``take`` with ``again`` does, in the caller's unit of work."""
        now = self._clock()
        wall = nairobi_wall_clock(now)
        self._prepare(connection, now)
        entries = _not_logged(connection, [self._parsed(each, wall) for each in deliveries])
        Batch(connection, entries, now).run()
        return entries

    def keep_validations(self, answered: Sequence[Answered | bytes], source: str) -> int:
        """Keep validation requests apart from the logs, and tell how many. They are never money.

        Bytes alone were answered as kelly answers without a policy: accepted.
        """
        now = self._clock()
        with self._database.writing() as connection:
            for each in answered:
                request = Answered(each) if isinstance(each, bytes) else each
                _keep_validation(connection, request, source, now)
        return len(answered)

    def retry(
        self, rows: Sequence[int] = (), *, pending_only: bool = False
    ) -> Iterator[tuple[Batch, list[Entry]]]:
        """Take failed and pending logs again, all or by row, in units of ``RETRY_ROWS``.

        Raises:
            NotFoundError: one of ``rows`` is no failed or pending log.
        """
        after = 0
        while True:
            done = self._retry_unit(rows, after, pending_only=pending_only)
            if done is None:
                return
            yield done
            after = done[1][-1].log_row
            if rows:
                return

    def _retry_unit(
        self, rows: Sequence[int], after: int, *, pending_only: bool
    ) -> tuple[Batch, list[Entry]] | None:
        """Take the next unit; where one log of it is poisonous, take them one by one."""
        try:
            with self._database.writing() as connection:
                return self.retry_next(connection, rows, after, pending_only=pending_only)
        except (StorageError, NotFoundError):
            raise
        except Exception:  # noqa: BLE001 - it must cost only itself
            now = self._clock()
            with self._database.writing() as connection:
                found = self._unfinished(connection, rows, after, pending_only=pending_only)
                wall = nairobi_wall_clock(now)
                entries = [self._logged(tuple(row), wall) for row in found]
                nothing = Batch(connection, (), now)
            for entry in entries:
                self._alone(entry, now)
            return nothing, entries

    def retry_next(
        self, connection: Connection, rows: Sequence[int], after: int, *, pending_only: bool = False
    ) -> tuple[Batch, list[Entry]] | None:
        """Take the next unit of failed and pending logs after a row, in the caller's unit of work.

        None = there are no more.
        """
        now = self._clock()
        self._prepare(connection, now)
        found = self._unfinished(connection, rows, after, pending_only=pending_only)
        if not found:
            return None
        wall = nairobi_wall_clock(now)
        entries = [self._logged(tuple(row), wall) for row in found]
        without = {entry.log_row for entry in entries if entry.payment_row is None}
        batch = Batch(connection, entries, now)
        batch.run()
        record_retry(connection, Hand(self._actor, now), entries, without)
        return batch, entries

    @staticmethod
    def _unfinished(
        connection: Connection, rows: Sequence[int], after: int, *, pending_only: bool
    ) -> Sequence[Any]:
        if not rows:
            return inbox_rows.unfinished_logs(
                connection, after=after, limit=RETRY_ROWS, pending_only=pending_only
            )
        found = inbox_rows.unfinished_among(connection, rows)
        missing = sorted(set(rows) - {row[0] for row in found})
        if missing:
            raise NotFoundError(
                f"log {missing[0]} is neither failed nor pending",
                hint="See what is: kelly webhook list --failed",
                code="log_not_found",
            )
        return found

    def _logged(self, row: Any, wall: datetime) -> Entry:
        log_row, kind, source, payload, encoding, error, attempts, payment_row = row
        raw = inbox_rows.raw_bytes(payload, encoding)
        _, parsed = parse_delivery(raw, kind, ours=self._ours, now=wall)
        return Entry(
            raw=raw,
            kind=kind,
            source=source,
            parsed=parsed,
            log_row=log_row,
            is_new=False,
            attempts=attempts,
            error=error,
            payment_row=payment_row,
        )

    def _parsed(self, delivery: Delivery, wall: datetime) -> Entry:
        kind, parsed = parse_delivery(delivery.raw, delivery.kind, ours=self._ours, now=wall)
        return Entry(
            raw=delivery.raw,
            kind=kind,
            source=delivery.source,
            parsed=parsed,
            delivery_id=delivery.delivery_id,
            came_at=delivery.came_at,
        )

    def wall_clock(self) -> datetime:
        """Return now as Nairobi's clock shows it."""
        return nairobi_wall_clock(self._clock())

    def prepare(self, connection: Connection) -> None:
        """Make sure that our short codes have their rows."""
        self._prepare(connection, self._clock())

    def _prepare(self, connection: Connection, now: datetime) -> None:
        if not self._codes_known:
            inbox_rows.ensure_short_codes(connection, self._codes, now)

    def _one_by_one(self, entries: list[Entry], now: datetime) -> list[Entry]:
        """Keep the bytes of all alone, then process each by itself."""
        with self._database.writing() as connection:
            self._prepare(connection, now)
            entries = _not_logged(connection, entries)
            rows = [(entry.delivery_id, entry.kind, entry.source, entry.raw) for entry in entries]
            came_at = [entry.came_at for entry in entries]
            log_rows = inbox_rows.add_pending_logs(connection, rows, now, came_at)
        for entry, log_row in zip(entries, log_rows, strict=True):
            entry.log_row, entry.is_new = log_row, False
            self._alone(entry, now)
        return entries

    def _alone(self, entry: Entry, now: datetime) -> None:
        """Process one logged delivery by itself; a bug that it meets becomes its error."""
        attempts, payment_row = entry.attempts, entry.payment_row
        try:
            with self._database.writing() as connection:
                self._prepare(connection, now)
                Batch(connection, [entry], now).run()
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 - it must cost only itself
            entry.processed, entry.is_duplicate = False, False
            entry.attempts, entry.payment_row = attempts + 1, payment_row
            entry.error = f"internal_error: {type(error).__name__}: {error}"[:500]
            with self._database.writing() as connection:
                inbox_rows.update_logs(connection, [log_state(entry)])


def _not_logged(connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
    """Leave out what has a log already, and what stands here twice."""
    known = inbox_rows.logged_among(connection, [entry.delivery_id for entry in entries])
    first = {entry.delivery_id: entry for entry in reversed(entries)}
    return [
        entry
        for entry in entries
        if entry.delivery_id not in known and first[entry.delivery_id] is entry
    ]


def delivery_ids() -> Iterator[str]:
    """Give ids that are unique over all processes and rise within one (the index stays small)."""
    import time

    start = f"{time.time_ns():016x}{os.urandom(4).hex()}"
    number = 0
    while True:
        number += 1
        yield f"{start}{number:08x}"


def _keep_validation(
    connection: Connection, answered: Answered, source: str, now: datetime
) -> None:
    from kelly_cli.daraja.messages import parse_validation

    request = parse_validation(answered.raw)
    text = inbox_rows.raw_text(answered.raw)
    said = (
        (request.receipt, request.bill_ref)
        if isinstance(request, ValidationRequest)
        else (None, None)
    )
    inbox_rows.add_validation(
        connection,
        (source, text.payload, text.encoding, *said, answered.result_code, answered.note),
        now,
    )
