"""Claims: a receipt that was shown at the counter is spent, once, until a person takes it back.

A claim moves no money. Two clerks who claim at once: one wins, the other is told who did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kelly_cli.core import verdicts
from kelly_cli.core.refs import fold
from kelly_cli.core.times import nairobi_day
from kelly_cli.core.verdicts import Word
from kelly_cli.errors import BrokenInvariantError, ConflictError
from kelly_cli.services.payments import get_payment
from kelly_cli.services.sales import get_sale, refuse_closed
from kelly_cli.services.verifying import judging
from kelly_cli.store import audit_rows, claim_rows, counter_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kelly_cli.core.verdicts import Seen, Spent, Verdict
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.sale_rows import SaleView

SALE = "POS"


def claim(
    database: Database,
    hand: Hand,
    typed: str,
    amount_cents: int,
    what: str,
    *,
    dry_run: bool = False,
) -> Verdict:
    """Give the verdict on a receipt, and mark it spent when that is OK.

    ``what``: the id of a sale, or any words for what is not sold here. ``dry_run``: keep nothing.

    Raises:
        NotFoundError: ``what`` is shaped like a sale's id, and there is none.
        ConflictError: ``already_void`` or ``nothing_open``: that sale takes no money.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        sale = _sale(connection, what)
        ask = counter_rows.asking(connection)
        verdict = judging(typed, amount_cents, nairobi_day(hand.at))(ask)
        seen = verdict.seen
        if verdict.word != Word.OK or seen is None:
            return verdict
        claim_rows.add_claim(
            connection,
            seen.row,
            sale_row=sale.row if sale else None,
            note=None if sale else what,
            actor=hand.actor,
            at=hand.at,
        )
        after = _seen(connection, seen.receipt)
        audit_rows.record_audit(
            connection,
            hand,
            "payment.claim",
            seen.receipt,
            before={"claim": None},
            after={"claim": _plain(after.claim)},
        )
        return verdict._replace(seen=after)


def unclaim(database: Database, hand: Hand, typed: str, *, dry_run: bool = False) -> Seen:
    """Take a claim back: the receipt is good again. ``dry_run``: keep nothing.

    Raises:
        NotFoundError: no such payment.
        ConflictError: ``not_claimed``.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        before = _seen(connection, typed)
        if before.claim is None:
            raise ConflictError(
                f"{before.receipt} is not claimed",
                hint=f"See it: kelly payment show {before.receipt}",
                code="not_claimed",
            )
        claim_rows.undo_claim(connection, before.row, hand.at)
        audit_rows.record_audit(
            connection,
            hand,
            "payment.unclaim",
            before.receipt,
            before={"claim": _plain(before.claim)},
            after={"claim": None},
        )
        return _seen(connection, before.receipt)


def _sale(connection: Connection, what: str) -> SaleView | None:
    """Return the sale that is meant; None = the words are no id of a sale."""
    key = fold(what) or ""
    if not (key.startswith(SALE) and key[len(SALE) :].isdigit()):
        return None
    found = get_sale(connection, what)
    refuse_closed(found)
    return found


def _seen(connection: Connection, typed: str) -> Seen:
    receipt = get_payment(connection, verdicts.typed_receipt(typed) or typed).mpesa_receipt_number
    found = counter_rows.find_seen(counter_rows.asking(connection), receipt)
    if found is None:
        raise BrokenInvariantError(f"{receipt} is there and is not there")
    return found


def _plain(claim: Spent | None) -> dict[str, Any] | None:
    return None if claim is None else {"pos_id": claim.pos_id, "note": claim.note}
