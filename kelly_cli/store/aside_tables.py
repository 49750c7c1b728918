"""What came and is no money: tables beside the books, imported with them by ``tables``."""

from datetime import datetime

from kelly_cli.store.columns import Base, one_of, row_id, words


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
