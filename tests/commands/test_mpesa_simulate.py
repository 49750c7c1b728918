"""kelly mpesa simulate: a pretend payment, in a sandbox only."""

import pytest

PAY = ("mpesa", "simulate", "--amount", "1000", "--msisdn", "0708374149")
ACCEPTED = {
    "OriginatorCoversationID": "1",
    "ResponseCode": "0",
    "ResponseDescription": "Accept the service request successfully.",
}


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path}/books.db"


@pytest.mark.parametrize("environment", ["local", "sandbox"])
def test_it_asks_the_sandbox_to_pay(kelly, at, safaricom, environment):
    at(environment)
    safaricom.answer = (200, ACCEPTED)
    ran = kelly(*PAY, "--bill-ref", "CUST-001", "--json")
    assert ran.code == 0
    assert ran.json["response"]["ResponseDescription"].startswith("Accept")
    assert (ran.json["amount"], ran.json["bill_ref_number"]) == ("1000.00", "CUST-001")
    path, body = safaricom.requests[-1]
    assert path == "/mpesa/c2b/v2/simulate"
    assert {key: str(value) for key, value in body.items()} == {
        "ShortCode": "600123",
        "CommandID": "CustomerPayBillOnline",
        "Amount": "1000",
        "Msisdn": "254708374149",
        "BillRefNumber": "CUST-001",
    }


def test_a_till_gets_no_reference(kelly, at, safaricom):
    at("sandbox")
    safaricom.answer = (200, ACCEPTED)
    assert kelly(*PAY, "--buy-goods", "--api", "v1").code == 0
    path, body = safaricom.requests[-1]
    assert path == "/mpesa/c2b/v1/simulate"
    assert body["CommandID"] == "CustomerBuyGoodsOnline"
    assert body.get("BillRefNumber") is None


def test_production_has_no_simulation(kelly, at, safaricom):
    at("production")
    ran = kelly(*PAY, "--bill-ref", "CUST-001", "--json")
    assert (ran.code, ran.error["code"]) == (1, "not_in_production")
    assert safaricom.requests == []


def test_the_real_address_is_production_whatever_the_settings_call_it(kelly, at, monkeypatch):
    at("sandbox")
    monkeypatch.setenv("KELLY_MPESA_BASE_URL", "https://api.safaricom.co.ke")
    assert kelly(*PAY, "--bill-ref", "A", "--json").error["code"] == "not_in_production"


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("--bill-ref", "A", "--buy-goods"), 1, "bad_reference"),
        ((), 1, "bad_reference"),
        (("--bill-ref", "x" * 21), 1, "bad_reference"),
        (("--bill-ref", " "), 2, "usage"),
        (("--bill-ref", "A", "--amount", "0"), 2, "usage"),
        (("--bill-ref", "A", "--amount", "10.50"), 1, "amount_not_whole"),
        (("--bill-ref", "A", "--msisdn", "2547****149"), 2, "usage"),
        (("--bill-ref", "A", "--api", "v9"), 2, "usage"),
        (("--bill-ref", "A", "--short-code", "999999"), 1, "unknown_short_code"),
    ],
)
def test_what_no_sandbox_takes_is_refused_before_it_is_sent(
    kelly, at, safaricom, words, code, error
):
    at("sandbox")
    ran = kelly(*PAY, *words, "--json")
    assert (ran.code, ran.error["code"], ran.out) == (code, error, "")
    assert safaricom.requests == []


def test_without_the_local_sandbox_it_says_how_to_start_it(kelly, at, monkeypatch):
    at("local")
    monkeypatch.setenv("KELLY_MPESA_BASE_URL", "http://127.0.0.1:9")
    ran = kelly(*PAY, "--bill-ref", "A", "--json")
    assert (ran.code, ran.error["code"]) == (1, "daraja_unreachable")
    assert "kelly mpesa sandbox" in ran.error["hint"]
