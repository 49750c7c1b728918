"""The chain of balances: a lost callback is named with its amount; a whole chain is silent."""

import random
from datetime import datetime, timedelta

import pytest

from kelly_cli.core.chain import Link, Loose, find_gaps

START = datetime(2026, 2, 3, 8)


def at(seconds):
    return START + timedelta(seconds=seconds)


def told(*moves):
    """Links of (receipt, seconds, amount), from an account that held nothing."""
    links, balance = [], 0
    for receipt, seconds, cents in moves:
        balance += cents
        links.append(Link(receipt, at(seconds), cents, balance))
    return links


def named(gaps):
    return [(gap.after, gap.before, gap.missing_cents) for gap in gaps]


def test_a_whole_chain_has_no_gap():
    links = told(("A", 0, 100), ("B", 60, 400), ("C", 90, -500), ("D", 200, 70))
    assert find_gaps(links) == []
    assert find_gaps(links[::-1]) == []


def test_nothing_and_a_single_link_have_no_gap():
    assert find_gaps([]) == []
    assert find_gaps(told(("A", 0, 100))) == []


def test_a_lost_payment_is_named():
    links = told(("A", 0, 100), ("B", 60, 400), ("C", 90, 70))
    assert named(find_gaps([links[0], links[2]])) == [("A", "C", 400)]


def test_money_that_left_unknown_is_below_zero():
    links = told(("A", 0, 100), ("B", 60, -40), ("C", 90, 70))
    assert named(find_gaps([links[0], links[2]])) == [("A", "C", -40)]


def test_a_movement_without_a_balance_explains_its_gap():
    links = told(("A", 0, 100), ("B", 60, -40), ("C", 90, 70))
    assert find_gaps([links[0], links[2]], [Loose("B", at(60), at(60), -40)]) == []


def test_a_known_movement_beside_a_lost_payment_leaves_the_payment():
    links = told(("A", 0, 1000), ("B", 600, 400), ("C", 1200, -1400), ("D", 1800, 70))
    loose = [Loose("C", at(1200), at(1200), -1400)]
    assert named(find_gaps([links[0], links[3]], loose)) == [("A", "D", 400)]


def test_a_reversal_at_an_unknown_time_explains_the_hole_of_its_amount():
    links = told(("A", 0, 100), ("B", 600, 250), ("X", 4000, -100), ("C", 9000, 70))
    assert find_gaps([links[0], links[1], links[3]], [Loose("", at(0), at(90000), -100)]) == []


def test_a_movement_that_is_a_link_explains_nothing_twice():
    links = told(("A", 0, 100), ("B", 60, 400), ("C", 90, 70))
    assert named(find_gaps([links[0], links[2]], [Loose("A", at(0), at(90), 400)])) == [
        ("A", "C", 400)
    ]


def test_many_loose_movements_are_no_burden():
    links = told(("A", 0, 100), ("B", 60, 10_000), ("C", 90, 70))
    loose = [Loose(f"L{n}", at(30), at(30), 400) for n in range(25)]
    assert find_gaps([links[0], links[2]], loose) == []


def test_payments_of_one_second_may_stand_in_any_order():
    links = told(("C", 0, 100), ("A", 0, 400), ("B", 0, -500), ("D", 0, 70), ("E", 0, 30))
    for seed in range(50):
        random.Random(seed).shuffle(links)
        assert find_gaps(links) == []


def test_an_account_that_is_swept_to_nothing_and_fills_again_is_whole():
    moves = []
    for day in range(30):
        moves += [(f"P{day}", day * 100, 500), (f"S{day}", day * 100 + 50, -500)]
    assert find_gaps(told(*moves)) == []


def chance_chain(seed, size=60, waits=(0, 0, 1, 3, 30, 200, 4000)):
    """A business's account: payments, sweeps to nothing, parts taken out, reversals."""
    chance = random.Random(seed)
    moves, balance, seconds, live = [], chance.choice([0, chance.randrange(10**6)]), 0, []
    links = []
    for number in range(chance.randint(5, size)):
        seconds += chance.choice(waits) if number > 1 else 60
        what = chance.random()
        if what < 0.06 and balance:
            cents = -balance
        elif what < 0.1 and balance > 1:
            cents = -chance.randint(1, balance)
        elif what < 0.14 and live and live[-1] <= balance:
            cents = -live.pop()
        else:
            cents = chance.randint(1, 500_000)
            live.append(cents)
        balance += cents
        moves.append(cents)
        links.append(Link(f"R{number:03d}", at(seconds), cents, balance))
    return chance, links


@pytest.mark.parametrize("part", range(10))
def test_a_thousand_whole_chains_in_any_order_raise_no_alarm(part):
    for seed in range(part * 100, part * 100 + 100):
        chance, links = chance_chain(seed)
        chance.shuffle(links)
        assert find_gaps(links) == [], seed


@pytest.mark.parametrize("part", range(10))
def test_whole_chains_whose_times_are_a_little_off_raise_no_alarm(part):
    for seed in range(part * 100, part * 100 + 100):
        chance, links = chance_chain(seed)
        moved = [
            link._replace(at=link.at + timedelta(seconds=chance.randint(-1, 1))) for link in links
        ]
        chance.shuffle(moved)
        assert find_gaps(moved) == [], seed


@pytest.mark.parametrize("part", range(10))
def test_one_callback_removed_is_named_with_its_neighbours_and_amount(part):
    for seed in range(part * 100, part * 100 + 100):
        chance, links = chance_chain(seed)
        inner = [place for place in range(1, len(links) - 1) if links[place].amount_cents > 0]
        if not inner:
            continue
        gone = chance.choice(inner)
        rest = links[:gone] + links[gone + 1 :]
        chance.shuffle(rest)
        assert named(find_gaps(rest)) == [
            (links[gone - 1].receipt, links[gone + 1].receipt, links[gone].amount_cents)
        ], seed


@pytest.mark.parametrize("part", range(4))
def test_a_callback_that_a_second_source_knows_without_a_balance_is_no_gap(part):
    for seed in range(part * 100, part * 100 + 100):
        chance, links = chance_chain(seed, waits=(4, 9, 30, 200, 4000))
        place = chance.randrange(len(links))
        gone = links.pop(place)
        loose = [Loose(gone.receipt, gone.at, gone.at, gone.amount_cents)]
        assert find_gaps(links, loose) == [], seed
