"""Goods in the ledger: what is counted on the shelf stands there at what a piece costs now.

Pieces that come are owed to whoever sent them until somebody books his bill; a first count is an
opening balance. What is sold costs what the sale's line says. A product that is not counted is
received at the moment it is sold. This module knows no database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.ledger import COST, GOODS_RECEIVED, OPENING_STOCK, STOCK, STOCK_DIFFERENCES
from kelly_cli.core.ledger import entry as post
from kelly_cli.core.owners import MOVES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from kelly_cli.core.ledger import Entry

OF_SALES = frozenset({"sold", "returned"})
"""Kinds of moves that follow from a sale."""


class Shelf(NamedTuple):
    """How a product stands in the books. ``cost_cents`` None = not known, so worth nothing."""

    cost_cents: int | None = None
    is_counted: bool = False

    def value_cents(self, pieces: int) -> int:
        """Return what so many pieces stand at."""
        return pieces * (self.cost_cents or 0) if self.is_counted else 0


class Turn(NamedTuple):
    """A product from one shelf to another: another cost, or its counting starts or stops.

    ``is_first``: it was never counted before.
    """

    product_id: str
    at: datetime
    before: Shelf
    after: Shelf
    is_first: bool = False

    @property
    def starts(self) -> bool:
        """From now on its pieces are counted."""
        return self.after.is_counted and not self.before.is_counted


class Move(NamedTuple):
    """Pieces that came (above zero) or went. ``at``: Nairobi wall-clock.

    ``cost_cents``: what one piece cost by the sale's line, None = not known, or of no sale.
    """

    documents: tuple[str, ...]
    kind: str
    pieces: int
    at: datetime
    cost_cents: int | None = None
    text: str = ""


def moved(move: Move, shelf: Shelf) -> Iterator[Entry]:
    """Give what a move posts; the pieces of the count with which counting starts are the turn's."""
    if move.kind in OF_SALES:
        yield from _sold(move, shelf)
        return
    other = GOODS_RECEIVED if move.kind == "received" else STOCK_DIFFERENCES
    value_cents = shelf.value_cents(move.pieces)
    if value_cents:
        yield post(move.at, MOVES, move.documents, (STOCK, other), value_cents, "stock", move.text)


def _sold(move: Move, shelf: Shelf) -> Iterator[Entry]:
    """Give the cost of goods, and what else the shelf loses if a piece costs otherwise now."""
    cost_cents = shelf.cost_cents or 0 if move.cost_cents is None else move.cost_cents
    came_from = STOCK if shelf.is_counted else GOODS_RECEIVED
    gone = -move.pieces
    if cost_cents:
        accounts = (COST, came_from)
        yield post(move.at, MOVES, move.documents, accounts, gone * cost_cents, "cost")
    rest_cents = shelf.value_cents(gone) - gone * cost_cents
    if shelf.is_counted and rest_cents:
        accounts = (STOCK_DIFFERENCES, STOCK)
        yield post(move.at, MOVES, move.documents, accounts, rest_cents, "revaluation")


def turned(turn: Turn, pieces: int) -> Iterator[Entry]:
    """Give what another cost, or counting, makes of the pieces that are there.

    ``pieces``: before it; with those of the count when counting starts.
    """
    change_cents = turn.after.value_cents(pieces) - turn.before.value_cents(pieces)
    if not change_cents:
        return
    other, kind = GOODS_RECEIVED, "stock"
    if turn.before.is_counted and turn.after.is_counted:
        is_known = None not in {turn.before.cost_cents, turn.after.cost_cents}
        other, kind = (STOCK_DIFFERENCES if is_known else OPENING_STOCK), "revaluation"
    elif turn.is_first:
        other = OPENING_STOCK
    yield post(turn.at, MOVES, (turn.product_id,), (STOCK, other), change_cents, kind)
