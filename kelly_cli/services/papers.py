"""What stands on an invoice, a sale's slip and a receipt: facts only, no words and no layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.services.invoices import get_invoice
from kelly_cli.services.payments import get_payment
from kelly_cli.services.sales import get_sale
from kelly_cli.store import account_rows, adjustment_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from kelly_cli.store.account_rows import HeldRow, PaidRow
    from kelly_cli.store.database import Database
    from kelly_cli.store.invoice_rows import InvoiceView
    from kelly_cli.store.payment_rows import PaymentView
    from kelly_cli.store.sale_rows import SaleItem, SaleView


class InvoiceFacts(NamedTuple):
    """An invoice with what is on it. ``items`` empty = it is one amount.

    ``adjusted``: what stands of each kind, in cents.
    """

    invoice: InvoiceView
    phone: str | None
    items: tuple[SaleItem, ...]
    paid: Sequence[PaidRow]
    adjusted: dict[str, int]


class SaleFacts(NamedTuple):
    """A sale with what was paid of it; ``adjusted`` as above."""

    sale: SaleView
    phone: str | None
    paid: Sequence[PaidRow]
    adjusted: dict[str, int]


class ReceiptFacts(NamedTuple):
    """A payment with what it paid. ``sales``: those among it, with their items.

    ``name`` None = it belongs to no customer.
    """

    payment: PaymentView
    name: str | None
    held: Sequence[HeldRow]
    sales: tuple[SaleView, ...]


def invoice_facts(database: Database, invoice_id: str) -> InvoiceFacts:
    """Return what stands on an invoice.

    Raises:
        NotFoundError: no such invoice.
    """
    with database.reading() as connection:
        found = get_invoice(connection, invoice_id)
        items = get_sale(connection, found.pos_id).items if found.pos_id else ()
        return InvoiceFacts(
            found,
            _customer(connection, found.customer_id)[1],
            items,
            account_rows.paid_on(connection, found.row),
            adjustment_rows.standing_adjustments(connection, found.row),
        )


def sale_facts(database: Database, pos_id: str) -> SaleFacts:
    """Return what stands on a sale's slip, whether it is paid or not.

    Raises:
        NotFoundError: no such sale.
    """
    with database.reading() as connection:
        found = get_sale(connection, pos_id)
        invoice = get_invoice(connection, found.invoice_id) if found.invoice_id else None
        return SaleFacts(
            found,
            _customer(connection, found.customer_id)[1],
            account_rows.paid_on(connection, invoice.row) if invoice else (),
            adjustment_rows.standing_adjustments(connection, invoice.row) if invoice else {},
        )


def receipt_facts(database: Database, receipt: str) -> ReceiptFacts:
    """Return what a payment paid.

    Raises:
        NotFoundError: no such payment.
    """
    with database.reading() as connection:
        found = get_payment(connection, receipt)
        held = account_rows.held_by(connection, found.row)
        sales = tuple(get_sale(connection, each.pos_id) for each in held if each.pos_id)
        return ReceiptFacts(found, _customer(connection, found.customer_id)[0], held, sales)


def _customer(connection: Connection, customer_id: str | None) -> tuple[str | None, str | None]:
    return account_rows.name_of(connection, customer_id) if customer_id else (None, None)
