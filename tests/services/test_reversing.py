"""Reversals in the books: taken back, open again, every row kept."""

import json
import multiprocessing
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kelly_cli.errors import ConflictError, DomainError, NotFoundError
from kelly_cli.services import checking, invoices, payments, reversing

LATER = datetime(2026, 2, 3, 12, 0, 0, tzinfo=UTC)
RECEIPT = "QGK12XYZ91"


@pytest.fixture
def reverse(books):
    def run(receipt=RECEIPT, **options):
        return reversing.reverse_by_hand(books.database, books.hand, receipt, **options)

    return run


def sound(books):
    assert violations(books) == []


def violations(books):
    """What is wrong; the notation writes invoices and sales without their audit rows."""
    found = checking.check(books.database, now=LATER)
    own = ("no audit row invoice.create", "no audit row pos.create", "neither a sale nor a person")
    return [str(each) for each in found.violations if not each.detail.startswith(own)]


@pytest.fixture
def fresh_books(tmp_path):
    """Books for one example of many."""
    import contextlib
    from itertools import count

    from kelly_cli.services.inbox import Inbox, OurCode
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.schema import open_for_writing

    numbers = count()

    @contextlib.contextmanager
    def fresh(notation):
        database = Database(f"sqlite:///{tmp_path}/books{next(numbers)}.db")
        open_for_writing(database)
        inbox = Inbox(database, [OurCode("174379", "paybill", None, "local")], lambda: LATER)
        yield notation(database, inbox, Hand("tester", LATER, "a test"))
        database.close()

    return fresh


def test_trap_42_a_reversal_opens_the_invoice_again_and_keeps_every_row(books, reverse):
    books.customer()
    invoice = books.invoice(50)
    books.pay(RECEIPT, 70, invoice)
    done = reverse()
    assert (done.payment.status, done.payment.allocations) == ("REVERSED", ())
    assert done.payment.unallocated_cents == 0
    assert [tuple(each) for each in done.taken] == [(invoice, 5000)]
    assert books.invoice_state(invoice) == ("UNPAID", 0)
    assert books.balance() == 50
    assert books.rows("SELECT amount_cents, reason FROM allocations ORDER BY id") == [
        (5000, "reference"),
        (-5000, "reversal"),
    ]
    sound(books)


def test_a_sale_is_open_again(books, reverse):
    sale = books.sale(30)
    books.pay(RECEIPT, 30, sale)
    reverse()
    assert books.one("SELECT amount_paid_cents, status FROM invoices") == (0, "UNPAID")
    sound(books)


def test_other_credit_pays_what_is_open_again(books, reverse):
    books.customer()
    invoice = books.invoice(50)
    books.pay(RECEIPT, 50, invoice)
    books.pay("QGK12XYZ92", 20, "CUST-001")
    done = reverse()
    assert [tuple(each) for each in done.moved] == [("QGK12XYZ92", invoice, 2000)]
    assert books.invoice_state(invoice) == ("PARTIALLY_PAID", 20)
    sound(books)


def test_pinned_money_waits_for_a_person(books, reverse):
    books.customer()
    void, invoice = books.invoice(20), books.invoice(50)
    books.pay("QGK12XYZ92", 20, void)
    invoices.void_invoice(books.database, books.hand, void)
    books.pay(RECEIPT, 50, invoice)
    assert reverse().moved == ()
    assert books.invoice_state(invoice) == ("UNPAID", 0)
    sound(books)


def test_credit_that_goes_back_is_nobodys_any_more(books, reverse):
    books.customer()
    books.pay(RECEIPT, 50, "CUST-001")
    reverse()
    assert books.balance() == 0
    invoice = books.invoice(30)
    assert books.invoice_state(invoice) == ("UNPAID", 0)
    sound(books)


def test_unmatched_money_leaves_suspense(books, reverse):
    books.pay(RECEIPT, 50, "NOBODY")
    assert reverse().payment.status == "REVERSED"
    assert books.retry() == ["processed"]
    assert books.one("SELECT status FROM payments") == ("REVERSED",)
    sound(books)


def test_a_repeat_of_a_reversed_receipt_stays_a_duplicate(books, reverse):
    books.customer()
    invoice = books.invoice(50)
    books.pay(RECEIPT, 50, invoice)
    reverse()
    assert books.pay(RECEIPT, 50, invoice) == "duplicate"
    assert books.invoice_state(invoice) == ("UNPAID", 0)
    sound(books)


def test_the_audit_knows_who_and_why(books, reverse):
    books.customer()
    invoice = books.invoice(50)
    books.pay(RECEIPT, 50, invoice)
    reverse()
    actor, reason, after = books.one(
        "SELECT actor, reason, \"after\" FROM audit WHERE action = 'payment.reverse'"
    )
    assert (actor, reason) == ("tester", "a test")
    assert json.loads(after)["how"] == "done in the portal"


def test_a_second_reversal_is_refused(books, reverse):
    books.pay(RECEIPT, 50, "NOBODY")
    reverse()
    with pytest.raises(ConflictError) as error:
        reverse()
    assert error.value.code == "already_reversed"
    with pytest.raises(NotFoundError):
        reverse("QGK12XYZ99")


def test_what_was_not_paid_by_mpesa_is_refused(books):
    books.pay(RECEIPT, 50, "NOBODY")
    with books.database.reading() as connection:
        cash = payments.get_payment(connection, RECEIPT)._replace(method="cash")
    with pytest.raises(DomainError) as error:
        reversing.refuse_other_money(cash)
    assert error.value.code == "not_mpesa"


def test_a_rehearsal_keeps_nothing(books, reverse):
    books.customer()
    invoice = books.invoice(50)
    books.pay(RECEIPT, 50, invoice)
    assert reverse(dry_run=True).payment.status == "REVERSED"
    assert books.invoice_state(invoice) == ("PAID", 50)
    assert books.one("SELECT count(*) FROM allocations") == (1,)


def _from_another_process(url, start, results):
    from kelly_cli.errors import KellyError
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database

    database = Database(url)
    start.wait()
    try:
        reversing.reverse_by_hand(database, Hand("other", LATER, "race"), RECEIPT)
        results.put("done")
    except KellyError as error:
        results.put(error.code)
    database.close()


def test_of_two_reversals_at_once_one_is_booked(books, database_url):
    books.customer()
    invoice = books.invoice(50)
    books.pay(RECEIPT, 50, invoice)
    context = multiprocessing.get_context("spawn")
    start, results = context.Event(), context.Queue()
    others = [
        context.Process(target=_from_another_process, args=(database_url, start, results))
        for _ in range(2)
    ]
    for other in others:
        other.start()
    start.set()
    assert sorted(results.get(timeout=60) for _ in others) == ["already_reversed", "done"]
    for other in others:
        other.join()
    assert books.rows("SELECT amount_cents FROM allocations ORDER BY id") == [(5000,), (-5000,)]
    sound(books)


PLACES = st.sampled_from(["CUST-001", "CUST-002", "I0", "I1", "I2", "S0", "NOBODY"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), PLACES, st.integers(1, 9)),
        st.tuples(st.just("pay"), PLACES, st.integers(1, 9)),
        st.tuples(st.just("invoice"), st.sampled_from(["CUST-001", "CUST-002"]), st.integers(1, 9)),
        st.tuples(st.just("void"), st.integers(0, 2), st.none()),
        st.tuples(st.just("reverse"), st.integers(0, 5), st.none()),
    ),
    max_size=10,
)


@given(STEPS)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_paid_voided_and_reversed_the_books_hold(fresh_books, notation, steps):
    with fresh_books(notation) as books:
        books.customer("CUST-001")
        books.customer("CUST-002")
        names = {"S0": books.sale(5)}
        for number, owner in enumerate(["CUST-001", "CUST-001", "CUST-002"]):
            names[f"I{number}"] = books.invoice(5, owner, date(2026, 2, 3 - number))
        receipts = []
        for verb, first, second in steps:
            if verb == "pay":
                receipts.append(f"QGK12XY{len(receipts):03d}")
                books.pay(receipts[-1], second, names.get(first, first))
            elif verb == "invoice":
                books.invoice(second, first)
            else:
                attempt(books, verb, first, names, receipts)
        sound(books)


def attempt(books, verb, number, names, receipts):
    try:
        if verb == "void":
            invoices.void_invoice(books.database, books.hand, names[f"I{number}"])
        elif number < len(receipts):
            reversing.reverse_by_hand(books.database, books.hand, receipts[number])
    except ConflictError:
        pass
