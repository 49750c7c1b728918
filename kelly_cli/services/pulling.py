"""Recovery: past payments from the Pull API onto the one road.

Safaricom keeps 48 hours. What it lists is logged record by record (source ``pull``) under an id
made of the record itself, so that reading it again changes nothing; a receipt that is known gains
only that a second source confirms it, and what was blank. The clock of ``trxDate`` is found out
from receipts that are known, never believed. "Nothing" from a short code that never gave anything
is *unknown*: an unregistered one says the same. Source: daraja-facts 6.8.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.daraja.personal import written
from kelly_cli.daraja.pulled import PAYMENTS, body_of, kind_of, receipt_of
from kelly_cli.errors import DomainError, KellyError, StorageError
from kelly_cli.services.calibrating import calibrate
from kelly_cli.services.inbox import MOST_FAILURES, Delivery
from kelly_cli.store import pull_rows
from kelly_cli.store.pull_rows import PullRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from sqlalchemy import Connection

    from kelly_cli.daraja.client.daraja import Daraja
    from kelly_cli.daraja.pulled import Clock
    from kelly_cli.services.entries import Entry
    from kelly_cli.services.inbox import Inbox
    from kelly_cli.store.database import Database

REACH = timedelta(hours=48)
"""How far back Safaricom keeps payments, and how long a window may be."""

MOST_PAGES = 10_000
BATCH_ROWS = 500
_SECOND = timedelta(seconds=1)


class Span(NamedTuple):
    """A stretch of Nairobi wall-clock time."""

    start: datetime
    end: datetime


class Source(NamedTuple):
    """Whom to ask for what. ``client`` gives the one of a short code."""

    environment: str
    codes: Sequence[str]
    client: Callable[[str], AbstractContextManager[Daraja]]
    most_pages: int = MOST_PAGES


@dataclass(slots=True)
class Window:
    """One question to one short code, and what came.

    ``state``: ``ok``, ``nothing``, ``unknown`` (nothing came, and never did) or ``failed``.
    """

    short_code: str
    span: Span
    state: str = "ok"
    note: str | None = None
    records: list[dict[str, object]] = field(default_factory=list)
    added: int = 0
    failure: KellyError | None = None


@dataclass(slots=True)
class Harvest:
    """What a pull brought; ``records`` is the sum of the five counts after it.

    ``unmatched``: of the failed ones, those that are booked and wait for an owner. ``clock`` None =
    no record needed one.
    """

    windows: list[Window]
    out_of_reach: Span | None
    clock: Clock | None = None
    records: int = 0
    new: int = 0
    known: int = 0
    failed: int = 0
    skipped: int = 0
    conflicts: int = 0
    unmatched: int = 0
    skipped_kinds: Counter[str] = field(default_factory=Counter)
    failures: list[dict[str, object]] = field(default_factory=list)

    @property
    def unknown(self) -> list[str]:
        """The short codes of which nothing can be said."""
        return [each.short_code for each in self.windows if each.state == "unknown"]

    def add(self, entry: Entry) -> None:
        """Count what became of a record that was not logged before."""
        if entry.processed:
            self.new += 1
        elif entry.is_conflict:
            self.conflicts += 1
        elif entry.is_duplicate:
            self.known += 1
        else:
            self.failed += 1
            self.unmatched += entry.payment_row is not None
        if entry.error and not entry.processed and len(self.failures) < MOST_FAILURES:
            self.failures.append(
                {"log_id": entry.log_row, "trans_id": entry.receipt, "error": entry.error}
            )


def within_reach(wanted: Span, now: datetime) -> tuple[Span | None, Span | None]:
    """Split a span into what can be asked and what is too old; None = there is no such part.

    ``now``: Nairobi wall-clock. What lies ahead is left out.

    Raises:
        DomainError: ``empty_span``: it ends before it starts, or has not begun.
    """
    end = min(wanted.end, now)
    if wanted.start >= end:
        raise DomainError(
            f"there is no time between {wanted.start} and {end}",
            hint="Give --from a moment before --to, in the past",
            code="empty_span",
        )
    oldest = now - REACH
    if wanted.start >= oldest:
        return Span(wanted.start, end), None
    if end <= oldest:
        return None, Span(wanted.start, end)
    return Span(oldest, end), Span(wanted.start, oldest)


def pull(
    database: Database,
    inbox: Inbox,
    source: Source,
    wanted: Span,
    *,
    now: datetime,
    at: datetime,
    told: Clock | None = None,
    dry_run: bool = False,
) -> Harvest:
    """Ask for all payments of a span and take them in. ``now``: Nairobi wall-clock of ``at``.

    ``told``: the clock of ``trxDate`` by a person. ``dry_run``: asks, and keeps nothing.

    Raises:
        DomainError: ``empty_span``; ``out_of_reach``: all of it is too old; ``clock_unknown``,
            ``clock_disagrees``: the clock of the records is not certain. Nothing is kept then.
        KellyError: no short code could be asked at all.
    """
    span, too_old = within_reach(wanted, now)
    if span is None:
        raise DomainError(
            f"all of the time asked for, to {wanted.end}, is more than 48 hours back: Safaricom "
            "keeps no more",
            hint="The statement that the M-Pesa portal exports has all of it: "
            "kelly recon statement FILE --apply",
            code="out_of_reach",
        )
    harvest = Harvest([_read(source, code, span) for code in source.codes], too_old)
    broken = [each.failure for each in harvest.windows if each.failure and not each.records]
    if broken and len(broken) == len(harvest.windows):
        raise broken[0]
    money = _sort_out(harvest)
    if dry_run:
        with database.rehearsing() as connection:
            harvest.clock = calibrate(connection, _all(money), told)
            for deliveries, window in _batches(harvest, money, source.environment):
                _count(harvest, window, deliveries, inbox.try_out(connection, deliveries))
            _judge(connection, harvest, source.environment)
        return harvest
    with database.reading() as connection:
        harvest.clock = calibrate(connection, _all(money), told)
    for deliveries, window in _batches(harvest, money, source.environment):
        _count(harvest, window, deliveries, inbox.take(deliveries, again=True))
    with database.writing() as connection:
        _judge(connection, harvest, source.environment)
        for window in harvest.windows:
            pull_rows.add_pull(connection, _row(window, source.environment), at)
    return harvest


def _read(source: Source, code: str, span: Span) -> Window:
    """Read every page of a window. What came before a failure is kept and taken in."""
    window = Window(code, span)
    try:
        with source.client(code) as daraja:
            _read_pages(daraja, window, source.most_pages)
    except StorageError:
        raise
    except KellyError as error:
        window.state, window.note, window.failure = "failed", error.message, error
    return window


def _read_pages(daraja: Daraja, window: Window, most_pages: int) -> None:
    """Read to the first page that is empty or brings nothing new: pages have no stated size."""
    seen: set[bytes] = set()
    offset = 0
    for _ in range(most_pages):
        page = daraja.pull_query(
            short_code=window.short_code,
            start=window.span.start,
            end=window.span.end,
            offset=offset,
        )
        if page.nothing or not page.records:
            window.state = "ok" if window.records else "nothing"
            return
        fresh = [(_digest(each), each) for each in page.records]
        fresh = [(digest, each) for digest, each in fresh if digest not in seen]
        if not fresh:
            window.note = f"the page at row {offset} repeats what came before: read to there"
            return
        seen.update(digest for digest, _ in fresh)
        window.records += [each for _, each in fresh]
        offset += len(page.records)
    window.state = "failed"
    window.note = f"stopped after {most_pages} pages: there was no end"


def _sort_out(harvest: Harvest) -> dict[str, list[dict[str, object]]]:
    """Count the records, and return those that are money by short code; others are skipped."""
    money: dict[str, list[dict[str, object]]] = {}
    for window in harvest.windows:
        harvest.records += len(window.records)
        kept = money.setdefault(window.short_code, [])
        for record in window.records:
            kind = kind_of(record)
            # A record without a kind may be money: it fails, and a person sees it.
            if kind is None or kind in PAYMENTS:
                kept.append(record)
            else:
                harvest.skipped += 1
                harvest.skipped_kinds[kind] += 1
    return money


def _all(money: dict[str, list[dict[str, object]]]) -> list[dict[str, object]]:
    return [record for records in money.values() for record in records]


def _batches(
    harvest: Harvest, money: dict[str, list[dict[str, object]]], environment: str
) -> Iterator[tuple[list[Delivery], Window]]:
    clock = harvest.clock or "eat"
    for window in harvest.windows:
        records = money[window.short_code]
        for first in range(0, len(records), BATCH_ROWS):
            yield (
                [
                    Delivery(
                        body_of(record, window.short_code, clock),
                        "pull",
                        "pull",
                        f"pull:{environment}:{window.short_code}:{_digest(record).hex()}",
                    )
                    for record in records[first : first + BATCH_ROWS]
                ],
                window,
            )


def _count(
    harvest: Harvest, window: Window, deliveries: Sequence[Delivery], entries: Sequence[Entry]
) -> None:
    harvest.known += len(deliveries) - len(entries)
    made = harvest.new + harvest.unmatched
    for entry in entries:
        harvest.add(entry)
    window.added += harvest.new + harvest.unmatched - made


def _judge(connection: Connection, harvest: Harvest, environment: str) -> None:
    """Call "nothing" by its name: clean where pulling ever worked, else unknown."""
    for window in harvest.windows:
        if window.state == "nothing" and not pull_rows.ever_brought(
            connection, environment, window.short_code
        ):
            window.state = "unknown"
            window.note = (
                "no records, and none ever came: a quiet time and a short code that is not "
                "registered for pulling look the same"
            )


def _row(window: Window, environment: str) -> PullRow:
    return PullRow(
        environment,
        window.short_code,
        *window.span,
        "nothing" if window.state == "unknown" else window.state,
        len(window.records),
        window.added,
        window.note,
    )


def _digest(record: dict[str, object]) -> bytes:
    receipt = receipt_of(record) or ""
    body = written(dict(sorted(record.items())), ascii_only=True)
    return sha256(f"{receipt} {body}".encode()).digest()
