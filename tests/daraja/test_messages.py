"""Callbacks: money only when every rule holds; else an error that names the field."""

import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.daraja.messages import (
    Notice,
    PaymentMessage,
    Refusal,
    ValidationRequest,
    parse_confirmation,
    parse_delivery,
    parse_result,
    parse_stk,
    parse_validation,
)

NOW = datetime(2026, 2, 3, 12, 0)
OURS = frozenset({"174379", "000123"})
GOOD = {
    "TransactionType": "Pay Bill",
    "TransID": "sb60000001",
    "TransTime": "20260203090807",
    "TransAmount": "1500.50",
    "BusinessShortCode": "174379",
    "BillRefNumber": " inv-001 ",
    "InvoiceNumber": "",
    "OrgAccountBalance": "26781.80",
    "ThirdPartyTransID": "",
    "MSISDN": "2547 ***** 149",
    "FirstName": "JANE ",
    "MiddleName": "",
    "LastName": "DOE",
}
ITEMS = [
    {"Name": "Amount", "Value": 1.00},
    {"Name": "MpesaReceiptNumber", "Value": "NLJ7RT61SV"},
    {"Name": "Balance"},
    {"Name": "TransactionDate", "Value": 20191219102115},
    {"Name": "PhoneNumber", "Value": 254708374149},
]


def confirm(**changes):
    raw = json.dumps({**GOOD, **changes}).encode()
    return parse_confirmation(raw, ours=OURS, now=NOW)


def confirm_literal(field, literal):
    members = {name: json.dumps(value) for name, value in GOOD.items()} | {field: literal}
    raw = ",".join(f'"{name}":{value}' for name, value in members.items())
    return parse_confirmation(f"{{{raw}}}".encode(), ours=OURS, now=NOW)


def stk(items=ITEMS, code=0, **changes):
    callback = {
        "MerchantRequestID": "29115-34620561-1",
        "CheckoutRequestID": "ws_CO_191220191020363925",
        "ResultCode": code,
        "ResultDesc": "The service request is processed successfully.",
        "CallbackMetadata": {"Item": items},
    }
    callback.update(changes)
    kept = {name: value for name, value in callback.items() if value is not ...}
    return parse_stk(json.dumps({"Body": {"stkCallback": kept}}).encode(), now=NOW)


def with_item(name, value):
    return [{"Name": name, "Value": value} if item["Name"] == name else item for item in ITEMS]


def test_a_good_confirmation_becomes_plain_facts():
    assert confirm() == PaymentMessage(
        channel="c2b",
        receipt="SB60000001",
        amount_cents=150_050,
        paid_at=datetime(2026, 2, 3, 9, 8, 7),
        short_code="174379",
        bill_ref=" inv-001 ",
        msisdn="2547 ***** 149",
        payer_name="JANE DOE",
        kind="Pay Bill",
        org_balance_cents=2_678_180,
        checkout_request_id=None,
    )


def test_a_production_till_confirmation_without_name_keys_is_read_trap_08():
    raw = (
        b'{"TransactionType":"Customer Merchant Payment","TransID":"SGM0000001",'
        b'"TransTime":"20240722205801","TransAmount":"11720.00","BusinessShortCode":"174379",'
        b'"BillRefNumber":"","InvoiceNumber":null,"OrgAccountBalance":"26781.80",'
        b'"MSISDN":"bbff37cea44ac0b2d964ee0dfb8d2df851 ***** a1b36129a929fc3fbd6dd4af4",'
        b'"FirstName":"JANE"}'
    )
    message = parse_confirmation(raw, ours=OURS, now=NOW)
    assert (message.amount_cents, message.bill_ref, message.payer_name) == (1_172_000, None, "JANE")
    assert message.msisdn == "bbff37cea44ac0b2d964ee0dfb8d2df851 ***** a1b36129a929fc3fbd6dd4af4"


@pytest.mark.parametrize("field", ["TransID", "TransAmount", "TransTime", "BusinessShortCode"])
def test_a_missing_field_is_named_and_its_case_counts(field):
    receipt = None if field == "TransID" else "SB60000001"
    missing = Refusal(field, f"{field} is missing", receipt)
    for spelling in ({}, {field.lower(): GOOD[field]}):
        members = {name: value for name, value in GOOD.items() if name != field} | spelling
        raw = json.dumps(members).encode()
        assert parse_confirmation(raw, ours=OURS, now=NOW) == missing


def test_the_first_broken_rule_decides_in_the_documented_order():
    broken = {"TransAmount": "x", "TransTime": "x", "BusinessShortCode": "x"}
    assert confirm(TransID="-", **broken).field == "TransID"
    for field in list(broken):
        refusal = confirm(**broken)
        assert (refusal.field, refusal.receipt) == (field, "SB60000001")
        del broken[field]
    raw = b'{"TransID":"-","TransID":"-"}'
    assert parse_confirmation(raw, ours=OURS, now=NOW).field == "body"


SHOWN_ONLY = [
    name
    for name in GOOD
    if name not in ("TransID", "TransTime", "TransAmount", "BusinessShortCode")
]
ANY_TYPE = [
    "null",
    "true",
    "false",
    '""',
    '"x"',
    '" "',
    "0",
    "-1e9",
    "[]",
    "[1]",
    "{}",
    '{"a":null}',
    '"\\ud800\\u0000"',
]


@pytest.mark.parametrize("field", [*SHOWN_ONLY, "Body", "Result", "unknown"])
@pytest.mark.parametrize("literal", ANY_TYPE)
def test_a_field_for_show_never_refuses_money_trap_09(field, literal):
    message = confirm_literal(field, literal)
    assert (message.receipt, message.amount_cents) == ("SB60000001", 150_050)


@pytest.mark.parametrize(
    "raw", [b"", b"not json", b"[]", b'{"a":NaN}', b"\xff", b"{}{}", b"[" * 60_000]
)
@pytest.mark.parametrize("kind", ["confirmation", "stk", "result", "timeout", "validation", None])
def test_a_body_that_is_no_object_is_refused_whatever_it_was_to_be(raw, kind):
    found, outcome = parse_delivery(raw, kind, ours=OURS, now=NOW)
    assert found == (kind or "confirmation")
    assert (outcome.field, outcome.receipt) == ("body", None)
    assert outcome.error.startswith("body ")


def test_in_a_file_the_shape_says_what_a_body_is():
    shapes = {
        "stk": {"Body": {"stkCallback": {}}},
        "result": {"Result": {"ResultCode": 0}},
        "confirmation": {"TransID": "SB60000001", "Body": {"stkCallback": {}}, "Result": {}},
    }
    for kind, body in [
        *shapes.items(),
        ("confirmation", {}),
        ("confirmation", {"Body": "stkCallback"}),
    ]:
        assert parse_delivery(json.dumps(body).encode(), None, ours=OURS, now=NOW)[0] == kind


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        ("confirmation", {"Body": {"stkCallback": {}}}, "TransID"),
        ("stk", GOOD, "Body"),
        ("stk", {"Result": {}}, "Body"),
        ("stk", {"Body": {}}, "Body.stkCallback"),
        ("result", GOOD, "Result"),
        ("timeout", GOOD, "Result"),
        ("result", {"Result": {}}, "ResultCode"),
    ],
)
def test_over_http_another_shape_is_refused(kind, body, field):
    found, outcome = parse_delivery(json.dumps(body).encode(), kind, ours=OURS, now=NOW)
    assert (found, outcome.field) == (kind, field)


def test_a_paid_prompt_becomes_money():
    assert stk() == PaymentMessage(
        channel="stk",
        receipt="NLJ7RT61SV",
        amount_cents=100,
        paid_at=datetime(2019, 12, 19, 10, 21, 15),
        short_code=None,
        bill_ref=None,
        msisdn="254708374149",
        payer_name=None,
        kind=None,
        org_balance_cents=None,
        checkout_request_id="ws_CO_191220191020363925",
    )


@given(st.permutations(ITEMS), st.sampled_from([0, "0", " 0 ", "00000000", 0.0]))
def test_the_order_of_items_and_the_spelling_of_success_do_not_matter(items, code):
    assert stk(items, code) == stk()


@pytest.mark.parametrize(
    ("items", "error"),
    [
        ([], "CallbackMetadata.MpesaReceiptNumber is missing"),
        (ITEMS[0], "CallbackMetadata.MpesaReceiptNumber is missing"),
        (None, "CallbackMetadata.Item null is not a list"),
        (ITEMS[1:], "CallbackMetadata.Amount is missing"),
        (ITEMS[:3], "CallbackMetadata.TransactionDate is missing"),
        (with_item("Amount", 0), "CallbackMetadata.Amount 0 is zero"),
        (with_item("Amount", 1e30), "CallbackMetadata.Amount 1e+30 is not written as digits"),
        (
            with_item("TransactionDate", 2019),
            "CallbackMetadata.TransactionDate 2019 is not 14 digits",
        ),
        (with_item("MpesaReceiptNumber", 12345678), "MpesaReceiptNumber 12345678 is not text"),
        ([*ITEMS, {"Name": "Amount", "Value": 2}], "CallbackMetadata.Amount 2 is a second Amount"),
    ],
)
def test_a_paid_prompt_that_breaks_a_rule_is_refused_by_name(items, error):
    assert error in stk(items).error


def test_a_broken_paid_prompt_still_tells_its_receipt():
    assert stk(with_item("Amount", "x")).receipt == "NLJ7RT61SV"
    assert stk(CallbackMetadata=...).error == "CallbackMetadata is missing"


def test_items_that_say_the_same_twice_or_are_for_show_do_no_harm():
    again = [
        *ITEMS,
        ITEMS[1],
        {"Name": "PhoneNumber", "Value": 1},
        "x",
        {"Name": 1, "Value": 2},
        {},
    ]
    assert stk(again) == stk()


@pytest.mark.parametrize("code", [1032, "1032", "SFC_IC0003", 1, -1, 4999], ids=repr)
def test_a_refused_prompt_is_a_notice_without_money(code):
    notice = stk(code=code, ResultDesc="Request cancelled by user", CallbackMetadata=...)
    assert notice == Notice(
        "stk_refused",
        None,
        f"payment prompt refused: ResultCode {code}: Request cancelled by user",
        "ws_CO_191220191020363925",
        str(code),
        "Request cancelled by user",
    )


@pytest.mark.parametrize("code", [..., None, True, [], "", " "])
def test_a_prompt_without_a_readable_result_code_is_refused(code):
    assert stk(code=code).field == "ResultCode"


def result(parameters, **changes):
    body = {"ResultType": 0, "ResultCode": 0, "ResultDesc": "Done", "TransactionID": "SB60000000"}
    held = {"ResultParameters": {"ResultParameter": parameters}}
    return json.dumps({"Result": {**body, **held, **changes}}).encode()


def test_a_status_result_tells_its_receipt_and_status():
    raw = result(
        [
            {"Key": "DebitPartyName", "Value": "a"},
            {"Key": "DebitPartyName"},
            {"Key": "Transaction Status", "Value": "Completed"},
            {"Key": "Amount", "Value": 10.5},
            {"Key": "ReceiptNo", "Value": "sb60000001"},
        ]
    )
    text = "ResultCode 0: Done; TransactionStatus 'Completed'; Amount '10.5'"
    assert parse_result(raw, "result") == Notice("result", "SB60000001", text)


@pytest.mark.parametrize(
    "parameters",
    [None, [], {}, "x", [None], {"Key": "ReceiptNo"}, {"Key": "ReceiptNo", "Value": 1}],
)
def test_a_result_with_odd_parameters_is_still_a_notice(parameters):
    notice = parse_result(result(parameters, ResultCode="R000001", ResultDesc="\x1b[2J"), "result")
    assert notice == Notice("result", None, "ResultCode R000001: \ufffd[2J")


def test_a_single_parameter_may_stand_without_a_list():
    raw = result({"Key": "OriginalTransactionID", "Value": "SB60000001"})
    assert parse_result(raw, "result").receipt == "SB60000001"


def test_a_result_that_is_no_object_is_refused():
    assert parse_result(b"<html>", "result").field == "body"


def test_a_time_out_says_unknown_and_never_failed():
    notice = parse_result(b'{"Result":{}}', "timeout")
    assert notice.kind == "timeout"
    assert "outcome unknown" in notice.text
    assert "fail" not in notice.text


def test_a_validation_request_is_read_leniently_and_is_never_money():
    raw = json.dumps(GOOD).encode()
    assert parse_validation(raw) == ValidationRequest(
        "SB60000001", "1500.50", " inv-001 ", "174379"
    )
    assert parse_validation(b"{}") == ValidationRequest(None, None, None, None)
    assert parse_validation(b'{"TransAmount":10,"TransID":7}').amount == "10"
    assert parse_validation(b"x").field == "body"
    kind, notice = parse_delivery(raw, "validation", ours=OURS, now=NOW)
    assert (kind, notice.kind, notice.receipt) == ("validation", "validation", "SB60000001")
    assert notice.text == "validation request: amount '1500.50', reference ' inv-001 '"


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("0"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Name",
                    "Key",
                    "Value",
                    "Item",
                    "ResultCode",
                    "ResultParameter",
                    "CallbackMetadata",
                ]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@given(ANY_JSON, st.sampled_from(["confirmation", "stk", "result", "timeout", "validation", None]))
def test_no_json_makes_the_reader_fail_otherwise_than_by_a_refusal(value, kind):
    for body in (value, {"Result": value}, {"Body": value}, {"Body": {"stkCallback": value}}):
        _, outcome = parse_delivery(json.dumps(body).encode(), kind, ours=OURS, now=NOW)
        text = outcome.error if isinstance(outcome, Refusal) else outcome.text
        assert text.isprintable()
