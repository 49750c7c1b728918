"""Personal data: old payments and callbacks lose their people, the money keeps its proofs.

Names and phones go from payments, from the bodies of callbacks, validation requests and the
quarantine, from payment prompts, reminders and from what Safaricom answered; a reference that is a
phone is masked. What is left of a body still says the same of the money, and the books hold
together after each unit of work. Customers stay: a person takes them away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core.masking import DOTS, mask_phone, mask_phones, mask_prompt_id, mask_reference
from kelly_cli.daraja.personal import parameters_without_people, without_people
from kelly_cli.store import audit_rows, purge_rows
from kelly_cli.store.inbox_rows import raw_bytes, raw_text
from kelly_cli.store.purge_rows import Change

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.purge_rows import (
        OldAlias,
        OldLog,
        OldMovement,
        OldPayment,
        OldPrompt,
        OldQuarantined,
        OldReminder,
        OldRequest,
        OldValidation,
    )

_LOGS, _PAYMENTS = "webhook_logs", "payments"
_VALIDATIONS, _PROMPTS = "validation_requests", "payment_prompts"
_QUARANTINE, _REQUESTS = "quarantine", "daraja_requests"
_ALIASES = "payer_aliases"
_MOVEMENTS = "statement_movements"
_REMINDERS = "reminders"


@dataclass(slots=True)
class Purge:
    """How many rows hold people, or held them."""

    payments: int = 0
    logs: int = 0
    validations: int = 0
    quarantined: int = 0
    prompts: int = 0
    requests: int = 0
    aliases: int = 0
    movements: int = 0
    reminders: int = 0

    def __bool__(self) -> bool:
        """Tell whether there is anything to do."""
        return any(self.as_dict().values())

    def add(self, changes: Sequence[Change]) -> None:
        """Count changes."""
        tables = [change.table for change in changes]
        self.payments += tables.count(_PAYMENTS)
        self.logs += tables.count(_LOGS)
        self.validations += tables.count(_VALIDATIONS)
        self.quarantined += tables.count(_QUARANTINE)
        self.prompts += tables.count(_PROMPTS)
        self.requests += tables.count(_REQUESTS)
        self.aliases += tables.count(_ALIASES)
        self.movements += tables.count(_MOVEMENTS)
        self.reminders += tables.count(_REMINDERS)

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return {
            "payments": self.payments,
            "logs": self.logs,
            "validations": self.validations,
            "quarantined": self.quarantined,
            "prompts": self.prompts,
            "requests": self.requests,
            "aliases": self.aliases,
            "movements": self.movements,
            "reminders": self.reminders,
        }


class _Part(NamedTuple):
    """One walk over a table: the next page after a row, and what changes in each of its rows."""

    table: str
    page: Callable[[Connection, datetime, int], Sequence[Any]]
    changes: Callable[[Any, datetime], list[Change]]


def look(database: Database, *, before: datetime) -> Purge:
    """Count what a purge of rows made before an instant (aware) would change."""
    found = Purge()
    with database.reading() as connection:
        for part in _PARTS:
            after: int | None = 0
            while after is not None:
                after, changes = _next(connection, part, before, after, before)
                # The origin of a payment is met again among the logs.
                found.add([each for each in changes if each.table == part.table])
    return found


def purge(database: Database, hand: Hand, *, before: datetime, age: str) -> Purge:
    """Take the people out of rows made before an instant (aware); tell how many rows changed.

    Many units of work, each of which leaves sound books: killed between two, it goes on where it
    stopped when it is started again. ``age`` is for the audit, which knows of it from the start.

    Raises:
        StorageError: the database cannot be written.
    """
    found = look(database, before=before)
    if not found:
        return found
    with database.writing() as connection:
        after = {"older_than": age, "before": before.isoformat(), **found.as_dict()}
        audit_rows.record_audit(connection, hand, "db.purge", "personal data", after=after)
    done = Purge()
    for part in _PARTS:
        last: int | None = 0
        while last is not None:
            with database.writing() as connection:
                last, changes = _next(connection, part, before, last, hand.at)
                purge_rows.apply(connection, changes)
            done.add(changes)
    return done


def _next(
    connection: Connection, part: _Part, before: datetime, after: int, at: datetime
) -> tuple[int | None, list[Change]]:
    """Return the last row of the next page (None = there is no further one) and its changes."""
    page = part.page(connection, before, after)
    changes = [change for row in page for change in part.changes(row, at)]
    return (page[-1].row if len(page) == purge_rows.PAGE_ROWS else None), changes


def _of_payment(old: OldPayment, at: datetime) -> list[Change]:
    values: dict[str, Any] = {}
    if old.msisdn is not None:
        values["msisdn"] = None
    if old.payer_name is not None:
        values["payer_name"] = None
    for name, mask in (
        ("bill_ref_number", mask_reference),
        ("checkout_request_id", mask_prompt_id),
        ("unmatched_reason", mask_phones),
    ):
        _mask(values, old, name, mask)
    changes = [Change(_PAYMENTS, old.row, values)] if values else []
    return changes if old.log.row is None else changes + _of_log(old.log, at)


def _of_log(old: OldLog, at: datetime) -> list[Change]:
    kept = raw_text(without_people(raw_bytes(old.payload, old.encoding), old.kind))
    values: dict[str, Any] = {
        "raw_payload": kept.payload,
        "raw_encoding": kept.encoding,
        "raw_sha256": kept.sha256,
        "original_sha256": old.sha256,
        "purged_at": at,
    }
    _mask(values, old, "error", mask_phones)
    _mask(values, old, "note", mask_phones)
    assert old.row is not None  # noqa: S101 - a log that is there has its row
    return [Change(_LOGS, old.row, values)]


def _of_validation(old: OldValidation, _at: datetime) -> list[Change]:
    raw = raw_bytes(old.payload, old.encoding)
    kept = without_people(raw, "validation")
    values: dict[str, Any] = {}
    if kept != raw:
        text = raw_text(kept)
        values = {"raw_payload": text.payload, "raw_encoding": text.encoding}
    _mask(values, old, "bill_ref_number", mask_reference)
    _mask(values, old, "note", mask_phones)
    return [Change(_VALIDATIONS, old.row, values)] if values else []


def _of_quarantined(old: OldQuarantined, _at: datetime) -> list[Change]:
    raw = raw_bytes(old.payload, old.encoding)
    kept = without_people(raw, old.kind)
    if kept == raw:
        return []
    text = raw_text(kept)
    values = {
        "raw_payload": text.payload,
        "raw_encoding": text.encoding,
        "raw_bytes": len(kept),
    }
    return [Change(_QUARANTINE, old.row, values)]


def _of_prompt(old: OldPrompt, _at: datetime) -> list[Change]:
    values: dict[str, Any] = {}
    if old.phone.isdigit():
        values["phone"] = mask_phone(old.phone)
    _mask(values, old, "checkout_request_id", mask_prompt_id)
    _mask(values, old, "reference", mask_reference)
    _mask(values, old, "result_desc", mask_phones)
    return [Change(_PROMPTS, old.row, values)] if values else []


def _of_request(old: OldRequest, _at: datetime) -> list[Change]:
    values: dict[str, Any] = {}
    if old.result is not None:
        kept = json.dumps(parameters_without_people(json.loads(old.result)), ensure_ascii=False)
        if kept != old.result:
            values["result"] = kept
    _mask(values, old, "result_desc", mask_phones)
    _mask(values, old, "reason", mask_phones)
    return [Change(_REQUESTS, old.row, values)] if values else []


def _of_movement(old: OldMovement, _at: datetime) -> list[Change]:
    """Details hold a payer's name among Safaricom's words: what kind it was is kept beside them."""
    values: dict[str, Any] = {
        name: None for name in ("other_party", "details") if getattr(old, name) is not None
    }
    _mask(values, old, "reference", mask_reference)
    return [Change(_MOVEMENTS, old.row, values)] if values else []


def _of_alias(old: OldAlias, _at: datetime) -> list[Change]:
    return [] if old.value == DOTS else [Change(_ALIASES, old.row, {"value": DOTS})]


def _of_reminder(old: OldReminder, _at: datetime) -> list[Change]:
    """Who was reminded of how much, and when, stays: the words and the address go."""
    values: dict[str, Any] = {}
    if old.address is not None:
        values["address"] = None
    if old.message != DOTS:
        values["message"] = DOTS
    _mask(values, old, "error", mask_phones)
    return [Change(_REMINDERS, old.row, values)] if values else []


def _mask(values: dict[str, Any], old: object, name: str, mask: Callable[[str], str]) -> None:
    """Put what a text becomes into ``values``, when it becomes another."""
    text = getattr(old, name)
    if text is not None and (masked := mask(text)) != text:
        values[name] = masked


_PARTS = (
    _Part(_PAYMENTS, purge_rows.old_payments, _of_payment),
    _Part(_LOGS, purge_rows.old_logs, _of_log),
    _Part(_VALIDATIONS, purge_rows.old_validations, _of_validation),
    _Part(_QUARANTINE, purge_rows.old_quarantined, _of_quarantined),
    _Part(_PROMPTS, purge_rows.old_prompts, _of_prompt),
    _Part(_REQUESTS, purge_rows.old_requests, _of_request),
    _Part(_ALIASES, purge_rows.old_aliases, _of_alias),
    _Part(_MOVEMENTS, purge_rows.old_movements, _of_movement),
    _Part(_REMINDERS, purge_rows.old_reminders, _of_reminder),
)
