"""What a payer can be asked to pay: an invoice or a sale that is open, and its name for M-Pesa."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.books import Target
from kelly_cli.core.refs import fold, short_form
from kelly_cli.errors import ConflictError
from kelly_cli.services.invoices import get_invoice
from kelly_cli.services.sales import get_sale
from kelly_cli.store import book_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kelly_cli.store.database import Database

_VOID = "VOID"


class Payable(NamedTuple):
    """An open invoice or sale. ``short``: its name of at most 12 characters, None = it has none."""

    public_id: str
    noun: str
    open_cents: int
    customer_id: str | None
    target: Target
    short: str | None


def find_payable(
    database: Database, *, invoice_id: str | None = None, pos_id: str | None = None
) -> Payable:
    """Return the invoice, or else the sale.

    Raises:
        NotFoundError: no such invoice or sale.
        ConflictError: ``nothing_open``.
    """
    with database.reading() as connection:
        if invoice_id is not None:
            return payable_invoice(connection, invoice_id)
        return payable_sale(connection, pos_id or "")


def payable_invoice(connection: Connection, invoice_id: str) -> Payable:
    """Return an invoice on which something is open.

    Raises:
        NotFoundError: no such invoice.
        ConflictError: ``nothing_open``.
    """
    found = get_invoice(connection, invoice_id)
    _refuse_closed(found.invoice_id, found.status, found.balance_cents)
    target = Target(invoice=found.row)
    short = _free_short_form(connection, found.invoice_id, target)
    cents = found.balance_cents
    return Payable(found.invoice_id, "Invoice", cents, found.customer_id, target, short)


def payable_sale(connection: Connection, pos_id: str) -> Payable:
    """Return a sale on which something is open.

    Raises:
        NotFoundError: no such sale.
        ConflictError: ``nothing_open``.
    """
    found = get_sale(connection, pos_id)
    _refuse_closed(found.pos_id, found.status, found.balance_cents)
    target = Target(sale=found.row)
    short = _free_short_form(connection, found.pos_id, target)
    return Payable(found.pos_id, "Sale", found.balance_cents, found.customer_id, target, short)


def _refuse_closed(public_id: str, status: str, open_cents: int) -> None:
    if status == _VOID or open_cents == 0:
        raise ConflictError(
            f"nothing is open on {public_id}: it is {status}",
            hint="Ask for an amount: kelly mpesa prompt --amount N --phone P",
            code="nothing_open",
        )


def _free_short_form(connection: Connection, public_id: str, target: Target) -> str | None:
    """Return the short name, unless it is the id of something else."""
    short = short_form(public_id)
    key = fold(short or "")
    if key is None or book_rows.find_keys(connection, [key]).get(key) != target:
        return None
    return short
