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


def origins(books: Snapshot) -> Iterator[Any]:
    """Stream the callbacks that payments rest on, or should rest on, with what was booked.

    Columns: log row, payment row (None = no payment), kind, payload, encoding, and the payment's
    receipt, amount in cents, transaction_date, short code and reference.
    """
    yield from books.rows(
        "SELECT l.id, p.id, l.kind, l.raw_payload, l.raw_encoding, p.mpesa_receipt_number, "
        "p.amount_cents, p.transaction_date, p.short_code, p.bill_ref_number "
        "FROM webhook_logs l LEFT JOIN payments p ON p.id = l.payment_id "
        "WHERE l.kind IN ('confirmation', 'stk') AND NOT l.is_duplicate AND (p.id IS NOT NULL "
        "OR (l.processed AND l.error IS NULL AND l.note IS NULL))"
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
