"""Why a payment is where it is: every step in order, with the rule that took it.

Put together from what the books keep anyway: logs, allocations, adjustments, audit, claims, flags.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import kes_for_people
from kelly_cli.services.payments import MOST_LOGS, get_payment
from kelly_cli.store import explain_rows, log_rows
from kelly_cli.store.audit_views import AuditSearch, list_audit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from kelly_cli.store.database import Database
    from kelly_cli.store.payment_rows import PaymentView

MOST_ACTIONS = 1_000

MATCHED = {
    "prompt": "it answers a payment prompt that we sent",
    "invoice": "its reference is an invoice",
    "sale": "its reference is a sale",
    "customer": "its reference is a customer",
    "phone": "its reference is the phone of exactly one customer",
    "hand": "no rule fitted; a person placed it",
}
"""What each rule of matching found."""

_ALLOCATED = {
    "reference": "its own invoice comes first",
    "fifo": "what is left pays the oldest open invoice",
    "credit": "free credit pays what is open, oldest first",
    "hand": "a person gave it",
}
_FREED = {
    "hand": "a person took it back",
    "void": "the invoice was voided",
    "reversal": "the payment was reversed",
}


class Step(NamedTuple):
    """One step. ``rule``: the code of what took it; ``amount_cents`` None = no money moved."""

    at: datetime
    step: str
    rule: str | None
    text: str
    invoice_id: str | None = None
    amount_cents: int | None = None


class Explained(NamedTuple):
    """A payment, how it came to be so, and one sentence on where it stands now."""

    payment: PaymentView
    steps: list[Step]
    now: str


def explain(database: Database, receipt: str) -> Explained:
    """Tell the story of one payment.

    Raises:
        NotFoundError: no such payment.
    """
    with database.reading() as connection:
        payment = get_payment(connection, receipt)
        steps = [
            *_logs(connection, payment),
            _match(payment),
            *_allocations(connection, payment),
            *_adjustments(connection, payment),
            *_actions(connection, payment),
            *_marks(connection, payment),
        ]
        # Steps of one instant stay in the order in which the road takes them.
        steps.sort(key=lambda step: step.at)
        return Explained(payment, steps, _now(payment))


def _logs(connection: Connection, payment: PaymentView) -> Iterator[Step]:
    logs = log_rows.list_logs_of_payment(
        connection, payment.row, payment.mpesa_receipt_number, limit=MOST_LOGS
    )
    for log in logs:
        first = log.id == payment.log_row
        what = "it made the payment" if first else f"it is a {log.outcome}"
        told = f"log {log.id} came by {log.source} ({log.kind}): {what}"
        yield Step(log.created_at, "log", log.kind, f"{told}; {log.error}" if log.error else told)


def _match(payment: PaymentView) -> Step:
    rule = payment.matched_by
    if rule is None:
        text = payment.unmatched_reason or "no rule looked at it"
        return Step(payment.created_at, "match", None, f"it belongs to nobody: {text}")
    reference = f" ({payment.bill_ref_number!r})" if payment.bill_ref_number else ""
    return Step(payment.created_at, "match", rule, MATCHED.get(rule, rule) + reference)


def _allocations(connection: Connection, payment: PaymentView) -> Iterator[Step]:
    for move in explain_rows.moves_of(connection, payment.row):
        words = _ALLOCATED if move.amount_cents > 0 else _FREED
        text = words.get(move.reason, move.reason)
        yield Step(
            move.created_at, "allocation", move.reason, text, move.invoice_id, move.amount_cents
        )


def _adjustments(connection: Connection, payment: PaymentView) -> Iterator[Step]:
    for change in explain_rows.adjustments_beside(connection, payment.row):
        what = "credit note" if change.kind == "credit_note" else "write-off"
        text = f"{what} on its invoice" if change.amount_cents > 0 else f"{what} taken back"
        if change.reason:
            text += f": {change.reason}"
        yield Step(
            change.created_at,
            "adjustment",
            change.kind,
            text,
            change.invoice_id,
            change.amount_cents,
        )


def _actions(connection: Connection, payment: PaymentView) -> Iterator[Step]:
    wanted = AuditSearch(subject=payment.mpesa_receipt_number)
    for row in list_audit(connection, wanted, limit=MOST_ACTIONS, newest_first=False):
        why = f": {row.reason}" if row.reason else ""
        yield Step(row.at, "hand", row.action, f"{row.actor} did it{why}")


def _marks(connection: Connection, payment: PaymentView) -> Iterator[Step]:
    for mark in explain_rows.marks_of(connection, payment.row):
        yield Step(mark.created_at, mark.step, mark.rule, mark.text)


def _now(payment: PaymentView) -> str:
    if payment.reversed_at is not None:
        return "Reversed: it holds nothing any more"
    parts = [f"{kes_for_people(cents)} on {name}" for name, cents in payment.allocations]
    if payment.unallocated_cents:
        owner = f"credit of {payment.customer_id}" if payment.customer_id else "in suspense"
        waits = ", pinned: it waits for a person" if payment.pinned else ""
        parts.append(f"{kes_for_people(payment.unallocated_cents)} {owner}{waits}")
    return f"Of {kes_for_people(payment.amount_cents)}: " + "; ".join(parts)
