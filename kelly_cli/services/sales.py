"""Sales at the counter: make, find, void."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import MAX_CENTS, kes
from kelly_cli.core.refs import fold
from kelly_cli.errors import ConflictError, NotFoundError
from kelly_cli.services import selling
from kelly_cli.services.customers import get_customer
from kelly_cli.services.invoices import (
    Freed,
    check_day,
    freed_for_audit,
    get_invoice,
    refuse_void_again,
    void_found,
)
from kelly_cli.store import audit_rows, sale_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import Connection

    from kelly_cli.core.goods import AskedItem
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.sale_rows import SaleItem, SaleSearch, SaleView


class VoidedSale(NamedTuple):
    """A void sale, and the money that now waits for a person."""

    sale: SaleView
    freed: list[Freed]


def total_of(items: Sequence[SaleItem]) -> int:
    """Return what items cost together, in cents.

    Raises:
        ValueError: nothing, or more than an invoice can hold.
    """
    total_cents = sum(item.total_cents for item in items)
    if total_cents <= 0:
        raise ValueError("the items cost nothing together: a sale needs a total above zero")
    if total_cents > MAX_CENTS:
        raise ValueError(
            f"the items cost {kes(total_cents)} together: a sale holds at most {kes(MAX_CENTS)}"
        )
    return total_cents


def create_sale(
    database: Database,
    hand: Hand,
    *,
    items: Sequence[SaleItem | AskedItem],
    sold_on: date,
    customer_id: str | None = None,
) -> SaleView:
    """Write a new sale. ``customer_id`` None = to nobody in particular.

    Its invoice is made by its first payment. An ``AskedItem`` takes name and price from the
    catalogue; any other line that names a product of it moves its stock too.

    Raises:
        ValueError: the items have no total (``total_of``).
        DomainError: the day is not one.
        NotFoundError: no such customer, or no such product.
        ConflictError: ``product_retired``.
    """
    check_day(sold_on)

    with database.writing() as connection:
        sold = selling.from_catalogue(connection, items)
        total_cents = total_of(sold)
        customer = None if customer_id is None else get_customer(connection, customer_id)
        pos_id = sale_rows.add_sale(
            connection,
            customer_row=customer.row if customer else None,
            items=sold,
            sold_on=sold_on,
            created_at=hand.at,
        )
        audit_rows.record_audit(
            connection,
            hand,
            "pos.create",
            pos_id,
            after={
                "customer_id": customer.customer_id if customer else None,
                "total": kes(total_cents),
                "sold_on": str(sold_on),
                "items": [[*item[:3], kes(item.unit_price_cents)] for item in sold],
            },
        )
        return get_sale(connection, pos_id)


def show_sale(database: Database, pos_id: str) -> SaleView:
    """Return one sale with its items.

    Raises:
        NotFoundError: no such sale.
    """
    with database.reading() as connection:
        return get_sale(connection, pos_id)


def list_sales(
    database: Database, wanted: SaleSearch, *, customer_id: str | None = None
) -> Sequence[SaleView]:
    """Return sales, newest first. ``customer_id``: in any written form, None = any.

    Raises:
        NotFoundError: no such customer.
    """
    with database.reading() as connection:
        if customer_id is not None:
            wanted = wanted._replace(customer_row=get_customer(connection, customer_id).row)
        return sale_rows.list_sales(connection, wanted)


def void_sale(database: Database, hand: Hand, pos_id: str, *, dry_run: bool = False) -> VoidedSale:
    """Void a sale and its invoice; money on it is freed and waits for a person.

    ``dry_run``: keep nothing.

    Raises:
        NotFoundError: no such sale.
        ConflictError: it is void already.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        found = get_sale(connection, pos_id)
        refuse_void_again(found.pos_id, is_void=found.voided_at is not None)
        freed: list[Freed] = []
        if found.invoice_id is not None:
            freed = void_found(connection, hand, get_invoice(connection, found.invoice_id))
        sale_rows.set_voided(connection, found.row, hand.at)
        audit_rows.record_audit(
            connection,
            hand,
            "pos.void",
            found.pos_id,
            before={"status": found.status, "amount_paid": kes(found.paid_cents)},
            after={
                "status": "VOID",
                "invoice_id": found.invoice_id,
                "freed": freed_for_audit(freed),
            },
        )
        return VoidedSale(get_sale(connection, found.pos_id), freed)


def refuse_closed(sale: SaleView) -> None:
    """Refuse a sale that takes no more money.

    Raises:
        ConflictError: ``already_void``, or ``nothing_open``: it is paid.
    """
    refuse_void_again(sale.pos_id, is_void=sale.voided_at is not None)
    if not sale.balance_cents:
        raise ConflictError(
            f"sale {sale.pos_id} is paid already",
            hint=f"See what was sold: kelly pos show {sale.pos_id}",
            code="nothing_open",
        )


def get_sale(connection: Connection, pos_id: str) -> SaleView:
    """Return the sale that an id names, in any written form.

    Raises:
        NotFoundError: no such sale.
    """
    key = fold(pos_id)
    found = sale_rows.find_sale(connection, key) if key else None
    if found is None:
        raise NotFoundError(
            f"no sale is called {pos_id!r}",
            hint="See what there is: kelly pos list",
            code="sale_not_found",
        )
    return found
