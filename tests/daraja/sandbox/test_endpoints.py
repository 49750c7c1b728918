"""Each endpoint over real HTTP: what it takes, and Safaricom's own words for what it refuses."""

import base64
import json

import pytest

OAUTH = "/oauth/v1/generate?grant_type=client_credentials"
BASIC = {"authorization": "Basic a2V5OnNlY3JldA=="}
STAMP = "20260203143022"
SEALED = base64.b64encode(bytes(256)).decode()
URL = "http://127.0.0.1:9/hooks/x"

REGISTER = {
    "ShortCode": "600984",
    "ResponseType": "Completed",
    "ConfirmationURL": f"{URL}/confirm",
    "ValidationURL": f"{URL}/validate",
}
SIMULATE = {
    "ShortCode": 600984,
    "CommandID": "CustomerPayBillOnline",
    "Amount": 1,
    "Msisdn": 254708374149,
    "BillRefNumber": "INV-001",
}
PUSH = {
    "BusinessShortCode": "174379",
    "Password": base64.b64encode(f"174379passkey{STAMP}".encode()).decode(),
    "Timestamp": STAMP,
    "TransactionType": "CustomerPayBillOnline",
    "Amount": 1,
    "PartyA": 254708374149,
    "PartyB": "174379",
    "PhoneNumber": "254708374149",
    "CallBackURL": URL,
    "AccountReference": "INV001",
    "TransactionDesc": "Payment",
}
ASKER = {"Initiator": "me", "SecurityCredential": SEALED, "Remarks": "ok"}
WHERE = {"ResultURL": f"{URL}/r", "QueueTimeOutURL": f"{URL}/t"}
STATUS = {
    **ASKER,
    **WHERE,
    "CommandID": "TransactionStatusQuery",
    "TransactionID": "UB30000001",
    "PartyA": "600984",
    "IdentifierType": "4",
}
BALANCE = {
    **ASKER,
    **WHERE,
    "CommandID": "AccountBalance",
    "PartyA": "600984",
    "IdentifierType": "4",
}
REVERSAL = {
    **ASKER,
    **WHERE,
    "CommandID": "TransactionReversal",
    "TransactionID": "UB30000001",
    "Amount": "10",
    "ReceiverParty": "600984",
    "RecieverIdentifierType": "11",
}
PULL = {
    "ShortCode": "600984",
    "StartDate": "2026-02-03 00:00:00",
    "EndDate": "2026-02-04 00:00:00",
    "OffSetValue": "0",
}
QR = {"MerchantName": "M", "RefNo": "A", "Amount": 1, "TrxCode": "PB", "CPI": "600984", "Size": "9"}
PULL_REGISTER = {
    "ShortCode": "600984",
    "RequestType": "Pull",
    "NominatedNumber": "254722000000",
    "CallBackURL": URL,
}
PATHS = {
    "/mpesa/c2b/v1/registerurl": REGISTER,
    "/mpesa/c2b/v2/registerurl": REGISTER,
    "/mpesa/c2b/v1/simulate": SIMULATE,
    "/mpesa/c2b/v2/simulate": SIMULATE,
    "/mpesa/stkpush/v1/processrequest": PUSH,
    "/mpesa/transactionstatus/v1/query": STATUS,
    "/mpesa/accountbalance/v1/query": BALANCE,
    "/mpesa/reversal/v1/request": REVERSAL,
    "/pulltransactions/v1/register": PULL_REGISTER,
    "/pulltransactions/v1/query": PULL,
    "/mpesa/qrcode/v1/generate": QR,
}
C2B, STK = "/mpesa/c2b/v2/registerurl", "/mpesa/stkpush/v1/processrequest"
TWICE = {"registration": {"once": True}}


def refusal(answer):
    body = json.loads(answer.body)
    assert list(body) == ["requestId", "errorCode", "errorMessage"]
    return answer.status, body["errorCode"], body["errorMessage"]


@pytest.mark.parametrize("path", PATHS)
def test_every_path_takes_what_the_documentation_sends(sandbox, path):
    answer = sandbox.call(path, **PATHS[path])
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize("path", PATHS)
def test_every_path_refuses_what_lacks_a_member_or_has_one_more_trap_39(sandbox, path):
    whole = PATHS[path]
    for name in whole:
        if name not in {"BillRefNumber", "TransactionID", "Amount"} or "qrcode" not in path:
            without = {each: value for each, value in whole.items() if each != name}
            status, _, message = refusal(sandbox.call(path, **without))
            assert (status, message) == (400, f"Bad Request - Invalid {name}")
    status, code, message = refusal(sandbox.call(path, **whole, ReceiverIdentifierType="4"))
    assert (status, code) == (400, "400.002.05")
    assert "ReceiverIdentifierType" in message


@pytest.mark.parametrize("path", PATHS)
def test_every_path_wants_a_token_a_post_and_json(sandbox, path):
    json_type = {"content-type": "application/json"}
    assert refusal(sandbox.ask("POST", path, "{}", json_type))[1] == "404.001.04"
    bad = {**json_type, "authorization": "Bearer nobody"}
    status, code, message = refusal(sandbox.ask("POST", path, "{}", bad))
    assert "Invalid Access Token" in message
    assert code in {"404.001.03", "400.003.01", "401.002.01", "401.001"}
    assert str(status) == code[:3]
    assert refusal(sandbox.ask("GET", path))[:2] == (405, "405.001")
    good = {"authorization": f"Bearer {sandbox.token}"}
    assert refusal(sandbox.ask("POST", path, json.dumps(PATHS[path]), good))[0] == 400
    for body in ("", "[]", "{", b"\xff"):
        assert refusal(sandbox.ask("POST", path, body, {**good, **json_type}))[1] == "400.002.05"


@pytest.mark.parametrize(
    ("path", "changes", "told"),
    [
        (C2B, {"ResponseType": "completed"}, "ResponseType"),
        (C2B, {"ResponseType": "Canceled"}, "ResponseType"),
        (C2B, {"ShortCode": "12"}, "ShortCode"),
        (C2B, {"ConfirmationURL": "ftp://a/b"}, "ConfirmationURL"),
        (C2B, {"ConfirmationURL": "http://a/b c"}, "ConfirmationURL"),
        (C2B, {"ValidationURL": "https://a/mPesa"}, "ValidationURL - URL has the word MPESA"),
        (C2B, {"ValidationURL": "https://m-pesa.co/"}, "ValidationURL - URL has the word M-PESA"),
        (C2B, {"ValidationURL": "https://a/mysql"}, "ValidationURL - URL has the word SQL"),
        ("/mpesa/c2b/v2/simulate", {"BillRefNumber": "x" * 21}, "BillRefNumber"),
        ("/mpesa/c2b/v2/simulate", {"CommandID": "CustomerBuyGoodsOnline"}, "BillRefNumber"),
        ("/mpesa/c2b/v2/simulate", {"CommandID": "Pay"}, "CommandID"),
        ("/mpesa/c2b/v2/simulate", {"Amount": 1.5}, "Amount"),
        ("/mpesa/c2b/v2/simulate", {"Amount": 250_001}, "Amount"),
        ("/mpesa/c2b/v2/simulate", {"Msisdn": "0708374149"}, "Msisdn"),
        (STK, {"AccountReference": "x" * 13}, "AccountReference"),
        (STK, {"TransactionDesc": "x" * 14}, "TransactionDesc"),
        (STK, {"PartyB": "600984"}, "PartyB"),
        (STK, {"PartyA": "254708374148"}, "PartyA"),
        (STK, {"Timestamp": "2026"}, "Timestamp"),
        (STK, {"Password": "?"}, "Password"),
        (STK, {"CallBackURL": "https://a/<b>"}, "CallBackURL"),
        ("/mpesa/reversal/v1/request", {"RecieverIdentifierType": "4"}, "RecieverIdentifierType"),
        ("/mpesa/reversal/v1/request", {"Remarks": "x"}, "Remarks"),
        ("/mpesa/accountbalance/v1/query", {"SecurityCredential": "AAAA"}, "SecurityCredential"),
        ("/mpesa/transactionstatus/v1/query", {"OriginalConversationID": "A"}, "TransactionID"),
        ("/pulltransactions/v1/query", {"EndDate": "2026-02-09 00:00:00"}, "StartDate"),
        ("/pulltransactions/v1/query", {"StartDate": "2026-02-03T00:00:00Z"}, "StartDate"),
        ("/pulltransactions/v1/query", {"OffSetValue": "-1"}, "OffSetValue"),
        ("/mpesa/qrcode/v1/generate", {"TrxCode": "XX"}, "TrxCode"),
    ],
)
def test_a_wrong_value_is_named_as_safaricom_names_it(sandbox, path, changes, told):
    answer = refusal(sandbox.call(path, **{**PATHS[path], **changes}))
    assert answer[0] == 400
    assert answer[2] == f"Bad Request - Invalid {told}"


def test_the_word_refusal_has_the_code_that_was_seen_trap_01(sandbox):
    wrong = {**REGISTER, "ValidationURL": "https://a.example/api/webhooks/mpesa"}
    told = "Bad Request - Invalid ValidationURL - URL has the word MPESA"
    assert refusal(sandbox.call(C2B, **wrong)) == (400, "400.003.02", told)
    assert sandbox.registrations()["urls"] == []


def test_the_reply_to_a_registration_is_misspelt_trap_05(sandbox):
    reply = json.loads(sandbox.call(C2B, **REGISTER).body)
    assert list(reply) == ["OriginatorCoversationID", "ResponseCode", "ResponseDescription"]
    kept = sandbox.registrations()["urls"]
    assert [(each["confirmation_url"], each["api"]) for each in kept] == [(f"{URL}/confirm", "v2")]


@pytest.mark.parametrize(
    ("says", "status", "told"),
    [
        ("error", 500, "Urls are already registered"),
        ("quiet", 200, "Validation and Confirmation URLs are already registered"),
        ("envelope", 500, "SCO-AddURLVault failed"),
        ("vpn", 500, "Duplicate notification info"),
    ],
)
def test_registering_once_refuses_in_each_of_the_four_shapes_trap_03(sandbox, says, status, told):
    sandbox.play("good-day", payers={"count": 0}, registration={"once": True, "says": says})
    assert sandbox.call(C2B, **REGISTER).status == 200
    again = sandbox.call(C2B, **{**REGISTER, "ConfirmationURL": f"{URL}/other"})
    assert (again.status, told in again.body.decode()) == (status, True)
    assert sandbox.registrations()["urls"][0]["confirmation_url"] == f"{URL}/confirm"
    assert sandbox.call(C2B, **{**REGISTER, "ShortCode": "600985"}).status == 200


def test_the_wrong_version_is_told_as_a_bad_token_trap_04(sandbox):
    sandbox.play("good-day", payers={"count": 0}, registration={"product": "v1"})
    status, code, message = refusal(sandbox.call(C2B, **REGISTER))
    assert (status, code) == (401, "401.003.01")
    assert "no apiproduct match found" in message
    assert sandbox.call("/mpesa/c2b/v1/registerurl", **REGISTER).status == 200


def test_a_token_is_given_as_text_or_number_trap_06(sandbox):
    assert json.loads(sandbox.ask("GET", OAUTH, headers=BASIC).body)["expires_in"] == "3599"
    sandbox.play("good-day", payers={"count": 0}, tokens={"as_text": False, "lifetime_s": 5})
    assert json.loads(sandbox.ask("GET", OAUTH, headers=BASIC).body)["expires_in"] == 5


@pytest.mark.parametrize(
    ("method", "path", "headers", "code"),
    [
        ("GET", OAUTH, {"authorization": "Bearer x"}, "400.008.01"),
        ("GET", OAUTH, {}, "400.008.01"),
        ("GET", "/oauth/v1/generate", BASIC, "400.008.02"),
        ("POST", OAUTH, BASIC, "405.001"),
    ],
)
def test_a_token_is_refused_in_safaricoms_words(sandbox, method, path, headers, code):
    assert refusal(sandbox.ask(method, path, headers=headers))[1] == code


@pytest.mark.parametrize("given", ["?", "", base64.b64encode(b"key:").decode()])
def test_wrong_keys_get_an_empty_400_trap_07(sandbox, given):
    answer = sandbox.ask("GET", OAUTH, headers={"authorization": f"Basic {given}"})
    assert (answer.status, answer.body) == (400, b"")


def test_tokens_die_as_the_scenario_wants(sandbox):
    first = sandbox.token
    sandbox.play("token-thrash")
    one, two = (json.loads(sandbox.ask("GET", OAUTH, headers=BASIC).body) for _ in range(2))
    for token, good in ((first, False), (one, False), (two, True), (two, False)):
        sandbox.token = token["access_token"] if isinstance(token, dict) else token
        assert (sandbox.call(C2B, **REGISTER).status == 200) is good


def test_an_unknown_path_is_refused_as_safaricom_does(sandbox):
    assert refusal(sandbox.ask("POST", "/mpesa/c2b/v3/registerurl"))[:2] == (404, "404.001.01")


@pytest.mark.parametrize(
    ("says", "status", "part"),
    [
        ("waf", 503, b"Incapsula"),
        ("spike-arrest", 429, b"SpikeArrestViolation"),
        ("busy", 500, b"500.003.02"),
        ("quota", 500, b"500.003.03"),
        ("empty", 400, b""),
        ("envelope", 500, b"Envelope"),
        ("token", 401, b"no apiproduct match"),
        ("redirect", 302, b""),
    ],
)
def test_a_misbehaviour_comes_as_often_as_it_says_and_nothing_is_done(sandbox, says, status, part):
    answers = [{"path": "/mpesa/c2b", "says": says, "times": 2}]
    sandbox.play("good-day", payers={"count": 0}, answers=answers)
    for _ in range(2):
        answer = sandbox.call(C2B, **REGISTER)
        assert (answer.status, part in answer.body) == (status, True)
    assert sandbox.registrations()["urls"] == []
    assert sandbox.call(C2B, **REGISTER).status == 200


def test_an_answer_may_be_lost_although_the_request_was_carried_out(sandbox):
    answers = [{"path": "/mpesa", "says": "waf", "done": True}]
    sandbox.play("good-day", payers={"count": 0}, answers=answers)
    assert sandbox.call(C2B, **REGISTER).status == 503
    assert len(sandbox.registrations()["urls"]) == 1


def test_an_endless_answer_is_ten_megabytes(sandbox):
    answers = [{"path": "/mpesa", "says": "long"}]
    sandbox.play("good-day", payers={"count": 0}, answers=answers)
    assert len(sandbox.call(C2B, **REGISTER).body) > 10**7


def test_a_picture_is_drawn(sandbox):
    reply = json.loads(sandbox.call("/mpesa/qrcode/v1/generate", **QR).body)
    assert reply["ResponseCode"] == "00"
    assert base64.b64decode(reply["QRCode"]).startswith(b"\x89PNG")


def test_the_control_plane_says_what_it_does_not_understand(sandbox):
    for path, body in (
        ("/sandbox/play", {"scenario": "nothing"}),
        ("/sandbox/play", {"scenario": 5}),
        ("/sandbox/play", {"set": {"payers": {"count": "x"}}}),
        ("/sandbox/play", {"short_code": "x"}),
        ("/sandbox/pay", {"amount": "x"}),
        ("/sandbox/pay", {"amount": "5", "phone": "07"}),
        ("/sandbox/pay", {"amount": "5", "fate": "odd"}),
        ("/sandbox/reverse", {"receipt": "none"}),
    ):
        answer = sandbox.ask("POST", path, json.dumps(body))
        assert (answer.status, list(json.loads(answer.body)["error"])) == (
            400,
            ["code", "message", "hint"],
        )
    assert sandbox.ask("POST", "/sandbox/pay", "[").status == 400
    assert sandbox.ask("GET", "/sandbox/play").status == 404
