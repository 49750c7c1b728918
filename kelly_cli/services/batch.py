"""One batch on the one road: logged → parsed → deduplicated → matched → allocated → posted.

Every source takes it; a single callback is a batch of one. Gathering is a handful of ``IN``
queries, deciding is the pure core, applying is bulk statements, all inside the caller's
``writing()`` block. It knows nothing of HTTP, files or people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kelly_cli.core import flags, posting
from kelly_cli.core.books import Books, Invoice, Money, Sale, Target
from kelly_cli.core.matching import Claim, Directory, match, why_unmatched
from kelly_cli.core.money import kes_for_people
from kelly_cli.core.refs import fold, phone_of, short_form
from kelly_cli.core.repeats import differences
from kelly_cli.daraja.messages import PaymentMessage, Refusal
from kelly_cli.services import answering, prompt_answers
from kelly_cli.services.entries import (
    CONFLICT,
    SECOND_SOURCES,
    Entry,
    Known,
    NewPayment,
    claim_by,
    facts_by,
    known_from_batch,
    known_from_books,
    log_row,
    log_state,
    payment_row,
)
from kelly_cli.store import book_rows, flag_rows, inbox_rows, request_rows
from kelly_cli.store.by_age import Reach
from kelly_cli.store.database import reserve_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection


class Batch:
    """One batch: ``run`` it inside a ``writing()`` block. ``books`` tells what changed."""

    def __init__(self, connection: Connection, entries: Sequence[Entry], now: datetime) -> None:
        self._connection = connection
        self._entries = entries
        self._now = now
        self._claims: dict[int, Claim] = {}
        self._known: dict[str, Known] = {}
        self._made: dict[str, NewPayment] = {}
        self._directory = Directory()
        self._payment_rows: list[int] = []
        self._failed: dict[str, list[Entry]] = {}
        self._settled: set[str] = set()
        self._processed_logs: set[int] = set()
        self._retried: list[tuple[str | None, str | None, int]] = []
        self._filled: dict[int, dict[str, Any]] = {}
        self._confirmed: dict[int, str] = {}
        self._flags: list[tuple[int, str, str]] = []
        self.books = Books()

    def run(self) -> None:
        """Gather, decide and apply the whole batch."""
        self._gather()
        for place, entry in enumerate(self._entries):
            self._decide(entry, place)
        self._apply()
        self._answer()
        prompt_answers.settle_prompts(self._connection, self._entries, self._now)

    def narrate(self) -> None:
        """Write into each entry's ``note`` where its money went, for people."""
        went: dict[int, list[str]] = {}
        for money, invoice, amount_cents, _ in self.books.allocations:
            text = f"{invoice.public_id} {kes_for_people(amount_cents)}"
            went.setdefault(money.row, []).append(text)
        placed = {new.money.row: new.money for new in self._made.values()}
        placed.update((known.money.row, known.money) for known in self._known.values())
        for entry in self._entries:
            if entry.processed and entry.payment_row is not None:
                money = placed[entry.payment_row]
                places = went.get(money.row, [])
                if money.free_cents:
                    owner = "no owner" if money.customer is None else "credit"
                    places.append(f"{owner} {kes_for_people(money.free_cents)}")
                entry.note = " · ".join(places)

    # Gather

    def _gather(self) -> None:
        messages = []
        for place, entry in enumerate(self._entries):
            if isinstance(entry.parsed, PaymentMessage):
                messages.append(entry.parsed)
                self._claims[place] = claim_by(entry.parsed)
        receipts = {message.receipt for message in messages}
        receipts.update(e.receipt for e in self._entries if not e.is_new and e.receipt)
        found = inbox_rows.find_payments(self._connection, receipts)
        self._known = {receipt: known_from_books(payment) for receipt, payment in found.items()}
        # What is asked for, and how much: the messages, and money that waits for another try.
        wants = [
            (claim, m.amount_cents)
            for claim, m in zip(self._claims.values(), messages, strict=True)
        ]
        known = (each for each in self._known.values() if each.money.unmatched)
        wants += [(each.claim, each.money.amount_cents) for each in known]
        self._look_up([claim for claim, _ in wants])
        targets, aimed_cents = self._targets(), self._aimed_cents(wants)
        reach = Reach(money_cents=sum(amount_cents for _, amount_cents in wants))
        self.books = book_rows.load(self._connection, targets, aimed_cents=aimed_cents, reach=reach)
        fresh = sum(1 for message in messages if message.receipt not in found)
        self._payment_rows = reserve_ids(self._connection, "payments", fresh)[::-1]
        unlogged = [entry for entry in self._entries if entry.is_new]
        rows = reserve_ids(self._connection, "webhook_logs", len(unlogged))
        for entry, row in zip(unlogged, rows, strict=True):
            entry.log_row = row

    def _look_up(self, claims: Iterable[Claim]) -> None:
        references, prompts = set(), set()
        for reference, prompt in claims:
            if reference:
                references.add(reference)
            if prompt:
                prompts.add(prompt)
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

    def _aimed_cents(self, wants: Iterable[tuple[Claim, int]]) -> dict[int, int] | None:
        """Return the most that each invoice (row) can get from this batch; None = unknown."""
        if self._directory.prompts:
            return None
        aimed: dict[int, int] = {}
        for claim, amount_cents in wants:
            target = self._directory.keys.get(claim.reference or "")
            if target is not None and target.invoice is not None:
                aimed[target.invoice] = aimed.get(target.invoice, 0) + amount_cents
        return aimed

    # Decide

    def _decide(self, entry: Entry, place: int) -> None:
        entry.attempts += 1
        parsed = entry.parsed
        if isinstance(parsed, PaymentMessage):
            claim = self._claims[place]
            known = self._known_payment(parsed.receipt)
            if known is None:
                self._first(entry, parsed, claim)
            elif known.log_row == entry.log_row:
                self._again(entry, known)
            else:
                self._repeat(entry, parsed, claim, known)
        elif isinstance(parsed, Refusal):
            self._fail(entry, parsed.error)
            # Only a log that is tried again looks for the good one: at arrival a body that breaks
            # a rule is a failed log, whatever else is known (contract section 7).
            if not entry.is_new and parsed.receipt is not None:
                known = self._known_payment(parsed.receipt)
                entry.is_duplicate = known is not None and not known.money.unmatched
        else:
            entry.processed, entry.error, entry.note = True, None, parsed.text

    def _known_payment(self, receipt: str) -> Known | None:
        known = self._known.get(receipt)
        if known is None and receipt in self._made:
            known = self._known[receipt] = known_from_batch(self._made[receipt])
        return known

    def _first(self, entry: Entry, message: PaymentMessage, claim: Claim) -> None:
        """Book a receipt that the books do not hold."""
        row = self._payment_rows.pop()
        money = Money(row, message.receipt, message.amount_cents, 0, None, message.paid_at)
        rule, reason = self._place(money, claim, message.bill_ref, keep=message.keep)
        if money.amount_cents > flags.MOST_AT_ONCE_CENTS:
            self._flags.append((row, flags.OVER_LIMIT, flags.why_over(money.amount_cents)))
        self._made[message.receipt] = NewPayment(money, message, claim, entry, rule, reason)
        entry.payment_row = row
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

    def _repeat(self, entry: Entry, message: PaymentMessage, claim: Claim, known: Known) -> None:
        """Mark a repeat of a receipt; money that is still unmatched gets another try."""
        entry.is_duplicate = True
        entry.payment_row = known.money.row
        different = differences(known.facts, facts_by(message, claim))
        if different:
            entry.error = CONFLICT + "; ".join(different)
            return
        if message.channel in SECOND_SOURCES:
            self._confirmed[known.money.row] = message.channel
        added = known.fill(message, claim)
        if added:
            self._filled.setdefault(known.money.row, {}).update(added)
        if known.money.unmatched and not known.money.pinned and self._retry(known) is None:
            self._settle_first(known)

    def _retry(self, known: Known) -> str | None:
        """Try to place unmatched money again; return why it still has no place, or None."""
        rule, reason = self._place(known.money, known.claim, known.told["bill_ref_number"])
        self._retried.append((rule, reason, known.money.row))
        return reason

    def _place(
        self, money: Money, claim: Claim, shown: str | None, *, keep: bool = False
    ) -> tuple[str | None, str | None]:
        """Match and allocate; return (rule, None) or (None, why it found no place)."""
        found = match(claim, self._directory)
        if found is None:
            return None, why_unmatched(shown, claim, self._directory)
        if (why_late := flags.why_late(self.books, found.target)) is not None:
            self._flags.append((money.row, flags.LATE, why_late))
        refused = posting.refusal(self.books, found.target)
        if refused is not None:
            return None, refused
        posting.settle(self.books, money, found.target, self._make_invoice, keep=keep)
        return found.rule, None

    def _make_invoice(self, sale: Sale) -> Invoice:
        made = book_rows.invoice_for_sale(self._connection, sale, self._now)
        # A later callback of this batch may name it: nobody could look it up before.
        for name in (fold(made.public_id), short_form(made.public_id)):
            if name is not None:
                self._directory.keys.setdefault(name, Target(invoice=made.row))
        return made

    def _succeed(self, entry: Entry, receipt: str) -> None:
        entry.processed, entry.is_duplicate, entry.error = True, False, None
        self._settle(receipt, but=entry)

    def _fail(self, entry: Entry, error: str) -> None:
        entry.error = error
        if entry.receipt is not None:
            self._failed.setdefault(entry.receipt, []).append(entry)

    def _settle_first(self, known: Known) -> None:
        """The first log of a receipt becomes processed by a repeat."""
        if known.entry is not None:
            self._succeed(known.entry, known.money.receipt)
            return
        if known.log_row is not None:
            self._processed_logs.add(known.log_row)
        self._settle(known.money.receipt)

    def _settle(self, receipt: str, but: Entry | None = None) -> None:
        """Another log of the receipt was processed: its failed ones become duplicates."""
        self._settled.add(receipt)
        for other in self._failed.pop(receipt, ()):
            other.is_duplicate = other is not but

    # Apply

    def _apply(self) -> None:
        connection = self._connection
        self._settle_older()
        made = self._made.values()
        inbox_rows.add_payments(connection, [payment_row(new) for new in made], self._now)
        recorded = [new for new in made if new.message.method != "mpesa"]
        inbox_rows.set_by_hand(
            connection, [(new.message.method, new.money.pinned, new.money.row) for new in recorded]
        )
        fresh = {new.money.row for new in made}
        book_rows.save(connection, self.books, self._now, fresh=fresh)
        inbox_rows.set_match(connection, self._retried)
        for row, told in self._filled.items():
            inbox_rows.fill_payment(connection, row, told)
        for by in sorted(set(self._confirmed.values())):
            rows = [row for row, source in self._confirmed.items() if source == by]
            request_rows.set_verified(connection, rows, by)
        new = [entry for entry in self._entries if entry.is_new]
        came_at = [entry.came_at for entry in new]
        inbox_rows.add_logs(connection, [log_row(entry) for entry in new], self._now, came_at)
        old_logs = [log_state(entry) for entry in self._entries if not entry.is_new]
        inbox_rows.update_logs(connection, old_logs)
        flag_rows.add_flags(connection, self._flags, self._now)

    def _answer(self) -> None:
        """Let results act on the books, payments of this batch included; all logs are there now."""
        for entry in self._entries:
            if entry.kind in {"result", "timeout"} and entry.processed:
                came = answering.Came(entry.log_row, entry.kind, entry.raw)
                conflict = answering.settle(self._connection, came, self._now)
                if conflict is not None:
                    entry.processed, entry.is_duplicate = False, True
                    entry.error = conflict.error

    def _settle_older(self) -> None:
        """Take the older failed logs of receipts that were processed now off the list."""
        own = {entry.log_row for entry in self._entries}
        older = {row for row, _ in inbox_rows.open_logs(self._connection, self._settled)}
        inbox_rows.settle_logs(
            self._connection,
            processed=self._processed_logs - own,
            duplicates=older - own - self._processed_logs,
        )
