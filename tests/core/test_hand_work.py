"""What people do to allocations, on plain values."""

from collections import deque
from datetime import date, datetime

import pytest

from kelly_cli.core import hand_work
from kelly_cli.core.books import Books, Invoice, Money

ANN = 1


def invoice(row, open_cents, *, customer=ANN, paid_cents=0):
    amount = open_cents + paid_cents
    return Invoice(row, f"INV-{row}", customer, amount, paid_cents, date(2026, 2, row), 1)


def money(row, cents, *, allocated=0, customer=ANN, pinned=False):
    paid_at = datetime(2026, 2, row)
    return Money(row, f"R{row}", cents, allocated, customer, paid_at, pinned)


def books_of(*invoices, free=()):
    waiting = [each for each in invoices if each.open_cents and each.customer]
    return Books(
        invoices={each.row: each for each in invoices},
        queues={ANN: deque(waiting)},
        credits={ANN: deque(free)},
    )


def test_what_is_named_is_paid_and_the_rest_follows_the_rules():
    first, second = invoice(1, 100), invoice(2, 100)
    books, cash = books_of(first, second), money(5, 150, customer=None)
    hand_work.give(books, cash, [(second, 100)], customer=ANN)
    assert (first.paid_cents, second.paid_cents, cash.free_cents) == (50, 100, 0)
    assert [each.reason for each in books.allocations] == ["hand", "fifo"]


def test_kept_money_is_pinned():
    first, second = invoice(1, 100), invoice(2, 100)
    cash = money(5, 150)
    hand_work.give(books_of(first, second), cash, [(second, 100)], customer=ANN, keep=True)
    assert (first.paid_cents, cash.free_cents, cash.pinned) == (0, 50, True)


def test_pinned_money_that_is_not_named_stays_pinned():
    first, second = invoice(1, 100), invoice(2, 100)
    cash = money(5, 150, pinned=True)
    hand_work.give(books_of(first, second), cash, [(second, 20)], customer=ANN)
    assert (first.paid_cents, cash.free_cents, cash.pinned) == (0, 130, True)


def test_money_that_is_all_given_is_not_pinned():
    first = invoice(1, 100)
    cash = money(5, 100, pinned=True)
    hand_work.give(books_of(first), cash, [(first, 100)], customer=ANN)
    assert not cash.pinned


def test_money_of_nobody_pays_what_is_named_alone():
    nobodys, anns = invoice(1, 100, customer=None), invoice(2, 100)
    cash = money(5, 150, customer=None)
    hand_work.give(books_of(nobodys, anns), cash, [(nobodys, 100)], customer=None)
    assert (nobodys.paid_cents, anns.paid_cents, cash.free_cents) == (100, 0, 50)


def test_what_is_taken_back_is_pinned_and_other_credit_pays():
    paid, other = invoice(1, 0, paid_cents=100), money(6, 30)
    cash = money(5, 100, allocated=100)
    hand_work.take_back(books_of(paid, free=[other]), cash, {1: 60})
    assert (cash.free_cents, cash.pinned) == (60, True)
    assert (paid.paid_cents, other.free_cents) == (70, 0)


def test_what_is_taken_back_never_pays_by_itself_even_where_it_stood_as_credit():
    paid, cash = invoice(1, 0, paid_cents=60), money(5, 100, allocated=60)
    again = money(5, 100, allocated=60)
    hand_work.take_back(books_of(paid, free=[again]), cash, {1: 60})
    assert (paid.paid_cents, cash.free_cents) == (0, 100)


def test_released_money_pays_the_oldest_first():
    first, second = invoice(1, 100), invoice(2, 100)
    cash = money(5, 150, pinned=True)
    hand_work.release(books_of(first, second), cash, ANN)
    assert (first.paid_cents, second.paid_cents, cash.pinned) == (100, 50, False)


def test_kept_credit_is_all_of_it():
    free = [money(5, 10), money(6, 20)]
    books = books_of(invoice(1, 100), free=free)
    assert hand_work.keep_all(books, ANN) == free
    assert (all(each.pinned for each in free), list(books.credits[ANN])) == (True, [])


@pytest.mark.parametrize(
    ("amount_cents", "freed"),
    [(10, []), (40, []), (50, [(9, 10)]), (75, [(9, 30), (8, 5)]), (100, [(9, 30), (8, 30)])],
)
def test_a_credit_note_frees_the_newest_money_first(amount_cents, freed):
    charged = invoice(1, 40, paid_cents=60)
    assert hand_work.freed_for(charged, {8: 30, 9: 30}, amount_cents) == freed
