"""From the spool into the books: each record becomes one log, whoever drains and however often.

The delivery id decides: one that is logged already is left out, in the same unit of work that logs
the others. So a commit whose outcome nobody learned may be spooled too, and costs nothing.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, cast

from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.daraja.messages import parse_delivery
from kelly_cli.services.inbox import Delivery
from kelly_cli.store import spool_look
from kelly_cli.store.spool_drain import Drain

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from kelly_cli.core.spooled import Record
    from kelly_cli.daraja.messages import Kind
    from kelly_cli.services.entries import Entry
    from kelly_cli.services.inbox import Inbox
    from kelly_cli.store.spool import Spool

SOURCE = "http"
"""The source of everything that a listener takes, also by way of the spool."""
_TURN_S = 5.0
_PAUSE_S = 0.05


class Drained(NamedTuple):
    """What a drain did. ``damaged``: pieces of the spool that nobody can read, kept aside."""

    records: int = 0
    damaged: int = 0


class InSpool(NamedTuple):
    """A callback that waits in the spool. ``came_at``: aware UTC."""

    delivery_id: str
    kind: str
    trans_id: str | None
    came_at: datetime
    bytes: int


def list_spool(spool: Spool, *, limit: int) -> list[InSpool]:
    """Return what waits in a spool, the newest first, without a look at the books."""
    return [
        InSpool(each.delivery_id, each.kind, _receipt(each), each.received_at, len(each.raw))
        for each in spool_look.newest(spool, limit=limit)
    ]


def _receipt(record: Record) -> str | None:
    arrived = nairobi_wall_clock(record.received_at)
    kind = cast("Kind", record.kind)
    return parse_delivery(record.raw, kind, ours=frozenset(), now=arrived)[1].receipt


def drain_unit(inbox: Inbox, drain: Drain) -> list[Entry] | None:
    """Log and process the next records of a spool, in one unit of work; nothing = it is empty.

    None = nothing new came of it: another process drains, or these records were logged already.

    Raises:
        StorageError: the database does not take them now, or the spool cannot be read.
    """
    with drain.unit() as records:
        if not records:
            return None if records is None else []
        deliveries = [
            # A spool holds what a listener put there, and that is one of the kinds.
            Delivery(r.raw, cast("Kind", r.kind), SOURCE, r.delivery_id, r.received_at)
            for r in records
        ]
        return inbox.take(deliveries, narrate=True, again=True) or None


def drain_all(
    inbox: Inbox, spool: Spool, *, advance: Callable[[int], None] = lambda _: None
) -> Drained:
    """Drain a spool to its end, taking turns with a listener that drains it too.

    Raises:
        StorageError: the database does not take it, or the spool cannot be read.
    """
    drain = Drain(spool)
    drained = 0
    end_s = time.monotonic() + _TURN_S
    while time.monotonic() < end_s:
        entries = drain_unit(inbox, drain)
        if entries is None:
            time.sleep(_PAUSE_S)
            continue
        if not entries:
            break
        drained += len(entries)
        advance(len(entries))
        end_s = time.monotonic() + _TURN_S
    return Drained(drained, drain.damaged)
