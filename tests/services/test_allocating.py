"""Allocation by hand: given, taken back, refused, and on the record."""

import json

import pytest

from kelly_cli.errors import ConflictError, DomainError, NotFoundError
from kelly_cli.services import adjusting, allocating, invoices, payments, suspense
from kelly_cli.services.allocating import Share

RECEIPT = "QGK12XYZ91"


@pytest.fixture
def give(books):
    def run(*shares, receipt=RECEIPT, **options):
        wanted = [Share(each) if isinstance(each, str) else Share(*each) for each in shares]
        return allocating.allocate(books.database, books.hand, receipt, wanted, **options)

    return run


@pytest.fixture
def take(books):
    def run(*shares, receipt=RECEIPT, **options):
        wanted = [Share(each) if isinstance(each, str) else Share(*each) for each in shares]
        return allocating.unallocate(books.database, books.hand, receipt, wanted, **options)

    return run


def shown(books, receipt=RECEIPT):
    found = payments.show_payment(books.database, receipt).payment
    held = {name: cents / 100 for name, cents in found.allocations}
    return held, found.unallocated_cents / 100, found.pinned


def refused(act, *given, **options):
    with pytest.raises(DomainError) as error:
        act(*given, **options)
    return error.value.code


def last_audit(books):
    action, before, after = books.rows(
        'SELECT action, "before", "after" FROM audit ORDER BY id DESC LIMIT 1'
    )[0]
    return action, json.loads(before), json.loads(after)


def test_money_in_suspense_goes_where_a_person_says(books, give):
    books.customer()
    old, new = books.invoice(50), books.invoice(70)
    books.pay(RECEIPT, 100, "NOBODY")
    done = give((new, 6000))
    assert shown(books) == ({new: 60, old: 40}, 0, False)
    assert done.payment.customer_id == "CUST-001"
    assert [(each.invoice_id, each.reason) for each in done.moved] == [(new, "hand"), (old, "fifo")]
    assert books.log_words() == ["processed"]
    action, before, after = last_audit(books)
    assert (action, before["allocations"]) == ("payment.allocate", [])
    assert after["asked"] == {"to": [[new, "60.00"]], "keep_credit": False}


def test_without_an_amount_as_much_as_fits(books, give):
    books.customer()
    first, second = books.invoice(50), books.invoice(70)
    books.pay(RECEIPT, 100, "NOBODY")
    give(second, first)
    assert shown(books) == ({second: 70, first: 30}, 0, False)


def test_kept_credit_waits_for_a_person(books, give):
    books.customer()
    first, second = books.invoice(50), books.invoice(70)
    books.pay(RECEIPT, 100, "NOBODY")
    give((second, 7000), keep=True)
    assert shown(books) == ({second: 70}, 30, True)
    assert books.pay("QGK12XYZ92", 5, "CUST-001") == "processed"
    assert books.invoice_state(first) == ("PARTIALLY_PAID", 5)
    give()
    assert shown(books) == ({second: 70, first: 30}, 0, False)


def test_taking_back_undoes_giving_and_the_other_way_round(books, give, take):
    books.customer()
    invoice = books.invoice(50)
    books.pay(RECEIPT, 50, invoice)
    take((invoice, 2000))
    assert shown(books) == ({invoice: 30}, 20, True)
    assert books.invoice_state(invoice) == ("PARTIALLY_PAID", 30)
    give((invoice, 2000))
    assert shown(books) == ({invoice: 50}, 0, False)
    assert books.invoice_state(invoice) == ("PAID", 50)


def test_what_is_freed_is_not_used_again_by_itself(books, take):
    books.customer()
    first = books.invoice(50)
    books.pay(RECEIPT, 50, first)
    take()
    assert books.retry() == []
    books.invoice(10)
    assert shown(books) == ({}, 50, True)


def test_money_goes_back_to_suspense_with_its_log(books, take):
    books.customer(), books.customer("CUST-002")
    invoice = books.invoice(50)
    books.pay(RECEIPT, 80, invoice)
    done = take(to_suspense=True)
    assert (done.payment.status, done.payment.customer_id) == ("UNMATCHED", None)
    assert books.log_words() == ["failed"]
    assert books.balance() == 50
    assigned = suspense.assign(books.database, books.hand, RECEIPT, "CUST-002")
    assert (assigned.customer_id, assigned.pinned) == ("CUST-002", False)
    assert books.log_words() == ["processed"]


def test_a_sale_is_paid_by_hand(books, give):
    sale = books.sale(30)
    books.pay(RECEIPT, 50, "NOBODY")
    done = give(sale)
    assert done.payment.unallocated_cents == 2000
    assert len(done.payment.allocations) == 1


def test_what_cannot_be_given_is_refused(books, give):
    books.customer(), books.customer("CUST-002")
    ann, ben = books.invoice(50), books.invoice(70, "CUST-002")
    paid = books.invoice(10)
    books.pay("QGK12XYZ92", 10, paid)
    books.pay(RECEIPT, 100, "NOBODY")
    assert refused(give, ann, ben) == "other_customer"
    assert refused(give, (ann, 5001)) == "more_than_open"
    assert refused(give, (ann, 3000), (ann, 2001)) == "more_than_open"
    assert refused(give, paid) == "nothing_open"
    assert refused(give, "INV-20260203-0099") == "invoice_not_found"
    assert refused(give, "CUST-001") == "invoice_not_found"
    assert refused(give, "POS-20260203-0099") == "sale_not_found"
    assert refused(give) == "no_customer"
    assert refused(give, ann, receipt="QGK12XYZ92") == "nothing_free"
    assert refused(give, ann, receipt="QGK12XYZ99") == "payment_not_found"
    books.pay("QGK12XYZ93", 20, "ELSEWHERE")
    assert refused(give, (ann, 2001), receipt="QGK12XYZ93") == "more_than_free"
    assert shown(books) == ({}, 100, False)
    assert books.rows("SELECT count(*) FROM audit WHERE action = 'payment.allocate'") == [(0,)]


def test_what_cannot_be_taken_back_is_refused(books, take):
    books.customer()
    invoice, other = books.invoice(50), books.invoice(70)
    books.pay(RECEIPT, 50, invoice)
    assert refused(take, other) == "not_on_invoice"
    assert refused(take, (invoice, 5001)) == "more_than_allocated"
    assert refused(take, invoice, invoice) == "not_on_invoice"
    assert refused(take, books.sale(5)) == "not_on_invoice"
    take()
    assert refused(take) == "nothing_allocated"
    take(to_suspense=True)
    assert refused(take, to_suspense=True) == "nothing_allocated"


def test_other_credit_takes_the_place_of_what_was_taken(books, take):
    books.customer()
    invoice = books.invoice(50)
    books.pay(RECEIPT, 50, invoice)
    books.pay("QGK12XYZ92", 20, "CUST-001")
    done = take()
    assert [(each.receipt, each.amount_cents, each.reason) for each in done.moved] == [
        (RECEIPT, -5000, "hand"),
        ("QGK12XYZ92", 2000, "credit"),
    ]


def test_a_new_invoice_leaves_kept_credit_alone(books):
    books.customer()
    books.pay(RECEIPT, 50, "CUST-001")
    wanted = invoices.NewInvoice("CUST-001", 3000, books.hand.at.date())
    made = invoices.create_invoice(books.database, books.hand, wanted, keep_credit=True)
    assert (made.credit_used_cents, made.kept) == (0, (RECEIPT,))
    assert shown(books) == ({}, 50, True)
    with pytest.raises(ConflictError):
        adjusting.release(books.database, books.hand, made.invoice.invoice_id)


def test_unknown_receipts_are_not_found(take):
    with pytest.raises(NotFoundError):
        take(receipt="x y")
