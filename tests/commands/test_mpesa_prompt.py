"""kelly mpesa prompt: the words, the documents and the exit codes."""

import pytest

ACCEPTED = {
    "MerchantRequestID": "m1",
    "CheckoutRequestID": "ws_CO_1",
    "ResponseCode": "0",
    "ResponseDescription": "Success. Request accepted for processing",
    "CustomerMessage": "Success. Request accepted for processing",
}
PENDING = {
    "requestId": "1",
    "errorCode": "500.001.1001",
    "errorMessage": "The transaction is being processed",
}
INVOICE = "INV-20240203-0001"


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path}/books.db"


@pytest.fixture
def shop(kelly, at, safaricom):
    """A customer with an invoice of 100, and a Safaricom that accepts."""
    at("local")
    safaricom.answer = (200, ACCEPTED)
    assert kelly("customer", "create", "Ann", "--phone", "0712345678").code == 0
    words = ("--amount", "100", "--date", "2024-02-03")
    assert kelly("invoice", "create", "--customer", "CUST-001", *words).code == 0
    return kelly


def state(code, words="told"):
    members = {"ResponseCode": "0", "CheckoutRequestID": "ws_CO_1"}
    return 200, {**members, "ResultCode": code, "ResultDesc": words}


@pytest.mark.parametrize("name", ["prompt", "stk-push"])
def test_a_prompt_prints_what_was_sent(shop, safaricom, name):
    ran = shop("mpesa", name, "--invoice", INVOICE, "--json")
    assert ran.code == 0, ran.err
    document = ran.json
    assert document.pop("created_at").endswith("+00:00")
    assert document.pop("actor")
    assert document == {
        "id": 1,
        "state": "pending",
        "amount": "100.00",
        "phone": "254712345678",
        "reference": "I2402030001",
        "invoice_id": INVOICE,
        "pos_id": None,
        "customer_id": "CUST-001",
        "short_code": "600123",
        "environment": "local",
        "checkout_request_id": "ws_CO_1",
        "merchant_request_id": "m1",
        "result_code": None,
        "result_desc": None,
        "mpesa_receipt_number": None,
        "log_id": None,
        "answered_at": None,
    }
    (body,) = safaricom.asked("stkpush/")
    assert body["CallBackURL"].endswith("/stk/callback")
    assert body["CallBackURL"].startswith("http://127.0.0.1:8000/hooks/")
    assert "canary" not in ran.err


def test_people_see_the_next_step(shop):
    ran = shop("mpesa", "prompt", "--invoice", INVOICE)
    assert "pending" in ran.out
    assert ran.err == ("Accepted is not paid. Look again: kelly mpesa prompt query 1\n")
    again = shop("mpesa", "prompt", "--invoice", INVOICE, "--json")
    assert (again.code, again.error["code"]) == (1, "prompt_open")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--invoice", INVOICE, "--sale", "POS-20240203-0001"),
        ("--invoice", INVOICE, "--ref", "X"),
        ("--amount", "0", "--phone", "0712345678"),
        ("--amount", "5", "--timeout", "0"),
    ],
)
def test_words_that_make_no_sense(shop, safaricom, words):
    ran = shop("mpesa", "prompt", *words, "--json")
    assert (ran.code, ran.error["code"]) == (2, "usage")
    assert safaricom.requests == []


def test_query_and_list(shop, safaricom):
    shop("mpesa", "prompt", "--invoice", INVOICE)
    safaricom.answer = (500, PENDING)
    ran = shop("mpesa", "prompt", "query", "1", "--json")
    assert (ran.code, ran.json["state"]) == (0, "pending")
    safaricom.answer = state("1032", "Request cancelled by user")
    ran = shop("mpesa", "prompt", "query", "ws_CO_1", "--json")
    assert (ran.json["state"], ran.json["result_code"]) == ("refused", "1032")
    listed = shop("mpesa", "prompt", "list", "--state", "refused", "--json")
    assert [each["id"] for each in listed.json] == [1]
    assert shop("mpesa", "prompt", "list", "--state", "paid", "--json").json == []
    assert "1032" not in shop("mpesa", "prompt", "list", "--limit", "1").err


@pytest.mark.parametrize(("code", "exit_code"), [("0", 0), ("1037", 1)])
def test_waiting_ends_with_what_became_of_it(shop, safaricom, monkeypatch, code, exit_code):
    from kelly_cli.services import prompt_watching

    monkeypatch.setattr(prompt_watching, "FIRST_QUESTION_S", 0.0)
    monkeypatch.setattr(prompt_watching, "RECEIPT_S", 0.1)

    def then():
        if safaricom.asked("stkpush/"):
            safaricom.on_request = lambda: setattr(safaricom, "answer", state(code))

    safaricom.on_request = then
    ran = shop("mpesa", "prompt", "--invoice", INVOICE, "--wait", "--json")
    assert ran.code == exit_code, ran.err
    assert ran.json["state"] == ("paid" if code == "0" else "refused")


def test_waiting_in_vain_is_neither_paid_nor_refused(shop, safaricom):
    ran = shop("mpesa", "prompt", "--invoice", INVOICE, "--wait", "--timeout", "1", "--json")
    assert (ran.code, ran.json["state"]) == (3, "pending")


def test_a_refused_request_is_told_and_kept(shop, safaricom):
    bad = {"requestId": "1", "errorCode": "400.002.02", "errorMessage": "Invalid CallBackURL"}
    safaricom.answer = (400, bad)
    ran = shop("mpesa", "prompt", "--invoice", INVOICE, "--json")
    assert (ran.code, ran.out) == (1, "")
    assert "400.002.02" in ran.error["message"]
    (kept,) = shop("mpesa", "prompt", "list", "--json").json
    assert (kept["state"], kept["result_desc"]) == ("refused", "Invalid CallBackURL")


def test_a_sandbox_that_is_not_there_is_named(shop, monkeypatch):
    monkeypatch.setenv("KELLY_MPESA_BASE_URL", "http://127.0.0.1:9")
    ran = shop("mpesa", "prompt", "--invoice", INVOICE, "--json")
    assert (ran.code, ran.error["code"]) == (1, "daraja_unreachable")
    assert "kelly mpesa sandbox" in ran.error["hint"]
    assert shop("mpesa", "prompt", "list", "--json").json[0]["state"] == "refused"


def test_without_a_public_address_nothing_is_sent(shop, at, safaricom, monkeypatch):
    at("sandbox")
    monkeypatch.delenv("KELLY_WEBHOOK_PUBLIC_URL")
    ran = shop("mpesa", "prompt", "--invoice", INVOICE, "--json")
    assert (ran.code, ran.error["code"]) == (1, "bad_config")
    assert safaricom.requests == []


def test_nobodys_phone_is_warned_of(shop):
    ran = shop("mpesa", "prompt", "--amount", "5", "--phone", "0799999999")
    assert ran.code == 0
    assert "wait in suspense" in ran.err


def test_a_till_is_asked_through_its_store(shop, safaricom, monkeypatch, tmp_path):
    (tmp_path / "kelly.toml").write_text(
        '[mpesa]\nshort_code = "600001"\n'
        '[[mpesa.short_codes]]\ncode = "600001"\nkind = "store"\n'
        '[[mpesa.short_codes]]\ncode = "700002"\nkind = "till"\n'
    )
    monkeypatch.delenv("KELLY_MPESA_SHORT_CODE")
    ran = shop("mpesa", "prompt", "--invoice", INVOICE, "--json")
    assert ran.code == 0, ran.err
    (body,) = safaricom.asked("stkpush/")
    assert (body["BusinessShortCode"], body["PartyB"]) == ("600001", "700002")
    assert body["TransactionType"] == "CustomerBuyGoodsOnline"
