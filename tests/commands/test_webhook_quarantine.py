"""kelly webhook quarantine and kelly webhook token, as they are typed."""

import json
import re

import pytest


@pytest.fixture
def aside(database, hand):
    """Set bodies aside."""
    from kelly_cli.services.quarantine import Quarantine, Stranger

    def put(*raws):
        quarantine = Quarantine(database, frozenset({"174379"}), lambda: hand.at)
        path, kind, reason = "/c2b/confirmation", "confirmation", "address not allowed"
        quarantine.take([Stranger("6.6.6.6", path, kind, raw, reason) for raw in raws])

    return put


def body(receipt):
    told = {
        "TransID": receipt,
        "TransTime": "20260203143022",
        "TransAmount": "10",
        "BusinessShortCode": "174379",
        "BillRefNumber": "CUST-001",
    }
    return json.dumps(told).encode()


def test_list_and_show(kelly, aside):
    aside(body("RAA0000001"), b"\x1b[31m junk")
    listed = kelly("webhook", "quarantine", "list", "--json").json
    assert [(each["id"], each["looks_real"]) for each in listed] == [(2, False), (1, True)]
    assert set(listed[0]) == {
        "id", "received_at", "address", "reason", "path", "kind", "looks_real", "trans_id", "bytes",
    }  # fmt: skip
    ran = kelly("webhook", "quarantine", "list")
    assert "RAA0000001" in ran.out
    shown = kelly("webhook", "quarantine", "show", 2)
    assert "junk" in shown.out
    assert "\x1b" not in shown.out
    assert kelly("webhook", "quarantine", "show", 1, "--json").json["raw_encoding"] == "utf-8"


def test_an_empty_one_says_so(kelly, database):
    ran = kelly("webhook", "quarantine", "list")
    assert (ran.code, ran.err) == (0, "The quarantine is empty\n")
    assert kelly("webhook", "quarantine", "list", "--json").json == []


def test_release_asks_first_and_books(kelly, aside):
    kelly("customer", "create", "Ann")
    aside(body("RAA0000001"), body("RAA0000002"))
    refused = kelly("webhook", "quarantine", "release", 1, "--json")
    assert refused.error["code"] == "confirmation_needed"
    assert refused.error["hint"] == "kelly webhook quarantine release 1 --yes"
    ran = kelly("webhook", "quarantine", "release", 1, "--yes", "--json")
    assert (ran.code, ran.json["processed"], ran.json["released"]) == (0, 1, 1)
    assert kelly("customer", "show", "CUST-001", "--json").json["balance"] == "-10.00"
    assert [each["id"] for each in kelly("webhook", "quarantine", "list", "--json").json] == [2]
    log = kelly("webhook", "list", "--source", "quarantine", "--json").json
    assert [each["trans_id"] for each in log] == ["RAA0000001"]
    assert kelly("db", "check", "--json").json["ok"]


def test_what_fails_after_a_release_is_a_failed_log_and_exit_3(kelly, aside):
    aside(b"junk")
    ran = kelly("webhook", "quarantine", "release", 1, "--yes")
    assert ran.code == 3
    assert "1 failed" in ran.out
    assert len(kelly("webhook", "list", "--failed", "--json").json) == 1


def test_drop(kelly, aside):
    aside(b"junk", b"more")
    assert kelly("webhook", "quarantine", "drop", 1, 2).code == 1
    assert kelly("webhook", "quarantine", "drop", 1, 2, "--yes", "--json").json == {
        "dropped": [1, 2]
    }
    assert kelly("webhook", "quarantine", "list", "--json").json == []


def test_token_alone_is_data_and_where_to_put_it_is_talk(kelly):
    ran = kelly("webhook", "token")
    assert re.fullmatch(r"[a-z2-7]{32}\n", ran.out)
    assert "KELLY_WEBHOOK_TOKEN" in ran.err
    made = kelly("webhook", "token", "--json").json
    assert made["token"] != ran.out.strip()
    assert made["urls"][0] == f"/hooks/{made['token']}/c2b/confirmation"


def test_the_urls_of_a_token_begin_with_the_public_one(kelly, monkeypatch):
    monkeypatch.setenv("KELLY_WEBHOOK_PUBLIC_URL", "https://pay.example.co.ke/")
    made = kelly("webhook", "token", "--json").json
    assert made["urls"][0].startswith("https://pay.example.co.ke/hooks/")
