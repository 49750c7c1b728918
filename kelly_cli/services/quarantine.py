"""The quarantine: what came from addresses that are not allowed, and what a person does with it.

Bounded. When it is full, what does not read as money for a short code of ours leaves first, the
oldest of it; then the oldest from the address that holds the most, so that one flooding stranger
pushes out his own.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple, cast

from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.daraja.messages import PaymentMessage, parse_delivery
from kelly_cli.errors import NotFoundError
from kelly_cli.services.inbox import Delivery, Tally
from kelly_cli.store import audit_rows, quarantine_rows
from kelly_cli.store.quarantine_rows import NewQuarantined
from kelly_cli.store.same_file import SameFile
from kelly_cli.store.schema import open_for_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from kelly_cli.daraja.messages import Kind
    from kelly_cli.services.inbox import Inbox
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.quarantine_rows import Held, QuarantinedRaw, QuarantineView

SOURCE = "quarantine"
"""The source of the logs that a release makes."""
MOST_ROWS = 1000
MOST_BYTES = 16 * 1024 * 1024

_MAX_ROW = 2**63 - 1


class Stranger(NamedTuple):
    """A body refused for its address. ``path`` has no token in it."""

    address: str
    path: str
    kind: Kind
    raw: bytes
    reason: str


class SetAside(NamedTuple):
    """What became of some strangers: whose bodies read as money, and how many others left."""

    plausible_addresses: list[str]
    dropped: int


class Quarantine:
    """Where a listener sets bodies aside. ``ours``: our short codes; ``clock``: aware UTC now.

    Raises:
        StorageError: there is no database file.
    """

    def __init__(
        self, database: Database, ours: frozenset[str], clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._ours = ours
        self._clock = clock
        # Looked at when first needed: at the start the books may be away.
        self._file: SameFile | None = None

    def take(self, strangers: Sequence[Stranger]) -> SetAside:
        """Set bodies aside, and let go of what there is no room for.

        Raises:
            StorageError: none of them was set aside.
        """
        now = self._clock()
        wall = nairobi_wall_clock(now)
        rows = [self._row(stranger, wall) for stranger in strangers]
        if self._file is None:
            open_for_reading(self._database)
            self._file = SameFile(self._database.path)
        self._file.check()
        with self._database.writing() as connection:
            quarantine_rows.add(connection, rows, now)
            leaving = who_leaves(quarantine_rows.held(connection))
            quarantine_rows.remove(connection, leaving)
        return SetAside([row.address for row in rows if row.is_plausible], len(leaving))

    def _row(self, stranger: Stranger, wall: datetime) -> NewQuarantined:
        _, parsed = parse_delivery(stranger.raw, stranger.kind, ours=self._ours, now=wall)
        return NewQuarantined(
            address=stranger.address,
            path=stranger.path,
            kind=stranger.kind,
            reason=stranger.reason,
            is_plausible=isinstance(parsed, PaymentMessage),
            trans_id=getattr(parsed, "receipt", None),
            raw=stranger.raw,
        )


def who_leaves(
    held: Sequence[Held], *, most_rows: int = MOST_ROWS, most_bytes: int = MOST_BYTES
) -> list[int]:
    """Return the ids that have to leave so that the rest is within bounds.

    ``held`` stands in the order in which it came.
    """
    rows, size = len(held), sum(each.raw_bytes for each in held)
    junk = deque(each for each in held if not each.is_plausible)
    by_address: dict[str, deque[Held]] = {}
    for each in held:
        if each.is_plausible:
            by_address.setdefault(each.address, deque()).append(each)
    counts = Counter({address: len(those) for address, those in by_address.items()})
    leaving = []
    while rows > most_rows or size > most_bytes:
        if junk:
            first = junk.popleft()
        else:
            heaviest = counts.most_common(1)[0][0]
            counts[heaviest] -= 1
            first = by_address[heaviest].popleft()
        leaving.append(first.id)
        rows, size = rows - 1, size - first.raw_bytes
    return leaving


def list_quarantine(database: Database, *, limit: int = 100) -> list[QuarantineView]:
    """Return what waits for a person, the newest first."""
    with database.reading() as connection:
        return quarantine_rows.list_newest(connection, limit=limit)


def find_quarantined(database: Database, ids: Sequence[int]) -> list[QuarantinedRaw]:
    """Return callbacks in quarantine with their bytes, the oldest first.

    Raises:
        NotFoundError: one of them is not there.
    """
    possible = [each for each in ids if 0 < each <= _MAX_ROW]
    with database.reading() as connection:
        found = quarantine_rows.find(connection, possible)
    missing = sorted(set(ids) - {each.view.id for each in found})
    if missing:
        raise NotFoundError(
            f"there is no callback {missing[0]} in quarantine",
            hint="See them: kelly webhook quarantine list",
            code="quarantined_not_found",
        )
    return found


def release(database: Database, inbox: Inbox, hand: Hand, found: Sequence[QuarantinedRaw]) -> Tally:
    """Let callbacks in by the road of all others; they leave the quarantine.

    Each becomes one log, also when a release died half-way and is repeated.
    """
    tally = Tally()
    deliveries = [
        Delivery(each.raw, cast("Kind", each.view.kind), SOURCE, f"{SOURCE}-{each.view.id}")
        for each in found
        if each.view.kind != "validation"
    ]
    validations = [each.raw for each in found if each.view.kind == "validation"]
    if validations:
        inbox.keep_validations(validations, SOURCE)
    if deliveries:
        for entry in inbox.take(deliveries, again=True):
            tally.add(entry)
    _close(database, hand, "quarantine.release", found)
    return tally


def drop(database: Database, hand: Hand, found: Sequence[QuarantinedRaw]) -> None:
    """Throw callbacks away for good."""
    _close(database, hand, "quarantine.drop", found)


def _close(database: Database, hand: Hand, action: str, found: Sequence[QuarantinedRaw]) -> None:
    with database.writing() as connection:
        for each in quarantine_rows.find(connection, [each.view.id for each in found]):
            view = each.view
            before = {
                "address": view.address,
                "path": view.path,
                "received_at": view.received_at.isoformat(),
                "trans_id": view.trans_id,
            }
            audit_rows.record_audit(
                connection, hand, action, f"quarantined {view.id}", before=before
            )
        quarantine_rows.remove(connection, [each.view.id for each in found])
