"""A body without people says the same of the money."""

import json
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kelly_cli.core.masking import mask_reference
from kelly_cli.daraja.messages import PaymentMessage, Refusal, parse_delivery
from kelly_cli.daraja.personal import EMPTY, without_people

NOW = datetime(2026, 2, 3, 15)
OURS = frozenset({"174379"})
PEOPLE = {"FirstName": "JANE", "MiddleName": "W", "LastName": "DOE", "MSISDN": "254712345678"}
BODY = {
    "TransactionType": "Pay Bill",
    "TransID": "QGK12XYZ91",
    "TransTime": "20260203143022",
    "TransAmount": "5000.00",
    "BusinessShortCode": "174379",
    "BillRefNumber": "CUST-001",
    "InvoiceNumber": "",
    "OrgAccountBalance": "712345678.00",
    "ThirdPartyTransID": "",
}


def read(raw, kind="confirmation"):
    return parse_delivery(raw, kind, ours=OURS, now=NOW)[1]


def facts(message):
    return (
        message._replace(msisdn=None, payer_name=None)
        if type(message) is PaymentMessage
        else message
    )


def test_people_go_and_the_rest_stays_as_it_came():
    raw = json.dumps({**BODY, **PEOPLE, "Email": "jane@example.com"}).encode()
    assert json.loads(without_people(raw, "confirmation")) == BODY


def test_numbers_stay_as_they_were_written():
    raw = b'{"TransID": "QGK12XYZ91", "TransAmount": 5000.10, "TransTime": 20260203143022, "X": 1}'
    kept = without_people(raw, "confirmation")
    assert b'"TransAmount": 5000.10, "TransTime": 20260203143022' in kept
    assert b'"X"' not in kept


def test_a_reference_that_is_a_phone_is_masked():
    raw = json.dumps({**BODY, "BillRefNumber": "0712 345678"}).encode()
    assert read(without_people(raw, "confirmation")).bill_ref == "2547•••••678"


@pytest.mark.parametrize(
    "raw", [b"", b"JANE 0712345678", b'{"FirstName": "JANE"', b'{"a":1,"a":2}', b"\xff"]
)
def test_a_body_that_cannot_be_read_goes_as_a_whole(raw):
    assert without_people(raw, "confirmation") == EMPTY


def test_a_kind_that_is_not_known_goes_as_a_whole():
    assert without_people(json.dumps(BODY).encode(), "hand") == EMPTY


def test_a_paid_prompt_keeps_its_money_and_loses_its_phone():
    items = [
        {"Name": "Amount", "Value": 1.00},
        {"Name": "MpesaReceiptNumber", "Value": "NLJ7RT61SV"},
        {"Name": "Balance"},
        {"Name": "TransactionDate", "Value": 20191219102115},
        {"Name": "PhoneNumber", "Value": 254708374149},
    ]
    callback = {
        "MerchantRequestID": "29115-34620561-1",
        "CheckoutRequestID": "ws_CO_191220191020363925",
        "ResultCode": 0,
        "ResultDesc": "The service request is processed successfully.",
        "CallbackMetadata": {"Item": items},
    }
    raw = json.dumps({"Body": {"stkCallback": callback}}).encode()
    kept = without_people(raw, "stk")
    assert b"254708374149" not in kept
    assert json.loads(kept)["Body"]["stkCallback"]["CallbackMetadata"] == {"Item": items[:4]}
    assert facts(read(kept, "stk")) == facts(read(raw, "stk"))


def test_a_result_keeps_what_it_says_and_loses_the_parties():
    parameters = [
        {"Key": "DebitPartyName", "Value": "254708374149 - JANE"},
        {"Key": "ReceiptNo", "Value": "QGK12XYZ91"},
        {"Key": "Amount", "Value": 100},
    ]
    result = {
        "ResultCode": 0,
        "ResultDesc": "done",
        "ResultParameters": {"ResultParameter": parameters},
    }
    raw = json.dumps({"Result": result}).encode()
    kept = without_people(raw, "result")
    assert b"JANE" not in kept
    assert read(kept, "result") == read(raw, "result")


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(), st.just("0712345678"), st.just("5000.00"),
    st.just("QGK12XYZ91"), st.just(20260203143022), st.just("174379"),
    st.dictionaries(st.text(), st.text()),
)  # fmt: skip


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*BODY, *PEOPLE, "Other"]), values), st.booleans())
def test_any_confirmation_says_the_same_of_the_money(changes, ascii_only):
    raw = json.dumps({**BODY, **PEOPLE, **changes}, ensure_ascii=ascii_only).encode(
        "utf-8", "replace"
    )
    kept = without_people(raw, "confirmation")
    before, after = read(raw), read(kept)
    assert without_people(kept, "confirmation") == kept
    assert type(after) is type(before)
    if isinstance(before, Refusal):
        assert (after.field, after.receipt) == (before.field, before.receipt)
        return
    masked = before.bill_ref and mask_reference(before.bill_ref)
    assert after == before._replace(
        msisdn=None,
        payer_name=None,
        bill_ref=masked,
        kind=after.kind,
        org_balance_cents=after.org_balance_cents,
    )
