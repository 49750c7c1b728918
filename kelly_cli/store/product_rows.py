"""The catalogue: products as people see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, func, insert, or_, select, update
from sqlmodel import col

from kelly_cli.store.tables import PosItem, PosSale, Product

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection


class ProductView(NamedTuple):
    """One product. ``cost_cents`` None = not known; ``stock`` None = not counted."""

    row: int
    product_id: str
    key: str
    name: str
    price_cents: int
    cost_cents: int | None
    stock: int | None
    retired_at: datetime | None
    created_at: datetime

    @property
    def state(self) -> str:
        """What people should know of it at a glance."""
        if self.retired_at is not None:
            return "RETIRED"
        return "BELOW ZERO" if self.stock is not None and self.stock < 0 else "LIVE"


class ProductSearch(NamedTuple):
    """Which products. ``below``: counted, and with fewer pieces than this; None = any."""

    search: str | None = None
    below: int | None = None
    retired: bool = False
    limit: int = 100


_COLUMNS: tuple[Any, ...] = (
    col(Product.id),
    col(Product.product_id),
    col(Product.key),
    col(Product.name),
    col(Product.price_cents),
    col(Product.cost_cents),
    col(Product.stock),
    col(Product.retired_at),
    col(Product.created_at),
)
"""In the order of ``ProductView``."""


def _select() -> Select[Any]:
    return select(*_COLUMNS)


def list_products(connection: Connection, wanted: ProductSearch) -> Sequence[ProductView]:
    """Return products in the order of their ids; those with the least stock first, if asked."""
    order = (func.length(Product.product_id), col(Product.product_id))
    statement = _select().where(*_conditions(wanted)).limit(wanted.limit)
    if wanted.below is not None:
        statement = statement.order_by(col(Product.stock), *order)
    else:
        statement = statement.order_by(*order)
    return [ProductView(*row) for row in connection.execute(statement)]


def _conditions(wanted: ProductSearch) -> list[ColumnElement[bool]]:
    retired = col(Product.retired_at)
    conditions: list[ColumnElement[bool]] = [
        retired.is_not(None) if wanted.retired else retired.is_(None)
    ]
    if wanted.below is not None:
        conditions.append(col(Product.stock) < wanted.below)
    if wanted.search:
        columns = (Product.product_id, Product.name)
        conditions.append(
            or_(*(col(each).icontains(wanted.search, autoescape=True) for each in columns))
        )
    return conditions


def find_product(connection: Connection, key: str) -> ProductView | None:
    """Return the product that a folded id names, a retired one too."""
    row = connection.execute(_select().where(col(Product.key) == key)).first()
    return ProductView(*row) if row else None


def find_live(connection: Connection, keys: Collection[str]) -> dict[str, ProductView]:
    """Return the products that these folded ids name and that are not retired."""
    if not keys:
        return {}
    rows = connection.execute(
        _select().where(col(Product.key).in_(sorted(keys)), col(Product.retired_at).is_(None))
    )
    return {row.key: ProductView(*row) for row in rows}


def by_row(connection: Connection, rows: Collection[int]) -> list[ProductView]:
    """Return products by row, in the order of their ids."""
    statement = _select().where(col(Product.id).in_(sorted(rows)))
    return [ProductView(*row) for row in connection.execute(statement.order_by(Product.product_id))]


def names(connection: Connection) -> list[tuple[str, str, str]]:
    """Return (folded id, id, name) of every product that is not retired."""
    rows = connection.execute(
        select(col(Product.key), col(Product.product_id), col(Product.name)).where(
            col(Product.retired_at).is_(None)
        )
    )
    return [(row[0], row[1], row[2]) for row in rows]


def add_product(connection: Connection, values: dict[str, Any]) -> int:
    """Write a new product; return its row."""
    row = connection.execute(
        insert(Product).values(**values).returning(col(Product.id))
    ).scalar_one()
    return int(row or 0)


def change_product(connection: Connection, row: int, changes: dict[str, Any]) -> None:
    """Write changed columns of a product."""
    connection.execute(update(Product).where(col(Product.id) == row).values(**changes))


def below_zero(connection: Connection) -> int:
    """Return how many products have less than nothing in stock."""
    counted = col(Product.retired_at).is_(None), col(Product.stock) < 0
    statement = select(func.count(col(Product.id))).where(*counted)
    return int(connection.execute(statement).scalar_one())


def open_sale_of(connection: Connection, product: int) -> str | None:
    """Return a sale that has a product in it and is not void, None = there is none."""
    found: str | None = connection.execute(
        select(col(PosSale.pos_id))
        .join(PosItem, col(PosItem.sale_id) == col(PosSale.id))
        .where(col(PosItem.catalogue_id) == product, col(PosSale.voided_at).is_(None))
        .limit(1)
    ).scalar()
    return found
