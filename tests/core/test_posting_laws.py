"""Laws of allocation, for random books and random stories (conftest.py says how to read them)."""

from collections import Counter
from copy import deepcopy

from hypothesis import given, settings
from hypothesis import strategies as st

from kelly_cli.core import posting
from kelly_cli.core.books import Target

AMOUNTS = st.integers(1, 9)
OWNERS = st.sampled_from(["ann", "bob", "-"])
INVOICES = ["I1", "I2", "I3"]
PLACES = st.sampled_from(["ann", "bob", *INVOICES, "S1", "S2"])
OPENING = st.builds(
    lambda *owners_and_amounts: "; ".join(
        f"{'sale' if name[0] == 'S' else 'invoice'} {name} {owner} {amount} @{number}"
        for name, (owner, amount, number) in zip(
            [*INVOICES, "S1", "S2"], owners_and_amounts, strict=True
        )
    ),
    *[st.tuples(OWNERS, AMOUNTS, st.integers(1, 3))] * 5,
)
PAY = st.builds("pay {} {} @{}".format, AMOUNTS, PLACES, st.integers(1, 5))
CHANGE = st.builds(
    "{} {}".format, st.sampled_from(["hold", "release", "void"]), st.sampled_from(INVOICES)
)
LATER = st.builds("invoice + {} {} @{}".format, OWNERS, AMOUNTS, st.integers(1, 5))
VOID_SALE = st.builds("void {}".format, st.sampled_from(["S1", "S2"]))
REVERSE = st.builds("reverse P{}".format, st.integers(1, 6))
STEPS = st.lists(PAY | PAY | CHANGE | LATER | VOID_SALE | REVERSE, max_size=12)


@given(OPENING, STEPS)
@settings(max_examples=300, deadline=None)
def test_after_every_step_the_books_hold_together(world, opening, steps):
    shop = world().tell(opening)
    for step in steps:
        seen = len(shop.rows)
        shop.tell(step)
        check_nothing_made_or_lost(shop)
        check_credit_does_not_wait_beside_an_open_invoice(shop)
        check_oldest_first(shop, shop.rows[seen:])


def check_nothing_made_or_lost(shop):
    by_money, by_invoice = Counter(), Counter()
    for money, invoice, amount_cents, _ in shop.rows:
        assert amount_cents != 0
        by_money[money.row] += amount_cents
        by_invoice[invoice.row] += amount_cents
    for money in shop.money:
        assert money.allocated_cents == by_money[money.row]
        held = money.allocated_cents + money.free_cents
        assert held == (0 if money.reversed else money.amount_cents)
        assert money.free_cents >= 0 <= money.allocated_cents
    for invoice in shop.invoices.values():
        assert invoice.paid_cents == by_invoice[invoice.row]
        assert 0 <= invoice.paid_cents <= (0 if invoice.void else invoice.amount_cents)


def check_credit_does_not_wait_beside_an_open_invoice(shop):
    for customer in (1, 2):
        assert not (shop.credit(customer) and shop.open_queue(customer))


def check_oldest_first(shop, rows):
    for money, invoice, amount_cents, reason in rows:
        if reason in {"fifo", "credit"}:
            assert amount_cents > 0
            age = (invoice.issued_on, invoice.number)
            assert all(
                (other.issued_on, other.number) >= age
                for other in shop.open_queue(invoice.customer)
            )
        if reason == "credit":
            age = (money.paid_at, money.row)
            assert all((m.paid_at, m.row) >= age for m in shop.credit(money.customer))


@given(OPENING, STEPS)
@settings(deadline=None)
def test_how_payments_are_cut_into_batches_changes_nothing(world, opening, steps):
    alone, batched = world().tell(opening, *steps), world(batched=True).tell(opening, *steps)
    assert batched.end() == alone.end()
    assert [_plain(each) for each in batched.rows] == [_plain(each) for each in alone.rows]


def _plain(row):
    return row.money.receipt, row.invoice.public_id, row.amount_cents, row.reason


@given(OPENING, st.lists(PAY, max_size=8), st.data())
@settings(deadline=None)
def test_balances_do_not_depend_on_the_order_of_the_payments(world, opening, pays, data):
    shuffled = data.draw(st.permutations(pays))
    assert world().tell(opening, *pays).balances() == world().tell(opening, *shuffled).balances()


@given(OPENING, STEPS, AMOUNTS, AMOUNTS, PLACES)
@settings(deadline=None)
def test_two_payments_do_what_their_sum_does(world, opening, steps, first, second, place):
    apart = world().tell(opening, *steps)
    together = deepcopy(apart).tell(f"pay {first + second} {place} @9")
    apart.tell(f"pay {first} {place} @9; pay {second} {place} @9")
    assert apart.balances() == together.balances()


@given(OPENING, STEPS)
@settings(deadline=None)
def test_settled_books_are_at_rest(world, opening, steps):
    shop = world().tell(opening, *steps)
    end = shop.end()
    books = shop.gathered()
    for customer in (1, 2):
        posting.use_credit(books, customer)
    for money in shop.money:
        if money.customer is not None and not money.pinned:
            posting.settle(books, money, Target(customer=money.customer), shop.make_invoice)
    assert (books.allocations, shop.end()) == ([], end)
