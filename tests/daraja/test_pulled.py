"""Records of the Pull API (daraja-facts 6.8)."""

import json
from datetime import datetime, timedelta

import pytest

from kelly_cli.daraja.messages import PaymentMessage, Refusal, parse_delivery
from kelly_cli.daraja.personal import without_people
from kelly_cli.daraja.pulled import body_of, by_clock, clock_that_says, digits_of

NOW = datetime(2026, 2, 3, 15, 0)
RECORD = {
    "transactionId": "qgk12xyz91",
    "trxDate": "2026-02-03T11:30:22Z",
    "msisdn": 722000000,
    "sender": "JANE  DOE",
    "transactiontype": "c2b-pay-bill-debit",
    "billreference": "37207636392",
    "amount": "168.00",
    "organizationname": "Shop",
}


def read(clock="utc", code="174379", **changes):
    record = {k: v for k, v in {**RECORD, **changes}.items() if v is not ...}
    raw = body_of(record, code, clock)
    return parse_delivery(raw, "pull", ours=frozenset({"174379"}), now=NOW)[1]


def test_trap_26_a_record_has_other_names_than_a_callback():
    assert read() == PaymentMessage(
        "pull",
        "QGK12XYZ91",
        16800,
        datetime(2026, 2, 3, 14, 30, 22),
        "174379",
        "37207636392",
        "722000000",
        "JANE DOE",
        "c2b-pay-bill-debit",
        None,
        None,
    )


def test_trap_24_the_z_of_a_record_is_not_believed():
    assert read("eat").paid_at == datetime(2026, 2, 3, 11, 30, 22)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-02-03T11:30:22Z", datetime(2026, 2, 3, 11, 30, 22)),
        ("2026-02-03T11:30:22.999Z", datetime(2026, 2, 3, 11, 30, 22)),
        ("2026-02-03 11:30:22", datetime(2026, 2, 3, 11, 30, 22)),
        ("2026-02-03T11:30:22+03:00", datetime(2026, 2, 3, 11, 30, 22)),
        ("20260203113022", datetime(2026, 2, 3, 11, 30, 22)),
        ("yesterday", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_a_moment_is_read_as_it_is_written(text, moment):
    assert digits_of({"trxDate": text}) == moment


def test_trap_24_a_known_time_tells_the_clock():
    paid = datetime(2026, 2, 3, 14, 30)
    near = timedelta(minutes=1)
    assert clock_that_says(datetime(2026, 2, 3, 14, 30, 9), paid, near) == "eat"
    assert clock_that_says(datetime(2026, 2, 3, 11, 30, 9), paid, near) == "utc"
    assert clock_that_says(datetime(2026, 2, 3, 12, 30, 9), paid, near) is None
    assert by_clock(datetime(2026, 2, 3, 22, 30), "utc") == datetime(2026, 2, 4, 1, 30)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"transactionId": ...}, "transactionId"),
        ({"transactionId": "x"}, "transactionId"),
        ({"amount": "-5"}, "amount"),
        ({"amount": "1.005"}, "amount"),
        ({"amount": ...}, "amount"),
        ({"trxDate": "soon"}, "trxDate"),
        ({"trxDate": "2026-02-05T11:30:22Z"}, "trxDate"),
        ({"trxDate": "2006-02-05T11:30:22Z"}, "trxDate"),
        ({"transactiontype": ...}, "transactiontype"),
        ({"transactiontype": "settlement"}, "transactiontype"),
        ({"code": "999999"}, "BusinessShortCode"),
        ({"clock": "gmt"}, "clock"),
    ],
)
def test_a_record_that_breaks_a_rule_names_the_field(changes, field):
    outcome = read(**changes)
    assert isinstance(outcome, Refusal)
    assert outcome.field == field


@pytest.mark.parametrize("reference", [..., None, "", "  ", []])
def test_a_till_has_no_reference(reference):
    assert read(billreference=reference).bill_ref is None


def test_a_record_without_people_says_the_same_of_the_money():
    record = {**RECORD, "billreference": "254708374149"}
    raw = body_of(record, "174379", "utc")
    bare = without_people(raw, "pull")
    assert without_people(bare, "pull") == bare
    assert not any(word in bare for word in (b"JANE", b"722000000", b"254708374149"))
    before, after = (
        parse_delivery(each, "pull", ours=frozenset({"174379"}), now=NOW)[1] for each in (raw, bare)
    )
    kept = ("receipt", "amount_cents", "paid_at", "short_code", "kind")
    assert [getattr(before, name) for name in kept] == [getattr(after, name) for name in kept]


def test_a_number_stays_as_it_was_written():
    from kelly_cli.daraja.strict_json import parse_object

    record = parse_object(json.dumps(RECORD).replace('"168.00"', "168.50").encode())
    raw = body_of(record, "174379", "utc")
    assert b'"amount": 168.50' in raw
    outcome = parse_delivery(raw, "pull", ours=frozenset({"174379"}), now=NOW)[1]
    assert outcome.amount_cents == 16850
