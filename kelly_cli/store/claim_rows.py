"""Claims: receipts that were shown at the counter and are spent there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, update
from sqlmodel import col

from kelly_cli.store.tables import PaymentClaim

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def add_claim(
    connection: Connection,
    payment_row: int,
    *,
    sale_row: int | None,
    note: str | None,
    actor: str,
    at: datetime,
) -> None:
    """Claim a payment for a sale, or for what a note says."""
    connection.execute(
        insert(PaymentClaim).values(
            payment_id=payment_row, sale_id=sale_row, note=note, actor=actor, created_at=at
        )
    )


def undo_claim(connection: Connection, payment_row: int, at: datetime) -> None:
    """Take the standing claim of a payment back; its row stays."""
    connection.execute(
        update(PaymentClaim)
        .where(col(PaymentClaim.payment_id) == payment_row, col(PaymentClaim.undone_at).is_(None))
        .values(undone_at=at)
    )
