"""The rows out of which ``kelly db purge`` takes people, page by page, and their new values."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, or_, select
from sqlmodel import col

from kelly_cli.store import hot
from kelly_cli.store.tables import (
    Base,
    DarajaRequest,
    PayerAlias,
    Payment,
    PaymentPrompt,
    Quarantined,
    Reminder,
    Statement,
    StatementMovement,
    ValidationRequest,
    WebhookLog,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

PAGE_ROWS = 500
"""Rows of one unit of work: others write between two of them."""


class OldLog(NamedTuple):
    """A log that still holds what came. ``row`` None = there is none (a payment by hand)."""

    row: int | None
    kind: str
    payload: str
    encoding: str
    sha256: bytes
    error: str | None
    note: str | None


class OldPayment(NamedTuple):
    """A payment, and the log that made it when that was not purged yet."""

    row: int
    msisdn: str | None
    payer_name: str | None
    bill_ref_number: str | None
    checkout_request_id: str | None
    unmatched_reason: str | None
    log: OldLog


class OldReminder(NamedTuple):
    """What a customer was reminded of, and by what address."""

    row: int
    address: str | None
    message: str
    error: str | None


class OldValidation(NamedTuple):
    """A validation request."""

    row: int
    payload: str
    encoding: str
    bill_ref_number: str | None
    note: str | None


class OldQuarantined(NamedTuple):
    """A callback in quarantine."""

    row: int
    kind: str
    payload: str
    encoding: str


class OldPrompt(NamedTuple):
    """A payment prompt that was sent."""

    row: int
    phone: str
    checkout_request_id: str | None
    reference: str | None
    result_desc: str | None


class OldRequest(NamedTuple):
    """A request to Safaricom and its result."""

    row: int
    result: str | None
    result_desc: str | None
    reason: str | None


class OldMovement(NamedTuple):
    """A statement's line that still says with whom, or may."""

    row: int
    reference: str | None
    other_party: str | None
    details: str | None


class OldAlias(NamedTuple):
    """An alias of a customer that a person took back."""

    row: int
    value: str


class Change(NamedTuple):
    """New values of one row, by column."""

    table: str
    row: int
    values: dict[str, Any]


_PAYMENT: tuple[Any, ...] = (
    col(Payment.id),
    col(Payment.msisdn),
    col(Payment.payer_name),
    col(Payment.bill_ref_number),
    col(Payment.checkout_request_id),
    col(Payment.unmatched_reason),
)
_VALIDATION: tuple[Any, ...] = (
    col(ValidationRequest.id),
    col(ValidationRequest.raw_payload),
    col(ValidationRequest.raw_encoding),
    col(ValidationRequest.bill_ref_number),
    col(ValidationRequest.note),
)
_QUARANTINED: tuple[Any, ...] = (
    col(Quarantined.id),
    col(Quarantined.kind),
    col(Quarantined.raw_payload),
    col(Quarantined.raw_encoding),
)
_PROMPT: tuple[Any, ...] = (
    col(PaymentPrompt.id),
    col(PaymentPrompt.phone),
    col(PaymentPrompt.checkout_request_id),
    col(PaymentPrompt.reference),
    col(PaymentPrompt.result_desc),
)
_REQUEST: tuple[Any, ...] = (
    col(DarajaRequest.id),
    col(DarajaRequest.result),
    col(DarajaRequest.result_desc),
    col(DarajaRequest.reason),
)
_LOG: tuple[Any, ...] = (
    col(WebhookLog.id),
    col(WebhookLog.kind),
    col(WebhookLog.raw_payload),
    col(WebhookLog.raw_encoding),
    col(WebhookLog.raw_sha256),
    col(WebhookLog.error),
    col(WebhookLog.note),
)


def old_payments(connection: Connection, before: datetime, after: int) -> Sequence[OldPayment]:
    """Return the next page of payments made before an instant, with their unpurged origins."""
    statement = (
        select(*_PAYMENT, *_LOG)
        .outerjoin_from(
            Payment,
            WebhookLog,
            and_(col(WebhookLog.id) == Payment.log_id, col(WebhookLog.purged_at).is_(None)),
        )
        .where(col(Payment.created_at) < before, col(Payment.id) > after)
        .order_by(col(Payment.id))
        .limit(PAGE_ROWS)
    )
    rows: Iterable[Any] = connection.execute(statement)
    at = len(_PAYMENT)
    return [OldPayment._make((*row[:at], OldLog._make(row[at:]))) for row in rows]


def old_logs(connection: Connection, before: datetime, after: int) -> Sequence[OldLog]:
    """Return the next page of unpurged logs: of an old payment, or old and without one.

    A log is as old as its payment, so that both lose the same at the same time.
    """
    statement = (
        select(*_LOG)
        .outerjoin_from(WebhookLog, Payment, col(Payment.id) == WebhookLog.payment_id)
        .where(
            col(WebhookLog.id) > after,
            col(WebhookLog.purged_at).is_(None),
            or_(
                col(Payment.created_at) < before,
                and_(col(Payment.id).is_(None), col(WebhookLog.created_at) < before),
            ),
        )
        .order_by(col(WebhookLog.id))
        .limit(PAGE_ROWS)
    )
    return [OldLog(*row) for row in connection.execute(statement)]


def old_validations(
    connection: Connection, before: datetime, after: int
) -> Sequence[OldValidation]:
    """Return the next page of validation requests that came before an instant."""
    statement = (
        select(*_VALIDATION)
        .where(col(ValidationRequest.created_at) < before, col(ValidationRequest.id) > after)
        .order_by(col(ValidationRequest.id))
        .limit(PAGE_ROWS)
    )
    return [OldValidation(*row) for row in connection.execute(statement)]


def old_quarantined(
    connection: Connection, before: datetime, after: int
) -> Sequence[OldQuarantined]:
    """Return the next page of callbacks that were set aside before an instant."""
    statement = (
        select(*_QUARANTINED)
        .where(col(Quarantined.received_at) < before, col(Quarantined.id) > after)
        .order_by(col(Quarantined.id))
        .limit(PAGE_ROWS)
    )
    return [OldQuarantined(*row) for row in connection.execute(statement)]


def old_prompts(connection: Connection, before: datetime, after: int) -> Sequence[OldPrompt]:
    """Return the next page of payment prompts that were made before an instant."""
    statement = (
        select(*_PROMPT)
        .where(col(PaymentPrompt.created_at) < before, col(PaymentPrompt.id) > after)
        .order_by(col(PaymentPrompt.id))
        .limit(PAGE_ROWS)
    )
    return [OldPrompt(*row) for row in connection.execute(statement)]


def old_requests(connection: Connection, before: datetime, after: int) -> Sequence[OldRequest]:
    """Return the next page of requests to Safaricom that were made before an instant."""
    statement = (
        select(*_REQUEST)
        .where(col(DarajaRequest.created_at) < before, col(DarajaRequest.id) > after)
        .order_by(col(DarajaRequest.id))
        .limit(PAGE_ROWS)
    )
    return [OldRequest(*row) for row in connection.execute(statement)]


def old_movements(connection: Connection, before: datetime, after: int) -> Sequence[OldMovement]:
    """Return the next page of lines of statements that were applied before an instant."""
    statement = (
        select(
            col(StatementMovement.id),
            col(StatementMovement.reference),
            col(StatementMovement.other_party),
            col(StatementMovement.details),
        )
        .join(Statement, col(Statement.id) == col(StatementMovement.statement_id))
        .where(col(Statement.created_at) < before, col(StatementMovement.id) > after)
        .order_by(col(StatementMovement.id))
        .limit(PAGE_ROWS)
    )
    return [OldMovement(row[0] or 0, *row[1:]) for row in connection.execute(statement)]


def old_aliases(connection: Connection, before: datetime, after: int) -> Sequence[OldAlias]:
    """Return the next page of aliases that were taken back before an instant."""
    statement = (
        select(col(PayerAlias.id), col(PayerAlias.value))
        .where(col(PayerAlias.retired_at) < before, col(PayerAlias.id) > after)
        .order_by(col(PayerAlias.id))
        .limit(PAGE_ROWS)
    )
    return [OldAlias(row[0] or 0, row[1]) for row in connection.execute(statement)]


def old_reminders(connection: Connection, before: datetime, after: int) -> Sequence[OldReminder]:
    """Return the next page of reminders that were made before an instant."""
    statement = (
        select(col(Reminder.id), col(Reminder.address), col(Reminder.message), col(Reminder.error))
        .where(col(Reminder.created_at) < before, col(Reminder.id) > after)
        .order_by(col(Reminder.id))
        .limit(PAGE_ROWS)
    )
    return [OldReminder(row[0] or 0, *row[1:]) for row in connection.execute(statement)]


def apply(connection: Connection, changes: Iterable[Change]) -> None:
    """Write the new values; on SQLite the old ones are overwritten in the file."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
    alike: defaultdict[tuple[str, tuple[str, ...]], list[tuple[Any, ...]]] = defaultdict(list)
    for table, row, values in changes:
        ready = (
            hot.ready_value(connection, Base.metadata.tables[table], column, value)
            for column, value in values.items()
        )
        alike[table, tuple(values)].append((*ready, row))
    for (table, columns), rows in alike.items():
        hot.update_rows(connection, Base.metadata.tables[table], columns, rows)
