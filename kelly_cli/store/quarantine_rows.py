"""The quarantine's rows: callbacks refused for their sender's address, until a person decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, insert, select
from sqlmodel import col

from kelly_cli.store.inbox_rows import raw_bytes, raw_text
from kelly_cli.store.tables import Quarantined

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

_COLUMNS: tuple[Any, ...] = (
    col(Quarantined.id),
    col(Quarantined.received_at),
    col(Quarantined.address),
    col(Quarantined.path),
    col(Quarantined.kind),
    col(Quarantined.reason),
    col(Quarantined.is_plausible),
    col(Quarantined.trans_id),
    col(Quarantined.raw_bytes),
)
"""In the order of ``QuarantineView``."""


class NewQuarantined(NamedTuple):
    """A callback to set aside. ``is_plausible``: it reads as money for a short code of ours."""

    address: str
    path: str
    kind: str
    reason: str
    is_plausible: bool
    trans_id: str | None
    raw: bytes


class QuarantineView(NamedTuple):
    """One callback in quarantine, without its bytes, of which there are ``raw_bytes``."""

    id: int
    received_at: datetime
    address: str
    path: str
    kind: str
    reason: str
    is_plausible: bool
    trans_id: str | None
    raw_bytes: int


class QuarantinedRaw(NamedTuple):
    """One callback in quarantine with its bytes, also as the text they are stored as."""

    view: QuarantineView
    payload: str
    encoding: str

    @property
    def raw(self) -> bytes:
        """The exact bytes that came."""
        return raw_bytes(self.payload, self.encoding)


class Held(NamedTuple):
    """As much of a callback in quarantine as decides who has to leave."""

    id: int
    address: str
    is_plausible: bool
    raw_bytes: int


def add(connection: Connection, rows: Sequence[NewQuarantined], received_at: datetime) -> None:
    """Set callbacks aside."""
    values = []
    for row in rows:
        payload, encoding, _ = raw_text(row.raw)
        facts = {**row._asdict(), "received_at": received_at, "raw_bytes": len(row.raw)}
        del facts["raw"]
        values.append({**facts, "raw_payload": payload, "raw_encoding": encoding})
    connection.execute(insert(Quarantined), values)


def held(connection: Connection) -> list[Held]:
    """Return all that is there, the oldest first."""
    columns: tuple[Any, ...] = (
        col(Quarantined.id),
        col(Quarantined.address),
        col(Quarantined.is_plausible),
        col(Quarantined.raw_bytes),
    )
    found = connection.execute(select(*columns).order_by(col(Quarantined.id)))
    return [Held(*row) for row in found]


def list_newest(connection: Connection, *, limit: int) -> list[QuarantineView]:
    """Return what is there, the newest first."""
    found = connection.execute(select(*_COLUMNS).order_by(col(Quarantined.id).desc()).limit(limit))
    return [QuarantineView(*row) for row in found]


def find(connection: Connection, ids: Collection[int]) -> list[QuarantinedRaw]:
    """Return those of these ids that are there, with their bytes, the oldest first."""
    found = connection.execute(
        select(*_COLUMNS, col(Quarantined.raw_payload), col(Quarantined.raw_encoding))
        .where(col(Quarantined.id).in_(ids))
        .order_by(col(Quarantined.id))
    )
    return [QuarantinedRaw(QuarantineView(*row[:-2]), *row[-2:]) for row in found]


def remove(connection: Connection, ids: Collection[int]) -> None:
    """Take these out of the quarantine for good."""
    connection.execute(delete(Quarantined).where(col(Quarantined.id).in_(ids)))
