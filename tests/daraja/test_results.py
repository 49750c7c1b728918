"""Results, however they are written (daraja-facts 6)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.daraja.results import Account, accounts_in, read_result


def result(parameters=None, **changes):
    body = {"ResultType": 0, "ResultCode": 0, "ResultDesc": "Done", "TransactionID": "SB60000000"}
    body.update(ConversationID="AG_1", OriginatorConversationID="1-2-3")
    if parameters is not None:
        body["ResultParameters"] = {"ResultParameter": parameters}
    body.update(changes)
    return json.dumps({"Result": {k: v for k, v in body.items() if v is not ...}}).encode()


def pairs(**values):
    return [{"Key": key, "Value": value} for key, value in values.items()]


def test_trap_35_parameters_may_be_a_single_object():
    answer = read_result(result({"Key": "ReceiptNo", "Value": "QGK12XYZ91"}))
    assert answer.receipt == "QGK12XYZ91"


def test_trap_35_a_value_may_be_missing():
    answer = read_result(result([{"Key": "DebitPartyCharges"}, *pairs(Amount=10)]))
    assert (answer.text("DebitPartyCharges"), answer.amount_cents) == (None, 1000)


def test_trap_35_keys_may_repeat_and_the_first_value_stands():
    twice = [*pairs(DebitPartyName="A"), {"Key": "DebitPartyName"}, *pairs(DebitPartyName="B")]
    answer = read_result(result(twice))
    assert (answer.text("DebitPartyName"), answer.twice) == ("A", ())


def test_trap_35_money_that_is_said_in_two_ways_is_noticed():
    answer = read_result(result([*pairs(Amount=10), *pairs(Amount=20)]))
    assert answer.twice == ("Amount",)
    assert read_result(result([*pairs(Amount=10), *pairs(Amount=10)])).twice == ()


@pytest.mark.parametrize("code", [0, "0", "00", "0.0", "00000000"], ids=repr)
def test_trap_35_a_code_of_zeros_is_success_as_number_or_text(code):
    assert read_result(result(ResultCode=code)).is_success


@pytest.mark.parametrize(
    "code", [1, "1", "SFC_IC0003", "R000001", "", None, True, [], 2001, ...], ids=repr
)
def test_trap_35_any_other_code_is_no_success(code):
    assert not read_result(result(ResultCode=code)).is_success


@pytest.mark.parametrize(
    "key", ["FinalisedTime", "FinalizedTime", "Finalised Time", "finalizedtime"]
)
def test_trap_35_spellings_of_a_key_are_one(key):
    assert read_result(result(pairs(**{key: 20260203143022}))).text("FinalisedTime") == (
        "20260203143022"
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("ConversationID", "Conversation ID"),
        ("OriginatorConversationID", "Originator Conversation ID"),
        ("OriginatorConversationID", "OriginatorCoversationID"),
    ],
)
def test_trap_35_conversation_ids_are_found_in_every_spelling(ours, theirs):
    changes = {ours: ..., theirs: "X9"}
    answer = read_result(result(**changes))
    assert "X9" in {answer.conversation_id, answer.originator_conversation_id}


def test_trap_35_the_receipt_is_a_parameter_and_never_the_generic_value():
    assert read_result(result(pairs(ReceiptNo="qgk12xyz91"))).receipt == "QGK12XYZ91"
    assert read_result(result(pairs(OriginalTransactionID="QGK12XYZ91"))).receipt == "QGK12XYZ91"
    assert read_result(result()).receipt is None


def test_trap_35_conversation_ids_among_the_parameters_are_another_ones():
    answer = read_result(result(pairs(ConversationID="AG_old")))
    assert answer.conversation_id == "AG_1"


def test_trap_35_parameters_are_absent_on_failure():
    answer = read_result(result(ResultCode="R000002"))
    assert (answer.parameters, answer.receipt, answer.amount_cents) == ({}, None, None)


@pytest.mark.parametrize("parameters", ["x", 5, [None, 5, "x"], {"Key": 5}, [[]], {"Value": 1}])
def test_trap_35_odd_parameters_say_nothing(parameters):
    assert read_result(result(parameters)).parameters == {}


@pytest.mark.parametrize(
    ("amount", "cents"),
    [(1.0, 100), ("1053.00", 105300), ("1,053.00", 105300), (10, 1000), ("ten", None), (-5, None)],
)
def test_an_amount_is_read_without_binary_fractions(amount, cents):
    assert read_result(result(pairs(Amount=amount))).amount_cents == cents


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[]", b"{}", b'{"Result":5}', b'{"Result":{}'])
def test_what_is_no_result_is_none(raw):
    assert read_result(raw) is None


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_whatever_comes_is_read_or_not(value):
    read_result(json.dumps({"Result": {"ResultParameters": {"ResultParameter": value}}}).encode())
    read_result(json.dumps({"Result": {"ResultParameters": value}}).encode())


def test_a_balance_is_read_account_by_account():
    text = (
        "Working Account|KES|700000.00|700000.00|0.00|0.00&"
        "Utility Account|KES|346568.83|6186.83|340382.00|0.00&"
        "Charges Paid Account|KES|-1540.00|-1540.00|0.00|0.00"
    )
    working, utility, charges = accounts_in(text)
    assert working == Account("Working Account", "KES", 70000000, 70000000, 0, 0)
    assert utility.current_cents == utility.available_cents + utility.reserved_cents
    assert charges.current_cents == -154000


@pytest.mark.parametrize("text", [None, "", "&&", "|KES|1"])
def test_no_account_is_no_account(text):
    assert accounts_in(text) == ()


def test_an_account_with_missing_figures_says_so():
    assert accounts_in("Merchant Account|KES|5.00|x") == (
        Account("Merchant Account", "KES", 500, None, None, None),
    )
