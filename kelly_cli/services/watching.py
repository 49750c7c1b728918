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


def free_mib(database: Database) -> int | None:
    """Return what is free on the disk of the books; None = they are on a server.

    Raises:
        OSError: the disk does not tell.
    """
    if not database.path:
        return None
    return shutil.disk_usage(Path(os.fspath(database.path)).parent).free // MIB
