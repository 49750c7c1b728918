"""A look into a spool: what waits there, read beside whoever fills or drains it."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from kelly_cli.store.spool import read_part

if TYPE_CHECKING:
    from pathlib import Path

    from kelly_cli.core.spooled import Record
    from kelly_cli.store.spool import Spool

_AT_ONCE = 10_000


def newest(spool: Spool, *, limit: int) -> list[Record]:
    """Return the records that came last, the newest first; what cannot be read is left out."""
    found: list[Record] = []
    for path in reversed(spool.segments()):
        if len(found) >= limit:
            break
        found += reversed(_last_of(path, limit - len(found)))
    return found


def _last_of(path: Path, limit: int) -> list[Record]:
    kept: deque[Record] = deque(maxlen=limit)
    place = 0
    # Gone meanwhile: it was drained.
    with suppress(OSError), path.open("rb") as file:
        while (part := read_part(file, place, most=_AT_ONCE))[2]:
            if not part[0] and not part[1]:
                break
            kept.extend(part[0])
            place += part[2]
    return list(kept)
