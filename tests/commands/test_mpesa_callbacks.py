"""Wherever Safaricom is told to call us, the URL passes its rules before anything is sent."""

import pytest

ASKING = {
    "prompt": ("mpesa", "prompt", "--amount", 5, "--phone", "0712345678", "--ref", "X"),
    "pull register": ("mpesa", "pull", "register", "--nominated-number", "0712345678", "--yes"),
    "status": ("mpesa", "status", "QGK12XYZ91"),
    "balance": ("mpesa", "balance"),
    "reverse": ("mpesa", "reverse", "QGK12XYZ91", "--reason", "twice", "--yes"),
}
PAID = (
    '{"TransID": "QGK12XYZ91", "TransTime": "20260203143022", "TransAmount": "50", '
    '"BusinessShortCode": "600123", "BillRefNumber": "X", "MSISDN": "2547 ***** 149"}'
)
ACCEPTED = {
    "MerchantRequestID": "m1",
    "CheckoutRequestID": "ws_CO_1",
    "ResponseCode": "0",
    "ResponseDescription": "Success",
}
REFUSED = (
    ("local", "http://127.0.0.1:8000/mPeSa", "no forbidden word"),
    ("sandbox", "https://pay.acme.co.ke/cmd", "no forbidden word"),
    ("production", "http://pay.acme.co.ke", "https"),
    ("production", "https://10.0.0.5", "public address"),
    ("production", "https://abc.ngrok-free.app", "no tunnel"),
)


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path}/books.db"


@pytest.fixture
def shop(kelly, at, safaricom, tmp_path, monkeypatch):
    """One payment in the books; ``ask`` at an address of ours in an environment."""

    def ask(words, environment, url):
        at(environment)
        monkeypatch.setenv("KELLY_WEBHOOK_PUBLIC_URL", url)
        return kelly(*words, "--json")

    at("local")
    (tmp_path / "one.json").write_text(PAID)
    kelly("webhook", "ingest", tmp_path / "one.json")
    return ask


@pytest.mark.parametrize("words", ASKING.values(), ids=ASKING)
def test_trap_01_a_url_of_ours_that_is_refused_stops_it_before_anything_is_sent(
    shop, safaricom, words
):
    for environment, url, rule in REFUSED:
        ran = shop(words, environment, url)
        assert (ran.code, ran.error["code"]) == (1, "url_refused"), ran.err
        assert ran.error["message"].startswith(rule)
        assert "canarypathtoken" not in ran.err
    assert safaricom.requests == []


def test_only_in_production_a_tunnel_or_http_stops_it(shop, safaricom):
    shop(ASKING["prompt"], "sandbox", "http://abc.ngrok-free.app")
    assert safaricom.asked("stkpush")


def test_to_look_at_a_prompt_no_url_is_needed(shop, safaricom):
    safaricom.answer = (200, ACCEPTED)
    assert shop(ASKING["prompt"], "local", "http://127.0.0.1:8000").code == 0
    safaricom.answer = (200, {**ACCEPTED, "ResultCode": "1032", "ResultDesc": "Cancelled"})
    ran = shop(("mpesa", "prompt", "query", "1"), "local", "http://127.0.0.1:8000/cmd")
    assert (ran.code, ran.json["state"]) == (0, "refused"), ran.err
