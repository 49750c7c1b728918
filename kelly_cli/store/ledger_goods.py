"""Goods as the ledger has them: what each product cost, since when, and each move of its pieces.

A product knows its cost of today alone; what it cost before, and whether it was counted, stands in
the audit. What a move posts is told in ``core.shelves``.
"""

from __future__ import annotations

import json
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core import shelves
from kelly_cli.core.money import parse_kes
from kelly_cli.core.shelves import Move, Shelf, Turn
from kelly_cli.store import hot
from kelly_cli.store.database import fetch_in
from kelly_cli.store.ledger_documents import MOVED
from kelly_cli.store.ledger_facts import Fact, fact, key_of, values_of, yes_or_no
from kelly_cli.store.spells import in_nairobi

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kelly_cli.core.ledger import Entry
    from kelly_cli.store.ledger_documents import Documents

_LINE_COST = (
    "(SELECT max(t.cost_cents) FROM pos_items t WHERE t.sale_id = m.sale_id "
    "AND t.catalogue_id = m.product_id)"
)
"""What one piece cost by the sale's lines: all lines of a product were read at the same moment."""
_MOVES = (
    f"SELECT m.created_at, m.product_id, m.kind, m.quantity, {_LINE_COST}, s.pos_id, m.reason "
    "FROM stock_moves m LEFT JOIN pos_sales s ON s.id = m.sale_id"
)
_AT_ONCE = 1_000
"""Products in one statement."""
_FIRST, _LAST = datetime(1970, 1, 2), datetime(9000, 1, 1)  # noqa: DTZ001 - wall-clock


class Posted(NamedTuple):
    """Entries of one sum; ``within`` False = they count before the span."""

    entries: Iterable[Entry]
    within: bool


class Goods:
    """The goods of the documents of a stretch of time."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._connection = documents.connection
        self._names: dict[int, str] = {}
        self._turns = self._read_turns()

    def _read_turns(self) -> dict[int, list[Turn]]:
        """Return the turns of each product (row), in order; none at the same moment."""
        products = hot.fetch(self._connection, "SELECT id, product_id FROM products")
        self._names = dict(products)
        rows = {name: row for row, name in products}
        turns: dict[int, list[Turn]] = {row: [] for row in self._names}
        if not turns:
            return turns
        for at, subject, after in hot.fetch(
            self._connection,
            'SELECT at, subject, "after" FROM audit '
            "WHERE action IN ('product.create', 'product.edit') ORDER BY id",
        ):
            if subject in rows:
                told = json.loads(after or "{}")
                _turn(turns[rows[subject]], subject, in_nairobi(at), told)
        return turns

    def entries(self) -> Iterator[Entry]:
        """Give what goods post in the span, in order."""
        start, where = self._documents.span.start, self._documents.where(MOVED)
        moves = (
            (in_nairobi(row[0]), row[1], row)
            for row in self._documents.rows(f"{_MOVES}{where} ORDER BY m.created_at, m.id")
        )
        turns = sorted(
            (turn.at, product, turn)
            for product, each in self._turns.items()
            for turn in each
            if self._documents.span.holds(turn.at)
        )
        pieces = self._pieces_before(start, {product for _, product, _ in turns})
        shelf = {
            product: turn.after
            for product, each in self._turns.items()
            for turn in each
            if start is not None and turn.at < start
        }
        for at, found in groupby(_merged(turns, moves), key=itemgetter(0)):
            yield from self._at_once(at, list(found), shelf, pieces)

    def _at_once(
        self,
        at: datetime,
        found: list[tuple[datetime, int, Any]],
        shelf: dict[int, Shelf],
        pieces: dict[int, int],
    ) -> Iterator[Entry]:
        """Give what one moment posts: first the turns, then the moves."""
        turns = {product: each for _, product, each in found if isinstance(each, Turn)}
        moves = [each for _, _, each in found if not isinstance(each, Turn)]
        counts = {product for product, turn in turns.items() if turn.starts}
        for product, turn in turns.items():
            counted = sum(
                row[3] for row in moves if row[1] == product in counts and row[2] == "counted"
            )
            yield from shelves.turned(turn, pieces.get(product, 0) + counted)
            shelf[product] = turn.after
        for _, product, kind, quantity, cost_cents, sale, reason in moves:
            pieces[product] = pieces.get(product, 0) + quantity
            if product in counts and kind == "counted":
                continue
            name = self._names[product]
            documents = (name,) if sale is None else (sale, name)
            move = Move(documents, kind, quantity, at, cost_cents, reason or "")
            yield from shelves.moved(move, shelf.get(product, Shelf()))

    def _pieces_before(self, start: datetime | None, products: set[int]) -> dict[int, int]:
        if start is None:
            return {}
        instant = self._documents.instant(start)
        rows = fetch_in(
            self._connection,
            "SELECT product_id, sum(quantity) FROM stock_moves",
            "product_id",
            sorted(products),
            f"AND created_at < {instant} GROUP BY product_id",
        )
        return {row[0]: int(row[1]) for row in rows}

    # The same, summed by the database

    def sums(self) -> Iterator[Posted]:
        """Give what goods post up to the end of the span: one entry for all moves of one kind."""
        asked = list(self._turns.items())
        for first in range(0, len(asked), _AT_ONCE):
            some = asked[first : first + _AT_ONCE]
            sums: dict[tuple[int, int], list[Any]] = {}
            for shelf, *row in self._summed(some):
                sums.setdefault(shelf, []).append(row)
            for product, turns in some:
                places = range(len(turns) + 1)
                yield from self._posted(turns, [sums.get((product, n), []) for n in places])

    def _summed(self, asked: Iterable[tuple[int, list[Turn]]]) -> Iterator[tuple[Any, ...]]:
        """Sum moves by the shelf on which they counted: a product, and its how-manieth turn.

        The last of each row are cost of a piece and pieces; place 0 is before any turn.
        """
        instant, values = self._documents.instant, []
        places: list[tuple[int, int]] = []
        for product, turns in asked:
            moments = [_FIRST, *(turn.at for turn in turns), _LAST]
            starts = [False, *(turn.starts for turn in turns)]
            for place, is_start in enumerate(starts):
                stretch = f"{instant(moments[place])}, {instant(moments[place + 1])}"
                values.append(f"({len(places)}, {product}, {stretch}, {int(is_start)})")
                places.append((product, place))
        opens = "h.starts = 1 AND m.kind = 'counted' AND m.created_at = h.from_at"
        facts = (
            Fact("h.place", places),
            yes_or_no(opens),
            fact("m.kind", "sold", "returned", "counted", "received"),
            yes_or_no("m.quantity > 0"),
            Fact(self._documents.within(MOVED), (False, True)),
        )
        for key, cost_cents, pieces in hot.fetch(
            self._connection,
            "WITH h (place, product_id, from_at, to_at, starts) AS "
            f"(VALUES {', '.join(values)}) SELECT key, cost_cents, CAST(sum(quantity) AS BIGINT) "
            f"FROM (SELECT {key_of(facts)} AS key, {_LINE_COST} AS cost_cents, m.quantity "
            "FROM h JOIN stock_moves m ON m.product_id = h.product_id "
            "AND m.created_at >= h.from_at AND m.created_at < h.to_at"
            f"{self._documents.where(MOVED, since=False)}) x GROUP BY key, cost_cents",
        ):
            yield (*values_of(facts, key), cost_cents, pieces)

    def _posted(self, turns: list[Turn], sums: list[list[Any]]) -> Iterator[Posted]:
        """Give what one product posts. ``sums``: of its moves before and after each turn."""
        start, end = self._documents.span
        pieces, shelf = 0, Shelf()
        for place, rows in enumerate(sums):
            turn = turns[place - 1] if place else None
            if turn is not None:
                if end is not None and turn.at >= end:
                    return
                opening = sum(row[-1] for row in rows if row[0])
                shelf = turn.after
                yield Posted(
                    shelves.turned(turn, pieces + opening), start is None or turn.at >= start
                )
            for opens, kind, _, within, cost_cents, quantity in rows:
                pieces += quantity
                if not opens:
                    move = Move((), kind, quantity, _FIRST, cost_cents)
                    yield Posted(shelves.moved(move, shelf), within)


def _turn(turns: list[Turn], product_id: str, at: datetime, told: dict[str, Any]) -> None:
    """Add what an audit row says of cost and counting to the turns of its product."""
    before = turns[-1].after if turns else Shelf()
    after = before
    if "cost" in told:
        after = after._replace(cost_cents=told["cost"] and parse_kes(told["cost"]))
    if "stock" in told:
        after = after._replace(is_counted=told["stock"] is not None)
    if turns and at <= turns[-1].at:
        at, before = turns[-1].at, turns.pop().before
    is_first = not any(each.after.is_counted for each in turns)
    if before != after or not turns:
        turns.append(Turn(product_id, at, before, after, is_first=is_first))


def _merged(
    turns: list[tuple[datetime, int, Turn]], moves: Iterable[tuple[datetime, int, Any]]
) -> Iterator[tuple[datetime, int, Any]]:
    """Give both in the order of their moments, turns first."""
    place = 0
    for move in moves:
        while place < len(turns) and turns[place][0] <= move[0]:
            yield turns[place]
            place += 1
        yield move
    yield from turns[place:]
