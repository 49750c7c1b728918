"""The inbox's rows: logs as they came, the payments they made, and what became of them."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.store import hot, hour_total_rows
from kelly_cli.store.book_rows import money_of
from kelly_cli.store.database import fetch_in, reserve_ids
from kelly_cli.store.tables import Base

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from kelly_cli.core.books import Money

_LOGS = Base.metadata.tables["webhook_logs"]
_PAYMENTS = Base.metadata.tables["payments"]
_CODES = Base.metadata.tables["short_codes"]
_VALIDATIONS = Base.metadata.tables["validation_requests"]

_NEW_LOG = (
    "id",
    "delivery_id",
    "kind",
    "source",
    "raw_payload",
    "raw_encoding",
    "raw_sha256",
    "trans_id",
    "processed",
    "is_duplicate",
    "error",
    "attempts",
    "payment_id",
    "created_at",
)
_LOG_STATE = ("kind", "trans_id", "processed", "is_duplicate", "error", "attempts", "payment_id")
_NEW_PAYMENT = (
    "id",
    "mpesa_receipt_number",
    "channel",
    "short_code",
    "amount_cents",
    "allocated_cents",
    "transaction_date",
    "bill_ref_number",
    "msisdn",
    "payer_name",
    "transaction_type",
    "org_balance_cents",
    "checkout_request_id",
    "customer_id",
    "matched_by",
    "unmatched_reason",
    "verified_by",
    "log_id",
    "created_at",
)
_TOLD = (
    "short_code",
    "bill_ref_number",
    "msisdn",
    "payer_name",
    "transaction_type",
    "org_balance_cents",
    "checkout_request_id",
)
_SELECT_KNOWN = (
    "SELECT id, mpesa_receipt_number, amount_cents, allocated_cents, customer_id, "
    "transaction_date, pinned, reversed_at IS NOT NULL, channel, log_id, " + ", ".join(_TOLD)
) + " FROM payments"


class RawText(NamedTuple):
    """Bytes as text that gives them back exactly, and their digest."""

    payload: str
    encoding: str
    sha256: bytes


def raw_text(raw: bytes) -> RawText:
    """Return the text of raw bytes: as they are, or base64 when not UTF-8 or with a NUL."""
    digest = hashlib.sha256(raw).digest()
    if b"\x00" not in raw:
        try:
            return RawText(raw.decode(), "utf-8", digest)
        except UnicodeDecodeError:
            pass
    return RawText(base64.b64encode(raw).decode("ascii"), "base64", digest)


def raw_bytes(payload: str, encoding: str) -> bytes:
    """Return the exact bytes that ``raw_text`` was given."""
    return base64.b64decode(payload) if encoding == "base64" else payload.encode()


class KnownPayment(NamedTuple):
    """A payment that stands in the books, as far as a repeat of its receipt needs it."""

    money: Money
    channel: str
    log_row: int | None
    told: dict[str, Any]


def find_payments(connection: Connection, receipts: Collection[str]) -> dict[str, KnownPayment]:
    """Return the payments of these receipts that stand in the books."""
    rows = fetch_in(connection, _SELECT_KNOWN, "mpesa_receipt_number", list(receipts))
    return {
        row[1]: KnownPayment(money_of(row), row[8], row[9], dict(zip(_TOLD, row[10:], strict=True)))
        for row in rows
    }


def open_logs(connection: Connection, receipts: Collection[str]) -> list[tuple[int, str]]:
    """Return the failed logs (row, receipt) of these receipts."""
    rows = fetch_in(
        connection,
        "SELECT id, trans_id FROM webhook_logs",
        "trans_id",
        list(receipts),
        "AND NOT processed AND NOT is_duplicate AND error IS NOT NULL",
    )
    return [(row[0], row[1]) for row in rows]


def unfinished_logs(
    connection: Connection, *, after: int, limit: int, pending_only: bool = False
) -> Sequence[Any]:
    """Return failed and pending logs in the order of their rows (``SELECT_UNFINISHED`` columns)."""
    # All that failed are read once, from end to end. The few that are pending are looked for at
    # each start of a listener, under the write lock: among the open logs, not among all of them.
    pending, place = (" AND error IS NULL", "id + 0") if pending_only else ("", "id")
    mark = hot.mark(connection.dialect)
    return connection.exec_driver_sql(
        f"{SELECT_UNFINISHED} WHERE NOT processed AND NOT is_duplicate{pending} "
        f"AND {place} > {mark} ORDER BY {place} LIMIT {mark}",
        (after, limit),
    ).fetchall()


SELECT_UNFINISHED = (
    "SELECT id, kind, source, raw_payload, raw_encoding, error, attempts, payment_id "
    "FROM webhook_logs"
)


def unfinished_among(connection: Connection, rows: Collection[int]) -> Sequence[Any]:
    """Return those of these logs that are failed or pending."""
    tail = "AND NOT processed AND NOT is_duplicate ORDER BY id"
    return fetch_in(connection, SELECT_UNFINISHED, "id", list(rows), tail)


def add_logs(
    connection: Connection,
    rows: Sequence[tuple[Any, ...]],
    created_at: datetime,
    came_at: Sequence[datetime | None] = (),
) -> None:
    """Insert log rows: all columns of ``_NEW_LOG`` but the last.

    ``came_at``: when each came, if not at ``created_at``; empty = all of them did.
    """
    at = hot.ready_value(connection, _LOGS, "created_at", created_at)
    if not any(came_at):
        hot.insert_rows(connection, _LOGS, _NEW_LOG, [(*row, at) for row in rows])
        return
    moments = [
        hot.ready_value(connection, _LOGS, "created_at", came or created_at) for came in came_at
    ]
    ready = [(*row, moment) for row, moment in zip(rows, moments, strict=True)]
    hot.insert_rows(connection, _LOGS, _NEW_LOG, ready)


def logged_among(connection: Connection, delivery_ids: Collection[str]) -> set[str]:
    """Return those of these delivery ids that have a log."""
    select = "SELECT delivery_id FROM webhook_logs"
    return {row[0] for row in fetch_in(connection, select, "delivery_id", list(delivery_ids))}


def add_pending_logs(
    connection: Connection,
    rows: Sequence[tuple[str, str, str, bytes]],
    created_at: datetime,
    came_at: Sequence[datetime | None] = (),
) -> list[int]:
    """Insert logs that nothing has looked at yet: delivery id, kind, source, raw.

    Return their rows.
    """
    log_rows = reserve_ids(connection, "webhook_logs", len(rows))
    state = (None, False, False, None, 0, None)
    add_logs(
        connection,
        [
            (log_row, *row[:3], *raw_text(row[3]), *state)
            for log_row, row in zip(log_rows, rows, strict=True)
        ],
        created_at,
        came_at,
    )
    return log_rows


def update_logs(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Set the state of logs: what ``_LOG_STATE`` lists, and the row."""
    hot.update_rows(connection, _LOGS, _LOG_STATE, rows)


def settle_logs(
    connection: Connection, *, processed: Collection[int], duplicates: Collection[int]
) -> None:
    """Take failed logs off the list: processed ones lose their error, duplicates keep it."""
    hot.update_rows(
        connection,
        _LOGS,
        ("processed", "error"),
        [(True, None, row) for row in sorted(processed)],
    )
    hot.update_rows(
        connection, _LOGS, ("is_duplicate",), [(True, row) for row in sorted(duplicates)]
    )


def add_payments(
    connection: Connection, rows: Sequence[tuple[Any, ...]], created_at: datetime
) -> None:
    """Insert payments: all columns of ``_NEW_PAYMENT`` but the last; the time is a datetime."""
    at = hot.ready_value(connection, _PAYMENTS, "created_at", created_at)
    wall = hot.ready(connection, _PAYMENTS, "transaction_date")
    if wall is None:
        ready = [(*row, at) for row in rows]
    else:
        ready = [(*row[:6], wall(row[6]), *row[7:], at) for row in rows]
    hot.insert_rows(connection, _PAYMENTS, _NEW_PAYMENT, ready)
    hour_total_rows.added(
        connection,
        [
            (row[6], row[3], "UNMATCHED" if row[13] is None and not row[5] else "COMPLETED", row[4])
            for row in rows
        ],
    )


def fill_payment(connection: Connection, row: int, told: dict[str, Any]) -> None:
    """Write what a later channel added to a payment's blanks."""
    columns = tuple(name for name in _TOLD if name in told)
    values = tuple(told[name] for name in columns)
    with hour_total_rows.following(connection, [row]):
        hot.update_rows(connection, _PAYMENTS, columns, [(*values, row)])


def set_match(connection: Connection, rows: Sequence[tuple[str | None, str | None, int]]) -> None:
    """Write (rule, reason why unmatched, payment row) of payments that were tried again."""
    hot.update_rows(connection, _PAYMENTS, ("matched_by", "unmatched_reason"), rows)


def set_by_hand(connection: Connection, rows: Sequence[tuple[str, bool, int]]) -> None:
    """Write (method, pinned, payment row) of payments that a person recorded."""
    hot.update_rows(connection, _PAYMENTS, ("method", "pinned"), rows)


def ensure_short_codes(
    connection: Connection, codes: Sequence[tuple[str, str, str | None, str]], at: datetime
) -> None:
    """Make sure that each of our short codes (code, kind, name, environment) has its row."""
    known = {
        row[0]
        for row in fetch_in(
            connection, "SELECT code FROM short_codes", "code", [code[0] for code in codes]
        )
    }
    created_at = hot.ready_value(connection, _CODES, "created_at", at)
    hot.insert_rows(
        connection,
        _CODES,
        ("code", "kind", "name", "environment", "created_at"),
        [(*code, created_at) for code in codes if code[0] not in known],
    )


def add_validation(connection: Connection, row: tuple[Any, ...], at: datetime) -> None:
    """Keep a validation request: source, payload, encoding, receipt, reference, answer, note."""
    created_at = hot.ready_value(connection, _VALIDATIONS, "created_at", at)
    hot.insert_rows(
        connection,
        _VALIDATIONS,
        (
            "source",
            "raw_payload",
            "raw_encoding",
            "trans_id",
            "bill_ref_number",
            "result_code",
            "note",
            "created_at",
        ),
        [(*row, created_at)],
    )
