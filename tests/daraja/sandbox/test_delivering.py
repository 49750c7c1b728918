"""Payers pay over real HTTP: validation first, then the confirmation, then what the day wants."""

import json
import time
from datetime import datetime, timedelta

import pytest

PHONE = "254708374149"


def register(sandbox, called, **changes):
    urls = {"ConfirmationURL": f"{called.url}/confirm", "ValidationURL": f"{called.url}/validate"}
    members = {"ShortCode": "600984", "ResponseType": "Completed", **urls, **changes}
    assert sandbox.call("/mpesa/c2b/v2/registerurl", **members).status == 200


def prompt(sandbox, called, **changes):
    import base64

    stamp = "20260203143022"
    members = {
        "BusinessShortCode": "600984",
        "Password": base64.b64encode(f"600984key{stamp}".encode()).decode(),
        "Timestamp": stamp,
        "TransactionType": "CustomerPayBillOnline",
        "Amount": 10,
        "PartyA": PHONE,
        "PartyB": "600984",
        "PhoneNumber": PHONE,
        "CallBackURL": f"{called.url}/stk",
        "AccountReference": "INV001",
        "TransactionDesc": "Pay",
        **changes,
    }
    reply = json.loads(sandbox.call("/mpesa/stkpush/v1/processrequest", **members).body)
    asked = {name: members[name] for name in ("BusinessShortCode", "Password", "Timestamp")}

    def query():
        return sandbox.call(
            "/mpesa/stkpushquery/v1/query", **asked, CheckoutRequestID=reply["CheckoutRequestID"]
        )

    return reply, query


def test_validation_comes_before_the_confirmation_and_says_the_same(sandbox, called):
    register(sandbox, called)
    paid = sandbox.pay("100.50", "INV 1")
    assert called.paths == ["/validate", "/confirm"]
    asked, told = (json.loads(body) for _, body in called.posts)
    assert asked["TransID"] == told["TransID"] == paid["receipt"]
    assert (told["TransAmount"], told["BillRefNumber"]) == ("100.50", "INV 1")
    assert (asked["OrgAccountBalance"], told["OrgAccountBalance"]) == ("", "100.50")
    assert paid["confirmations"] == 1


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_the_number_is_hidden_as_the_version_does(sandbox, called, api):
    urls = {"ConfirmationURL": called.url, "ValidationURL": called.url}
    members = {"ShortCode": "600984", "ResponseType": "Completed", **urls}
    sandbox.call(f"/mpesa/c2b/{api}/registerurl", **members)
    sandbox.pay("5", "A", phone=PHONE)
    number = json.loads(called.posts[-1][1])["MSISDN"]
    assert number == "2547 ***** 149" if api == "v2" else len(number) == 64


def test_a_rejection_is_honoured_and_an_answers_own_id_comes_back(sandbox, called):
    register(sandbox, called)
    called.answer = b'{"ResultCode": "C2B00012", "ResultDesc": "Rejected"}'
    assert sandbox.pay("5", "A")["state"] == "cancelled"
    called.answer = b'{"ResultCode": "0", "ThirdPartyTransID": "mine"}'
    sandbox.pay("7", "A")
    assert called.paths == ["/validate", "/validate", "/confirm"]
    told = json.loads(called.posts[-1][1])
    assert (told["ThirdPartyTransID"], told["OrgAccountBalance"]) == ("mine", "7.00")
    assert sandbox.truth()["total"] == "7.00"


@pytest.mark.parametrize("response_type", ["Completed", "Cancelled"])
@pytest.mark.parametrize("way", ["slow", "garbage", "500", "nobody"])
def test_the_response_type_decides_when_nobody_answers_in_time(
    start_sandbox, called, response_type, way
):
    sandbox = start_sandbox(deadline_s=0.3)
    changes = {"ValidationURL": "http://127.0.0.1:9/v"} if way == "nobody" else {}
    register(sandbox, called, ResponseType=response_type, **changes)
    called.delay_s = 0.6 if way == "slow" else 0
    called.status = 500 if way == "500" else 200
    called.answer = b"<html>" if way == "garbage" else b'{"ResultCode": "0"}'
    state = sandbox.pay("5", "A")["state"]
    assert state == {"Completed": "completed", "Cancelled": "cancelled"}[response_type]
    assert ("/confirm" in called.paths) is (response_type == "Completed")


def test_the_balances_are_a_chain(sandbox, called):
    register(sandbox, called)
    sandbox.play("good-day", payers={"count": 30})
    sandbox.pay("5", "A")
    sandbox.play("good-day", payers={"count": 10})
    told = called.bodies("/confirm")
    balance = 0
    for each in told:
        balance += round(float(each["TransAmount"]) * 100)
        assert round(float(each["OrgAccountBalance"]) * 100) == balance
    times = [each["TransTime"] for each in told]
    assert (times, len(told)) == (sorted(times), 41)


def test_nothing_is_sent_to_other_machines(sandbox, called):
    away = {"ConfirmationURL": "https://pay.example.co.ke/c", "ValidationURL": called.url}
    register(sandbox, called, **away)
    paid = sandbox.pay("5", "A")
    assert (paid["confirmations"], called.paths) == (0, ["/"])


@pytest.mark.parametrize(("fate", "copies"), [("lost", 0), ("duplicate", 2), ("late", 1)])
def test_a_payment_can_be_given_its_fate(sandbox, called, fate, copies):
    register(sandbox, called)
    assert sandbox.pay("5", "A", fate=fate)["fate"] == fate
    assert sandbox.truth()["payments"][0]["confirmations"] == copies


def test_a_payment_nobody_hears_of_is_there_to_be_pulled(sandbox, called):
    sandbox.pay("5", "A", short_code="600984")
    now = datetime.now()
    query = {
        "ShortCode": "600984",
        "StartDate": f"{now - timedelta(hours=20):%Y-%m-%d %H:%M:%S}",
        "EndDate": f"{now + timedelta(hours=20):%Y-%m-%d %H:%M:%S}",
        "OffSetValue": "0",
    }
    reply = json.loads(sandbox.call("/pulltransactions/v1/query", **query).body)
    assert (reply["ResponseCode"], reply["Response"]) == ("1001", "[[]]")
    registered = {"ShortCode": "600984", "RequestType": "Pull", "NominatedNumber": PHONE}
    first, again = (
        json.loads(
            sandbox.call("/pulltransactions/v1/register", **registered, CallBackURL=called.url).body
        )
        for _ in range(2)
    )
    assert (first["Response Status"], again["Response Status"]) == ("1000", "1001")
    reply = json.loads(sandbox.call("/pulltransactions/v1/query", **query).body)
    [[row]] = reply["Response"]
    assert (row["amount"], row["billreference"], row["trxDate"][-1]) == ("5.00", "A", "Z")
    assert "TransID" not in row


def pages(sandbox, limit=9):
    now, found = datetime.now(), []
    for _ in range(limit):
        asked = {
            "ShortCode": "600984",
            "StartDate": f"{now - timedelta(hours=20):%Y-%m-%d %H:%M:%S}",
            "EndDate": f"{now + timedelta(hours=20):%Y-%m-%d %H:%M:%S}",
            "OffSetValue": str(sum(map(len, found))),
        }
        reply = json.loads(sandbox.call("/pulltransactions/v1/query", **asked).body)
        if reply["ResponseCode"] != "1000":
            break
        found.append([row["transactionId"] for row in reply["Response"][0]])
    return found


def test_pull_has_pages_foreign_rows_and_repeats_trap_26(sandbox, called):
    register(sandbox, called)
    registered = {"ShortCode": "600984", "RequestType": "Pull", "NominatedNumber": PHONE}
    sandbox.call("/pulltransactions/v1/register", **registered, CallBackURL=called.url)
    sandbox.play("good-day", payers={"count": 7}, pull={"page": 3})
    assert [len(page) for page in pages(sandbox)] == [3, 3, 1]
    sandbox.play("good-day", payers={"count": 0}, pull={"page": 3, "settlements": 2})
    assert [len(page) for page in pages(sandbox)] == [3, 3, 3]
    sandbox.play("good-day", payers={"count": 0}, pull={"page": 3, "repeats": True})
    assert len(pages(sandbox)) == 9
    sandbox.play("good-day", payers={"count": 0}, pull={"page": 100, "nothing": "error"})
    assert [len(page) for page in pages(sandbox, 1)] == [7]


def test_a_paid_prompt_has_a_callback_and_a_twin_trap_14(sandbox, called):
    register(sandbox, called)
    reply, query = prompt(sandbox, called)
    assert (reply["ResponseCode"], query().status) == ("0", 500)
    assert b"The transaction is being processed" in query().body
    [paid] = sandbox.truth()["payments"]
    assert called.paths == ["/stk", "/confirm"]
    inner = called.bodies("/stk")[0]["Body"]["stkCallback"]
    items = {each["Name"]: each.get("Value") for each in inner["CallbackMetadata"]["Item"]}
    [twin] = called.bodies("/confirm")
    assert items["MpesaReceiptNumber"] == twin["TransID"] == paid["receipt"]
    assert (twin["BillRefNumber"], items["PhoneNumber"]) == ("INV001", int(PHONE))
    state = json.loads(query().body)
    assert (state["ResultCode"], "MpesaReceiptNumber" in state) == ("0", False)
    assert (paid["via"], paid["confirmations"], paid["prompts"]) == ("stk", 1, 1)


@pytest.mark.parametrize(
    ("outcome", "code"), [("cancelled", 1032), ("timeout", 1037), ("wrong-pin", 2001)]
)
def test_a_prompt_that_is_not_paid_says_why(sandbox, called, outcome, code):
    register(sandbox, called)
    sandbox.play("good-day", payers={"count": 0}, prompts={"outcome": outcome, "delay_s": 0})
    _, query = prompt(sandbox, called)
    assert sandbox.truth()["count"] == 0
    assert called.bodies("/stk")[0]["Body"]["stkCallback"]["ResultCode"] == code
    assert json.loads(query().body)["ResultCode"] == str(code)


def test_a_second_prompt_for_the_same_phone_has_to_wait_and_pending_has_two_shapes(sandbox, called):
    sandbox.play("good-day", payers={"count": 0}, prompts={"pending": "4999"})
    _, query = prompt(sandbox, called)
    assert json.loads(query().body)["ResultCode"] == "4999"
    reply, _ = prompt_again(sandbox, called)
    assert "Unable to lock subscriber" in reply["errorMessage"]


def prompt_again(sandbox, called):
    try:
        return prompt(sandbox, called)
    except KeyError:
        raise AssertionError("it was taken") from None


def test_a_callback_may_overtake_the_answer(sandbox, called):
    sandbox.play("good-day", payers={"count": 0}, prompts={"callback_first": True})
    prompt(sandbox, called)
    assert called.paths == ["/stk"]


def ask(sandbox, called, path, **members):
    import base64

    whole = {
        "Initiator": "me",
        "SecurityCredential": base64.b64encode(bytes(256)).decode(),
        "Remarks": "ok",
        "ResultURL": f"{called.url}/result",
        "QueueTimeOutURL": f"{called.url}/timeout",
        **members,
    }
    reply = json.loads(sandbox.call(path, **whole).body)
    sandbox.truth()
    where, body = called.posts[-1]
    result = json.loads(body)["Result"]
    assert result["ConversationID"] == reply["ConversationID"]
    pairs = result.get("ResultParameters", {}).get("ResultParameter", [])
    return where, result["ResultCode"], {each["Key"]: each["Value"] for each in pairs}


def status(sandbox, called, receipt):
    return ask(
        sandbox,
        called,
        "/mpesa/transactionstatus/v1/query",
        CommandID="TransactionStatusQuery",
        TransactionID=receipt,
        PartyA="600984",
        IdentifierType="4",
    )


def reverse(sandbox, called, receipt, amount="5"):
    return ask(
        sandbox,
        called,
        "/mpesa/reversal/v1/request",
        CommandID="TransactionReversal",
        TransactionID=receipt,
        Amount=amount,
        ReceiverParty="600984",
        RecieverIdentifierType="11",
    )


def test_a_status_tells_the_receipt_as_a_parameter_trap_35(sandbox, called):
    register(sandbox, called)
    paid = sandbox.pay("5", "A")
    where, code, told = status(sandbox, called, paid["receipt"])
    assert (where, code, told["ReceiptNo"], told["Amount"]) == ("/result", 0, paid["receipt"], 5.0)
    assert told["DebitPartyName"].startswith(PHONE)
    assert status(sandbox, called, "UB30000000")[1] == "R000002"


def test_a_reversal_gives_the_money_back_once(sandbox, called):
    register(sandbox, called)
    paid = sandbox.pay("5", "A")
    sandbox.pay("7", "A")
    assert reverse(sandbox, called, paid["receipt"], "4")[1] == "R000002"
    where, code, told = reverse(sandbox, called, paid["receipt"])
    assert (where, code, told["OriginalTransactionID"]) == ("/result", 0, paid["receipt"])
    assert reverse(sandbox, called, paid["receipt"])[1] == "R000001"
    truth = sandbox.truth()
    assert (truth["total"], truth["standing"]) == ("12.00", "7.00")
    assert truth["balances"] == {"600984": "7.00"}
    path = "/mpesa/accountbalance/v1/query"
    members = {"CommandID": "AccountBalance", "PartyA": "600984", "IdentifierType": "4"}
    told = ask(sandbox, called, path, **members)[2]
    assert "Utility Account|KES|7.00|7.00|0.00|0.00" in told["AccountBalance"]


def test_a_time_out_goes_elsewhere_although_it_was_carried_out_trap_36(sandbox, called):
    register(sandbox, called)
    paid = sandbox.pay("5", "A")
    sandbox.play("good-day", payers={"count": 0}, results={"outcome": "timeout"})
    assert reverse(sandbox, called, paid["receipt"])[0] == "/timeout"
    assert sandbox.truth()["payments"][0]["reversed"] is True


def test_a_result_may_fail_or_never_come(sandbox, called):
    register(sandbox, called)
    paid = sandbox.pay("5", "A")
    sandbox.play("good-day", payers={"count": 0}, results={"outcome": "failed"})
    assert reverse(sandbox, called, paid["receipt"])[1:] == (2001, {})
    sandbox.play("good-day", payers={"count": 0}, results={"outcome": "none"})
    before = len(called.posts)
    with pytest.raises(AssertionError):
        status(sandbox, called, paid["receipt"])
    assert len(called.posts) == before


def test_a_reversal_in_the_portal_has_no_callback(sandbox, called):
    register(sandbox, called)
    paid = sandbox.pay("5", "A")
    before = len(called.posts)
    assert sandbox.reverse_in_portal(paid["receipt"])["reversed"] is True
    assert len(called.posts) == before


def test_the_same_seed_deals_the_same_payments(start_sandbox):
    dealt = []
    for _ in range(2):
        sandbox = start_sandbox(seed=5)
        sandbox.play("busy-day", payers={"count": 50})
        dealt.append([(p["amount"], p["phone"]) for p in sandbox.truth()["payments"]])
    assert dealt[0] == dealt[1]


def test_a_busy_day_has_the_shares_that_it_names(sandbox, called):
    register(sandbox, called)
    played = sandbox.play("busy-day", payers={"count": 200}, deliveries={"blackout_hours": [1, 0]})
    sandbox.play("busy-day", payers={"count": 0})
    start = datetime.now().timestamp()
    fates = [each["fate"] for each in sandbox.truth()["payments"]]
    assert fates.count("lost") >= 40
    assert (len(fates), played["lost"]) == (200, fates.count("lost"))
    assert played["posted"] == 200 - played["lost"] + fates.count("duplicate")
    assert len(called.posts) == played["posted"]
    assert time.time() - start < 5


def test_the_scenario_of_the_start_is_played_once_urls_are_there(start_sandbox, called):
    sandbox = start_sandbox("till", plays=True)
    register(sandbox, called)
    register(sandbox, called)
    assert sandbox.truth()["count"] == 6
    assert {each["TransactionType"] for each in called.bodies("/confirm")} == {
        "Customer Merchant Payment"
    }
