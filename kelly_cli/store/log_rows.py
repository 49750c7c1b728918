"""The inbox's logs as people and scripts see them: what came, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, and_, or_, select, text, update
from sqlmodel import col

from kelly_cli.store.inbox_rows import raw_bytes
from kelly_cli.store.tables import OPEN_LOG, Payment, WebhookLog

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

_COLUMNS: tuple[Any, ...] = (
    col(WebhookLog.id),
    col(WebhookLog.trans_id),
    col(WebhookLog.kind),
    col(WebhookLog.source),
    col(WebhookLog.processed),
    col(WebhookLog.is_duplicate),
    col(WebhookLog.error),
    col(WebhookLog.note),
    col(WebhookLog.attempts),
    col(WebhookLog.created_at),
    col(Payment.mpesa_receipt_number),
    col(WebhookLog.purged_at),
    col(Payment.short_code),
)
"""In the order of ``LogView``."""

CONFLICT = "conflict"
DISMISSED = "dismissed: "
"""What the note of a dismissed log starts with."""


class LogView(NamedTuple):
    """One log. ``trans_id`` None = nobody could read one; ``payment``: the receipt it led to.

    ``purged_at``: since then its bytes are those that came without people in them. ``short_code``:
    where its payment came to.
    """

    id: int
    trans_id: str | None
    kind: str
    source: str
    processed: bool
    is_duplicate: bool
    error: str | None
    note: str | None
    attempts: int
    created_at: datetime
    payment: str | None
    purged_at: datetime | None = None
    short_code: str | None = None

    @property
    def is_open(self) -> bool:
        """Failed or pending."""
        return not self.processed and not self.is_duplicate

    @property
    def outcome(self) -> str:
        """Say in one word what became of it."""
        if self.is_duplicate:
            return CONFLICT if (self.error or "").startswith(CONFLICT) else "duplicate"
        if not self.processed:
            return "failed" if self.error else "pending"
        # A dismissed log keeps its error; a pending one had none, and has no payment either.
        noted = (self.note or "").startswith(DISMISSED) and self.payment is None
        return "dismissed" if self.error or noted else "processed"


class RawPayload(NamedTuple):
    """The text of a log's bytes, and how it holds them (``utf-8`` or ``base64``)."""

    payload: str
    encoding: str

    @property
    def raw(self) -> bytes:
        """The exact bytes that came."""
        return raw_bytes(self.payload, self.encoding)


class LogFilter(NamedTuple):
    """Which logs to list. The four states add up; none of them given = all logs.

    ``short_codes``: where its payment came to, or, of one without a payment, what its text names.
    """

    failed: bool = False
    duplicates: bool = False
    pending: bool = False
    conflicts: bool = False
    receipt: str | None = None
    source: str | None = None
    short_codes: Collection[str] | None = None


def list_logs(connection: Connection, wanted: LogFilter, *, limit: int) -> Sequence[LogView]:
    """Return logs, the newest first."""
    statement = (
        _select()
        .where(*_conditions(wanted))
        .order_by(col(WebhookLog.created_at).desc(), col(WebhookLog.id).desc())
        .limit(limit)
    )
    return [LogView(*row) for row in connection.execute(statement)]


def find_log(connection: Connection, log_id: int) -> LogView | None:
    """Return one log."""
    row = connection.execute(_select().where(col(WebhookLog.id) == log_id)).first()
    return LogView(*row) if row else None


def read_raw(connection: Connection, log_id: int) -> RawPayload:
    """Return what came, as it is stored."""
    columns = (col(WebhookLog.raw_payload), col(WebhookLog.raw_encoding))
    return RawPayload(
        *connection.execute(select(*columns).where(col(WebhookLog.id) == log_id)).one()
    )


def list_logs_of_payment(
    connection: Connection, payment_row: int, receipt: str, *, limit: int
) -> Sequence[LogView]:
    """Return the logs that told of a payment, or tried to, the oldest first."""
    told = or_(col(WebhookLog.payment_id) == payment_row, col(WebhookLog.trans_id) == receipt)
    statement = _select().where(told).order_by(col(WebhookLog.id)).limit(limit)
    return [LogView(*row) for row in connection.execute(statement)]


def list_times(
    connection: Connection, source: str, *, since: datetime | None, limit: int
) -> list[datetime]:
    """Return when logs of a source came, the newest first: aware UTC. ``since`` None = ever."""
    came_at = col(WebhookLog.created_at)
    statement = select(came_at).where(col(WebhookLog.source) == source)
    if since is not None:
        statement = statement.where(came_at >= since)
    return list(connection.execute(statement.order_by(came_at.desc()).limit(limit)).scalars())


def dismiss_log(connection: Connection, log_id: int, reason: str) -> None:
    """Take a log off the list: it counts as processed, keeps its error and gets the reason."""
    connection.execute(
        update(WebhookLog)
        .where(col(WebhookLog.id) == log_id)
        .values(processed=True, note=f"{DISMISSED}{reason}")
    )


def speaks_of(short_codes: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a log, beside its payment, is of one of these short codes."""
    named = [col(WebhookLog.raw_payload).contains(code) for code in short_codes]
    bare = and_(col(WebhookLog.payment_id).is_(None), or_(*named))
    return or_(col(Payment.short_code).in_(short_codes), bare)


def _select() -> Select[Any]:
    return select(*_COLUMNS).outerjoin_from(
        WebhookLog, Payment, col(Payment.id) == col(WebhookLog.payment_id)
    )


def _conditions(wanted: LogFilter) -> list[ColumnElement[bool]]:
    error = col(WebhookLog.error)
    # The words of the partial index, so that the few open logs are found among the many.
    is_open = text(OPEN_LOG)
    states = [
        (wanted.failed, and_(is_open, error.is_not(None))),
        (wanted.pending, and_(is_open, error.is_(None))),
        (wanted.duplicates, col(WebhookLog.is_duplicate)),
        (wanted.conflicts, and_(col(WebhookLog.is_duplicate), error.startswith(CONFLICT))),
    ]
    asked = [state for is_asked, state in states if is_asked]
    found = [or_(*asked)] if asked else []
    if wanted.receipt is not None:
        found.append(col(WebhookLog.trans_id) == wanted.receipt)
    if wanted.source is not None:
        found.append(col(WebhookLog.source) == wanted.source)
    if wanted.short_codes is not None:
        found.append(speaks_of(wanted.short_codes))
    return found
