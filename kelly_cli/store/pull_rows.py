"""Which past time was asked of the Pull API, and what it brought: rows of ``pulls``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import insert, select
from sqlmodel import col

from kelly_cli.store.tables import Pull

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


class PullRow(NamedTuple):
    """One question. ``from_at`` and ``to_at``: Nairobi wall-clock; ``added``: new payments."""

    environment: str
    short_code: str
    from_at: datetime
    to_at: datetime
    state: str
    records: int
    added: int
    note: str | None


def add_pull(connection: Connection, pull: PullRow, at: datetime) -> None:
    """Keep what was asked and what came."""
    connection.execute(insert(Pull).values(**pull._asdict(), created_at=at))


def ever_brought(connection: Connection, environment: str, short_code: str) -> bool:
    """Tell whether the Pull API ever gave records of a short code."""
    statement = (
        select(col(Pull.id))
        .where(
            col(Pull.environment) == environment,
            col(Pull.short_code) == short_code,
            col(Pull.state) == "ok",
        )
        .limit(1)
    )
    return connection.execute(statement).first() is not None
