"""What the listener is told of each callback."""

import json

import pytest

from kelly_cli.services.serving import Callback, Intake


@pytest.fixture
def intake(database, inbox, hand):
    return Intake(database, inbox, lambda: hand.at)


def confirmation(receipt, amount="10", reference="nobody"):
    told = {
        "TransID": receipt,
        "TransTime": "20260203143022",
        "TransAmount": amount,
        "BusinessShortCode": "174379",
        "BillRefNumber": reference,
    }
    return Callback(json.dumps(told).encode(), "confirmation")


def test_each_outcome_has_its_word(intake, books):
    books.customer("CUST-001")
    told = intake.take(
        [
            confirmation("RAA0000001", reference="CUST-001"),
            confirmation("RAA0000001", reference="CUST-001"),
            confirmation("RAA0000001", amount="11", reference="CUST-001"),
            confirmation("RAA0000002"),
            Callback(b"{}", "confirmation"),
        ]
    )
    assert [each.outcome for each in told] == [
        "processed",
        "duplicate",
        "conflict",
        "unmatched",
        "failed",
    ]
    assert [each.amount_cents for each in told] == [1000, 1000, 1100, 1000, None]
    assert [each.log_id for each in told] == [1, 2, 3, 4, 5]


def test_where_it_went_is_told_or_why_nowhere(intake, books):
    books.customer("CUST-001")
    invoice = books.invoice(8)
    paid, repeated, unmatched = intake.take(
        [
            confirmation("RAA0000001", reference="CUST-001"),
            confirmation("RAA0000001", reference="CUST-001"),
            confirmation("RAA0000002", reference="X-9"),
        ]
    )
    assert invoice in paid.where
    assert paid.error is None
    assert repeated.where == "seen before"
    assert unmatched.where == unmatched.error
    assert "X-9" in unmatched.where


def test_a_refused_prompt_tells_what_safaricom_said(intake):
    body = {"Body": {"stkCallback": {"ResultCode": 1032, "ResultDesc": "Cancelled by user"}}}
    (told,) = intake.take([Callback(json.dumps(body).encode(), "stk")])
    assert (told.outcome, told.trans_id, told.amount_cents) == ("processed", None, None)
    assert "Cancelled by user" in told.where


def test_validations_are_kept_apart(intake, database):
    intake.keep_validations([confirmation("RAA0000001").raw, b"\xff"])
    with database.reading() as connection:
        for table, number in (("validation_requests", 2), ("webhook_logs", 0), ("payments", 0)):
            found = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
            assert found == number
