"""What a sale takes from the catalogue: names, prices and costs, and whether the stock suffices."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.goods import AskedItem
from kelly_cli.core.refs import fold
from kelly_cli.errors import ConflictError
from kelly_cli.services.products import unknown
from kelly_cli.store import product_rows
from kelly_cli.store.sale_rows import SaleItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from kelly_cli.store.database import Database
    from kelly_cli.store.product_rows import ProductView
    from kelly_cli.store.sale_rows import SaleView


class Shortage(NamedTuple):
    """A counted product of which a sale has more pieces than there are (``stock``, maybe < 0)."""

    product_id: str
    name: str
    pieces: int
    stock: int


def from_catalogue(connection: Connection, items: Sequence[SaleItem | AskedItem]) -> list[SaleItem]:
    """Return the lines of a sale as they are kept, in their order.

    Raises:
        NotFoundError: no such product; the hint names those that are nearest.
        ConflictError: ``product_retired``.
    """
    keys = {key for item in items if (key := fold(_named(item)))}
    known = product_rows.find_live(connection, keys)
    return [_line(connection, item, known.get(fold(_named(item)) or "")) for item in items]


def shortages(database: Database, sale: SaleView) -> list[Shortage]:
    """Return the products of a sale that is still to be paid of which there are too few pieces."""
    pieces: dict[int, int] = {}
    for item in sale.items:
        if item.catalogue_id is not None:
            pieces[item.catalogue_id] = pieces.get(item.catalogue_id, 0) + item.quantity
    if not pieces or sale.status in {"PAID", "VOID"}:
        return []
    with database.reading() as connection:
        products = product_rows.by_row(connection, pieces)
    return [
        Shortage(each.product_id, each.name, pieces[each.row], each.stock)
        for each in products
        if each.stock is not None and each.stock < pieces[each.row]
    ]


def _named(item: SaleItem | AskedItem) -> str:
    return item.product if isinstance(item, AskedItem) else item.product_id


def _line(
    connection: Connection, item: SaleItem | AskedItem, product: ProductView | None
) -> SaleItem:
    if isinstance(item, SaleItem):
        if product is None:
            return item._replace(catalogue_id=None, cost_cents=None)
        return item._replace(catalogue_id=product.row, cost_cents=product.cost_cents)
    if product is None:
        retired = product_rows.find_product(connection, fold(item.product) or "")
        if retired is None:
            raise unknown(connection, item.product)
        raise ConflictError(
            f"{retired.product_id} ({retired.name}) is retired",
            hint=f"Take it back in: kelly product retire {retired.product_id} --undo --reason TEXT",
            code="product_retired",
        )
    return SaleItem(
        product.product_id,
        product.name,
        item.quantity,
        product.price_cents if item.price_cents is None else item.price_cents,
        product.row,
        product.cost_cents,
    )
