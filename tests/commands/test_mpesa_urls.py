"""kelly mpesa urls: what was registered, and the rules of a URL alone."""

import json

import pytest

OURS = (
    "--confirmation-url", "https://pay.acme.co.ke/in/confirm",
    "--validation-url", "https://pay.acme.co.ke/in/validate",
)  # fmt: skip


def test_registrations_are_listed_newest_first_with_their_reply(kelly, at):
    at("sandbox")
    kelly("mpesa", "register", *OURS)
    kelly("mpesa", "register", "--api", "v1", *OURS)
    listed = kelly("mpesa", "urls", "--json").json
    assert [each["api"] for each in listed] == ["v1", "v2"]
    first = listed[0]
    assert first["response"]["ResponseDescription"] == "Success"
    assert json.loads(first["reply"]) == first["response"]
    assert first["created_at"] <= first["answered_at"]
    assert kelly("mpesa", "urls", "--limit", "1", "--json").json == [first]
    assert kelly("mpesa", "urls", "list", "--json").json == listed
    assert kelly("mpesa", "urls", "--short-code", "600123", "--json").json == listed


def test_people_see_them_too(kelly, at):
    at("sandbox")
    kelly("mpesa", "register", *OURS)
    ran = kelly("mpesa", "urls")
    assert "https://pay.acme.co.ke/in/confirm" in ran.out
    assert "Safaricom's last reply: {" in ran.out
    assert "6e86-45dd" in ran.out


def test_before_the_first_it_says_how(kelly):
    kelly("customer", "create", "Ann")
    ran = kelly("mpesa", "urls")
    assert "kelly mpesa register" in ran.err
    assert kelly("mpesa", "urls", "--json").json == []


@pytest.mark.parametrize(
    ("url", "environment", "code"),
    [
        ("https://pay.acme.co.ke/in", "production", 0),
        ("http://pay.acme.co.ke/in", "production", 1),
        ("http://pay.acme.co.ke/in", "sandbox", 0),
        ("https://pay.acme.co.ke/api/webhooks/mpesa", "local", 1),
    ],
)
def test_the_rules_alone_need_no_books_and_send_nothing(kelly, url, environment, code):
    ran = kelly("mpesa", "urls", "check", url, "--environment", environment, "--json")
    assert (ran.code, ran.err) == (code, "")
    assert ran.json["ok"] == (code == 0) == all(each["ok"] for each in ran.json["checks"])
    assert {"rule", "ok", "level", "detail"} == set(ran.json["checks"][0])
    assert kelly("mpesa", "urls", "check", url, "--environment", environment).code == code


def test_without_an_environment_the_settings_decide(kelly, monkeypatch):
    assert kelly("mpesa", "urls", "check", "http://127.0.0.1/in").code == 0
    monkeypatch.setenv("KELLY_MPESA_ENVIRONMENT", "production")
    assert kelly("mpesa", "urls", "check", "http://127.0.0.1/in").code == 1
    assert kelly("mpesa", "urls", "check", "http://127.0.0.1/in", "--environment", "x").code == 2


def test_hostile_text_is_shown_harmlessly(kelly):
    ran = kelly("mpesa", "urls", "check", "https://a.ke/\x1b[31m\u202e")
    assert ran.code == 1
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
