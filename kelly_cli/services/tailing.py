"""Callbacks as they are logged, by whatever process: asks the books again and again.

Promise: every callback once, in the order in which it was logged, over faults of the database too.
Reads only. One thread at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.daraja.messages import PaymentMessage, parse_delivery
from kelly_cli.store import tail_rows
from kelly_cli.store.changes import Marks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from kelly_cli.store.database import Database
    from kelly_cli.store.tail_rows import Came

AT_ONCE = 500
_OF_MONEY = frozenset({"confirmation", "stk", "pull", "hand"})
UNMATCHED = "unmatched"


class Line(NamedTuple):
    """One callback as people watch it. Texts are as they came from outside.

    ``at``: aware UTC. ``amount_cents`` and ``reference`` None = it does not say.
    """

    log_id: int
    at: datetime
    outcome: str
    kind: str
    source: str
    trans_id: str | None
    amount_cents: int | None
    reference: str | None
    short_code: str | None
    error: str | None


class Tail:
    """Where a watcher of the books stands. ``codes``: only of these short codes, None = all.

    ``ours``: our short codes now, to read what was not understood.
    """

    def __init__(
        self, database: Database, *, ours: frozenset[str], codes: Collection[str] | None = None
    ) -> None:
        self._database = database
        self._ours = ours
        self._codes = codes
        self._marks = Marks(database)
        self._mark: object = None
        self._seen = 0

    def begin(self, *, count: int, since: datetime | None = None) -> Iterator[list[Line]]:
        """Give what came already: the last ``count``, or all since a moment (aware UTC).

        Raises:
            StorageError: the books cannot be read.
        """
        self._mark = self._marks.look()
        with self._database.reading() as connection:
            self._seen = last = tail_rows.newest(connection)
            if since is None:
                found = tail_rows.last_ones(connection, codes=self._codes, limit=count)
            else:
                first = tail_rows.first_since(connection, since)
        if since is None:
            yield self._lines(found)
        elif first is not None:
            yield from self._between(first - 1, last, since)

    def more(self) -> Iterator[list[Line]]:
        """Give what came since the last look; nothing = nothing did.

        Raises:
            StorageError: the books cannot be read now: ask again later.
        """
        mark = self._marks.look()
        if mark == self._mark:
            return
        with self._database.reading() as connection:
            last = tail_rows.newest(connection)
        # Other books, or an older copy: what they hold was not watched coming.
        seen = min(self._seen, last)
        for lines in self._between(seen, last, None):
            yield lines
            self._seen = lines[-1].log_id if lines else seen
        self._seen, self._mark = last, mark

    def close(self) -> None:
        """Close what is open."""
        self._marks.let_go()

    def _between(self, seen: int, last: int, since: datetime | None) -> Iterator[list[Line]]:
        """Give pages of lines, each read in a snapshot of its own: who prints may be slow."""
        while seen < last:
            with self._database.reading() as connection:
                found = tail_rows.after(
                    connection, seen, last=last, since=since, codes=self._codes, limit=AT_ONCE
                )
            if not found:
                return
            yield self._lines(found)
            seen = found[-1].log.id

    def _lines(self, found: list[Came]) -> list[Line]:
        return [self._line(each) for each in found]

    def _line(self, came: Came) -> Line:
        log = came.log
        amount, reference, code = came.amount_cents, came.bill_ref, log.short_code
        if amount is None and log.kind in _OF_MONEY:
            amount, reference, code = self._said(came)
        outcome = log.outcome
        if outcome == "failed" and log.payment is not None:
            outcome = UNMATCHED
        return Line(
            log.id,
            log.created_at,
            outcome,
            log.kind,
            log.source,
            log.trans_id or log.payment,
            amount,
            reference,
            code,
            log.error,
        )

    def _said(self, came: Came) -> tuple[int | None, str | None, str | None]:
        """Return amount, reference and short code as the callback itself says them."""
        arrived = nairobi_wall_clock(came.log.created_at)
        kind = came.log.kind
        _, parsed = parse_delivery(came.raw.raw, kind, ours=self._ours, now=arrived)  # type: ignore[arg-type]
        if not isinstance(parsed, PaymentMessage):
            return None, None, None
        return parsed.amount_cents, parsed.bill_ref, parsed.short_code
