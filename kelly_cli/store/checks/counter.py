"""I-30: what a person did at the counter has its row, and a receipt is spent once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kelly_cli.store.checks.shape import Found, Snapshot

_MADE = "(SELECT count(*) FROM payment_claims k WHERE k.payment_id = p.id)"
_UNDONE = (
    "(SELECT count(*) FROM payment_claims k WHERE k.payment_id = p.id AND k.undone_at IS NOT NULL)"
)


def claims_by_hand(books: Snapshot) -> Found:
    """Every claim and every undoing of one has its audit row."""
    for count, action in ((_MADE, "payment.claim"), (_UNDONE, "payment.unclaim")):
        yield from books.found(
            "SELECT * FROM (SELECT p.mpesa_receipt_number, "
            f"{count} AS claims, (SELECT count(*) FROM audit a "
            f"WHERE a.subject = p.mpesa_receipt_number AND a.action = '{action}') AS told "
            "FROM payments p WHERE EXISTS (SELECT 1 FROM payment_claims k "
            "WHERE k.payment_id = p.id)) x WHERE claims <> told",
            f"{{claims}} of its claims need an audit row {action}; there are {{told}}",
        )


def claimed_once(books: Snapshot) -> Found:
    """No receipt is claimed twice at the same time."""
    yield from books.found(
        "SELECT p.mpesa_receipt_number, count(*) AS claims FROM payment_claims k "
        "JOIN payments p ON p.id = k.payment_id WHERE k.undone_at IS NULL "
        "GROUP BY p.mpesa_receipt_number HAVING count(*) > 1",
        "{claims} claims of it stand",
    )
