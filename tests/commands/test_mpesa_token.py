"""kelly mpesa token and codes: what may be seen, and what never is."""

import json
from datetime import datetime

import httpx
import pytest
import respx

SECRETS = ("CANARYkey", "CANARYsecret", "CANARYtoken")


@pytest.fixture
def database_url(tmp_path):
    """The books are not asked."""
    return f"sqlite:///{tmp_path}/books.db"


@pytest.fixture
def safaricom(monkeypatch, clean_environment, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("KELLY_MPESA_ENVIRONMENT", "sandbox")
    monkeypatch.setenv("MPESA_CONSUMER_KEY", SECRETS[0])
    monkeypatch.setenv("MPESA_CONSUMER_SECRET", SECRETS[1])
    with respx.mock(base_url="https://sandbox.safaricom.co.ke") as router:
        token = {"access_token": SECRETS[2], "expires_in": "3599"}
        router.get("/oauth/v1/generate").respond(json=token)
        yield router


def test_the_end_of_the_token_is_shown_and_the_token_is_not(kelly, safaricom):
    first, second = kelly("mpesa", "token", "--json"), kelly("mpesa", "token", "--json")
    assert first.json["environment"] == "sandbox"
    assert (first.json["fresh"], second.json["fresh"]) == (True, False)
    life = datetime.fromisoformat(first.json["expires_at"]) - datetime.fromisoformat(
        first.json["taken_at"]
    )
    assert life.total_seconds() == 3599
    people = kelly("mpesa", "token")
    for ran in (first, second, people):
        assert ran.code == 0
        assert not any(secret in ran.out + ran.err for secret in SECRETS)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, "", "daraja_credentials"),
        (400, f'{{"errorMessage": "{SECRETS[0]} {SECRETS[1]}"}}', "daraja_credentials"),
        (403, f"<html>Incapsula {SECRETS[0]}</html>", "daraja_bad_answer"),
        (200, f'{{"access_token": "{SECRETS[2]}', "daraja_bad_answer"),
        (302, "", "daraja_bad_answer"),
        (429, "", "daraja_busy"),
    ],
    ids=range(6),
)
def test_a_failure_is_one_line_and_a_next_step(kelly, safaricom, status, body, code):
    safaricom.get("/oauth/v1/generate").respond(status, text=body)
    ran = kelly("mpesa", "token", "--json")
    assert (ran.code, ran.out, ran.error["code"]) == (1, "", code)
    people = kelly("mpesa", "token")
    lines = people.err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["Error", "Try"]
    assert not any(secret in ran.err + people.err for secret in SECRETS)


def test_no_connection_says_that_nothing_was_sent(kelly, safaricom):
    safaricom.get("/oauth/v1/generate").mock(side_effect=httpx.ConnectTimeout)
    ran = kelly("mpesa", "token", "--json")
    assert (ran.code, ran.error["code"]) == (1, "daraja_unreachable")
    assert "Nothing was sent" in ran.error["message"]


def test_missing_keys_are_named(kelly, safaricom, monkeypatch):
    monkeypatch.delenv("MPESA_CONSUMER_SECRET")
    safaricom.get("/oauth/v1/generate").respond(500)
    ran = kelly("mpesa", "token", "--json")
    assert (ran.code, ran.error["code"]) == (1, "missing_setting")
    assert "MPESA_CONSUMER_SECRET" in ran.error["hint"]
    assert not safaricom.calls
    safaricom.reset()
    safaricom.routes.clear()


def test_codes_are_listed_and_looked_up_offline(kelly):
    every = kelly("mpesa", "codes", "--json").json
    assert len(every) > 60
    assert set(every[0]) == {"code", "place", "meaning", "action", "words"}
    [one] = kelly("mpesa", "codes", "1032", "--json").json
    assert "Cancelled" in one["meaning"]
    assert len(kelly("mpesa", "codes", "--limit", "3", "--json").json) == 3
    assert "being processed" in kelly("mpesa", "codes", "500.001.1001").out


def test_an_unknown_code_is_said_to_be_unknown(kelly):
    ran = kelly("mpesa", "codes", "31415", "--json")
    assert (ran.code, ran.error["code"]) == (1, "code_not_found")


def test_codes_are_json_or_a_table(kelly):
    ran = kelly("--json", "mpesa", "codes", "C2B00012")
    assert json.loads(ran.out)[0]["place"] == "validation"
