"""Applying a statement: what is missing comes in by the one road, what is there is proved.

Payments first, the oldest first, in batches; then, in one unit of work, the marks, the movements
and the reversals that they tell of. Killed between two units, the same command again does the rest.
A reversal that was kept before its payment came is booked by the next statement, so the order of
files does not matter.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from kelly_cli.daraja.statement_body import body_of
from kelly_cli.services import payments, reconciling, reversing
from kelly_cli.services.inbox import Delivery, Tally
from kelly_cli.store import audit_rows, inbox_rows, request_rows, statement_rows
from kelly_cli.store.statement_rows import MovementRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from kelly_cli.daraja.statement import Line
    from kelly_cli.services.inbox import Inbox
    from kelly_cli.services.reconciling import Comparison, File
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.statement_rows import OpenReversal

BATCH_ROWS = 2_000


@dataclass(slots=True)
class Applied:
    """What a statement did to the books.

    ``written``: payments that it brought; ``unmatched``: those of them that wait for an owner;
    ``refused``: lines that the road refused. ``verified``: payments that had no second source.
    ``reversed``: receipts of payments that left the books; ``partial``: reversals of another amount
    than the payment's, which a person must look at.
    """

    tally: Tally = field(default_factory=Tally)
    written: int = 0
    unmatched: int = 0
    refused: int = 0
    verified: int = 0
    movements: int = 0
    reversed: list[str] = field(default_factory=list)
    partial: list[OpenReversal] = field(default_factory=list)


def apply(
    database: Database, inbox: Inbox, hand: Hand, found: Comparison, *, now: datetime
) -> Applied:
    """Bring a comparison into the books. ``now``: Nairobi wall-clock of the hand's moment.

    Raises:
        StorageError: the database cannot be written.
    """
    done = Applied()
    _send(inbox, found, done)
    with database.writing() as connection:
        inbox.prepare(connection)
        receipts = [line.receipt for line in found.in_both]
        known = inbox_rows.find_payments(connection, receipts)
        rows = [payment.money.row for payment in known.values()]
        done.verified = request_rows.set_verified(connection, rows, "statement")
        new = [file for file in found.files if _keep(connection, hand, file, done, now)]
        for code in sorted({file.short_code for file in found.files}):
            statement_rows.link_movements(connection, code)
            _reverse(connection, hand, code, done)
        if new or done.written or done.verified or done.movements:
            _record(connection, hand, found, done)
    return done


def _send(inbox: Inbox, found: Comparison, done: Applied) -> None:
    """Send the missing payments, and the known ones to which a statement adds something."""
    wanted = {line.receipt for line in (*found.only_statement, *found.blanks)}
    lines = {
        (file.short_code, line.receipt): (line.completed_at, line.receipt, line, file)
        for file in reversed(found.files)
        if file.export.takes_payments
        for line in reversed(file.export.lines)
        if line.kind == "payment" and line.receipt in wanted
    }
    told = sorted(lines.values(), key=lambda each: each[:2])
    for first in range(0, len(told), BATCH_ROWS):
        batch = [_delivery(file, line) for *_, line, file in told[first : first + BATCH_ROWS]]
        for entry in inbox.take(batch, again=True):
            done.tally.add(entry)
            if entry.is_duplicate:
                continue
            done.written += entry.payment_row is not None
            done.unmatched += entry.payment_row is not None and not entry.processed
            done.refused += entry.payment_row is None


def _delivery(file: File, line: Line) -> Delivery:
    raw = body_of(line, file.short_code, file.export.account)
    digest = sha256(raw).hexdigest()[:32]
    name = f"statement:{file.short_code}:{line.receipt}:{digest}"
    return Delivery(raw, "statement", "statement", name)


def _keep(connection: Connection, hand: Hand, file: File, done: Applied, now: datetime) -> bool:
    """Keep a file's period and its movements; tell whether the file is new."""
    export = file.export
    old = statement_rows.find_statement(connection, file.short_code, file.sha256)
    span = reconciling.span_of(export, now)
    if span is None:
        moments = [line.completed_at for line in export.lines]
        span = (min(moments), max(moments)) if moments else None
    row = old
    if row is None and span is not None:
        values = {
            "short_code": file.short_code,
            "account": export.account,
            "file_name": file.name,
            "sha256": file.sha256,
            "from_at": span[0],
            "to_at": span[1],
            "opening_cents": export.opening_cents,
            "closing_cents": export.closing_cents,
            "lines": len(export.lines),
            "actor": hand.actor,
        }
        row = statement_rows.add_statement(connection, values, hand.at)
    if row is not None:
        fresh = _fresh(connection, row, file)
        statement_rows.add_movements(connection, fresh)
        done.movements += len(fresh)
    return old is None and row is not None


def _fresh(connection: Connection, statement: int, file: File) -> list[MovementRow]:
    """Return the movements of a file that are not kept yet.

    Lines that agree in everything are one movement in two files, and so many as there are in one.
    """
    code, lines = file.short_code, file.export.lines
    kept = statement_rows.kept_movements(connection, code, {line.receipt for line in lines})
    there = Counter(each[:5] for each in kept)
    numbers: defaultdict[tuple[str, str, int], int] = defaultdict(int)
    for each in kept:
        numbers[each[:3]] = max(numbers[each[:3]], each.occurrence)
    fresh = []
    for line in sorted(lines, key=lambda line: (line.completed_at, line.receipt, line.row)):
        whole = (line.receipt, line.kind, line.amount_cents, line.completed_at, line.balance_cents)
        if there[whole]:
            there[whole] -= 1
            continue
        numbers[whole[:3]] += 1
        fresh.append(_movement(statement, code, line, numbers[whole[:3]]))
    return fresh


def _movement(statement: int, code: str, line: Line, occurrence: int) -> MovementRow:
    """Return a movement's row. Of a payment the log of its money keeps the people, if any does."""
    is_payment = line.kind == "payment"
    return MovementRow(
        statement,
        code,
        line.receipt,
        line.kind,
        line.amount_cents,
        occurrence,
        line.completed_at,
        line.linked,
        line.balance_cents,
        None if is_payment else line.reference or None,
        None if is_payment else line.other_party or None,
        None if is_payment else line.details or None,
    )


def _reverse(connection: Connection, hand: Hand, code: str, done: Applied) -> None:
    """Book the reversals that statements tell of, of whole payments only."""
    for each in statement_rows.open_reversals(connection, code):
        if each.amount_cents != -each.payment_cents:
            done.partial.append(each)
            continue
        payment = payments.get_payment(connection, each.payment_receipt)
        if payment.reversed_at is None:
            how = f"the statement of {code} tells of it: {each.receipt}"
            reversing.book(connection, hand, payment, how)
            done.reversed.append(each.payment_receipt)


def _record(connection: Connection, hand: Hand, found: Comparison, done: Applied) -> None:
    names: Sequence[str] = [file.name for file in found.files]
    audit_rows.record_audit(
        connection,
        hand,
        "recon.statement",
        ", ".join(sorted({file.short_code for file in found.files})),
        after={
            "files": names,
            "payments": done.written,
            "verified": done.verified,
            "movements": done.movements,
            "reversed": done.reversed,
        },
    )
