"""What is posted has the shapes of real traffic, and kelly's own parser reads it."""

import hashlib
import json
import random
import re
from datetime import datetime

import pytest

from kelly_cli.daraja.messages import parse_delivery
from kelly_cli.daraja.sandbox import payloads
from kelly_cli.daraja.sandbox.payers import Payers
from kelly_cli.daraja.sandbox.truth import Dealt, Payer

AT = datetime(2026, 2, 3, 0, 30, 5)
NOW = datetime(2026, 2, 3, 12)


def dealt(**changes):
    facts = {
        "receipt": "UB30000001",
        "amount_cents": 1_172_050,
        "reference": "inv 001",
        "short_code": "174379",
        "kind": "paybill",
        "via": "c2b",
        "paid_at": AT,
        "payer": Payer("254705912645", "JANE", "WANJIKU", "KAMAU"),
        "balance_cents": 2_000_000,
    }
    return Dealt(**{**facts, **changes})


def test_a_confirmation_is_as_production_sends_it():
    body = json.loads(payloads.c2b(dealt(), shape="v2", names="first", validating=False))
    assert body == {
        "TransactionType": "Pay Bill",
        "TransID": "UB30000001",
        "TransTime": "20260203003005",
        "TransAmount": "11720.50",
        "BusinessShortCode": "174379",
        "BillRefNumber": "inv 001",
        "InvoiceNumber": "",
        "OrgAccountBalance": "20000.00",
        "ThirdPartyTransID": "",
        "MSISDN": "2547 ***** 645",
        "FirstName": "JANE",
    }


def test_a_till_and_a_sandbox_differ_as_they_do():
    body = json.loads(payloads.c2b(dealt(kind="till"), shape="v1", names="all", validating=False))
    assert (body["TransactionType"], body["BillRefNumber"]) == ("Customer Merchant Payment", "")
    assert (body["MiddleName"], body["LastName"]) == ("WANJIKU", "KAMAU")


def test_a_validation_request_has_no_balance():
    body = json.loads(payloads.c2b(dealt(), shape="v2", names="first", validating=True))
    assert (body["TransactionType"], body["OrgAccountBalance"]) == ("", "")


def test_numbers_are_hidden_in_each_published_way_trap_20():
    hashed = hashlib.sha256(b"254705912645").hexdigest()
    assert hashed.startswith("94c392c3")
    assert payloads.shaped("254705912645", "v1") == hashed
    masked = payloads.shaped("254705912645", "masked-hash")
    assert (masked[:34], masked[34:41], masked[41:]) == (hashed[:34], " ***** ", hashed[39:])
    assert payloads.shaped("254705912645", "plain") == "254705912645"


def test_a_paid_prompt_has_an_amount_with_decimals_and_a_balance_without_value():
    raw = payloads.prompt_paid("m", "ws_CO_1", dealt())
    assert b'{"Name":"Amount","Value":11720.50}' in raw
    assert b'{"Name":"Balance"}' in raw
    kind, message = parse_delivery(raw, None, ours=frozenset(), now=NOW)
    assert (kind, message.receipt, message.amount_cents) == ("stk", "UB30000001", 1_172_050)
    assert (message.paid_at, message.checkout_request_id) == (AT, "ws_CO_1")


def test_a_refused_prompt_has_no_metadata():
    callback = json.loads(payloads.prompt_refused("m", "ws_CO_1", 1032, "no"))["Body"][
        "stkCallback"
    ]
    assert (callback["ResultCode"], "CallbackMetadata" in callback) == (1032, False)


@pytest.mark.parametrize(("lone", "made"), [(True, dict), (False, list)])
def test_a_lone_parameter_may_stand_without_its_list_trap_35(lone, made):
    raw = payloads.result(("o", "c"), "UB3", 0, "ok", [("Amount", payloads.money(5))], lone=lone)
    assert b'"Value":0.05' in raw
    parameters = json.loads(raw)["Result"]["ResultParameters"]["ResultParameter"]
    assert type(parameters) is made


def test_a_failed_result_has_no_parameters():
    raw = payloads.result(("o", "c"), "UB3", "R000001", "no")
    assert "ResultParameters" not in json.loads(raw)["Result"]


def test_a_marked_amount_is_all_that_loses_its_quotes():
    raw = payloads.dumped({"a": payloads.money(1), "b": "x\x01", "c": "cents:5"})
    assert json.loads(raw) == {"a": 0.01, "b": "x\x01", "c": "cents:5"}


def test_garbage_never_is_a_payment():
    dice = random.Random(1)
    for _ in range(300):
        raw, _kind = payloads.garbage(dice)
        _, outcome = parse_delivery(raw, "confirmation", ours=frozenset({"174379"}), now=NOW)
        assert not hasattr(outcome, "amount_cents")


def test_a_receipt_tells_its_day_and_comes_once():
    payers = Payers(1)
    receipts = [payers.receipt(datetime(2026, 11, 23)) for _ in range(2000)]
    assert len(set(receipts)) == 2000
    assert all(re.fullmatch("UKN[A-Z0-9]{7}", each) for each in receipts)
    assert payers.receipt(datetime(2021, 1, 9))[:3] == "PA9"
    assert payers.receipt(datetime(2026, 12, 31))[:3] == "ULV"


def test_the_same_seed_deals_the_same_people():
    one, other = Payers(7), Payers(7)
    assert [one.someone() for _ in range(5)] == [other.someone() for _ in range(5)]
    assert one.of_phone("254708374149") == one.of_phone("254708374149")
