"""Tables beside the books, imported with them by ``tables``: what came and is no money, numbers."""

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field

from kelly_cli.store.columns import Base, cents, one_of, row_id, words


class ValidationRequest(Base, table=True):
    """What Safaricom asked before money moved. Never money, never a log."""

    __tablename__ = "validation_requests"
    __table_args__ = (one_of("raw_encoding", "utf-8", "base64"),)

    id: int | None = row_id()
    source: str = words()
    raw_payload: str = words()
    raw_encoding: str = words()
    trans_id: str | None = words(default=None)
    bill_ref_number: str | None = words(default=None)
    result_code: str = words()
    note: str | None = words(default=None)
    created_at: datetime


class Quarantined(Base, table=True):
    """A callback refused for its sender's address: it waits for a person. Never money, never a log.

    An id is never used twice, so that a person who names one means what he saw.
    """

    __tablename__ = "quarantine"
    __table_args__ = (
        one_of("kind", "confirmation", "validation", "stk", "result", "timeout"),
        one_of("raw_encoding", "utf-8", "base64"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = row_id()
    received_at: datetime
    address: str = words()
    path: str = words()
    kind: str = words()
    reason: str = words()
    is_plausible: bool
    trans_id: str | None = words(default=None)
    raw_bytes: int
    raw_payload: str = words()
    raw_encoding: str = words()


class Counter(Base, table=True):
    """The last running number given for a name (``INV-20260203``, ``CUST``)."""

    __tablename__ = "counters"

    name: str = Field(sa_type=Text, primary_key=True)
    value: int = cents()
