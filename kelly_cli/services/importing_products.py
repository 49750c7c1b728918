"""Rows of products: what is new in the catalogue, and what is there and stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.core import headers
from kelly_cli.core.cells import signed_kes
from kelly_cli.core.goods import parse_pieces
from kelly_cli.core.money import kes
from kelly_cli.core.refs import fold
from kelly_cli.services import products
from kelly_cli.services.customers import read_name
from kelly_cli.services.import_verdicts import (
    CREATED,
    EXISTS,
    RowRefusedError,
    Verdict,
    read,
    refuse_total,
)
from kelly_cli.services.products import NewProduct
from kelly_cli.store import product_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from sqlalchemy import Connection

    from kelly_cli.services.inbox import Inbox
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.product_rows import ProductView


class ProductRows:
    """Takes one row after the other; ``inbox`` and ``opening_on`` are for other kinds."""

    fields = headers.PRODUCTS
    needed = (("product",), ("name",), ("price",))

    def __init__(
        self, _connection: Connection, _inbox: Inbox, hand: Hand, _opening_on: date
    ) -> None:
        self._hand = hand
        self._made_by: dict[str, int] = {}

    def take(self, connection: Connection, line: int, cells: Mapping[str, str]) -> Verdict:
        """Read one row and write what is new.

        Raises:
            RowRefusedError: a field of it cannot be taken.
        """
        refuse_total(cells, "product", "name")
        wanted = _read(cells)
        key = fold(wanted.product_id) or ""
        if key in self._made_by:
            where = f"row {self._made_by[key]} of this file has it already"
            raise RowRefusedError("product", wanted.product_id, where)
        found = product_rows.find_product(connection, key)
        if found is not None and found.retired_at is None:
            self._made_by[key] = line
            return Verdict(line, EXISTS, found.product_id, reason=_differs(found, wanted))
        if found is None:
            products.add(connection, self._hand, wanted)
        else:
            back = products.set_retired(connection, self._hand, found, retired=False)
            changes = wanted._asdict()
            del changes["product_id"]
            products.change(connection, self._hand, back, changes)
        self._made_by[key] = line
        return Verdict(line, CREATED, found.product_id if found else wanted.product_id)

    def stands(self, line: int, subject: str) -> None:
        """Hear what an earlier import of the same file made of a row."""
        self._made_by[fold(subject) or ""] = line


def _read(cells: Mapping[str, str]) -> NewProduct:
    price = cells.get("price", "")
    if not price:
        raise RowRefusedError("price", price, "there is none")
    return NewProduct(
        read("product", cells.get("product", ""), products.read_id),
        read("name", cells.get("name", ""), read_name),
        read("price", price, _amount),
        read("cost", cells["cost"], _amount) if "cost" in cells else None,
        read("stock", cells["stock"], parse_pieces) if "stock" in cells else None,
    )


def _amount(text: str) -> int:
    cents = signed_kes(text)
    if cents < 0:
        raise ValueError(f"{text!r} is below zero")
    return cents


def _differs(found: ProductView, wanted: NewProduct) -> str | None:
    """Say what the books have otherwise, None = nothing; a blank cell says nothing."""
    told = []
    if found.name != wanted.name:
        told.append(f"the name {found.name}")
    for name in ("price", "cost"):
        ours, theirs = getattr(found, f"{name}_cents"), getattr(wanted, f"{name}_cents")
        if theirs is not None and ours != theirs:
            told.append(
                f"{'no' if ours is None else 'the'} {name} {'' if ours is None else kes(ours)}"
            )
    if wanted.stock is not None and found.stock != wanted.stock:
        told.append("no stock" if found.stock is None else f"a stock of {found.stock}")
    return (
        f"the books have {' and '.join(each.strip() for each in told)}: it stays" if told else None
    )
