from datetime import date, datetime

import pytest

from kelly_cli.errors import NotFoundError
from kelly_cli.services import payments
from kelly_cli.services.payments import PaymentQuery


def receipts(database, limit=100, **query):
    found = payments.list_payments(database, PaymentQuery(**query), limit=limit)
    return [each.mpesa_receipt_number for each in found]


@pytest.fixture
def filled(books):
    books.customer("CUST-001")
    books.customer("CUST-002")
    books.pay("AAAAAAAA01", 100, "CUST-001", TransTime="20260131235959")
    books.pay("AAAAAAAA02", 200, "CUST-002", TransTime="20260201000000", FirstName="WANJIKU")
    books.pay("AAAAAAAA03", 300, "50% off", TransTime="20260202235959")
    books.pay("AAAAAAAA04", 400, "nobody", MSISDN="254712345678")
    return books


def test_the_newest_money_comes_first(filled, database):
    assert receipts(database) == ["AAAAAAAA04", "AAAAAAAA03", "AAAAAAAA02", "AAAAAAAA01"]
    assert receipts(database, limit=1) == ["AAAAAAAA04"]


def test_days_are_nairobi_days_of_the_payment_both_included(filled, database):
    assert receipts(database, last=date(2026, 1, 31)) == ["AAAAAAAA01"]
    assert receipts(database, first=date(2026, 2, 3)) == ["AAAAAAAA04"]
    between = receipts(database, first=date(2026, 2, 1), last=date(2026, 2, 2))
    assert between == ["AAAAAAAA03", "AAAAAAAA02"]
    assert len(receipts(database, last=date.max)) == 4


def test_filters_choose_customer_status_and_short_code(filled, database):
    assert receipts(database, customer_id="cust 002") == ["AAAAAAAA02"]
    assert receipts(database, status="UNMATCHED") == ["AAAAAAAA04", "AAAAAAAA03"]
    assert receipts(database, status="COMPLETED", customer_id="CUST-001") == ["AAAAAAAA01"]
    assert len(receipts(database, short_codes=("174379",))) == 4
    assert receipts(database, short_codes=("600000",)) == []
    assert receipts(database, verified_by="statement") == []


def test_what_a_payment_is_known_by_can_be_chosen(filled, database):
    assert len(receipts(database, verified_by=payments.CALLBACK_ONLY)) == 4
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE payments SET verified_by = 'statement' WHERE id = 2")
    assert receipts(database, verified_by="statement") == ["AAAAAAAA02"]
    assert len(receipts(database, verified_by=payments.CALLBACK_ONLY)) == 3


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("aa03", ["AAAAAAAA03"]),
        ("0%", ["AAAAAAAA03"]),
        ("wanji", ["AAAAAAAA02"]),
        ("12345678", ["AAAAAAAA04"]),
        ("a_a", []),
    ],
)
def test_search_finds_part_of_receipt_reference_and_payer(filled, database, search, found):
    assert receipts(database, search=search) == found


def test_a_stranger_among_the_filters_is_not_found(filled, database):
    with pytest.raises(NotFoundError) as error:
        receipts(database, customer_id="CUST-404")
    assert error.value.code == "customer_not_found"


def test_a_payment_is_found_in_any_case_with_what_it_holds_trap_45(books, database):
    books.customer()
    invoice = books.invoice(60)
    books.pay("QGK12XYZ91", 100, invoice)
    found = payments.show_payment(database, " qgk12xyz91 ").payment
    assert found.status == "COMPLETED"
    assert (found.customer_id, found.matched_by) == ("CUST-001", "invoice")
    assert found.allocations == ((invoice, 6000),)
    assert found.unallocated_cents == 4000
    assert found.transaction_date == datetime(2026, 2, 3, 14, 30, 22)


@pytest.mark.parametrize(
    "typed", ["QGK12XYZ92", "", " ", "QGK12XYZ9\u0131", "QGK\x0012XYZ91", "\udc80"]
)
def test_a_receipt_that_never_came_is_not_found(books, database, typed):
    books.pay("QGK12XYZ91", 100, "x")
    with pytest.raises(NotFoundError) as error:
        payments.show_payment(database, typed)
    assert error.value.code == "payment_not_found"


def test_allocations_are_net_and_zero_is_left_out(books, database, hand):
    from kelly_cli.core import posting
    from kelly_cli.store import book_rows

    books.customer()
    first, second = books.invoice(60), books.invoice(50)
    books.pay("QGK12XYZ91", 100, "CUST-001")
    payment = payments.show_payment(database, "QGK12XYZ91").payment
    assert payment.allocations == ((first, 6000), (second, 4000))
    with database.writing() as connection:
        money = book_rows.load_money(connection, [payment.row])[payment.row]
        keys = book_rows.find_keys(connection, [first.replace("-", ""), second.replace("-", "")])
        loaded = book_rows.load(connection, list(keys.values()))
        for invoice, cents in zip(
            sorted(loaded.invoices.values(), key=lambda i: i.number), (6000, 1500), strict=True
        ):
            posting.free(loaded, money, invoice, cents, "hand")
        book_rows.save(connection, loaded, hand.at)
    payment = payments.show_payment(database, "QGK12XYZ91").payment
    assert payment.allocations == ((second, 2500),)
    assert payment.unallocated_cents == 7500


def test_a_payment_shows_every_log_that_told_of_it_or_tried(books, database):
    broken = books.body("QGK12XYZ91", "-1", "x")
    books.take(broken)
    books.pay("QGK12XYZ91", 100, "x")
    books.pay("QGK12XYZ91", 100, "x")
    books.pay("QGK12XYZ91", 70, "x")
    books.pay("QGK12XYZ92", 70, "x")
    detail = payments.show_payment(database, "qgk12xyz91")
    assert [(log.id, log.outcome) for log in detail.logs] == [
        (1, "failed"),
        (2, "failed"),
        (3, "duplicate"),
        (4, "conflict"),
    ]


def test_reversed_money_has_nothing_left(books, database):
    books.customer()
    books.pay("QGK12XYZ91", 100, "CUST-001")
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE payments SET reversed_at = '2026-02-03 12:00:00'")
    payment = payments.show_payment(database, "QGK12XYZ91").payment
    assert (payment.status, payment.unallocated_cents) == ("REVERSED", 0)
