"""Hold, release, write off, credit: and each taken back."""

import pytest

from kelly_cli.errors import DomainError
from kelly_cli.services import adjusting, invoices, payments

RECEIPT = "QGK12XYZ91"


@pytest.fixture
def do(books):
    def run(what, invoice, *given, **options):
        return getattr(adjusting, what)(books.database, books.hand, invoice, *given, **options)

    return run


def shown(books, invoice):
    found = invoices.show_invoice(books.database, invoice)[0]
    return found.status, found.paid_cents // 100, found.adjusted_cents // 100, found.balance_cents


def refused(act, *given, **options):
    with pytest.raises(DomainError) as error:
        act(*given, **options)
    return error.value.code


def test_a_held_invoice_is_passed_over_and_paid_by_its_name(books, do):
    books.customer()
    held, other = books.invoice(50), books.invoice(70)
    do("hold", held)
    books.pay(RECEIPT, 60, "CUST-001")
    assert (shown(books, held)[:2], shown(books, other)[:2]) == (
        ("UNPAID", 0),
        ("PARTIALLY_PAID", 60),
    )
    books.pay("QGK12XYZ92", 20, held)
    assert shown(books, held)[:2] == ("PARTIALLY_PAID", 20)


def test_a_released_invoice_is_paid_by_credit(books, do):
    books.customer()
    held = books.invoice(50)
    do("hold", held)
    books.pay(RECEIPT, 60, "CUST-001")
    done = do("release", held)
    assert shown(books, held)[:2] == ("PAID", 50)
    assert [(each.receipt, each.amount_cents) for each in done.moved] == [(RECEIPT, 5000)]
    assert refused(do, "release", held) == "not_held"


def test_what_cannot_be_held_is_refused(books, do):
    books.customer()
    invoice = books.invoice(50)
    do("hold", invoice)
    assert refused(do, "hold", invoice) == "already_held"
    do("release", invoice)
    books.pay(RECEIPT, 50, invoice)
    assert refused(do, "hold", invoice) == "nothing_open"
    assert refused(do, "hold", "INV-20260203-0099") == "invoice_not_found"


def test_five_shillings_short_are_given_up_and_asked_for_again(books, do):
    books.customer()
    invoice = books.invoice(50)
    books.pay(RECEIPT, 45, invoice)
    assert refused(do, "write_off", invoice, most_cents=499) == "more_than_max"
    done = do("write_off", invoice, most_cents=500)
    assert done.amount_cents == 500
    assert shown(books, invoice) == ("PAID", 45, 5, 0)
    assert books.balance() == 0
    assert refused(do, "write_off", invoice, most_cents=500) == "nothing_open"

    do("undo", invoice, adjusting.WRITEOFF)
    assert shown(books, invoice) == ("PARTIALLY_PAID", 45, 0, 500)
    assert refused(do, "undo", invoice, adjusting.WRITEOFF) == "nothing_to_undo"
    assert books.rows("SELECT amount_cents FROM invoice_adjustments ORDER BY id") == [
        (500,),
        (-500,),
    ]


def test_an_invoice_that_is_open_again_is_paid_by_credit(books, do):
    books.customer()
    invoice = books.invoice(50)
    do("write_off", invoice, most_cents=5000)
    books.pay(RECEIPT, 30, "CUST-001")
    done = do("undo", invoice, adjusting.WRITEOFF)
    assert [each.reason for each in done.moved] == ["credit"]
    assert shown(books, invoice) == ("PARTIALLY_PAID", 30, 0, 2000)


def test_a_credit_note_takes_from_what_is_open_first(books, do):
    books.customer()
    invoice = books.invoice(50)
    books.pay(RECEIPT, 30, invoice)
    done = do("credit", invoice, amount_cents=1500)
    assert (done.freed, shown(books, invoice)) == ([], ("PARTIALLY_PAID", 30, 15, 500))


def test_a_credit_note_on_paid_goods_frees_the_newest_money(books, do):
    books.customer()
    invoice = books.invoice(50)
    books.pay(RECEIPT, 30, invoice)
    books.pay("QGK12XYZ92", 20, invoice)
    done = do("credit", invoice, amount_cents=3000)
    assert [tuple(each)[:2] for each in done.freed] == [("QGK12XYZ92", 2000), (RECEIPT, 1000)]
    assert shown(books, invoice) == ("PAID", 20, 30, 0)
    assert payments.show_payment(books.database, RECEIPT).payment.pinned
    assert books.balance() == -30
    assert refused(do, "credit", invoice, amount_cents=2001) == "more_than_owed"

    do("undo", invoice, adjusting.CREDIT_NOTE, amount_cents=1000)
    assert shown(books, invoice) == ("PARTIALLY_PAID", 20, 20, 1000)


def test_money_of_nobody_goes_to_suspense(books, do):
    sale = books.sale(30)
    books.pay(RECEIPT, 30, sale)
    (invoice,) = books.one("SELECT invoice_id FROM invoices")
    do("credit", invoice, amount_cents=3000)
    found = payments.show_payment(books.database, RECEIPT).payment
    assert (found.status, found.pinned) == ("UNMATCHED", True)
    assert "credit note" in found.unmatched_reason


def test_a_void_invoice_holds_no_adjustment(books, do):
    books.customer()
    invoice = books.invoice(50)
    do("credit", invoice, amount_cents=2000)
    do("write_off", invoice, most_cents=3000)
    invoices.void_invoice(books.database, books.hand, invoice)
    assert shown(books, invoice) == ("VOID", 0, 0, 0)
    assert refused(do, "credit", invoice, amount_cents=100) == "nothing_open"
    assert refused(do, "undo", invoice, adjusting.WRITEOFF) == "nothing_to_undo"


def test_a_rehearsal_keeps_nothing(books, do):
    books.customer()
    invoice = books.invoice(50)
    assert do("write_off", invoice, most_cents=5000, dry_run=True).invoice.status == "PAID"
    assert shown(books, invoice) == ("UNPAID", 0, 0, 5000)
