"""What we asked of Safaricom, and what came of it: rows of ``daraja_requests``.

A row is written before its request is sent and only its state moves on. Which state follows which
is decided by whoever calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import or_, select, update
from sqlmodel import col

from kelly_cli.store import hour_total_rows
from kelly_cli.store.database import fetch_in, reserve_ids
from kelly_cli.store.tables import Base, DarajaRequest, Payment, StatementMovement, WebhookLog

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

_REQUESTS = Base.metadata.tables["daraja_requests"]

UNSETTLED = ("intended", "accepted", "unknown")
"""What was sent, or may have been, and of which no result is known."""

MOST_RESULTS = 1000
"""Results that came around the time of one request, at most so many are looked at."""


class RequestView(NamedTuple):
    """One request. ``result``: the parameters of its result as JSON text, None = none came."""

    row: int
    kind: str
    environment: str
    short_code: str
    receipt: str | None
    payment_row: int | None
    amount_cents: int | None
    reason: str | None
    actor: str
    conversation_id: str | None
    originator_conversation_id: str | None
    state: str
    result_code: str | None
    result_desc: str | None
    result: str | None
    log_row: int | None
    created_at: datetime
    updated_at: datetime


class ResultLog(NamedTuple):
    """The log of a result or time-out."""

    row: int
    kind: str
    payload: str
    encoding: str


_COLUMNS: tuple[Any, ...] = (
    col(DarajaRequest.id),
    col(DarajaRequest.kind),
    col(DarajaRequest.environment),
    col(DarajaRequest.short_code),
    col(DarajaRequest.receipt),
    col(DarajaRequest.payment_id),
    col(DarajaRequest.amount_cents),
    col(DarajaRequest.reason),
    col(DarajaRequest.actor),
    col(DarajaRequest.conversation_id),
    col(DarajaRequest.originator_conversation_id),
    col(DarajaRequest.state),
    col(DarajaRequest.result_code),
    col(DarajaRequest.result_desc),
    col(DarajaRequest.result),
    col(DarajaRequest.log_id),
    col(DarajaRequest.created_at),
    col(DarajaRequest.updated_at),
)
"""In the order of ``RequestView``."""


def add_request(connection: Connection, values: dict[str, Any], at: datetime) -> int:
    """Write a request that is about to be sent (state ``intended``) and return its row."""
    row = reserve_ids(connection, "daraja_requests", 1)[0]
    connection.execute(
        _REQUESTS.insert().values(id=row, state="intended", created_at=at, updated_at=at, **values)
    )
    return row


def change_request(connection: Connection, row: int, values: dict[str, Any], at: datetime) -> None:
    """Set columns of a request."""
    connection.execute(
        update(DarajaRequest).where(col(DarajaRequest.id) == row).values(updated_at=at, **values)
    )


def find_request(connection: Connection, row: int) -> RequestView | None:
    """Return one request."""
    statement = select(*_COLUMNS).where(col(DarajaRequest.id) == row)
    found = connection.execute(statement).first()
    return None if found is None else RequestView(*found)


def find_by_conversation(
    connection: Connection, conversation_id: str | None, originator_id: str | None
) -> RequestView | None:
    """Return the newest request that was given either conversation id."""
    ways = []
    if conversation_id:
        ways.append(col(DarajaRequest.conversation_id) == conversation_id)
    if originator_id:
        ways.append(col(DarajaRequest.originator_conversation_id) == originator_id)
    if not ways:
        return None
    newest = select(*_COLUMNS).where(or_(*ways)).order_by(col(DarajaRequest.id).desc()).limit(1)
    found = connection.execute(newest).first()
    return None if found is None else RequestView(*found)


def list_requests(
    connection: Connection,
    *,
    limit: int,
    kind: str | None = None,
    receipt: str | None = None,
    states: Collection[str] = (),
    short_codes: Collection[str] | None = None,
) -> Sequence[RequestView]:
    """Return requests, newest first; None and () = any."""
    statement = select(*_COLUMNS).order_by(col(DarajaRequest.id).desc()).limit(limit)
    if kind is not None:
        statement = statement.where(col(DarajaRequest.kind) == kind)
    if receipt is not None:
        statement = statement.where(col(DarajaRequest.receipt) == receipt)
    if states:
        statement = statement.where(col(DarajaRequest.state).in_(states))
    if short_codes is not None:
        statement = statement.where(col(DarajaRequest.short_code).in_(short_codes))
    return [RequestView(*row) for row in connection.execute(statement)]


def results_since(connection: Connection, since: datetime) -> Sequence[ResultLog]:
    """Return the results and time-outs that came since an instant and settled no request."""
    statement = (
        select(
            col(WebhookLog.id),
            col(WebhookLog.kind),
            col(WebhookLog.raw_payload),
            col(WebhookLog.raw_encoding),
        )
        .outerjoin_from(WebhookLog, DarajaRequest, col(DarajaRequest.log_id) == col(WebhookLog.id))
        .where(
            col(WebhookLog.created_at) >= since,
            col(WebhookLog.kind).in_(("result", "timeout")),
            col(WebhookLog.processed),
            col(DarajaRequest.id).is_(None),
        )
        .order_by(col(WebhookLog.id).desc())
        .limit(MOST_RESULTS)
    )
    rows: Iterable[Any] = connection.execute(statement)
    return [ResultLog(*row) for row in rows][::-1]


def mark_conflict(connection: Connection, log_row: int, receipt: str, error: str) -> None:
    """Make the log of a result a conflict with the payment of its receipt."""
    payment = select(col(Payment.id)).where(col(Payment.mpesa_receipt_number) == receipt)
    connection.execute(
        update(WebhookLog)
        .where(col(WebhookLog.id) == log_row)
        .values(
            processed=False,
            is_duplicate=True,
            error=error,
            trans_id=receipt,
            payment_id=payment.scalar_subquery(),
        )
    )


def standing_of(connection: Connection, payment_row: int) -> dict[int, int]:
    """Return what a payment holds on each invoice (row → cents), zero left out."""
    rows = fetch_in(
        connection,
        "SELECT invoice_id, sum(amount_cents) FROM allocations",
        "payment_id",
        [payment_row],
        "GROUP BY invoice_id HAVING sum(amount_cents) <> 0 ORDER BY invoice_id",
    )
    return {row[0]: int(row[1]) for row in rows}


def set_reversed(connection: Connection, payment_row: int, at: datetime | None) -> None:
    """Mark a payment reversed; it holds nothing any more. None: it is so no longer."""
    change = update(Payment).where(col(Payment.id) == payment_row)
    with hour_total_rows.following(connection, [payment_row]):
        connection.execute(change.values(reversed_at=at, pinned=False))


def who_says_reversed(connection: Connection, payment_row: int, receipt: str) -> str | None:
    """Return what of Safaricom's says that a payment went back; None = nothing does."""
    asked = select(col(DarajaRequest.id)).where(
        col(DarajaRequest.payment_id) == payment_row,
        col(DarajaRequest.kind) == "reversal",
        col(DarajaRequest.state) == "done",
    )
    if (request := connection.execute(asked.limit(1)).scalar()) is not None:
        return f"the result of request {request}"
    line = select(col(StatementMovement.receipt)).where(
        col(StatementMovement.linked_receipt) == receipt,
        col(StatementMovement.kind) == "reversal",
    )
    found = connection.execute(line.limit(1)).scalar()
    return None if found is None else f"the statement, by {found}"


def set_verified(connection: Connection, rows: Collection[int], by: str) -> int:
    """Note that a second source confirms payments; tell how many had only the first.

    ``by``: ``pull``, ``status`` or ``statement``; the first that confirms stays.
    """
    if not rows:
        return 0
    statement = (
        update(Payment)
        .where(
            col(Payment.id).in_(rows),
            col(Payment.verified_by).in_(("callback", "hand")),
            col(Payment.verified_by) != by,
        )
        .values(verified_by=by)
    )
    return connection.execute(statement).rowcount
