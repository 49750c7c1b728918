"""One batch on the one road: logged → parsed → deduplicated → matched → allocated → posted.

Every source takes it; a single callback is a batch of one. Gathering is a handful of ``IN``
queries, deciding is the pure core, applying is bulk statements, all inside the caller's
``writing()`` block. It knows nothing of HTTP, files or people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core import posting
from kelly_cli.core.books import Books, Invoice, Money, Sale, Target
from kelly_cli.core.matching import Claim, Directory, Match, claim_of, match, why_unmatched
from kelly_cli.core.refs import fold, phone_of
from kelly_cli.core.repeats import Facts, differences
from kelly_cli.daraja.messages import Notice, PaymentMessage, Refusal
from kelly_cli.store import book_rows, inbox_rows
from kelly_cli.store.database import reserve_ids

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(slots=True)
class Entry:
    """One delivery on its way. ``log_row`` 0 = not logged yet; ``payment_row`` None = no money.

    Neither ``processed`` nor ``is_duplicate``: failed with ``error``, or pending without.
    """

    raw: bytes
    kind: str
    source: str
    parsed: PaymentMessage | Notice | Refusal
    delivery_id: str = ""
    log_row: int = 0
    is_new: bool = True
    attempts: int = 0
    error: str | None = None
    receipt: str | None = None
    payment_row: int | None = None
    processed: bool = False
    is_duplicate: bool = False
    note: str = ""


@dataclass(slots=True)
class Known:
    """A payment of this batch's receipts: in the books already, or made by this batch."""

    money: Money
    facts: Facts
    claim: Claim
    log_row: int | None
    told: dict[str, Any]
    entry: Entry | None = None


class NewPayment(NamedTuple):
    """A payment that this batch makes."""

    money: Money
    message: PaymentMessage
    entry: Entry
    rule: str | None
    reason: str | None


class Batch:
    """One batch: ``run`` it inside a ``writing()`` block. ``books`` tells what changed."""

    def __init__(self, connection: Connection, entries: Sequence[Entry], now: datetime) -> None:
        self._connection = connection
        self._entries = entries
        self._now = now
        self._known: dict[str, Known] = {}
        self._directory = Directory()
        self._new: list[NewPayment] = []
        self._payment_rows: list[int] = []
        self._failed: dict[str, list[Entry]] = {}
        self._settled: set[str] = set()
        self._processed_logs: set[int] = set()
        self._retried: list[tuple[str | None, str | None, int]] = []
        self._filled: dict[int, dict[str, Any]] = {}
        self.books = Books()

    def run(self) -> None:
        """Gather, decide and apply the whole batch."""
        self._gather()
        for entry in self._entries:
            self._decide(entry)
        self._apply()

    # Gather

    def _gather(self) -> None:
        messages = [e.parsed for e in self._entries if isinstance(e.parsed, PaymentMessage)]
        receipts = {message.receipt for message in messages}
        receipts |= {e.parsed.receipt for e in self._entries if not e.is_new and e.parsed.receipt}
        found = inbox_rows.find_payments(self._connection, receipts)
        self._known = {receipt: _known(payment) for receipt, payment in found.items()}
        claims = [_claim(message) for message in messages]
        claims += [known.claim for known in self._known.values() if known.money.unmatched]
        self._look_up(claims)
        self.books = book_rows.load(self._connection, self._targets())
        fresh = sum(1 for message in messages if message.receipt not in self._known)
        self._payment_rows = reserve_ids(self._connection, "payments", fresh)[::-1]
        logs = reserve_ids(
            self._connection, "webhook_logs", sum(1 for e in self._entries if e.is_new)
        )
        for entry, row in zip((e for e in self._entries if e.is_new), logs, strict=True):
            entry.log_row = row

    def _look_up(self, claims: Sequence[Claim]) -> None:
        references = {claim.reference for claim in claims if claim.reference}
        prompts = {claim.prompt for claim in claims if claim.prompt}
        keys = book_rows.find_keys(self._connection, references)
        phones = {phone for key in references - keys.keys() if (phone := phone_of(key))}
        self._directory = Directory(
            keys=keys,
            phones=book_rows.find_phones(self._connection, phones),
            prompts=book_rows.find_prompts(self._connection, prompts),
        )

    def _targets(self) -> set[Target]:
        targets = set(self._directory.keys.values()) | set(self._directory.prompts.values())
        for owners in self._directory.phones.values():
            targets.update(Target(customer=row) for row in owners)
        return targets

    # Decide

    def _decide(self, entry: Entry) -> None:
        entry.attempts += 1
        parsed = entry.parsed
        entry.receipt = parsed.receipt
        if isinstance(parsed, PaymentMessage):
            known = self._known.get(parsed.receipt)
            if known is None:
                self._first(entry, parsed)
            elif known.log_row == entry.log_row:
                self._again(entry, known)
            else:
                self._repeat(entry, parsed, known)
        elif isinstance(parsed, Refusal):
            self._fail(entry, parsed.error)
            # Only a log that is tried again looks for the good one: at arrival a body that breaks
            # a rule is a failed log, whatever else is known (contract section 7).
            known = self._known.get(parsed.receipt or "")
            entry.is_duplicate = (
                not entry.is_new and known is not None and not known.money.unmatched
            )
        else:
            entry.processed, entry.error, entry.note = True, None, parsed.text

    def _first(self, entry: Entry, message: PaymentMessage) -> None:
        """Book a receipt that the books do not hold."""
        money = Money(
            row=self._payment_rows.pop(),
            receipt=message.receipt,
            amount_cents=message.amount_cents,
            allocated_cents=0,
            customer=None,
            paid_at=message.paid_at,
        )
        claim = _claim(message)
        rule, reason = self._place(money, claim, message.bill_ref)
        self._new.append(NewPayment(money, message, entry, rule, reason))
        self._known[message.receipt] = Known(
            money, _facts(message, claim), claim, entry.log_row, _told(message), entry
        )
        entry.payment_row = money.row
        if reason is None:
            self._succeed(entry, message.receipt)
        else:
            self._fail(entry, reason)

    def _again(self, entry: Entry, known: Known) -> None:
        """Try again the log that made a payment which found no place."""
        known.entry = entry
        entry.payment_row = known.money.row
        if known.money.pinned and known.money.unmatched:
            self._fail(entry, entry.error or "pinned: the money waits for a person")
            return
        reason = self._retry(known) if known.money.unmatched else None
        if reason is None:
            self._succeed(entry, known.money.receipt)
        else:
            self._fail(entry, reason)

    def _repeat(self, entry: Entry, message: PaymentMessage, known: Known) -> None:
        """Mark a repeat of a receipt; money that is still unmatched gets another try."""
        claim = _claim(message)
        entry.is_duplicate = True
        entry.payment_row = known.money.row
        different = differences(known.facts, _facts(message, claim))
        if different:
            entry.error = "conflict: " + "; ".join(different)
            return
        self._fill(known, message, claim)
        if known.money.unmatched and not known.money.pinned and self._retry(known) is None:
            self._settle_first(known)

    def _retry(self, known: Known) -> str | None:
        """Try to place unmatched money again; return why it still has no place, or None."""
        rule, reason = self._place(known.money, known.claim, known.told.get("bill_ref_number"))
        self._retried.append((rule, reason, known.money.row))
        return reason

    def _place(
        self, money: Money, claim: Claim, shown: str | None
    ) -> tuple[str | None, str | None]:
        """Match and allocate; return (rule, None) or (None, why it found no place)."""
        found: Match | None = match(claim, self._directory)
        if found is None:
            return None, why_unmatched(shown, claim, self._directory)
        refused = posting.refusal(self.books, found.target)
        if refused is not None:
            return None, refused
        posting.settle(self.books, money, found.target, self._make_invoice)
        return found.rule, None

    def _make_invoice(self, sale: Sale) -> Invoice:
        return book_rows.invoice_for_sale(self._connection, sale, self._now)

    def _fill(self, known: Known, message: PaymentMessage, claim: Claim) -> None:
        """Let a later channel fill the blanks of the first, its reference among them."""
        if known.facts.channel == message.channel:
            return
        added = {
            name: value
            for name, value in _told(message).items()
            if value is not None and known.told.get(name) is None
        }
        if not added:
            return
        known.told.update(added)
        self._filled.setdefault(known.money.row, {}).update(added)
        known.claim = Claim(
            known.claim.reference or claim.reference, known.claim.prompt or claim.prompt
        )
        known.facts = replace_facts(known.facts, message, claim)

    def _succeed(self, entry: Entry, receipt: str) -> None:
        entry.processed, entry.is_duplicate, entry.error = True, False, None
        self._settled.add(receipt)
        for other in self._failed.pop(receipt, ()):
            if other is not entry:
                other.is_duplicate = True

    def _fail(self, entry: Entry, error: str) -> None:
        entry.error = error
        if entry.receipt is not None:
            self._failed.setdefault(entry.receipt, []).append(entry)

    def _settle_first(self, known: Known) -> None:
        """The first log of a receipt becomes processed by a repeat."""
        if known.entry is not None:
            self._succeed(known.entry, known.money.receipt)
            return
        self._settled.add(known.money.receipt)
        if known.log_row is not None:
            self._processed_logs.add(known.log_row)
        for other in self._failed.pop(known.money.receipt, ()):
            other.is_duplicate = True

    # Apply

    def _apply(self) -> None:
        self._settle_others()
        inbox_rows.add_payments(
            self._connection, [_payment_row(new) for new in self._new], self._now
        )
        book_rows.save(
            self._connection, self.books, self._now, fresh={new.money.row for new in self._new}
        )
        inbox_rows.set_match(self._connection, self._retried)
        for row, told in self._filled.items():
            inbox_rows.fill_payment(self._connection, row, told)
        inbox_rows.add_logs(
            self._connection,
            [_log_row(entry) for entry in self._entries if entry.is_new],
            self._now,
        )
        inbox_rows.update_logs(
            self._connection, [log_state(entry) for entry in self._entries if not entry.is_new]
        )

    def _settle_others(self) -> None:
        """Take the older failed logs of receipts that were processed now off the list."""
        own = {entry.log_row for entry in self._entries}
        others = {
            row
            for row, _ in inbox_rows.open_logs(self._connection, self._settled)
            if row not in own and row not in self._processed_logs
        }
        inbox_rows.settle_logs(
            self._connection, processed=self._processed_logs - own, duplicates=others
        )


def replace_facts(first: Facts, message: PaymentMessage, claim: Claim) -> Facts:
    """Return the facts of a payment with the blanks that a later channel filled."""
    return first._replace(
        short_code=first.short_code or message.short_code,
        reference=first.reference or claim.reference,
        shown_reference=first.shown_reference or message.bill_ref,
    )


def _claim(message: PaymentMessage) -> Claim:
    return Claim(fold(message.bill_ref) if message.bill_ref else None, message.checkout_request_id)


def _facts(message: PaymentMessage, claim: Claim) -> Facts:
    return Facts(
        message.channel,
        message.amount_cents,
        message.short_code,
        message.paid_at,
        claim.reference,
        message.bill_ref,
    )


def _told(message: PaymentMessage) -> dict[str, Any]:
    return {
        "short_code": message.short_code,
        "bill_ref_number": message.bill_ref,
        "msisdn": message.msisdn,
        "payer_name": message.payer_name,
        "transaction_type": message.kind,
        "org_balance_cents": message.org_balance_cents,
        "checkout_request_id": message.checkout_request_id,
    }


def _known(payment: inbox_rows.KnownPayment) -> Known:
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


def _payment_row(new: NewPayment) -> tuple[Any, ...]:
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
        "callback",
        new.entry.log_row,
    )


def _log_row(entry: Entry) -> tuple[Any, ...]:
    text = inbox_rows.raw_text(entry.raw)
    return (
        entry.log_row,
        entry.delivery_id,
        entry.kind,
        entry.source,
        text.payload,
        text.encoding,
        text.sha256,
        entry.receipt,
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
        entry.receipt,
        entry.processed,
        entry.is_duplicate,
        entry.error,
        entry.attempts,
        entry.payment_row,
        entry.log_row,
    )
