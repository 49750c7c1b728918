"""Take an import back while nothing hangs on what it made. Nothing is deleted.

Invoices become void, recorded credit is reversed, a product is retired, and a customer too: its id
finds nobody until the same file, or another with that id, is imported again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.refs import fold
from kelly_cli.errors import ConflictError
from kelly_cli.services import reversing
from kelly_cli.services.customers import get_customer
from kelly_cli.services.import_verdicts import BESIDE, CREATED
from kelly_cli.services.importing import get_import
from kelly_cli.services.invoices import get_invoice, void_found
from kelly_cli.services.payments import get_payment
from kelly_cli.services.products import get_product, set_retired
from kelly_cli.store import alias_rows, audit_rows, import_rows, product_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.import_rows import ImportView

MOST_NAMED = 5


class Undone(NamedTuple):
    """What an undo took back, by public id."""

    view: ImportView
    customers: list[str]
    invoices: list[str]
    receipts: list[str]
    products: list[str]


class _Made(NamedTuple):
    """What one row made; each None = no such thing."""

    customer: str | None
    invoice: str | None
    receipt: str | None
    product: str | None = None


def undo_import(database: Database, hand: Hand, number: int, *, dry_run: bool = False) -> Undone:
    """Take back all that an import made; ``dry_run``: keep nothing.

    Raises:
        NotFoundError: ``import_not_found``.
        ConflictError: ``already_undone``; ``import_in_use``: something hangs on what it made.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        found = get_import(connection, number)
        if found.undone_at is not None:
            raise ConflictError(
                f"import {number} is undone already",
                hint=f"See it: kelly import show {number}",
                code="already_undone",
            )
        rows = import_rows.rows_of(connection, number, verdict=CREATED)
        made = [_made(found.kind, str(row.subject)) for row in rows]
        _refuse_used(connection, number, made)

        for each in made:
            _take_back(connection, hand, each)
        import_rows.set_undone(connection, number, hand.at)
        undone = Undone(
            get_import(connection, number),
            [each.customer for each in made if each.customer],
            [each.invoice for each in made if each.invoice],
            [each.receipt for each in made if each.receipt],
            [each.product for each in made if each.product],
        )
        counts = {name: len(ids) for name, ids in undone._asdict().items() if isinstance(ids, list)}
        audit_rows.record_audit(connection, hand, "import.undo", f"import {number}", after=counts)
        return undone


def _made(kind: str, subject: str) -> _Made:
    if kind == "invoices":
        return _Made(None, subject, None)
    if kind == "products":
        return _Made(None, None, None, subject)
    customer, _, opening = subject.partition(BESIDE)
    is_invoice = opening.startswith("INV-")
    return _Made(
        customer,
        opening if is_invoice else None,
        opening if opening and not is_invoice else None,
    )


def _refuse_used(connection: Connection, number: int, made: Sequence[_Made]) -> None:
    used = [told for each in made if (told := _use(connection, each))]
    if used:
        more = f" and {len(used) - MOST_NAMED} more" if len(used) > MOST_NAMED else ""
        raise ConflictError(
            f"import {number} is in use: {'; '.join(used[:MOST_NAMED])}{more}",
            hint=f"Take that back first, or correct rows by hand: kelly import show {number}",
            code="import_in_use",
        )


def _use(connection: Connection, made: _Made) -> str | None:
    """Say what hangs on what a row made, None = nothing."""
    if made.product is not None:
        product = get_product(connection, made.product)
        sale = product_rows.open_sale_of(connection, product.row)
        return f"{made.product} is sold by {sale}" if sale else None
    if made.invoice is not None:
        invoice = get_invoice(connection, made.invoice)
        if invoice.paid_cents or invoice.adjusted_cents:
            return f"{made.invoice} is paid or adjusted"
    if made.receipt is not None:
        payment = get_payment(connection, made.receipt)
        if payment.allocated_cents:
            return f"{made.receipt} pays an invoice"
    if made.customer is not None:
        customer = get_customer(connection, made.customer)
        if customer.customer_id != made.customer:
            return f"{made.customer} was merged into {customer.customer_id}"
        own = ([made.invoice] if made.invoice else [], [made.receipt] if made.receipt else [])
        found = import_rows.hangs_on(connection, customer.row, *own)
        if found is not None:
            return f"{made.customer} has {found}"
    return None


def _take_back(connection: Connection, hand: Hand, made: _Made) -> None:
    if made.product is not None:
        product = get_product(connection, made.product)
        if product.retired_at is None:
            set_retired(connection, hand, product, retired=True)
    if made.invoice is not None:
        invoice = get_invoice(connection, made.invoice)
        if invoice.voided_at is None:
            void_found(connection, hand, invoice)
        for row in alias_rows.live_learnt_from(connection, made.invoice):
            alias_rows.retire(connection, row, hand.at)
            audit_rows.record_audit(
                connection, hand, "alias.remove", str(invoice.customer_id), before={"alias": row}
            )
    if made.receipt is not None:
        payment = get_payment(connection, made.receipt)
        if payment.reversed_at is None:
            reversing.book(connection, hand, payment, "the import was undone")
    if made.customer is not None:
        customer = get_customer(connection, made.customer)
        before = {"name": customer.name, "phone": customer.phone, "email": customer.email}
        import_rows.retire(connection, fold(customer.customer_id) or "", customer.row, hand.at)
        audit_rows.record_audit(
            connection, hand, "customer.retire", customer.customer_id, before=before
        )
