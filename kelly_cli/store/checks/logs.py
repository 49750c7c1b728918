"""I-04 to I-08, I-10, I-11: every callback is kept to the byte, and became one thing.

A log is processed, a duplicate, failed (an error) or pending (none): contract section 4. The log
that made a payment and the payment point at each other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kelly_cli.store.checks.shape import Found, Snapshot

PENDING_S = 60
"""A log that nothing has looked at for so long was forgotten."""

_FAILED = "NOT l.processed AND NOT l.is_duplicate AND l.error IS NOT NULL"


def canonical_receipts(books: Snapshot) -> Found:
    """A receipt stands in its one form: 5 to 32 letters and digits, upper case."""
    receipt = "mpesa_receipt_number"
    odd = f"{receipt} GLOB '*[^A-Z0-9]*'" if books.is_sqlite else f"{receipt} ~ '[^A-Z0-9]'"
    yield from books.found(
        f"SELECT {receipt}, length({receipt}) AS long FROM payments "
        f"WHERE (method = 'mpesa' AND ({odd} OR length({receipt}) NOT BETWEEN 5 AND 32)) "
        f"OR upper({receipt}) <> {receipt} OR trim({receipt}) <> {receipt}",
        "the receipt is not in its canonical form",
    )


def receipts_once(books: Snapshot) -> Found:
    """A receipt is one payment, over all channels."""
    yield from books.found(
        "SELECT mpesa_receipt_number, count(*) AS payments FROM payments "
        "GROUP BY mpesa_receipt_number HAVING count(*) > 1",
        "{payments} payments have this receipt",
    )


def origins_of_payments(books: Snapshot) -> Found:
    """A payment that Safaricom told of has its log, which points back."""
    yield from books.found(
        "SELECT p.mpesa_receipt_number, p.log_id, l.id AS found, l.payment_id, p.id, l.trans_id "
        "FROM payments p LEFT JOIN webhook_logs l ON l.id = p.log_id "
        "WHERE (p.log_id IS NULL AND p.method = 'mpesa' AND p.channel <> 'hand') "
        "OR (p.log_id IS NOT NULL AND (l.id IS NULL OR l.payment_id IS NULL "
        "OR l.payment_id <> p.id OR l.trans_id IS NULL "
        "OR l.trans_id <> p.mpesa_receipt_number OR l.is_duplicate))",
        "its origin is log {log_id} (found: {found}), which speaks of {trans_id} and of payment "
        "row {payment_id}; the payment is row {id}",
    )


def payments_of_logs(books: Snapshot) -> Found:
    """A log with money, save a repeat, is the origin of that payment."""
    yield from books.found(
        "SELECT 'log ' || l.id, l.payment_id, p.mpesa_receipt_number, p.log_id "
        "FROM webhook_logs l LEFT JOIN payments p ON p.id = l.payment_id "
        "WHERE l.payment_id IS NOT NULL AND (p.id IS NULL OR (NOT l.is_duplicate "
        "AND (p.log_id IS NULL OR p.log_id <> l.id)))",
        "it names payment row {payment_id} ({mpesa_receipt_number}), whose origin is log {log_id}",
    )


def one_outcome(books: Snapshot) -> Found:
    """A log has exactly one outcome, and none stays pending for long."""
    odd = "FALSE"
    if books.is_sqlite:
        odd = "processed NOT IN (0, 1) OR is_duplicate NOT IN (0, 1)"
    yield from books.found(
        "SELECT 'log ' || id, processed, is_duplicate FROM webhook_logs "
        f"WHERE processed IS NULL OR is_duplicate IS NULL OR (processed AND is_duplicate) OR {odd}",
        "processed is {processed} and is_duplicate is {is_duplicate}: one at most may be true",
    )
    yield from books.found(
        "SELECT 'log ' || id, created_at FROM webhook_logs "
        "WHERE NOT processed AND NOT is_duplicate AND error IS NULL AND created_at < ?",
        f"it is pending since {{created_at}}, more than {PENDING_S} seconds",
        books.instant(books.now - timedelta(seconds=PENDING_S)),
    )


def repeats(books: Snapshot) -> Found:
    """A duplicate points to the payment of its receipt, and did not make it."""
    yield from books.found(
        "SELECT 'log ' || l.id, l.trans_id, p.mpesa_receipt_number, p.log_id "
        "FROM webhook_logs l LEFT JOIN payments p ON p.id = l.payment_id "
        "WHERE l.is_duplicate AND l.payment_id IS NOT NULL AND (p.id IS NULL OR l.trans_id IS NULL "
        "OR p.mpesa_receipt_number <> l.trans_id OR p.log_id = l.id)",
        "a duplicate of {trans_id} that points to payment {mpesa_receipt_number} of log {log_id}",
    )
    # A body that broke a rule has no payment; another log of its receipt settled it.
    yield from books.found(
        "SELECT 'log ' || l.id, l.trans_id, l.error FROM webhook_logs l "
        "WHERE l.is_duplicate AND l.payment_id IS NULL AND (l.error IS NULL OR NOT EXISTS "
        "(SELECT 1 FROM payments p WHERE p.mpesa_receipt_number = l.trans_id))",
        "a duplicate of {trans_id} without a payment (its error: {error})",
    )


def failures(books: Snapshot) -> Found:
    """A failed log made no payment, or one that found no place."""
    yield from books.found(
        "SELECT 'log ' || l.id, l.error, p.mpesa_receipt_number FROM webhook_logs l "
        f"JOIN payments p ON p.id = l.payment_id WHERE {_FAILED} "
        "AND p.status = 'COMPLETED' AND NOT p.pinned "
        "AND (p.matched_by IS NULL OR p.matched_by <> 'hand')",
        "it failed ({error}), and its payment {mpesa_receipt_number} is in its place",
    )


def digests(books: Snapshot) -> Found:
    """The SHA-256 of the bytes is the one that was taken when they came."""
    for row, payload, encoding, sha256 in books.rows(
        "SELECT id, raw_payload, raw_encoding, raw_sha256 FROM webhook_logs"
    ):
        raw = raw_bytes(payload, encoding)
        if raw is None:
            yield f"log {row}", f"raw_payload is no text of the encoding {encoding}"
        elif hashlib.sha256(raw).digest() != sha256:
            yield f"log {row}", "its bytes are not those that came: their SHA-256 differs"


def counts(books: Snapshot) -> Found:
    """Processed, duplicate, failed and pending logs are all logs."""
    row = books.first(
        "SELECT count(*), sum(CASE WHEN processed AND NOT is_duplicate THEN 1 ELSE 0 END), "
        "sum(CASE WHEN is_duplicate AND NOT processed THEN 1 ELSE 0 END), "
        "sum(CASE WHEN NOT processed AND NOT is_duplicate AND error IS NOT NULL THEN 1 ELSE 0 END),"
        " sum(CASE WHEN NOT processed AND NOT is_duplicate AND error IS NULL THEN 1 ELSE 0 END) "
        "FROM webhook_logs"
    )
    total, *parts = (int(value or 0) for value in row)
    if total != sum(parts):
        yield (
            "webhook_logs",
            f"{total} logs, but processed, duplicate, failed and pending ones make {sum(parts)}",
        )


def raw_bytes(payload: object, encoding: object) -> bytes | None:
    """Return the bytes that a log keeps, or None when its text cannot hold any."""
    if not isinstance(payload, str):
        return None
    if encoding == "utf-8":
        return payload.encode()
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        return None


def origins(books: Snapshot) -> Iterator[Any]:
    """Stream the callbacks that payments rest on, or should rest on, with what was booked.

    Columns: log row, payment row (None = no payment), kind, payload, encoding, and the payment's
    receipt, amount in cents, transaction_date, short code and reference.
    """
    yield from books.rows(
        "SELECT l.id, p.id, l.kind, l.raw_payload, l.raw_encoding, p.mpesa_receipt_number, "
        "p.amount_cents, p.transaction_date, p.short_code, p.bill_ref_number "
        "FROM webhook_logs l LEFT JOIN payments p ON p.id = l.payment_id "
        "WHERE l.kind IN ('confirmation', 'stk', 'pull', 'statement', 'hand') "
        "AND NOT l.is_duplicate "
        "AND (p.id IS NOT NULL OR (l.processed AND l.error IS NULL AND l.note IS NULL))"
    )


def repeats_with_payment(books: Snapshot) -> Iterator[Any]:
    """Stream the repeats of receipts: payment row, kind, payload, encoding."""
    yield from books.rows(
        "SELECT payment_id, kind, raw_payload, raw_encoding FROM webhook_logs "
        "WHERE is_duplicate AND payment_id IS NOT NULL"
    )


def our_codes(books: Snapshot) -> frozenset[str]:
    """Return every short code that is or was ours."""
    return frozenset(row[0] for row in books.rows("SELECT code FROM short_codes"))
