"""A pull against the books, both ways."""

from datetime import datetime

from kelly_cli.services.pull_comparing import compare
from kelly_cli.services.pulling import Harvest, Span, Window

DAY = Span(datetime(2026, 2, 3), datetime(2026, 2, 3, 14, 45, 22))


def record(receipt, amount="50.00", kind="c2b-pay-bill-debit"):
    return {"transactionId": receipt, "amount": amount, "transactiontype": kind}


def compared(books, *records, state="ok", span=DAY):
    window = Window("174379", span, state, records=list(records))
    found = compare(books.database, Harvest([window], None))
    return (
        found.in_both,
        [each.receipt for each in found.only_kelly],
        [tuple(each) for each in found.amount_differs],
    )


def test_both_sides_are_told_apart(books):
    books.customer()
    for number in (1, 2, 3):
        books.pay(f"QGK12XYZ9{number}", 50, "CUST-001")
    told = compared(books, record("QGK12XYZ91"), record("QGK12XYZ92", "51"), record("QGK12XYZ94"))
    assert told == (1, ["QGK12XYZ93"], [("QGK12XYZ92", 5100, 5000)])


def test_another_kind_of_record_is_no_payment(books):
    books.customer()
    books.pay("QGK12XYZ91", 50, "CUST-001")
    assert compared(books, record("QGK12XYZ91", kind="settlement"))[1] == ["QGK12XYZ91"]


def test_nothing_and_a_failure_prove_nothing(books):
    books.customer()
    books.pay("QGK12XYZ91", 50, "CUST-001")
    for state in ("nothing", "unknown", "failed"):
        assert compared(books, state=state) == (0, [], [])


def test_a_payment_of_the_last_minutes_may_not_be_listed_yet(books):
    books.customer()
    books.pay("QGK12XYZ91", 50, "CUST-001")
    assert compared(books, span=Span(DAY.start, datetime(2026, 2, 3, 14, 40)))[1] == []
    assert compared(books)[1] == ["QGK12XYZ91"]
