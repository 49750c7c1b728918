"""Registrations: what was asked of Safaricom, kept before it is asked, and its whole reply.

There is no way to ask Safaricom what is registered: these rows are the only record of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import insert, select, update
from sqlmodel import col

from kelly_cli.store.tables import MpesaRegistration

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

_MAY_STAND = ("intended", "accepted", "unknown")
"""Outcomes after which the URLs of a row may be those that Safaricom calls."""


class NewRegistration(NamedTuple):
    """What is going to be asked for. ``api``: ``v1``, ``v2`` or ``pull``."""

    environment: str
    short_code: str
    api: str
    confirmation_url: str
    validation_url: str | None
    response_type: str | None
    actor: str


class RegistrationView(NamedTuple):
    """One registration. ``reply``: Safaricom's whole answer, None = there was none."""

    id: int
    environment: str
    short_code: str
    api: str
    confirmation_url: str
    validation_url: str | None
    response_type: str | None
    outcome: str
    reply: str | None
    actor: str
    created_at: datetime
    answered_at: datetime | None


_COLUMNS: tuple[Any, ...] = tuple(
    col(getattr(MpesaRegistration, name)) for name in RegistrationView._fields
)


def add_registration(connection: Connection, new: NewRegistration, at: datetime) -> int:
    """Write the intent, before anything is sent; return its row. ``at``: aware UTC."""
    row = connection.execute(
        insert(MpesaRegistration)
        .values(**new._asdict(), outcome="intended", created_at=at)
        .returning(col(MpesaRegistration.id))
    ).scalar_one()
    return int(row or 0)


def settle_registration(
    connection: Connection, row: int, *, outcome: str, reply: str | None, at: datetime
) -> None:
    """Write what became of it. ``at``: aware UTC."""
    connection.execute(
        update(MpesaRegistration)
        .where(col(MpesaRegistration.id) == row)
        .values(outcome=outcome, reply=reply, answered_at=at)
    )


def list_registrations(
    connection: Connection, *, short_codes: Collection[str] | None = None, limit: int
) -> Sequence[RegistrationView]:
    """Return registrations, newest first. ``short_codes`` None = all."""
    statement = select(*_COLUMNS).order_by(col(MpesaRegistration.id).desc()).limit(limit)
    if short_codes is not None:
        statement = statement.where(col(MpesaRegistration.short_code).in_(short_codes))
    return [RegistrationView(*row) for row in connection.execute(statement)]


def find_standing(
    connection: Connection, *, environment: str, short_code: str
) -> RegistrationView | None:
    """Return the newest registration whose URLs Safaricom may be calling now."""
    row = connection.execute(
        select(*_COLUMNS)
        .where(
            col(MpesaRegistration.environment) == environment,
            col(MpesaRegistration.short_code) == short_code,
            col(MpesaRegistration.api) != "pull",
            col(MpesaRegistration.outcome).in_(_MAY_STAND),
        )
        .order_by(col(MpesaRegistration.id).desc())
        .limit(1)
    ).first()
    return RegistrationView(*row) if row else None


def get_registration(connection: Connection, row: int) -> RegistrationView:
    """Return one registration by its row."""
    found = connection.execute(select(*_COLUMNS).where(col(MpesaRegistration.id) == row)).one()
    return RegistrationView(*found)
