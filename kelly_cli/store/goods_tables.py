"""What is sold and what customers are reminded of: imported with the books by ``tables``.

Goods are counted in whole pieces. ``actor`` is whoever ran the command, or ``kelly``.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Date, Index, UniqueConstraint
from sqlmodel import Field

from kelly_cli.store.columns import Base, cents, one_of, points_to, row_id, whole, words


def whole_or_none(column: str) -> CheckConstraint:
    """Refuse REAL and text in a column of whole numbers that may be empty."""
    return CheckConstraint(
        f"{column} IS NULL OR typeof({column}) = 'integer'", name=f"{column}_whole"
    ).ddl_if(dialect="sqlite")


class Product(Base, table=True):
    """A product of the catalogue. ``key``: its folded id, a name space of its own.

    ``stock``: the sum of its moves; None = it is not counted. It may be below zero: money that came
    is booked, whatever stands on the shelf. ``cost_cents`` None = not known.
    """

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("length(key) BETWEEN 1 AND 40", name="key_length"),
        CheckConstraint("length(name) > 0", name="name_given"),
        CheckConstraint("price_cents >= 0", name="price"),
        CheckConstraint("cost_cents IS NULL OR cost_cents >= 0", name="cost"),
        *whole("price_cents"),
        whole_or_none("cost_cents"),
        whole_or_none("stock"),
    )

    id: int | None = row_id()
    product_id: str = words(unique=True)
    key: str = words(unique=True)
    name: str = words()
    price_cents: int = cents()
    cost_cents: int | None = Field(default=None, sa_type=BigInteger)
    stock: int | None = Field(default=None, sa_type=BigInteger)
    retired_at: datetime | None = None
    created_at: datetime


class PosItem(Base, table=True):
    """One line of a sale. A price of zero is a free item.

    ``catalogue_id``: the product that it was, None = none of the catalogue; ``cost_cents``: what
    one piece cost then, None = not known.
    """

    __tablename__ = "pos_items"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("unit_price_cents >= 0", name="unit_price"),
        CheckConstraint("cost_cents IS NULL OR cost_cents >= 0", name="cost"),
        *whole("quantity", "unit_price_cents"),
        whole_or_none("cost_cents"),
        UniqueConstraint("sale_id", "line"),
        Index(
            "ix_pos_items_catalogue_id",
            "catalogue_id",
            "sale_id",
            info={"where": "catalogue_id IS NOT NULL"},
        ),
    )

    id: int | None = row_id()
    sale_id: int = points_to("pos_sales.id")
    line: int
    product_id: str = words()
    product_name: str = words()
    quantity: int = cents()
    unit_price_cents: int = cents()
    catalogue_id: int | None = points_to("products.id", default=None)
    cost_cents: int | None = Field(default=None, sa_type=BigInteger)


class StockMove(Base, table=True):
    """Pieces that came (above zero) or went (below zero). Append-only.

    A correction is another row: ``returned`` takes a sale's ``sold`` back, ``counted`` brings the
    books to what was counted. Moves are kept for products that are not counted, too.
    """

    __tablename__ = "stock_moves"
    __table_args__ = (
        CheckConstraint("quantity <> 0", name="quantity"),
        CheckConstraint(
            "(kind <> 'sold' OR quantity < 0) AND (kind <> 'returned' OR quantity > 0)",
            name="sign",
        ),
        CheckConstraint("(kind IN ('sold', 'returned')) = (sale_id IS NOT NULL)", name="of_a_sale"),
        *whole("quantity"),
        one_of("kind", "sold", "returned", "counted", "received"),
        Index("ix_stock_moves_product_id", "product_id"),
        Index("ix_stock_moves_sale_id", "sale_id"),
    )

    id: int | None = row_id()
    product_id: int = points_to("products.id")
    sale_id: int | None = points_to("pos_sales.id", default=None)
    quantity: int = cents()
    kind: str = words()
    reason: str | None = words(default=None)
    actor: str = words()
    created_at: datetime


class Reminder(Base, table=True):
    """What a customer was reminded of. ``owed_cents``: what he owed at the end of ``as_of``.

    ``address`` None = nobody to send it to but a person; ``message`` loses its people by purge.
    """

    __tablename__ = "reminders"
    __table_args__ = (
        CheckConstraint("owed_cents > 0", name="owed"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent"),
        *whole("owed_cents"),
        one_of("state", "ready", "sending", "sent", "failed", "cancelled"),
        Index("ix_reminders_customer_id", "customer_id", "as_of"),
    )

    id: int | None = row_id()
    customer_id: int = points_to("customers.id")
    channel: str = words()
    address: str | None = words(default=None)
    message: str = words()
    owed_cents: int = cents()
    as_of: date = Field(sa_type=Date)
    state: str = words()
    error: str | None = words(default=None)
    actor: str = words()
    created_at: datetime
    sent_at: datetime | None = None
