"""A statement against the books: both ways, and applied as often as anybody likes."""

from datetime import datetime, timedelta

import pytest

from kelly_cli.errors import DomainError

HELD = "QGK12XYZ91"
AT = datetime(2026, 2, 3, 14, 30, 22)
"""When the callbacks of these tests were paid."""


def test_both_sides_are_told_apart(portal):
    books = portal.books
    books.pay(HELD, 50, portal.invoice)
    books.pay("QGK12XYZ92", 70, "CUST-001")
    books.pay("QGK12XYZ93", 80, "CUST-001")
    found = portal.compare(
        portal.paid(HELD, 50, at=AT),
        portal.paid("QGK12XYZ92", 71, at=AT),
        portal.paid("QGK12XYZ94", 90),
    )
    assert [line.receipt for line in found.in_both] == [HELD]
    assert [line.receipt for line in found.only_statement] == ["QGK12XYZ94"]
    assert [(each.receipt, each.amount_cents) for each in found.only_kelly] == [
        ("QGK12XYZ93", 8000)
    ]
    assert [tuple(each) for each in found.amount_differs] == [("QGK12XYZ92", 7100, 7000)]


def test_comparing_changes_nothing(portal):
    portal.books.pay(HELD, 50, portal.invoice)
    before = portal.everything()
    portal.compare(portal.paid(HELD, 50, at=AT), portal.paid("QGK12XYZ94", 90))
    assert portal.everything() == before


def test_what_is_missing_comes_in_and_what_is_there_is_proved(portal):
    books = portal.books
    books.pay(HELD, 20, portal.invoice)
    done = portal.apply(
        portal.read([portal.paid(HELD, 20, at=AT), portal.paid("QGK12XYZ94", 40, portal.invoice)])
    )
    assert (done.written, done.verified, done.refused) == (1, 1, 0)
    assert set(books.rows("SELECT mpesa_receipt_number, verified_by, channel FROM payments")) == {
        (HELD, "statement", "c2b"),
        ("QGK12XYZ94", "statement", "statement"),
    }
    assert books.invoice_state(portal.invoice) == ("PAID", 50)
    assert books.balance() == -10
    sources = books.rows("SELECT source, kind, processed FROM webhook_logs ORDER BY id")
    assert [tuple(map(str, row[:2])) for row in sources] == [
        ("file", "confirmation"),
        ("statement", "statement"),
    ]
    portal.check()


def test_trap_28_only_completed_money_of_payers_is_money(portal):
    lines = [
        portal.row("QGK12XYZ90", paid_in="30", status=status, reference="CUST-001")
        for status in ("Failed", "Cancelled", "Declined", "Attempted", "Expired")
    ]
    lines += [
        portal.moved("QGK12XYZ95", 500, "Organization Settle to Bank"),
        portal.moved(HELD, 3, "Pay Bill Charge"),
        portal.row(
            "QGK12XYZ96",
            paid_in="500",
            reason="Organization Settlement",
            details="Merchant Account to Organization Settlement Account",
        ),
        portal.row("QGK12XYZ97", paid_in="3", reason="Pay Bill Charge", details="Charge refund"),
        portal.paid(HELD, 50, portal.invoice),
    ]
    done = portal.apply(portal.read(lines))
    assert done.written == 1
    assert portal.books.rows("SELECT mpesa_receipt_number FROM payments") == [(HELD,)]
    assert set(portal.books.rows("SELECT kind, amount_cents FROM statement_movements")) == {
        ("payment", 5000),
        ("charge", -300),
        ("settlement", -50000),
        ("settlement", 50000),
        ("other", 300),
    }
    portal.check()


def test_trap_29_a_known_payment_only_gains_that_it_is_proved(portal):
    books = portal.books
    books.pay(HELD, 20, "CUST 001", OrgAccountBalance="777.00", FirstName="JOHN")
    columns = "payer_name, msisdn, bill_ref_number, org_balance_cents, transaction_date, channel"
    before = books.one(f"SELECT {columns} FROM payments")
    portal.apply(portal.read([portal.paid(HELD, 20, "CUST-001", at=AT, balance="999.00")]))
    assert books.one(f"SELECT {columns} FROM payments") == before
    assert books.one("SELECT verified_by FROM payments") == ("statement",)
    assert books.one("SELECT count(*) FROM webhook_logs") == (1,)
    portal.check()


def test_a_payment_without_an_account_gets_the_one_that_the_statement_knows(portal):
    books = portal.books
    books.take(books.stk(HELD, 20))
    done = portal.apply(portal.read([portal.paid(HELD, 20, portal.invoice, at=AT)]))
    assert done.written == 0
    assert books.one("SELECT status, bill_ref_number, short_code, verified_by FROM payments") == (
        "COMPLETED",
        portal.invoice,
        "174379",
        "statement",
    )
    portal.check()


def test_trap_30_the_same_file_ten_times_changes_nothing(portal):
    file = portal.read(
        [
            portal.paid(HELD, 20),
            portal.paid("QGK12XYZ94", 40, "nobody"),
            portal.moved(HELD, 1, "Pay Bill Charge"),
            portal.moved("QGK12XYZ95", 40, "Pay Bill Reversal", linked="QGK12XYZ94"),
        ]
    )
    portal.apply(file)
    before = portal.everything()
    for _ in range(10):
        done = portal.apply(file, file)
        assert (done.written, done.verified, done.movements, done.reversed) == (0, 0, 0, [])
    assert portal.everything() == before
    portal.check()


def test_trap_31_a_statement_of_another_short_code_is_refused(portal):
    with pytest.raises(DomainError) as error:
        portal.read([portal.paid(HELD, 20)], code="999999")
    assert error.value.code == "foreign_short_code"
    assert "999999" in error.value.message


def test_two_charges_of_one_receipt_stay_two_in_split_files(portal):
    first = portal.moved(HELD, 5, "Pay Bill Charge", balance="95")
    second = portal.moved(HELD, 5, "Pay Bill Charge", balance="90")
    for lines in ([first], [second], [first, second], [second, first]):
        portal.apply(portal.read(lines))
    rows = portal.books.rows("SELECT amount_cents, occurrence FROM statement_movements ORDER BY 2")
    assert rows == [(-500, 1), (-500, 2)]


def test_a_reversal_takes_the_payment_back_and_the_invoice_is_open_again(portal):
    books = portal.books
    books.pay(HELD, 50, portal.invoice)
    back = portal.moved("QGK12XYZ95", 50, "Pay Bill Reversal", linked=HELD)
    done = portal.apply(portal.read([portal.paid(HELD, 50, at=AT), back]))
    assert done.reversed == [HELD]
    assert books.invoice_state(portal.invoice) == ("UNPAID", 0)
    assert books.one("SELECT status, verified_by FROM payments") == ("REVERSED", "statement")
    portal.check()


def test_a_reversal_that_is_kept_before_its_payment_is_booked_later(portal):
    back = portal.moved("QGK12XYZ95", 50, "Pay Bill Reversal", linked=HELD)
    assert portal.apply(portal.read([back], name="march.csv")).reversed == []
    done = portal.apply(portal.read([portal.paid(HELD, 50, portal.invoice)], name="feb.csv"))
    assert (done.written, done.reversed) == (1, [HELD])
    assert portal.books.invoice_state(portal.invoice) == ("UNPAID", 0)
    portal.check()


def test_a_part_that_was_reversed_is_a_question_for_a_person(portal):
    back = portal.moved("QGK12XYZ95", 20, "Pay Bill Reversal", linked=HELD)
    done = portal.apply(portal.read([portal.paid(HELD, 50, portal.invoice), back]))
    assert (done.reversed, [each.payment_receipt for each in done.partial]) == ([], [HELD])
    assert portal.books.invoice_state(portal.invoice) == ("PAID", 50)
    portal.check()


def test_a_receipt_that_the_statement_calls_failed_is_only_in_kelly(portal):
    portal.books.pay(HELD, 50, portal.invoice)
    found = portal.compare(portal.row(HELD, AT, paid_in="50", status="Failed"))
    assert [(each.receipt, each.note) for each in found.only_kelly] == [
        (HELD, "the statement calls it Failed")
    ]


def test_payments_outside_the_period_are_no_forgery(portal):
    portal.books.pay(HELD, 50, portal.invoice, TransTime="20260202235959")
    portal.books.pay("QGK12XYZ92", 50, "CUST-001", TransTime="20260203150001")
    assert portal.compare(portal.paid("QGK12XYZ94", 1)).only_kelly == []


def test_a_payment_after_the_last_line_is_told_so(portal):
    portal.books.pay(HELD, 50, portal.invoice)
    [only] = portal.compare(portal.paid("QGK12XYZ94", 1, at=datetime(2026, 2, 3, 9))).only_kelly
    assert only.receipt == HELD
    assert "after the last line" in only.note


def test_an_account_that_payers_do_not_pay_into_proves_no_payment(portal):
    portal.books.pay(HELD, 50, portal.invoice)
    file = portal.read([portal.moved("QGK12XYZ95", 500, "x")], account="Charges Paid Account")
    done = portal.apply(file)
    assert portal.compare(account="Charges Paid Account").only_kelly == []
    assert done.movements == 1
    portal.check()


def test_a_receipt_of_another_short_code_of_ours_is_left_alone(portal):
    portal.books.pay(HELD, 50, portal.invoice)
    file = portal.read([portal.paid(HELD, 50, at=AT)], code="600000")
    done = portal.apply(file)
    assert (done.written, done.verified) == (0, 0)
    assert portal.books.one("SELECT short_code, verified_by FROM payments") == (
        "174379",
        "callback",
    )


def test_trap_24_a_clock_that_is_wrong_by_three_hours_is_refused(portal):
    for number in range(3):
        portal.books.pay(f"QGK12XYZ9{number}", 5, "CUST-001")
    lines = [portal.paid(f"QGK12XYZ9{n}", 5, at=AT - timedelta(hours=3)) for n in range(3)]
    with pytest.raises(DomainError) as error:
        portal.compare(*lines)
    assert error.value.code == "clock_disagrees"


def test_a_single_time_that_differs_is_told_and_stops_nothing(portal):
    portal.books.pay(HELD, 50, portal.invoice)
    found = portal.compare(portal.paid(HELD, 50, at=AT - timedelta(hours=3)))
    assert [each.receipt for each in found.late] == [HELD]
    assert [line.receipt for line in found.in_both] == [HELD]


def test_a_line_that_cannot_be_read_costs_only_itself(portal):
    file = portal.read(
        [
            portal.paid(HELD, 50, portal.invoice),
            portal.row("QGK12XYZ92", paid_in="1.005"),
            portal.row("QGK12XYZ93", "15:50", paid_in="5"),
            portal.row("QGK 12", paid_in="5"),
        ]
    )
    assert sorted(problem.row for problem in file.export.problems) == [7, 8, 9]
    assert portal.apply(file).written == 1


def test_a_purge_takes_the_people_out_of_lines_and_the_proofs_stay(portal):
    from kelly_cli.services import purging

    back = portal.moved(
        "QGK12XYZ95", 20, "Reversal to 254712345678 - JANE", linked=HELD, party="JANE"
    )
    portal.apply(portal.read([portal.paid(HELD, 20), back]))
    books = portal.books
    purging.purge(books.database, books.hand, before=books.hand.at + timedelta(days=1), age="0d")
    held = str([portal.everything()[name] for name in ("payments", "statement_movements")])
    assert "JANE" not in held
    assert "254712345678" not in held
    assert books.one("SELECT count(*) FROM statement_movements") == (2,)
    portal.check()
    file = portal.read([portal.paid(HELD, 20), back])
    assert (portal.apply(file).written, portal.apply(file).movements) == (0, 0)
