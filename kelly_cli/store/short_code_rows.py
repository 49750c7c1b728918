"""The rows of our short codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select
from sqlmodel import col

from kelly_cli.store.tables import ShortCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


class KnownCode(NamedTuple):
    """A short code as it was when its first callback came."""

    code: str
    kind: str
    name: str | None
    environment: str


def list_codes(connection: Connection) -> Sequence[KnownCode]:
    """Return all short codes, by code."""
    columns: tuple[Any, ...] = (
        ShortCode.code,
        ShortCode.kind,
        ShortCode.name,
        ShortCode.environment,
    )
    found: Sequence[Any] = connection.execute(
        select(*map(col, columns)).order_by(col(ShortCode.code))
    ).all()
    return [KnownCode(*row) for row in found]
