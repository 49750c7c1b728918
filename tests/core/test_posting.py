"""Where the shillings go: stories with their ends (conftest.py says how to read them)."""

from datetime import datetime

import pytest

from kelly_cli.core import posting
from kelly_cli.core.books import Books, Money
from kelly_cli.errors import BrokenInvariantError


@pytest.mark.parametrize(
    ("story", "end"),
    [
        ("invoice A1 ann 500; pay 500 A1", "A1 500/500"),
        ("invoice A1 ann 500; pay 200 A1; pay 100 A1", "A1 300/500"),
        ("invoice A1 ann 500; pay 700 A1", "A1 500/500 ann +200"),
        ("pay 700 ann", "ann +700"),
        ("pay 700 ann; invoice A1 ann 500", "A1 500/500 ann +200"),
        ("pay 200 ann; pay 200 ann; invoice A1 ann 300", "A1 300/300 ann +100"),
        ("invoice A1 ann 500 @2; invoice A2 ann 300 @1; pay 400 ann", "A1 100/500 A2 300/300"),
        ("invoice A1 ann 500; invoice A2 ann 300; pay 600 ann", "A1 500/500 A2 100/300"),
        ("invoice A1 ann 500; invoice A2 ann 300; pay 600 A2", "A1 300/500 A2 300/300"),
        ("invoice A1 ann 500; invoice B1 bob 300; pay 600 A1", "A1 500/500 B1 0/300 ann +100"),
        ("invoice A1 ann 500; hold A1; pay 600 ann", "A1 0/500 ann +600"),
        ("invoice A1 ann 500; hold A1; pay 600 A1", "A1 500/500 ann +100"),
        ("invoice A1 ann 500; hold A1; pay 600 ann; release A1", "A1 500/500 ann +100"),
        ("invoice A1 ann 500; pay 500 A1; void A1", "A1 0/void ann +500!"),
        ("invoice A1 ann 500; pay 500 A1; void A1; invoice A2 ann 9", "A1 0/void A2 0/9 ann +500!"),
        ("invoice A1 ann 5; void A1; pay 5 A1", "A1 0/void ann +5"),
        ("invoice N1 - 500; pay 700 N1", "N1 500/500 nobody +200"),
        ("invoice N1 - 500; pay 500 N1; void N1", "N1 0/void nobody +500!"),
        ("invoice A1 ann 500; pay 500 A1; reverse P1", "A1 0/500"),
        ("invoice A1 ann 500; pay 700 A1; reverse P1", "A1 0/500"),
        ("invoice A1 ann 5; pay 5 A1; pay 3 ann; reverse P1", "A1 3/5"),
        ("invoice A1 ann 5; pay 5 A1; pay 9 ann; reverse P1", "A1 5/5 ann +4"),
        ("invoice A1 ann 5; pay 2 A1; pay 1 A1; reverse P1", "A1 1/5"),
        ("invoice A1 ann 5; invoice A2 ann 5; pay 7 ann; reverse P1; pay 6 ann", "A1 5/5 A2 1/5"),
        ("invoice A1 ann 5; pay 5 A1; void A1; reverse P1", "A1 0/void"),
        ("invoice A1 ann 5; pay 5 A1; hold A1; pay 5 ann; reverse P1", "A1 0/5 ann +5"),
        ("pay 9 ann; reverse P1; invoice A1 ann 5", "A1 0/5"),
        ("sale S1 - 300; pay 400 S1; reverse P1", "S1 0/300"),
        ("sale S1 ann 3 @1; invoice A1 ann 2 @2; pay 5 S1; pay 4 ann; reverse P1", "A1 1/2 S1 3/3"),
        ("sale S1 ann 300; pay 100 S1", "S1 100/300"),
        ("sale S1 ann 300; pay 400 S1", "S1 300/300 ann +100"),
        ("sale S1 ann 300; invoice A1 ann 50; pay 400 S1", "A1 50/50 S1 300/300 ann +50"),
        ("sale S1 ann 300; pay 50 ann; pay 100 S1", "S1 150/300"),
        ("sale S1 ann 300 @1; invoice A1 ann 50 @2; pay 10 S1; pay 300 ann", "A1 10/50 S1 300/300"),
        ("sale S1 ann 9 @1; invoice A1 ann 9 @2; pay 1 S1; pay 9 ann", "A1 1/9 S1 9/9"),
        ("sale S1 ann 9 @3; invoice A1 ann 9 @2; pay 1 S1; pay 9 ann", "A1 9/9 S1 1/9"),
        ("sale S1 - 300; pay 400 S1", "S1 300/300 nobody +100"),
        ("sale S1 ann 300; void S1; pay 300 S1", "ann +300"),
        ("sale S1 ann 300; pay 300 S1; void S1", "S1 0/void ann +300!"),
    ],
)
@pytest.mark.parametrize("batched", [False, True])
def test_money_goes_where_the_design_says(world, story, end, batched):
    assert world(batched=batched).tell(story).end() == end


def test_each_row_says_by_which_rule_the_money_moved(world):
    shop = world().tell("pay 3 ann", "invoice A1 ann 5; invoice A2 ann 5; pay 9 A2; void A2")
    assert [(each.invoice.public_id, each.amount_cents, each.reason) for each in shop.rows] == [
        ("A1", 3, "credit"),
        ("A2", 5, "reference"),
        ("A1", 2, "fifo"),
        ("A2", -5, "void"),
    ]


def test_what_changed_is_told_for_writing_back(world):
    shop = world().tell("sale S1 ann 5; invoice A1 bob 5")
    books = shop.gathered()
    for row, name in enumerate(["ann", "S1", "A1"], start=1):
        money = Money(row, f"P{row}", 7, 0, None, datetime(2026, 2, 3))
        posting.settle(books, money, shop.target(name), shop.make_invoice)
        assert books.changed_money[row] is money
    assert [sale.public_id for sale in books.invoiced_sales] == ["S1"]
    assert {each.public_id for each in books.changed_invoices.values()} == {"S1", "A1"}
    assert books.invoices[2].public_id == "S1"


def test_the_oldest_credit_is_used_first_even_within_one_batch(world):
    shop = world(batched=True).tell("sale S1 ann 100; pay 50 ann @9; pay 50 ann @8; pay 60 S1 @9")
    assert [(each.money.receipt, each.amount_cents, each.reason) for each in shop.rows] == [
        ("P3", 60, "reference"),
        ("P2", 40, "credit"),
    ]


@pytest.mark.parametrize(
    ("story", "reason"),
    [
        ("sale S1 - 300; void S1; pay 300 S1", "sale S1 is void and has no customer"),
        ("sale S1 - 300; pay 300 S1; pay 1 S1", "sale S1 is already paid and has no customer"),
        ("invoice N1 - 5; pay 5 N1; pay 1 N1", "invoice N1 is already paid and has no customer"),
        ("invoice N1 - 5; void N1; pay 5 N1", "invoice N1 is void and has no customer"),
        ("sale S1 ann 300; void S1; pay 300 S1", None),
        ("invoice A1 ann 5; pay 5 A1; pay 1 A1", None),
        ("sale S1 - 300; pay 100 S1; pay 100 S1", None),
        ("pay 1 ann", None),
    ],
)
def test_only_what_has_no_customer_refuses_late_or_double_money(world, story, reason):
    shop = world().tell(story)
    assert shop.reasons[-1] == (reason and f"late_or_double: {reason}")
    assert shop.money[-1].unmatched == (reason is not None)


def test_a_void_sale_without_customer_or_invoice_places_nothing(world):
    shop = world().tell("sale S1 - 5; void S1")
    money = Money(1, "P1", 5, 0, None, datetime(2026, 2, 3))
    books = shop.gathered()
    posting.settle(books, money, shop.target("S1"), shop.make_invoice)
    assert money.unmatched
    assert (books.allocations, books.changed_money, books.invoiced_sales) == ([], {}, [])


def test_pinned_money_is_not_put_to_use_by_itself(world):
    shop = world().tell("invoice A1 ann 5")
    money = Money(1, "P1", 9, 0, None, datetime(2026, 2, 3), pinned=True)
    books = shop.gathered()
    posting.settle(books, money, shop.target("A1"), shop.make_invoice)
    assert (money.free_cents, money.customer, list(books.credits[1])) == (4, 1, [])


def test_reversed_money_is_free_for_nothing():
    money = Money(1, "P1", 9, 0, None, datetime(2026, 2, 3), reversed=True)
    assert (money.free_cents, money.unmatched) == (0, False)


@pytest.mark.parametrize(("most", "moved"), [(None, 7), (3, 3), (0, 0), (9, 7)])
def test_a_person_may_allocate_a_part(world, most, moved):
    shop = world().tell("invoice N1 - 7; pay 9 ann")
    books, money, invoice = shop.gathered(), shop.money[0], shop.invoices["N1"]
    assert posting.allocate(books, money, invoice, "hand", most_cents=most) == moved
    assert (invoice.paid_cents, money.free_cents) == (moved, 9 - moved)
    assert len(books.allocations) == len(books.changed_invoices) == (1 if moved else 0)


@pytest.mark.parametrize(
    ("story", "amount"),
    [
        ("invoice A1 ann 5; pay 9 ann", -1),
        ("invoice A1 ann 5; pay 9 ann", 0),
        ("invoice A1 ann 5; pay 9 ann", 6),
        ("invoice A1 ann 5; invoice A2 ann 3; pay 9 ann", 6),
        ("invoice A1 ann 9; pay 3 ann; pay 3 ann", 4),
    ],
)
def test_more_than_was_allocated_never_comes_back(world, story, amount):
    shop = world().tell(story)
    end = shop.end()
    with pytest.raises(BrokenInvariantError, match="P1 back from A1"):
        posting.free(shop.gathered(), shop.money[0], shop.invoices["A1"], amount, "x")
    assert shop.end() == end


@pytest.mark.parametrize("change", [{"on_hold": True}, {"paid_cents": 5}, {"customer": None}])
def test_an_invoice_that_nothing_may_pay_by_itself_is_not_queued(world, change):
    invoice = world().tell("invoice A1 ann 5").invoices["A1"]
    for name, value in change.items():
        setattr(invoice, name, value)
    books = Books()
    posting.enqueue(books, invoice)
    assert books.queues == {}
