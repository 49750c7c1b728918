"""By what else customers pay: rows that people taught, and that they take back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, insert, select, update
from sqlmodel import col

from kelly_cli.store.database import fetch_in
from kelly_cli.store.tables import Customer, PayerAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection


class AliasView(NamedTuple):
    """One alias as people see it. ``amount_cents``: the usual amount, None = any."""

    row: int
    customer_row: int
    customer_id: str
    customer_name: str
    kind: str
    value: str
    amount_cents: int | None
    learnt_from: str | None
    actor: str
    created_at: datetime
    retired_at: datetime | None


def _select() -> Select[Any]:
    columns: tuple[Any, ...] = (
        col(PayerAlias.id),
        col(PayerAlias.customer_id),
        col(Customer.customer_id).label("public_id"),
        col(Customer.name),
        col(PayerAlias.kind),
        col(PayerAlias.value),
        col(PayerAlias.amount_cents),
        col(PayerAlias.learnt_from),
        col(PayerAlias.actor),
        col(PayerAlias.created_at),
        col(PayerAlias.retired_at),
    )
    return select(*columns).join_from(
        PayerAlias, Customer, col(Customer.id) == col(PayerAlias.customer_id)
    )


def list_aliases(
    connection: Connection, *, customer_row: int | None, retired: bool, limit: int
) -> Sequence[AliasView]:
    """Return aliases, the newest first. ``retired``: those that were taken back too."""
    statement = _select().order_by(col(PayerAlias.id).desc()).limit(limit)
    if customer_row is not None:
        statement = statement.where(col(PayerAlias.customer_id) == customer_row)
    if not retired:
        statement = statement.where(col(PayerAlias.retired_at).is_(None))
    return [AliasView(*row) for row in connection.execute(statement)]


def find_alias(connection: Connection, row: int) -> AliasView | None:
    """Return an alias by its number, one that was taken back too."""
    found = connection.execute(_select().where(col(PayerAlias.id) == row)).first()
    return AliasView(*found) if found else None


def find_live(connection: Connection, customer_row: int, kind: str, value: str) -> AliasView | None:
    """Return a customer's live alias of this kind and value."""
    found = connection.execute(
        _select().where(
            col(PayerAlias.customer_id) == customer_row,
            col(PayerAlias.kind) == kind,
            col(PayerAlias.value) == value,
            col(PayerAlias.retired_at).is_(None),
        )
    ).first()
    return AliasView(*found) if found else None


def live_of(
    connection: Connection, kind: str, values: Collection[str]
) -> list[tuple[int, str, str, int | None]]:
    """Return (customer row, kind, value, amount) of the live aliases of a kind and these values."""
    rows = fetch_in(
        connection,
        "SELECT customer_id, kind, value, amount_cents FROM payer_aliases",
        "value",
        list(values),
        f"AND kind = '{_kind(kind)}' AND retired_at IS NULL ORDER BY id",
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def live_numbers(connection: Connection, *, most: int) -> list[tuple[int, str, str, int | None]]:
    """Return the same of live aliases that are phones and hashes, the newest first."""
    statement = (
        select(
            col(PayerAlias.customer_id),
            col(PayerAlias.kind),
            col(PayerAlias.value),
            col(PayerAlias.amount_cents),
        )
        .where(col(PayerAlias.kind).in_(("phone", "hash")), col(PayerAlias.retired_at).is_(None))
        .order_by(col(PayerAlias.id).desc())
        .limit(most)
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(statement)]


def add_alias(
    connection: Connection,
    *,
    customer_row: int,
    kind: str,
    value: str,
    amount_cents: int | None,
    learnt_from: str | None,
    actor: str,
    created_at: datetime,
) -> int:
    """Write an alias; return its row."""
    row = connection.execute(
        insert(PayerAlias)
        .values(
            customer_id=customer_row,
            kind=kind,
            value=value,
            amount_cents=amount_cents,
            learnt_from=learnt_from,
            actor=actor,
            created_at=created_at,
        )
        .returning(col(PayerAlias.id))
    ).scalar_one()
    return int(row or 0)


def live_learnt_from(connection: Connection, source: str) -> list[int]:
    """Return the live aliases (rows) that one payment, or one imported invoice, taught."""
    rows = connection.execute(
        select(col(PayerAlias.id)).where(
            col(PayerAlias.learnt_from) == source, col(PayerAlias.retired_at).is_(None)
        )
    )
    return [int(row[0] or 0) for row in rows]


def set_usual(connection: Connection, row: int, amount_cents: int | None) -> None:
    """Write another usual amount."""
    connection.execute(
        update(PayerAlias).where(col(PayerAlias.id) == row).values(amount_cents=amount_cents)
    )


def restore(connection: Connection, rows: Collection[int]) -> None:
    """Let aliases that were taken back stand again."""
    for row in rows:
        connection.execute(
            update(PayerAlias).where(col(PayerAlias.id) == row).values(retired_at=None)
        )


def retire(connection: Connection, row: int, at: datetime) -> None:
    """Take an alias back."""
    connection.execute(update(PayerAlias).where(col(PayerAlias.id) == row).values(retired_at=at))


def _kind(kind: str) -> str:
    if kind not in {"phone", "hash", "masked", "name", "reference"}:
        raise ValueError(kind)
    return kind
