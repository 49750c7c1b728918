"""Goods in the ledger: what stands on the shelf is pieces times cost, whatever happens."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core import ledger
from kelly_cli.core.shelves import Move, Shelf, Turn, moved, turned

NOON = datetime(2026, 2, 3, 12)
COUNTED = Shelf(50, is_counted=True)
COSTS = st.none() | st.integers(0, 90)


def plain(entries):
    return [(each.debit, each.credit, each.amount_cents) for each in entries]


@pytest.mark.parametrize(
    ("kind", "pieces", "cost", "shelf", "posted"),
    [
        ("received", 3, None, COUNTED, [("assets:stock", "liabilities:goods-received", 150)]),
        ("received", -3, None, COUNTED, [("liabilities:goods-received", "assets:stock", 150)]),
        ("counted", -2, None, COUNTED, [("expenses:stock-differences", "assets:stock", 100)]),
        ("counted", 2, None, Shelf(50), []),
        ("sold", -2, 50, COUNTED, [("expenses:cost-of-goods", "assets:stock", 100)]),
        ("returned", 2, 50, COUNTED, [("assets:stock", "expenses:cost-of-goods", 100)]),
        ("sold", -2, None, COUNTED, [("expenses:cost-of-goods", "assets:stock", 100)]),
        ("sold", -2, 0, Shelf(None, is_counted=True), []),
        ("sold", -2, None, Shelf(), []),
        (
            "sold", -2, 50, Shelf(60),
            [("expenses:cost-of-goods", "liabilities:goods-received", 100)],
        ),
        (
            "sold", -2, 40, COUNTED,
            [
                ("expenses:cost-of-goods", "assets:stock", 80),
                ("expenses:stock-differences", "assets:stock", 20),
            ],
        ),
    ],
)  # fmt: skip
def test_a_move_posts_what_its_pieces_cost(kind, pieces, cost, shelf, posted):
    assert plain(moved(Move(("P",), kind, pieces, NOON, cost), shelf)) == posted


@pytest.mark.parametrize(
    ("before", "after", "is_first", "posted"),
    [
        (Shelf(), COUNTED, True, [("assets:stock", "equity:opening-stock", 200)]),
        (Shelf(), COUNTED, False, [("assets:stock", "liabilities:goods-received", 200)]),
        (COUNTED, Shelf(50), False, [("liabilities:goods-received", "assets:stock", 200)]),
        (
            COUNTED, COUNTED._replace(cost_cents=40), False,
            [("expenses:stock-differences", "assets:stock", 40)],
        ),
        (
            COUNTED._replace(cost_cents=None), COUNTED, False,
            [("assets:stock", "equity:opening-stock", 200)],
        ),
        (Shelf(50), Shelf(60), False, []),
    ],
)  # fmt: skip
def test_another_cost_or_count_posts_the_difference(before, after, is_first, posted):
    turn = Turn("P", NOON, before, after, is_first=is_first)
    assert plain(turned(turn, 4)) == posted


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["sold", "counted", "received", "returned"]), st.integers(1, 9), COSTS
        ),
        st.tuples(st.just("cost"), COSTS, st.none()),
        st.tuples(st.just("starts"), st.booleans(), st.integers(1, 9)),
    ),
    max_size=12,
)


@given(STEPS)
def test_the_shelf_stands_at_pieces_times_cost(steps):
    shelf, pieces, entries, at = Shelf(), 0, [], NOON
    for kind, value, more in steps:
        at += timedelta(hours=1)
        if kind == "cost":
            after = shelf._replace(cost_cents=value)
            entries += turned(Turn("P", at, shelf, after), pieces)
            shelf = after
        elif kind == "starts":
            after = shelf._replace(is_counted=value)
            turn = Turn("P", at, shelf, after)
            pieces += more if turn.starts else 0
            entries += turned(turn, pieces)
            shelf = after
        else:
            quantity = -value if kind == "sold" else value
            pieces += quantity
            entries += moved(Move(("P",), kind, quantity, at, more), shelf)
        held = ledger.balances(entries)
        assert held.get("assets:stock", 0) == shelf.value_cents(pieces)
        assert sum(held.values()) == 0
