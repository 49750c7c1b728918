"""Webhook logs: look at what came, and dismiss what nobody needs to try again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import kes
from kelly_cli.core.times import iso_nairobi, nairobi_wall_clock
from kelly_cli.daraja.messages import Notice, PaymentMessage, Refusal, parse_delivery
from kelly_cli.errors import DomainError, NotFoundError
from kelly_cli.store import audit_rows, log_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.log_rows import LogFilter, LogView, RawPayload

_CALLBACKS = {"confirmation", "stk", "result", "timeout", "pull", "hand"}
_MAX_ROW = 2**63 - 1


class LogDetail(NamedTuple):
    """A log, the text of its bytes, and what they say (name → text; empty = nothing readable)."""

    log: LogView
    raw: RawPayload
    facts: dict[str, str]


def list_logs(database: Database, wanted: LogFilter, *, limit: int = 100) -> Sequence[LogView]:
    """Return logs, the newest first."""
    with database.reading() as connection:
        return log_rows.list_logs(connection, wanted, limit=limit)


def show_log(database: Database, log_id: int, *, ours: frozenset[str]) -> LogDetail:
    """Return one log with its bytes and what they say. ``ours``: our short codes now.

    Raises:
        NotFoundError: no such log.
    """
    with database.reading() as connection:
        log = get_log(connection, log_id)
        raw = log_rows.read_raw(connection, log_id)
    return LogDetail(log, raw, _facts(log, raw, ours))


def find_open_log(database: Database, log_id: int) -> LogView:
    """Return a log that is failed or pending.

    Raises:
        NotFoundError: no such log.
        DomainError: ``not_failed``: it is neither failed nor pending.
    """
    with database.reading() as connection:
        return _open_log(connection, log_id)


def dismiss_log(database: Database, hand: Hand, log_id: int, reason: str) -> LogView:
    """Take a failed or pending log off the list for good; money that it made stays where it is.

    It counts as processed and keeps its error; the reason stands in its note (contract section 4).

    Raises:
        NotFoundError: no such log.
        DomainError: ``not_failed``: it is neither failed nor pending.
    """
    with database.writing() as connection:
        before = _open_log(connection, log_id)
        log_rows.dismiss_log(connection, log_id, reason)
        after = get_log(connection, log_id)
        audit_rows.record_audit(
            connection,
            hand._replace(reason=reason),
            "webhook.dismiss",
            f"log {log_id}",
            before={"outcome": before.outcome, "error": before.error},
            after={"outcome": after.outcome, "error": after.error, "note": after.note},
        )
        return after


def get_log(connection: Connection, log_id: int) -> LogView:
    """Return one log by its id.

    Raises:
        NotFoundError: no such log.
    """
    found = log_rows.find_log(connection, log_id) if 0 < log_id <= _MAX_ROW else None
    if found is None:
        raise NotFoundError(
            f"there is no log {log_id}", hint="See them: kelly webhook list", code="log_not_found"
        )
    return found


def _open_log(connection: Connection, log_id: int) -> LogView:
    log = get_log(connection, log_id)
    if not log.is_open:
        raise DomainError(
            f"log {log_id} is {log.outcome}: only a failed or pending log can be dismissed",
            hint=f"See it: kelly webhook show {log_id}",
            code="not_failed",
        )
    return log


def _facts(log: LogView, raw: RawPayload, ours: frozenset[str]) -> dict[str, str]:
    if log.kind not in _CALLBACKS:
        return {}
    # The moment of arrival, not now: a time is judged as it was then.
    arrived = nairobi_wall_clock(log.created_at)
    _, parsed = parse_delivery(raw.raw, log.kind, ours=ours, now=arrived)  # type: ignore[arg-type]
    if isinstance(parsed, Refusal):
        return {} if parsed.error == log.error else {"refused": parsed.error}
    if isinstance(parsed, Notice):
        return {"says": parsed.text}
    return _facts_of_money(parsed)


def _facts_of_money(message: PaymentMessage) -> dict[str, str]:
    facts = {
        "mpesa_receipt_number": message.receipt,
        "amount": kes(message.amount_cents),
        "transaction_date": iso_nairobi(message.paid_at),
        "short_code": message.short_code,
        "bill_ref_number": message.bill_ref,
        "msisdn": message.msisdn,
        "payer_name": message.payer_name,
        "checkout_request_id": message.checkout_request_id,
    }
    return {name: value for name, value in facts.items() if value is not None}
