"""What was voided comes back: an invoice or a sale is open again, and waits for money.

Money that the void freed stays pinned: a person gives it where it belongs. Other credit of the
customer pays what is open again, as the rules say. Write-offs and credit notes do not come back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.core import posting
from kelly_cli.core.books import Target
from kelly_cli.core.money import kes
from kelly_cli.errors import ConflictError
from kelly_cli.services.customers import get_customer
from kelly_cli.services.invoices import get_invoice, refuse_part_of_sale
from kelly_cli.services.sales import get_sale
from kelly_cli.store import audit_rows, book_rows, invoice_rows, sale_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.invoice_rows import InvoiceView
    from kelly_cli.store.sale_rows import SaleView


def revive_invoice(
    database: Database, hand: Hand, invoice_id: str, *, dry_run: bool = False
) -> InvoiceView:
    """Undo the void of an invoice. ``dry_run``: keep nothing.

    Raises:
        NotFoundError: no such invoice, or its customer is gone.
        ConflictError: ``not_void``; ``invoice_of_sale``.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        found = get_invoice(connection, invoice_id)
        refuse_part_of_sale(found, "--undo ")
        _refuse_alive(found.invoice_id, is_void=found.voided_at is not None)
        return _revive(connection, hand, found)


def revive_sale(database: Database, hand: Hand, pos_id: str, *, dry_run: bool = False) -> SaleView:
    """Undo the void of a sale and of its invoice. ``dry_run``: keep nothing.

    Raises:
        NotFoundError: no such sale, or its customer is gone.
        ConflictError: ``not_void``.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        found = get_sale(connection, pos_id)
        _refuse_alive(found.pos_id, is_void=found.voided_at is not None)
        if found.customer_id is not None:
            get_customer(connection, found.customer_id)
        sale_rows.set_voided(connection, found.row, None)
        if found.invoice_id is not None:
            _revive(connection, hand, get_invoice(connection, found.invoice_id))
        revived = get_sale(connection, found.pos_id)
        audit_rows.record_audit(
            connection,
            hand,
            "pos.revive",
            found.pos_id,
            before={"status": found.status},
            after={"status": revived.status, "amount_paid": kes(revived.paid_cents)},
        )
        return revived


def _revive(connection: Connection, hand: Hand, found: InvoiceView) -> InvoiceView:
    if found.customer_id is not None:
        get_customer(connection, found.customer_id)
    invoice_rows.set_voided(connection, found.row, None)
    books = book_rows.load(connection, [Target(invoice=found.row)])
    posting.reopen(books, [books.invoices[found.row]])
    book_rows.save(connection, books, hand.at)
    revived = get_invoice(connection, found.invoice_id)
    audit_rows.record_audit(
        connection,
        hand,
        "invoice.revive",
        found.invoice_id,
        before={"status": found.status},
        after={"status": revived.status, "amount_paid": kes(revived.paid_cents)},
    )
    return revived


def _refuse_alive(public_id: str, *, is_void: bool) -> None:
    if not is_void:
        raise ConflictError(
            f"{public_id} is not void: nothing to undo",
            hint=f"See what was done to it: kelly audit list --subject {public_id}",
            code="not_void",
        )
