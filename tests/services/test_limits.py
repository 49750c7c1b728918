"""The money rules: more than M-Pesa carries is booked all the same, and said."""

from datetime import date, datetime

from kelly_cli.services import limits, payments, recording

DAY = date(2026, 2, 3)
AT_ONCE = "KES 250,000.01 at once: M-Pesa carries 250,000.00"
A_DAY = (
    "KES 500,000.01 of CUST-001 on 2026-02-03 in {}: M-Pesa carries 500,000.00 of a customer in "
    "a day"
)


def over(books, shillings, customer="CUST-001", **more):
    return limits.over(books.database, round(shillings * 100), customer, DAY, **more)


def test_the_limit_itself_is_not_over(books):
    assert over(books, 250_000, None) == []
    assert over(books, 250_000.01, None) == [AT_ONCE]


def test_a_customers_day_counts_what_is_booked_and_what_is_to_come(books):
    books.customer()
    assert books.pay("QGK12XYZ91", 250_000, "CUST-001") == "processed"
    assert over(books, 250_000) == []
    assert over(books, 250_000.01) == [AT_ONCE, A_DAY.format("2 payments")]
    assert books.pay("QGK12XYZ92", 250_000.01, "CUST-001") == "processed"
    assert over(books, 250_000.01, booked=True) == [AT_ONCE, A_DAY.format("2 payments")]
    assert limits.over(books.database, 100, "CUST-001", date(2026, 2, 4)) == []
    assert over(books, 1, "NOBODY") == []


def test_who_pays_is_found_by_what_is_named(books):
    books.customer()
    named = ["cust001", books.invoice(10), books.sale(5, "CUST-001")]
    for name in named:
        told = limits.over_by_name(books.database, 50_000_001, name, DAY)
        assert told[1] == A_DAY.format("a payment"), name
    for name in (books.sale(5), "NOBODY", "", "\u2603"):
        assert len(limits.over_by_name(books.database, 50_000_001, name, DAY)) == 1


def test_a_payment_of_a_large_day_shows_it(books):
    books.customer()
    for number in (1, 2, 3):
        books.pay(f"QGK12XYZ9{number}", 166_666.67, "CUST-001")
    found = payments.show_payment(books.database, "QGK12XYZ91")
    assert ("over_limit", A_DAY.format("3 payments")) in found.flags
    books.pay("QGK12XYZ94", 600_000, "NOBODY")
    found = payments.show_payment(books.database, "QGK12XYZ94")
    assert found.flags == [("over_limit", "KES 600,000.00 at once: M-Pesa carries 250,000.00")]


def test_cash_over_the_limit_is_booked_and_flagged(books):
    books.customer()
    cash = recording.NewMoney("cash", 30_000_000, datetime(2026, 2, 3, 9), "CUST-001")
    booked = recording.record(books.database, books.inbox, books.hand, cash)
    flags = payments.show_payment(books.database, booked.mpesa_receipt_number).flags
    assert [flag for flag, _ in flags] == ["over_limit"]
    assert books.balance() == -300_000
