"""Goods: how products are named and asked for, and which pieces a sale has to move.

A sale's pieces are gone while it is paid, and are back when it no longer is. What is due is the
difference to what was moved for it already, so that asking twice moves nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import parse_kes
from kelly_cli.core.refs import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PRODUCT_KEY = 40
"""The longest folded id of a product. No payer types it, so M-Pesa does not bound it."""

MOST_PIECES = 10**12 - 1

_PRODUCT = re.compile(r"[A-Z0-9][A-Z0-9 ._/-]*", re.ASCII)
_ASKED = re.compile(
    r"(?P<product>[^:@,]+?)\s*(?::\s*(?P<quantity>\d{1,12})\s*)?(?:@\s*(?P<price>[^:@]+))?",
    re.ASCII,
)
_PIECES = re.compile(r"([+-]?)(\d{1,12}|[1-9]\d{0,2}(?:,\d{3}){1,3})(?:\.0{1,2})?", re.ASCII)


class AskedItem(NamedTuple):
    """A line of a sale as the catalogue is asked for it; ``price_cents`` None = as it says."""

    product: str
    quantity: int
    price_cents: int | None


def parse_product_id(text: str) -> str:
    """Return the canonical form of a product's id that a person gives (``prod-001``).

    Raises:
        ValueError: not letters, digits and simple punctuation, or too long.
    """
    folded = fold(text)
    canonical = " ".join(text.upper().split())
    if folded is None or not _PRODUCT.fullmatch(canonical):
        raise ValueError(f"{text!r} is not a product id: use letters, digits and dashes")
    if len(canonical) > MAX_PRODUCT_KEY:
        raise ValueError(f"{text!r} is longer than {MAX_PRODUCT_KEY} characters")
    return canonical


def parse_asked(text: str) -> AskedItem | None:
    """Read ``PROD-001``, ``PROD-001:2`` or ``PROD-001:2@45``; None = it is written otherwise.

    Raises:
        ValueError: it is written so, and its quantity is zero or its price is no amount.

    >>> parse_asked("prod-001:2@45")
    AskedItem(product='prod-001', quantity=2, price_cents=4500)
    """
    found = _ASKED.fullmatch(text.strip())
    if found is None:
        return None
    quantity = int(found["quantity"] or 1)
    if quantity == 0:
        raise ValueError(f"the quantity {found['quantity']!r} is not a whole number from 1")
    price = found["price"]
    return AskedItem(found["product"], quantity, None if price is None else parse_kes(price))


def parse_pieces(text: str) -> int:
    """Read a number of pieces: ``24``, ``1,200``, ``-3``; a spreadsheet's ``24.00`` too.

    Raises:
        ValueError: not a whole number.
    """
    found = _PIECES.fullmatch(text.strip().replace("\u2212", "-"))
    if found is None:
        raise ValueError(f"{text!r} is not a whole number of pieces")
    pieces = int(found[2].replace(",", ""))
    return -pieces if found[1] == "-" else pieces


def moves_due(
    pieces: Mapping[int, int], moved: Mapping[int, int], *, is_gone: bool
) -> dict[int, int]:
    """Return what must still move for a sale, by product: below zero goes, above zero comes back.

    ``pieces``: what it sells; ``moved``: the sum of its moves; ``is_gone``: it is paid.
    """
    due = {}
    for product in sorted(pieces.keys() | moved.keys()):
        wanted = -pieces.get(product, 0) if is_gone else 0
        if wanted != moved.get(product, 0):
            due[product] = wanted - moved.get(product, 0)
    return due
