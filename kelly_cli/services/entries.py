"""What travels on the one road: a delivery with what became of it, and a payment that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core.matching import Claim, claim_of
from kelly_cli.core.refs import fold
from kelly_cli.core.repeats import Facts
from kelly_cli.store.inbox_rows import raw_text

if TYPE_CHECKING:
    from datetime import datetime

    from kelly_cli.core.books import Money
    from kelly_cli.daraja.messages import Notice, PaymentMessage, Refusal
    from kelly_cli.store.inbox_rows import KnownPayment


@dataclass(slots=True)
class Entry:
    """One delivery on its way. ``log_row`` 0 = not logged yet; ``payment_row`` None = no money.

    Neither ``processed`` nor ``is_duplicate``: failed with ``error``, or pending without.
    ``note`` says for people where the money went, when the batch narrates.
    """

    raw: bytes
    kind: str
    source: str
    parsed: PaymentMessage | Notice | Refusal
    delivery_id: str = ""
    came_at: datetime | None = None
    """When it came, if that was before now; aware UTC."""
    log_row: int = 0
    is_new: bool = True
    attempts: int = 0
    error: str | None = None
    payment_row: int | None = None
    processed: bool = False
    is_duplicate: bool = False
    note: str = ""

    @property
    def receipt(self) -> str | None:
        """The canonical receipt that the body names, when that field is sound."""
        return self.parsed.receipt

    @property
    def is_conflict(self) -> bool:
        """A repeat whose facts differ from the first."""
        return self.is_duplicate and (self.error or "").startswith(CONFLICT)


CONFLICT = "conflict: "
"""How the error of a repeat with other facts begins."""


SECOND_SOURCES = frozenset({"pull", "statement"})
"""Channels that confirm what a callback told."""

TELL_THEMSELVES = SECOND_SOURCES | {"hand"}
"""Channels by which a payment is known in their own name."""


class NewPayment(NamedTuple):
    """A payment that this batch makes. ``rule`` None = it found no place, for ``reason``."""

    money: Money
    message: PaymentMessage
    claim: Claim
    entry: Entry
    rule: str | None
    reason: str | None


@dataclass(slots=True)
class Known:
    """A payment of this batch's receipts: in the books already, or made by this batch.

    ``told``: what the channels said of it, by column; ``entry``: its log, if that is in the batch.
    """

    money: Money
    facts: Facts
    claim: Claim
    log_row: int | None
    told: dict[str, Any]
    entry: Entry | None = None

    def fill(self, message: PaymentMessage, claim: Claim) -> dict[str, Any]:
        """Let a later channel fill the blanks of the first; return what it added, by column."""
        if self.facts.channel == message.channel:
            return {}
        added = {
            name: value
            for name, value in told_by(message).items()
            if value is not None and self.told.get(name) is None
        }
        self.told.update(added)
        self.claim = Claim(
            self.claim.reference or claim.reference, self.claim.prompt or claim.prompt
        )
        self.facts = self.facts._replace(
            short_code=self.facts.short_code or message.short_code,
            reference=self.facts.reference or claim.reference,
            shown_reference=self.facts.shown_reference or message.bill_ref,
        )
        return added


def claim_by(message: PaymentMessage) -> Claim:
    """Return what a message says about where its money belongs."""
    bill_ref = message.bill_ref
    return Claim(None if bill_ref is None else fold(bill_ref), message.checkout_request_id)


def facts_by(message: PaymentMessage, claim: Claim) -> Facts:
    """Return the facts that a repeat is held against."""
    return Facts(
        message.channel,
        message.amount_cents,
        message.short_code,
        message.paid_at,
        claim.reference,
        message.bill_ref,
    )


def told_by(message: PaymentMessage) -> dict[str, Any]:
    """Return what a message says for show, by column of ``payments``."""
    return {
        "short_code": message.short_code,
        "bill_ref_number": message.bill_ref,
        "msisdn": message.msisdn,
        "payer_name": message.payer_name,
        "transaction_type": message.kind,
        "org_balance_cents": message.org_balance_cents,
        "checkout_request_id": message.checkout_request_id,
    }


def known_from_books(payment: KnownPayment) -> Known:
    """Return a payment that the books hold."""
    told = payment.told
    claim = claim_of(told["bill_ref_number"], told["checkout_request_id"])
    facts = Facts(
        payment.channel,
        payment.money.amount_cents,
        told["short_code"],
        payment.money.paid_at,
        claim.reference,
        told["bill_ref_number"],
    )
    return Known(payment.money, facts, claim, payment.log_row, told)


def known_from_batch(new: NewPayment) -> Known:
    """Return a payment that this batch makes."""
    facts = facts_by(new.message, new.claim)
    told = told_by(new.message)
    return Known(new.money, facts, new.claim, new.entry.log_row, told, new.entry)


def payment_row(new: NewPayment) -> tuple[Any, ...]:
    """Return the row of a new payment as ``inbox_rows.add_payments`` takes it."""
    money, message = new.money, new.message
    return (
        money.row,
        money.receipt,
        message.channel,
        message.short_code,
        money.amount_cents,
        money.allocated_cents,
        money.paid_at,
        message.bill_ref,
        message.msisdn,
        message.payer_name,
        message.kind,
        message.org_balance_cents,
        message.checkout_request_id,
        money.customer,
        new.rule,
        new.reason,
        message.channel if message.channel in TELL_THEMSELVES else "callback",
        new.entry.log_row,
    )


def log_row(entry: Entry) -> tuple[Any, ...]:
    """Return the row of a new log as ``inbox_rows.add_logs`` takes it."""
    payload, encoding, sha256 = raw_text(entry.raw)
    return (
        entry.log_row,
        entry.delivery_id,
        entry.kind,
        entry.source,
        payload,
        encoding,
        sha256,
        entry.parsed.receipt,
        entry.processed,
        entry.is_duplicate,
        entry.error,
        entry.attempts,
        entry.payment_row,
    )


def log_state(entry: Entry) -> tuple[Any, ...]:
    """Return the state of an entry's log as ``inbox_rows.update_logs`` takes it."""
    return (
        entry.kind,
        entry.parsed.receipt,
        entry.processed,
        entry.is_duplicate,
        entry.error,
        entry.attempts,
        entry.payment_row,
        entry.log_row,
    )
