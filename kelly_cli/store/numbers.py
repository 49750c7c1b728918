"""Running numbers: drawn inside the same unit of work as the row that carries them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

_NEXT = text(
    "INSERT INTO counters (name, value) VALUES (:name, 1) "
    "ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value"
)


def next_number(connection: Connection, name: str) -> int:
    """Return the next number of ``name`` (``INV-20260203``, ``CUST``), counting from 1."""
    return int(connection.execute(_NEXT, {"name": name}).scalar_one())
