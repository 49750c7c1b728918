"""Sales at the counter: rows as people see them, with their items."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, case, func, insert, or_, select, update
from sqlmodel import col

from kelly_cli.core.refs import dated_id, fold
from kelly_cli.store.database import fetch_in
from kelly_cli.store.numbers import next_number
from kelly_cli.store.tables import Customer, Invoice, PosItem, PosSale, ReferenceKey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Connection


class SaleItem(NamedTuple):
    """One line of a sale. ``unit_price_cents`` 0 = a free item.

    ``catalogue_id``: the row of its product, None = none of the catalogue; ``cost_cents``: what one
    piece cost when it was sold, None = not known.
    """

    product_id: str
    product_name: str
    quantity: int
    unit_price_cents: int
    catalogue_id: int | None = None
    cost_cents: int | None = None

    @property
    def total_cents(self) -> int:
        """What the line costs."""
        return self.quantity * self.unit_price_cents


class SaleView(NamedTuple):
    """One sale as people and scripts see it.

    ``customer_id`` None = to nobody in particular; ``invoice_id`` None = nothing was paid yet.
    """

    row: int
    pos_id: str
    customer_id: str | None
    customer_name: str | None
    invoice_id: str | None
    status: str
    total_cents: int
    paid_cents: int
    adjusted_cents: int
    sold_on: date
    voided_at: datetime | None
    created_at: datetime
    items: tuple[SaleItem, ...] = ()

    @property
    def balance_cents(self) -> int:
        """What is still to be paid: nothing, when it is void."""
        return 0 if self.voided_at else self.total_cents - self.adjusted_cents - self.paid_cents


class SaleSearch(NamedTuple):
    """Which sales; None = any.

    ``first`` and ``last`` day of sale, both included. ``search``: part of the id, the customer's
    name, a product's id or name.
    """

    customer_row: int | None = None
    status: str | None = None
    first: date | None = None
    last: date | None = None
    search: str | None = None
    limit: int = 100


_STATUS = case(
    (col(PosSale.voided_at).is_not(None), "VOID"),
    (func.coalesce(col(Invoice.status), "UNPAID") == "UNPAID", "PENDING"),
    else_=col(Invoice.status),
)
"""A sale's status is its invoice's; before there is one, or when it is unpaid, PENDING."""


_COLUMNS: tuple[Any, ...] = (
    col(PosSale.id),
    col(PosSale.pos_id),
    col(Customer.customer_id),
    col(Customer.name),
    col(Invoice.invoice_id),
    _STATUS,
    col(PosSale.total_cents),
    func.coalesce(col(Invoice.amount_paid_cents), 0),
    func.coalesce(col(Invoice.adjusted_cents), 0),
    col(PosSale.sold_on),
    col(PosSale.voided_at),
    col(PosSale.created_at),
)
"""In the order of ``SaleView``."""


def _select() -> Select[Any]:
    return (
        select(*_COLUMNS)
        .outerjoin(Customer, col(Customer.id) == col(PosSale.customer_id))
        .outerjoin(Invoice, col(Invoice.id) == col(PosSale.invoice_id))
    )


def list_sales(connection: Connection, wanted: SaleSearch) -> Sequence[SaleView]:
    """Return sales with their items, newest first (day, then number)."""
    statement = (
        _select()
        .where(*_conditions(wanted))
        .order_by(col(PosSale.sold_on).desc(), col(PosSale.number).desc())
        .limit(wanted.limit)
    )
    return _with_items(connection, [SaleView(*row) for row in connection.execute(statement)])


def _conditions(wanted: SaleSearch) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.customer_row is not None:
        conditions.append(col(PosSale.customer_id) == wanted.customer_row)
    if wanted.status is not None:
        conditions.append(_STATUS.in_([wanted.status]))
    if wanted.first is not None:
        conditions.append(col(PosSale.sold_on) >= wanted.first)
    if wanted.last is not None:
        conditions.append(col(PosSale.sold_on) <= wanted.last)
    if wanted.search:
        conditions.append(_contains(wanted.search))
    return conditions


def _contains(search: str) -> ColumnElement[bool]:
    def part_of(column: Any) -> ColumnElement[bool]:
        return col(column).icontains(search, autoescape=True)

    of_an_item = (
        select(col(PosItem.id))
        .where(
            col(PosItem.sale_id) == col(PosSale.id),
            or_(part_of(PosItem.product_id), part_of(PosItem.product_name)),
        )
        .exists()
    )
    return or_(part_of(PosSale.pos_id), part_of(Customer.name), of_an_item)


def find_sale(connection: Connection, key: str) -> SaleView | None:
    """Return the sale that a folded id names, a void one too."""
    row = connection.execute(
        _select()
        .join(ReferenceKey, col(ReferenceKey.sale_id) == col(PosSale.id))
        .where(col(ReferenceKey.key) == key)
    ).first()
    return _with_items(connection, [SaleView(*row)])[0] if row else None


def _with_items(connection: Connection, sales: Sequence[SaleView]) -> list[SaleView]:
    rows = fetch_in(
        connection,
        "SELECT sale_id, product_id, product_name, quantity, unit_price_cents, catalogue_id, "
        "cost_cents FROM pos_items",
        "sale_id",
        [sale.row for sale in sales],
        "ORDER BY sale_id, line",
    )
    items = {
        sale: tuple(SaleItem(*row[1:]) for row in lines)
        for sale, lines in groupby(rows, key=lambda row: row[0])
    }
    return [sale._replace(items=items.get(sale.row, ())) for sale in sales]


def add_sale(
    connection: Connection,
    *,
    customer_row: int | None,
    items: Sequence[SaleItem],
    sold_on: date,
    created_at: datetime,
) -> str:
    """Write a new sale with the next number of its day, and its reference key; return its id."""
    number = next_number(connection, f"POS-{sold_on:%Y%m%d}")
    public_id = dated_id("POS", sold_on, number)
    row = connection.execute(
        insert(PosSale)
        .values(
            pos_id=public_id,
            customer_id=customer_row,
            total_cents=sum(item.total_cents for item in items),
            sold_on=sold_on,
            number=number,
            created_at=created_at,
        )
        .returning(col(PosSale.id))
    ).scalar_one()
    connection.execute(
        insert(PosItem),
        [{"sale_id": row, "line": line, **item._asdict()} for line, item in enumerate(items, 1)],
    )
    connection.execute(insert(ReferenceKey).values(key=fold(public_id), sale_id=row))
    return public_id


def set_voided(connection: Connection, sale_row: int, at: datetime | None) -> None:
    """Mark a sale void; its invoice, if any, must be so already. None: it is void no longer."""
    connection.execute(update(PosSale).where(col(PosSale.id) == sale_row).values(voided_at=at))
