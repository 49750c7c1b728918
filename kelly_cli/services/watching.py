"""What a watch over the listener asks of the books and the disk: when callbacks came, what is free.

Reads only, and may wait as long as the database lets it.
"""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from kelly_cli.core.silence import LEARNED_DAYS
from kelly_cli.services.spooling import SOURCE
from kelly_cli.store import log_rows

if TYPE_CHECKING:
    from datetime import datetime

    from kelly_cli.store.database import Database

MOST_TIMES = 20_000
"""Callbacks that are looked at: the newest of them."""
MIB = 1024 * 1024


def callback_times(database: Database, now: datetime) -> list[datetime]:
    """Return when callbacks came over HTTP in the last two weeks: aware UTC, oldest first.

    Raises:
        StorageError: the database does not tell.
    """
    since = now - timedelta(days=LEARNED_DAYS)
    with database.reading() as connection:
        newest = log_rows.list_times(connection, SOURCE, since=since, limit=MOST_TIMES)
    return newest[::-1]


def last_callback_at(database: Database) -> datetime | None:
    """Return when the newest callback came over HTTP: aware UTC; None = none ever did.

    Raises:
        StorageError: the database does not tell.
    """
    with database.reading() as connection:
        newest = log_rows.list_times(connection, SOURCE, since=None, limit=1)
    return newest[0] if newest else None


def free_mib(database: Database, spool: Path) -> int:
    """Return what is free where callbacks are kept: on the disk of the books or of the spool.

    The lesser of the two; books on a server are the server's care.

    Raises:
        OSError: a disk does not tell.
    """
    places = [spool] if not database.path else [spool, Path(os.fspath(database.path))]
    return min(shutil.disk_usage(_there(place)).free for place in places) // MIB


def _there(place: Path) -> Path:
    """Return a place or the nearest folder above it that is there."""
    return next(each for each in (place, *place.absolute().parents) if each.is_dir())
