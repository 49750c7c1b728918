"""kelly mpesa register: checked, kept, sent once, shown. Safaricom is a server of the test."""

import io
import json
import os
import signal
import sqlite3
import sys
from contextlib import closing
from hashlib import sha256

import pytest

from kelly_cli.services.registering import veiled

MARK = sha256(b"s3cret").hexdigest()[:8]
OURS = (
    "--confirmation-url", "https://pay.acme.co.ke/in/confirm",
    "--validation-url", "https://pay.acme.co.ke/in/validate",
)  # fmt: skip
MISMATCH = {
    "requestId": "1-2-3",
    "errorCode": "401.003.01",
    "errorMessage": "Error Occurred - Invalid Access Token - "
    "Invalid API call as no apiproduct match found",
}
ALREADY = {
    "documented": (
        500,
        {"errorCode": "500.003.1001", "errorMessage": "Urls are already registered"},
    ),
    "success_without_ids": (
        200,
        {
            "ConversationID": "",
            "OriginatorCoversationID": "",
            "ResponseDescription": "Validation and Confirmation URLs are already registered",
        },
    ),
    "envelope": (
        500,
        {
            "Envelope": {
                "Body": {
                    "Fault": {
                        "faultstring": "Execution of ServiceCallout SCO-AddURLVault failed. "
                        "Reason: ResponseCode 409 is treated as error"
                    }
                }
            }
        },
    ),
    "older_platform": (
        500,
        {
            "requestId": "1",
            "errorCode": "500.003.1001",
            "errorMessage": "Duplicate notification info, SP ID is 107031, correlator is 33",
        },
    ),
}  # fmt: skip


@pytest.fixture
def database_url(tmp_path):
    """What is sent does not depend on the database: one is enough here."""
    return f"sqlite:///{tmp_path}/books.db"


def rows(tmp_path, table="mpesa_registrations"):
    with closing(sqlite3.connect(tmp_path / "books.db")) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY id")]


def checks(ran):
    return {check["rule"]: check for check in ran.json["checks"]}


def test_it_sends_what_the_settings_say_and_keeps_the_whole_reply(kelly, at, safaricom, tmp_path):
    at("sandbox")
    ran = kelly("mpesa", "register", "--json")
    assert (ran.code, ran.err) == (0, "")
    token = "canarypathtokencanarypathtoken22"
    assert safaricom.asked("registerurl") == [
        {
            "ShortCode": "600123",
            "ResponseType": "Completed",
            "ConfirmationURL": f"https://pay.acme.co.ke/hooks/{token}/c2b/confirmation",
            "ValidationURL": f"https://pay.acme.co.ke/hooks/{token}/c2b/validation",
        }
    ]
    assert [path for path, _ in safaricom.requests if "register" in path] == [
        "/mpesa/c2b/v2/registerurl"
    ]
    document = ran.json
    assert document["response"]["ResponseDescription"] == "Success"
    assert all({"rule", "ok", "detail"} <= check.keys() for check in document["checks"])
    (row,) = rows(tmp_path)
    assert (row["outcome"], row["short_code"], row["api"]) == ("accepted", "600123", "v2")
    assert json.loads(row["reply"])["ResponseDescription"] == "Success"
    assert row["answered_at"] is not None
    assert [each["action"] for each in rows(tmp_path, "audit")] == ["mpesa.register"]


def test_trap_05_the_misspelt_key_of_the_reply_is_kept_as_it_came(kelly, at, safaricom):
    at("sandbox")
    ran = kelly("mpesa", "register", "--json")
    assert ran.json["response"]["OriginatorCoversationID"].startswith("6e86")
    listed = kelly("mpesa", "urls", "--json").json
    assert listed[0]["response"]["OriginatorCoversationID"].startswith("6e86")


def test_what_safaricom_says_is_shown_to_people(kelly, at):
    at("sandbox")
    ran = kelly("mpesa", "register")
    assert "Safaricom says: Success" in ran.out
    assert "passed\tconfirmation https\thttps://" in ran.out


def test_no_secret_is_printed_or_stored(kelly, at, safaricom, tmp_path):
    at("sandbox")
    told = [kelly("mpesa", "register"), kelly("mpesa", "register", "--json")]
    told += [kelly("mpesa", "register", "--dry-run"), kelly("mpesa", "urls", "--json")]
    safaricom.answer = ALREADY["documented"]
    told += [kelly("mpesa", "register"), kelly("doctor"), kelly("mpesa", "urls")]
    said = "".join(ran.out + ran.err for ran in told)
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("books.db*") if path.is_file())
    assert "canary" not in said
    assert b"canary" not in kept
    assert "/hooks/TOKEN-" in said


@pytest.mark.parametrize("word", ["completed", "COMPLETED", "Confirmed", "complete", ""])
def test_trap_02_any_other_spelling_of_completed_is_a_usage_error(kelly, at, safaricom, word):
    at("sandbox")
    ran = kelly("mpesa", "register", "--response-type", word, "--json")
    assert (ran.code, ran.out, ran.error["code"]) == (2, "", "usage")
    assert "Write --response-type Completed" in ran.error["hint"]
    assert safaricom.requests == []


@pytest.mark.parametrize("word", ["Canceled", "cancelled", "CANCEL"])
def test_trap_02_any_other_spelling_of_cancelled_is_a_usage_error(kelly, at, safaricom, word):
    at("sandbox")
    ran = kelly("mpesa", "register", "--response-type", word, "--json")
    assert (ran.code, ran.error["hint"]) == (2, "Write --response-type Cancelled")
    assert safaricom.requests == []


@pytest.mark.parametrize("word", ["Completed", "Cancelled"])
def test_trap_02_the_two_right_spellings_are_sent_exactly(kelly, at, safaricom, word):
    at("sandbox")
    assert kelly("mpesa", "register", "--response-type", word).code == 0
    assert safaricom.asked("registerurl")[0]["ResponseType"] == word


@pytest.mark.parametrize("environment", ["local", "sandbox", "production"])
def test_trap_01_a_forbidden_word_is_refused_before_anything_is_sent(
    kelly, at, safaricom, tmp_path, environment
):
    at(environment)
    old = "https://pay.acme.co.ke/api/webhooks/mpesa"
    ran = kelly("mpesa", "register", "--confirmation-url", old, "--yes", "--json")
    assert (ran.code, ran.error["code"]) == (1, "url_refused")
    assert "https://pay.acme.co.ke/c2b/confirmation" in ran.error["hint"]
    assert checks(ran)["confirmation no forbidden word"]["ok"] is False
    assert ran.json["response"] is None
    assert safaricom.requests == []
    assert not (tmp_path / "books.db").exists()


@pytest.mark.parametrize("url", ["https://pay.acme.co.ke/<in>", "pay.acme.co.ke", "https://a b/c"])
@pytest.mark.parametrize("environment", ["local", "sandbox", "production"])
def test_a_malformed_url_is_refused_everywhere(kelly, at, safaricom, environment, url):
    at(environment)
    assert kelly("mpesa", "register", "--validation-url", url, "--yes").code == 1
    assert safaricom.requests == []


@pytest.mark.parametrize(
    ("environment", "level", "code"),
    [("local", "passed", 0), ("sandbox", "warned", 0), ("production", "failed", 1)],
)
@pytest.mark.parametrize(
    ("base", "rule"),
    [
        ("http://pay.acme.co.ke", "https"),
        ("https://127.0.0.1:8000", "public address"),
        ("https://a1.ngrok.io", "no tunnel"),
    ],
)
def test_http_loopback_and_tunnels_by_environment(
    kelly, at, safaricom, base, rule, environment, level, code
):
    at(environment)
    urls = ("--confirmation-url", f"{base}/in", "--validation-url", f"{base}/ask")
    ran = kelly("mpesa", "register", *urls, "--yes", "--json")
    assert ran.code == code
    assert checks(ran)[f"confirmation {rule}"]["level"] == level
    assert len(safaricom.asked("registerurl")) == 1 - code


def test_a_dry_run_sends_and_keeps_nothing(kelly, at, safaricom, tmp_path):
    at("production")
    ran = kelly("mpesa", "register", "--dry-run", "--json", *OURS)
    assert (ran.code, ran.json["response"], ran.json["dry_run"]) == (0, None, True)
    assert safaricom.requests == []
    assert not (tmp_path / "books.db").exists()


def test_the_intent_is_in_the_books_before_the_request_goes_out(kelly, at, safaricom, tmp_path):
    at("sandbox")
    seen = []
    safaricom.on_request = lambda: seen.extend(rows(tmp_path))
    assert kelly("mpesa", "register", *OURS).code == 0
    assert [(row["outcome"], row["reply"]) for row in seen] == [("intended", None)]
    assert seen[0]["confirmation_url"] == "https://pay.acme.co.ke/in/confirm"


@pytest.mark.parametrize("shape", ALREADY)
def test_trap_03_already_registered_is_a_failure_in_all_its_shapes(
    kelly, at, safaricom, tmp_path, shape
):
    at("sandbox")
    safaricom.answer = ALREADY[shape]
    ran = kelly("mpesa", "register", "--json", *OURS)
    assert (ran.code, ran.error["code"]) == (1, "urls_already_registered")
    assert "apisupport@safaricom.co.ke" in ran.error["hint"]
    assert ("older" in ran.error["hint"]) == (shape == "older_platform")
    assert ran.json["response"] == ALREADY[shape][1]
    (row,) = rows(tmp_path)
    assert row["outcome"] == "already_registered"
    assert json.loads(row["reply"]) == ALREADY[shape][1]
    assert len(safaricom.asked("registerurl")) == 1


@pytest.mark.parametrize(("api", "other"), [("v1", "v2"), ("v2", "v1")])
def test_trap_04_a_mismatch_refreshes_once_and_offers_the_other_version(
    kelly, at, safaricom, tmp_path, api, other
):
    at("sandbox")
    safaricom.answer = (401, MISMATCH)
    ran = kelly("mpesa", "register", "--api", api, "--json", *OURS)
    assert (ran.code, ran.error["code"]) == (1, "daraja_product_mismatch")
    assert f"--api {other}" in ran.error["hint"]
    assert api in ran.error["message"] + ran.error["hint"]
    paths = [path for path, _ in safaricom.requests]
    assert [path for path in paths if "c2b" in path] == [f"/mpesa/c2b/{api}/registerurl"] * 2
    assert sum("oauth" in path for path in paths) == 2
    assert rows(tmp_path)[0]["outcome"] == "refused"


def test_the_version_is_a_setting(kelly, at, safaricom, monkeypatch):
    at("sandbox")
    monkeypatch.setenv("KELLY_MPESA_API", "v1")
    assert kelly("mpesa", "register", *OURS).code == 0
    assert safaricom.requests[-1][0] == "/mpesa/c2b/v1/registerurl"
    assert kelly("mpesa", "register", "--api", "v3", *OURS).code == 2


@pytest.mark.parametrize("answer", [(200, b""), (200, b"<html>hello</html>"), (502, b"")])
def test_an_unreadable_answer_is_an_unknown_outcome_and_is_kept(
    kelly, at, safaricom, tmp_path, answer
):
    at("sandbox")
    safaricom.answer = answer
    ran = kelly("mpesa", "register", "--json", *OURS)
    assert (ran.code, ran.error["code"]) == (1, "daraja_outcome_unknown")
    assert "kelly mpesa urls" in ran.error["hint"]
    assert rows(tmp_path)[0]["outcome"] == "unknown"
    assert len(safaricom.asked("registerurl")) == 1
    assert kelly("mpesa", "urls", "--json").json[0]["outcome"] == "unknown"


def test_a_refusal_of_safaricoms_is_told_and_kept(kelly, at, safaricom, tmp_path):
    at("sandbox")
    words = "Bad Request - Invalid ValidationURL - URL has the word ACME"
    safaricom.answer = (400, {"requestId": "1", "errorCode": "400.003.02", "errorMessage": words})
    ran = kelly("mpesa", "register", "--json", *OURS)
    assert (ran.code, ran.error["code"]) == (1, "daraja_refused")
    assert words in ran.error["message"]
    assert rows(tmp_path)[0]["outcome"] == "refused"


def test_trap_44_production_asks_and_needs_a_yes_without_a_terminal(kelly, at, safaricom, tmp_path):
    at("production")
    ran = kelly("mpesa", "register", "--json", *OURS)
    assert (ran.code, ran.error["code"]) == (1, "confirmation_needed")
    assert ran.error["hint"].endswith("--yes")
    assert safaricom.requests == []
    assert rows(tmp_path) == []


def test_trap_44_production_shows_old_and_new_urls_and_takes_no_for_an_answer(
    kelly, at, safaricom, monkeypatch
):
    at("production")
    assert kelly("mpesa", "register", "--yes", *OURS).code == 0
    new = ("--confirmation-url", "https://new.acme.co.ke/in")
    person = io.StringIO("n\n")
    person.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", person)
    ran = kelly("mpesa", "register", *new, *OURS[2:])
    assert ran.code == 1
    old_at = ran.err.index("https://pay.acme.co.ke/in/confirm")
    assert old_at < ran.err.index("https://new.acme.co.ke/in")
    assert len(safaricom.asked("registerurl")) == 1
    listed = kelly("mpesa", "urls", "--json").json
    assert [each["confirmation_url"] for each in listed] == ["https://pay.acme.co.ke/in/confirm"]


def test_a_code_of_production_is_careful_in_any_environment(kelly, at, safaricom, monkeypatch):
    at("sandbox")
    monkeypatch.setenv("KELLY_MPESA_BASE_URL", "https://api.safaricom.co.ke")
    ran = kelly("mpesa", "register", "--json", *OURS)
    assert ran.error["code"] == "confirmation_needed"


def test_nothing_is_kept_when_nobody_is_there(kelly, at, safaricom, tmp_path, monkeypatch):
    at("local")
    monkeypatch.setenv("KELLY_MPESA_BASE_URL", "http://127.0.0.1:9")
    ran = kelly("mpesa", "register", "--json")
    assert (ran.code, ran.error["code"]) == (1, "daraja_unreachable")
    assert "kelly mpesa sandbox" in ran.error["hint"]
    assert rows(tmp_path) == []


def test_missing_keys_are_named_before_anything_is_sent(kelly, at, safaricom, monkeypatch):
    at("sandbox")
    monkeypatch.delenv("MPESA_CONSUMER_SECRET")
    ran = kelly("mpesa", "register", "--json", *OURS)
    assert ran.code == 1
    assert "MPESA_CONSUMER_SECRET" in ran.error["message"] + ran.error["hint"]
    assert safaricom.requests == []


def test_without_a_public_url_it_says_what_to_set(kelly, at, monkeypatch):
    at("sandbox")
    monkeypatch.delenv("KELLY_WEBHOOK_PUBLIC_URL")
    ran = kelly("mpesa", "register", "--json")
    assert (ran.code, ran.error["code"]) == (1, "bad_config")
    assert "webhook.public_url" in ran.error["hint"]


def test_only_our_short_codes_are_registered(kelly, at, safaricom):
    at("sandbox")
    ran = kelly("mpesa", "register", "--short-code", "999999", "--json", *OURS)
    assert (ran.code, ran.error["code"]) == (1, "unknown_short_code")
    assert safaricom.requests == []


def test_a_person_who_interrupts_it_leaves_an_unknown_outcome(kelly, at, safaricom, tmp_path):
    at("sandbox")
    safaricom.on_request = lambda: os.kill(os.getpid(), signal.SIGINT)
    assert kelly("mpesa", "register", *OURS).code == 130
    assert rows(tmp_path)[0]["outcome"] == "unknown"


def test_a_yes_that_the_books_cannot_keep_is_told_all_the_same(kelly, at, safaricom, tmp_path):
    def break_books():
        with closing(sqlite3.connect(tmp_path / "books.db")) as connection:
            connection.execute("ALTER TABLE mpesa_registrations RENAME TO gone")

    at("sandbox")
    safaricom.on_request = break_books
    ran = kelly("mpesa", "register", "--json", *OURS)
    assert (ran.code, ran.error["code"]) == (1, "storage")
    assert "the registration is accepted (Success)" in ran.error["message"]


def test_a_secret_segment_is_veiled_wherever_it_stands():
    def veil(text):
        return veiled(text, "s3cret")

    assert veil("https://a.ke/hooks/s3cret/c2b") == "https://a.ke/hooks/TOKEN-" + MARK + "/c2b"
    assert "s3cret" not in veil("'https://a.ke/s3cret' and https://a.ke/x/s3cret?y")
    assert veil("https://a.ke/s3cretary") == "https://a.ke/s3cretary"
    assert veiled("https://a.ke/hooks/s3cret", None) == "https://a.ke/hooks/s3cret"
