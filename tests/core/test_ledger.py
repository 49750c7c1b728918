"""One debit, one credit, one amount: and whose money it was, by the laws of arithmetic."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core import ledger
from kelly_cli.core.ledger import Allocation, Entry, Invoice, Movement, Payment
from kelly_cli.core.owners import MOVES, Change, Owners, story
from kelly_cli.errors import BrokenInvariantError

NOON = datetime(2026, 2, 3, 12)
DAY = date(2026, 2, 3)
WHO = st.sampled_from([None, "A", "B", "C"])


def test_an_amount_below_zero_goes_the_other_way():
    there = ledger.entry(NOON, 0, ("X",), ("a", "b"), 5, "k")
    back = ledger.entry(NOON, 0, ("X",), ("a", "b"), -5, "k")
    assert (back.debit, back.credit, back.amount_cents) == ("b", "a", 5)
    assert sum(ledger.balances([there, back]).values()) == 0


@pytest.mark.parametrize(("accounts", "cents"), [(("a", "b"), 0), (("a", "a"), 5)])
def test_what_moves_nothing_cannot_be_written_down(accounts, cents):
    with pytest.raises(BrokenInvariantError):
        ledger.entry(NOON, 0, ("X",), accounts, cents, "k")


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from("efgh"), st.integers(-(10**14), 10**14))
    )
)
def test_whatever_is_posted_all_accounts_make_zero(moves):
    entries = [ledger.entry(NOON, 0, ("X",), (d, c), n, "k") for d, c, n in moves if n]
    assert sum(ledger.balances(entries).values()) == 0


@pytest.mark.parametrize(
    ("kind", "cents", "debit", "credit"),
    [
        ("charge", -100, "expenses:charges", "assets:mpesa"),
        ("settlement", -100, "assets:bank", "assets:mpesa"),
        ("settlement", 100, "assets:mpesa", "assets:bank"),
        ("withdrawal", -100, "assets:bank", "assets:mpesa"),
        ("reversal", -100, "equity:unexplained", "assets:mpesa"),
        ("other", 100, "assets:mpesa", "equity:unexplained"),
    ],
)
def test_a_statements_line_has_its_other_side(kind, cents, debit, credit):
    posted = ledger.moved(Movement("R", kind, cents, NOON))
    assert (posted.debit, posted.credit, posted.amount_cents) == (debit, credit, 100)


@pytest.mark.parametrize(
    ("method", "account"),
    [
        ("mpesa", "assets:mpesa"),
        ("cash", "assets:cash"),
        ("bank", "assets:bank"),
        ("cheque", "assets:cheques"),
    ],
)
def test_money_stands_where_it_came(method, account):
    posted = ledger.received(Payment(1, "R", None, 5, NOON, method), Owners())
    assert (posted.debit, posted.credit) == (account, "liabilities:unapplied")


def test_a_move_counts_when_its_payment_and_its_invoice_do():
    move = Allocation(1, 1, 5, NOON, "fifo", "R", "A", NOON, "INV", "A", DAY + timedelta(days=9))
    assert ledger.effective(move) == datetime(2026, 2, 12)
    assert ledger.effective(move._replace(issued_on=DAY)) == NOON


def test_a_sale_to_nobody_owes_at_the_counter():
    posted = ledger.issued(Invoice(1, "INV", None, 5, DAY), Owners())
    assert (posted.debit, posted.credit) == ("assets:receivables:counter", "income:sales")


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=30))
def test_what_counts_later_than_it_was_made_waits_for_its_place(times):
    made = sorted(times)
    pairs = []
    for at, wait in made:
        counts = NOON + timedelta(minutes=at + wait)
        pairs.append((NOON + timedelta(minutes=at), Entry(counts, 0, (), "a", "b", 1, "k")))
    got = list(ledger.in_order(pairs))
    assert [each.at for each in got] == sorted(each.at for _, each in pairs)


@st.composite
def histories(draw):
    """Owners in turn; some changes are told by the audit without a name."""
    first, owner, at = draw(WHO), None, 0
    owner, changes = first, []
    for _ in range(draw(st.integers(0, 6))):
        at += draw(st.integers(0, 2))
        after = draw(WHO)
        told = owner is not None or draw(st.booleans())
        changes.append(Change(NOON + timedelta(hours=at), owner, after if told else None, told))
        owner = after
    return first, changes, owner


@given(histories(), st.integers(-3, 12))
def test_a_story_ends_with_the_owner_of_today(history, hour):
    first, changes, now = history
    found = story(changes, now, NOON)
    assert found.owner((NOON + timedelta(days=9), MOVES)) == now
    if changes:
        assert found.owner((NOON - timedelta(days=1), MOVES)) == first
    assert [key for key, _ in found.steps] == sorted(key for key, _ in found.steps)
    found.owner((NOON + timedelta(hours=hour), MOVES))


@given(histories(), st.lists(st.tuples(st.integers(0, 12), st.integers(-50, 50)), max_size=8))
def test_a_handover_takes_from_one_what_it_gives_to_the_next(history, moved):
    """Money in, moves, and handovers together leave the rest with the owner of today alone."""
    _, changes, now = history
    found = story(changes, now, NOON)
    moves = sorted(((NOON + timedelta(hours=at), MOVES), cents) for at, cents in moved if cents)
    owners = Owners({1: found})
    entries = [ledger.received(Payment(1, "R", now, 1_000, NOON), owners)]
    entries += ledger.handed_over("R", found, 1_000, moves, owed=False)
    for key, cents in moves:
        whose = ledger.credit_of(owners.of_payment(1, key, now))
        entries.append(ledger.entry(*key, ("R",), (whose, "assets:receivables:X"), cents, "k"))
    held = ledger.balances(entries)
    rest = 1_000 - sum(cents for _, cents in moves)
    held.pop("assets:receivables:X", None)
    held.pop("assets:mpesa")
    assert {name: cents for name, cents in held.items() if cents} == (
        {ledger.credit_of(now): -rest} if rest else {}
    )


def test_an_action_gives_an_owner_before_it_pays_and_takes_him_after_it_freed():
    given_to = story([Change(NOON, None, "A")], "A", NOON)
    taken = story([Change(NOON, "A", None)], None, NOON)
    assert given_to.owner((NOON, MOVES)) == "A"
    assert taken.owner((NOON, MOVES)) == "A"


def test_a_change_that_found_somebody_else_there_moved_nothing():
    changes = [Change(NOON, "A", None), Change(NOON + timedelta(hours=1), "B", "A")]
    assert story(changes, None, NOON).owner((NOON + timedelta(hours=2), MOVES)) is None
