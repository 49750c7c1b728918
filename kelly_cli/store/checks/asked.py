"""I-36: what Safaricom was asked for, and what came of it, agree with the books.

Prompts and payments name each other; a reversal that was done has taken its money out. A result
that contradicts the books has a log that says so, and is left to a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.core.masking import DOTS

if TYPE_CHECKING:
    from kelly_cli.store.checks.shape import Found, Snapshot


def paid_prompts(books: Snapshot) -> Found:
    """A prompt that has a payment is paid, with its own amount and under its own name."""
    yield from books.found(
        "SELECT m.id, m.state, m.amount_cents AS asked_cents, p.amount_cents AS paid_cents, "
        "p.mpesa_receipt_number AS receipt, m.checkout_request_id AS ours, "
        "p.checkout_request_id AS theirs "
        "FROM payment_prompts m JOIN payments p ON p.id = m.payment_id "
        "WHERE m.state <> 'paid' OR m.amount_cents <> p.amount_cents "
        "OR (m.checkout_request_id <> p.checkout_request_id "
        # A purge may have come between the two, and masks the phone that the name ends with.
        f"AND replace(m.checkout_request_id || p.checkout_request_id, '{DOTS}', '') "
        "= m.checkout_request_id || p.checkout_request_id)",
        "prompt {id} is {state}, asked {asked_cents} as {ours}; its payment {receipt} has "
        "{paid_cents} as {theirs}",
    )
    yield from books.found(
        "SELECT p.mpesa_receipt_number, m.id, m.state "
        "FROM payments p JOIN payment_prompts m ON m.checkout_request_id = p.checkout_request_id "
        "WHERE m.state <> 'paid' AND m.amount_cents = p.amount_cents",
        "it answers prompt {id}, which is {state}",
    )
    yield from books.found(
        "SELECT payment_id, count(*) AS prompts FROM payment_prompts "
        "WHERE payment_id IS NOT NULL GROUP BY payment_id HAVING count(*) > 1",
        "payment {payment_id} is the answer to {prompts} prompts",
    )


def answered_prompts(books: Snapshot) -> Found:
    """A prompt that is paid or refused has the moment of its answer."""
    yield from books.found(
        "SELECT id, state FROM payment_prompts "
        "WHERE state IN ('paid', 'refused') AND answered_at IS NULL",
        "prompt {id} is {state}, and nobody knows since when",
    )


def requests(books: Snapshot) -> Found:
    """A request speaks of its own payment; a result has its log."""
    yield from books.found(
        "SELECT r.id, r.kind, r.receipt, r.amount_cents AS asked_cents, "
        "p.mpesa_receipt_number AS theirs, p.amount_cents AS paid_cents "
        "FROM daraja_requests r JOIN payments p ON p.id = r.payment_id "
        "WHERE r.receipt <> p.mpesa_receipt_number OR r.amount_cents <> p.amount_cents",
        "request {id} ({kind}) is about {receipt} with {asked_cents}; its payment is {theirs} with "
        "{paid_cents}",
    )
    yield from books.found(
        "SELECT id, kind, state FROM daraja_requests "
        "WHERE state IN ('done', 'failed') AND log_id IS NULL",
        "request {id} ({kind}) is {state}, and no result says so",
    )


def reversals(books: Snapshot) -> Found:
    """What Safaricom gave back is out of the books, unless its result contradicts them."""
    yield from books.found(
        "SELECT p.mpesa_receipt_number, r.id FROM daraja_requests r "
        "JOIN payments p ON p.id = r.payment_id LEFT JOIN webhook_logs l ON l.id = r.log_id "
        "WHERE r.kind = 'reversal' AND r.state = 'done' AND p.reversed_at IS NULL "
        "AND l.error IS NULL",
        "reversal {id} was done, and it is still in the books",
    )
