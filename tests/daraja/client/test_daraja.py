"""Every shape of answer that was ever seen, and what a client may do about it."""

import json
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from kelly_cli.daraja.client import (
    AlreadyRegisteredError,
    BadAnswerError,
    DarajaRefusedError,
    Keys,
    OutcomeUnknownError,
    UnreachableError,
)
from kelly_cli.errors import ConfigError, DomainError

BASE = "https://daraja.example"
ACK = {
    "ConversationID": "AG_20260203_1",
    "OriginatorConversationID": "5118-111210482-1",
    "ResponseCode": "0",
    "ResponseDescription": "Accept the service request successfully.",
}


def test_a_reply_keeps_the_misspelt_key_and_the_whole_text_trap_05(daraja, answered, do):
    text = '{"OriginatorCoversationID": "6e86", "ResponseCode": "0", "ResponseDescription": "OK"}'
    answered(content=text.encode())
    reply = do("register", daraja)
    assert (reply.code, reply.description, reply.raw) == ("0", "OK", text)
    assert reply.members["OriginatorCoversationID"] == "6e86"


def test_both_spellings_of_the_originator_are_read_trap_05(daraja, answered, do):
    answered(body={"OriginatorCoversationID": "6e86", "ResponseCode": "00000000"})
    assert do("status", daraja)[:2] == ("", "6e86")
    answered(body={"Originator Conversation ID": "7", "Conversation ID": "8", "ResponseCode": 0})
    assert do("status", daraja)[:2] == ("8", "7")


@pytest.mark.parametrize(
    "body",
    [
        {"ResponseCode": "0", "ResponseDescription": "Success"},
        {"ResponseCode": 0, "ResponseDescription": "success"},
        {"ResponseCode": "00000000", "ResponseDescription": "success"},
        {"ConversationID": "", "OriginatorCoversationID": "", "ResponseDescription": "success"},
        {"ResponseDescription": "Accept the service request successfully."},
    ],
    ids=range(5),
)
def test_every_yes_of_a_registration_is_one(daraja, answered, do, body):
    answered(body=body)
    assert do("register", daraja).status == 200


ALREADY = {
    "error": (500, {"errorCode": "500.003.1001", "errorMessage": "Urls are already registered"}),
    "quiet": (
        200,
        {
            "ConversationID": "",
            "OriginatorCoversationID": "",
            "ResponseDescription": "Validation and Confirmation URLs are already registered",
        },
    ),
    "quiet with a zero": (
        200,
        {"ResponseCode": "0", "ResponseDescription": "URLs are already registered"},
    ),
    "envelope": (
        500,
        {
            "Envelope": {
                "Body": {
                    "Fault": {
                        "faultcode": "env:Server",
                        "faultstring": "Execution of ServiceCallout SCO-AddURLVault failed. "
                        "Reason: ResponseCode 409 is treated as error",
                    }
                }
            }
        },
    ),
    "older platform": (
        500,
        {
            "errorCode": "500.003.1001",
            "errorMessage": "Duplicate notification info, SP ID is 107031, correlator is 0",
        },
    ),
}


@pytest.mark.parametrize("shape", ALREADY)
def test_already_registered_in_every_shape_trap_03(daraja, answered, do, shape):
    status, body = ALREADY[shape]
    route = answered(status, body)
    with pytest.raises(AlreadyRegisteredError) as caught:
        do("register", daraja)
    assert (caught.value.code, caught.value.status) == ("urls_already_registered", status)
    assert ("older platform" if shape == "older platform" else "portal") in caught.value.hint
    assert route.call_count == 1


@pytest.mark.parametrize(
    "body",
    [
        {"Response Status": "1001", "Response Description": "ShortCode already Registered"},
        {"ResponseStatus": "1001", "ResponseDescription": "Shortcode exists"},
    ],
    ids=range(2),
)
def test_already_registered_for_pulls_trap_03(daraja, answered, do, body):
    answered(body=body)
    with pytest.raises(AlreadyRegisteredError):
        do("pull_register", daraja)


def test_registering_for_pulls_reads_keys_with_spaces(daraja, answered, do):
    answered(body={"Response Status": "1000", "Response Description": "Success"})
    assert do("pull_register", daraja)[:3] == (200, "1000", "Success")


PENDING = {
    "error": (
        500,
        {"errorCode": "500.001.1001", "errorMessage": "The transaction is being processed"},
    ),
    "code": (
        200,
        {
            "ResponseCode": "0",
            "ResultCode": "4999",
            "ResultDesc": "The transaction is still under processing",
        },
    ),
    "code as a number": (200, {"ResponseCode": "0", "ResultCode": 4999, "ResultDesc": "x"}),
}


@pytest.mark.parametrize("shape", PENDING)
def test_a_prompt_that_is_being_processed_is_pending_trap_37(daraja, answered, do, shape):
    route = answered(*PENDING[shape])
    assert do("query", daraja).state == "pending"
    assert route.call_count == 1


@pytest.mark.parametrize(
    ("code", "state"),
    [("0", "paid"), (0, "paid"), ("1032", "refused"), (1037, "refused")],
    ids=range(4),
)
def test_the_result_of_a_prompt(daraja, answered, do, code, state):
    told = {"ResponseCode": "0", "ResultCode": code, "ResultDesc": "told"}
    answered(body=told)
    found = do("query", daraja)
    assert (found.state, found.result_code, found.description) == (state, str(code), "told")


def test_a_prompt_without_a_result_is_neither_paid_nor_refused(daraja, answered, do):
    answered(body={"ResponseCode": "0", "ResponseDescription": "Accepted"})
    with pytest.raises(BadAnswerError):
        do("query", daraja)


@pytest.mark.parametrize(
    "message", ["Wrong credentials", "Unable to lock subscriber", "Merchant does not exist"]
)
def test_other_words_of_the_same_code_are_a_no(daraja, answered, do, message):
    answered(500, {"errorCode": "500.001.1001", "errorMessage": message})
    for what in ("query", "prompt"):
        with pytest.raises(DarajaRefusedError, match=message):
            do(what, daraja)


def test_a_prompt_accepted_without_an_id_is_unknown(daraja, answered, do):
    answered(body={"ResponseCode": "0", "ResponseDescription": "Success"})
    for what in ("prompt", "reverse", "status"):
        with pytest.raises(OutcomeUnknownError):
            do(what, daraja)


@pytest.mark.parametrize("what", ["prompt", "reverse", "register", "simulate", "pull_register"])
@pytest.mark.parametrize(
    "failure", [httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.RemoteProtocolError]
)
def test_silence_after_sending_is_unknown_and_no_failure_trap_36(wire, daraja, do, what, failure):
    route = wire.post(url__startswith=BASE).mock(side_effect=failure)
    with pytest.raises(OutcomeUnknownError) as caught:
        do(what, daraja)
    assert "check with kelly" in caught.value.hint
    assert (route.call_count, caught.value.retryable) == (1, False)


@pytest.mark.parametrize(("what", "times"), [("prompt", 1), ("status", 3), ("pull", 3)])
@pytest.mark.parametrize("failure", [httpx.ConnectTimeout, httpx.ConnectError, httpx.PoolTimeout])
def test_without_a_connection_nothing_was_sent(wire, daraja, do, what, times, failure):
    route = wire.post(url__startswith=BASE).mock(side_effect=failure)
    with pytest.raises(UnreachableError, match="Nothing was sent"):
        do(what, daraja)
    assert route.call_count == times


def test_what_passes_is_tried_again_with_the_same_token(wire, daraja, do):
    good = httpx.Response(200, json={"ResponseCode": "1000", "Response": []})
    route = wire.post(url__startswith=BASE).mock(
        side_effect=[httpx.Response(503), httpx.ReadTimeout, good]
    )
    assert do("pull", daraja).records == ()
    assert route.call_count == 3
    assert wire.get("/oauth/v1/generate").call_count == 1


def test_a_refresh_and_a_retry_do_not_add_up(wire, daraja, do):
    """Over all tries of one request, the token is refreshed once."""
    no = httpx.Response(401, json={"errorCode": "401.001", "errorMessage": "Invalid Access Token"})
    route = wire.post(url__startswith=BASE).mock(side_effect=[httpx.Response(503), no, no, no])
    with pytest.raises(Exception, match="new access token"):
        do("pull", daraja)
    assert route.call_count == 3


@pytest.mark.parametrize("cents", [1, 50, 100_01, 0, -100])
def test_cents_are_refused_before_anything_is_sent(wire, daraja, cents):
    with pytest.raises(DomainError) as caught:
        daraja.reversal(
            short_code="600984", receipt="QGK12XYZ91", amount_cents=cents,
            result_url="https://a.example/r", timeout_url="https://a.example/t", remarks="xx",
        )  # fmt: skip
    assert caught.value.code == "amount_not_whole"
    assert wire.calls.call_count == 0


@pytest.mark.parametrize(
    ("missing", "what"),
    [
        ("consumer_key", "register"),
        ("consumer_secret", "pull"),
        ("passkey", "prompt"),
        ("passkey", "query"),
        ("initiator_name", "status"),
        ("initiator_password", "reverse"),
    ],
)
def test_a_missing_key_is_named_before_anything_is_sent(
    wire, open_daraja, do, keys, certificate, missing, what
):
    daraja = open_daraja(BASE, keys=replace(keys, **{missing: ""}), certificate=certificate)
    with pytest.raises(ConfigError) as caught:
        do(what, daraja)
    assert f"mpesa.{missing}" in caught.value.message
    assert f"MPESA_{missing.upper()}" in caught.value.hint
    assert wire.calls.call_count == 0


def test_a_missing_certificate_is_named_before_anything_is_sent(wire, open_daraja, do):
    with pytest.raises(ConfigError, match=r"mpesa\.certificate is not set"):
        do("balance", open_daraja(BASE))
    assert wire.calls.call_count == 0


def test_the_local_sandbox_needs_no_keys(wire, open_daraja, do, answered):
    route = answered(body=ACK)
    daraja = open_daraja(BASE, environment="local", keys=Keys())
    assert do("status", daraja).conversation_id
    sent = json.loads(route.calls.last.request.content)
    assert len(sent["SecurityCredential"]) == 344


RECORD = {"transactionId": "SB60000001", "trxDate": "2020-08-05T10:13:00Z", "amount": "168.00"}


@pytest.mark.parametrize(
    ("held", "count"),
    [
        ({"Response": [[RECORD, RECORD]]}, 2),
        ({"Response": [[RECORD], [], [RECORD]]}, 2),
        ({"Response": [RECORD]}, 1),
        ({"Transaction": [[RECORD]]}, 1),
        ({"Response": json.dumps([[RECORD]])}, 1),
        ({"Response": "[[]]"}, 0),
        ({"Response": [[]]}, 0),
        ({"Response": None}, 0),
        ({}, 0),
    ],
    ids=range(9),
)
def test_a_page_is_flattened_whatever_its_shape_trap_26(daraja, answered, do, held, count):
    answered(body={"ResponseCode": "1000", "ResponseMessage": "Success", **held})
    page = do("pull", daraja)
    assert (len(page.records), page.nothing) == (count, False)
    assert all(record["transactionId"] == "SB60000001" for record in page.records)


def test_amounts_of_a_page_keep_their_digits(daraja, answered, do):
    answered(content=b'{"ResponseCode": "1000", "Response": [[{"amount": 1053.10, "msisdn": 7}]]}')
    assert do("pull", daraja).records == ({"amount": "1053.10", "msisdn": "7"},)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"ResponseCode": "1001", "ResponseMessage": "No records", "Response": "[[]]"}),
        (200, {"ResponseCode": 1001, "ResponseMessage": "No records", "Transaction": [[]]}),
        (200, {"Response Code": "1001", "Response Message": "No records"}),
        (500, {"errorCode": "500.003.1001", "errorMessage": "Failed to retrieve transactions"}),
    ],
    ids=range(4),
)
def test_nothing_is_told_apart_from_an_empty_page_trap_25(daraja, answered, do, status, body):
    answered(status, body)
    page = do("pull", daraja)
    assert (page.records, page.nothing) == ((), True)


@pytest.mark.parametrize("held", [5, "text", [["text"]], "[[", "{}}"], ids=range(5))
def test_a_page_that_holds_no_records_is_a_bad_answer(daraja, answered, do, held):
    answered(body={"ResponseCode": "1000", "ResponseMessage": "Success", "Response": held})
    with pytest.raises(BadAnswerError):
        do("pull", daraja)


def test_keys_and_clients_print_no_secret(daraja, keys):
    shown = f"{keys!r} {daraja!r} {vars(daraja)!r} {vars(daraja._asking)!r}"
    assert "CANARY" not in shown


def test_an_hour_later_a_new_token_is_used(wire, daraja, do, answered, clock):
    answered(body={"ResponseCode": "1000", "Response": []})
    do("pull", daraja)
    clock.at += timedelta(hours=1)
    do("pull", daraja)
    assert wire.get("/oauth/v1/generate").call_count == 2
