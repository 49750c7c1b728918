import base64
import json
import sys
from datetime import UTC, datetime

import pytest

from kelly_cli.commands.webhook import columns_for
from kelly_cli.services.inbox import Delivery
from kelly_cli.store.log_rows import LogView

GOOD = {
    "TransID": "QGK12XYZ91",
    "TransTime": "20260203143022",
    "TransAmount": "10.00",
    "BusinessShortCode": "174379",
    "BillRefNumber": "CUST-001",
    "FirstName": "JANE",
}


@pytest.fixture
def come(inbox):
    """Let bodies come in, each a unit of work of its own."""
    ids = iter(range(1000))

    def take(*bodies):
        for body in bodies:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            inbox.take([Delivery(raw, None, "file", f"d{next(ids)}")])

    return take


@pytest.fixture
def filled(kelly, come):
    """Logs 1 processed, 2 duplicate, 3 conflict, 4 and 5 failed."""
    kelly("customer", "create", "Ann")
    other = {**GOOD, "TransAmount": "11.00"}
    unknown = {**GOOD, "TransID": "QGK12XYZ92", "BillRefNumber": "nobody"}
    come(GOOD, GOOD, other, unknown, b'{"TransID": "\xff')
    return kelly


def test_a_log_prints_the_keys_of_the_contract(filled):
    log = filled("webhook", "list", "--receipt", "qgk12xyz91", "--conflicts", "--json").json[0]
    assert log.pop("created_at") == "2026-02-03T12:00:00+00:00"
    assert log == {
        "id": 3,
        "trans_id": "QGK12XYZ91",
        "kind": "confirmation",
        "source": "file",
        "outcome": "conflict",
        "processed": False,
        "is_duplicate": True,
        "error": "conflict: amount 11.00, first 10.00",
        "note": None,
        "attempts": 1,
        "payment": "QGK12XYZ91",
        "purged_at": None,
        "short_code": "174379",
        "environment": "local",
    }


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ([], [5, 4, 3, 2, 1]),
        (["--failed"], [5, 4]),
        (["--duplicates"], [3, 2]),
        (["--conflicts"], [3]),
        (["--pending"], []),
        (["--failed", "--duplicates", "--limit", 3], [5, 4, 3]),
        (["--source", "file", "--limit", 1], [5]),
        (["--source", "http"], []),
    ],
)
def test_options_choose_what_is_listed_newest_first(filled, options, ids):
    assert [log["id"] for log in filled("webhook", "list", "--json", *options).json] == ids


def test_show_adds_the_exact_text_and_what_it_says(filled, come):
    raw = b' {"TransID": "QGK12XYZ93",\r\n"FirstName": "\xe2\x80\xae"} '
    come(raw)
    shown = filled("webhook", "show", 6, "--json").json
    assert shown["raw_payload"].encode() == raw
    assert shown["raw_encoding"] == "utf-8"
    assert filled("webhook", "show", 1, "--json").json["facts"]["amount"] == "10.00"
    shown = filled("webhook", "show", 5, "--json").json
    assert (shown["raw_encoding"], base64.b64decode(shown["raw_payload"])) == (
        "base64",
        b'{"TransID": "\xff',
    )


def test_for_people_the_text_is_harmless(filled, come):
    come(b'{"a": "\x1b[2J\xe2\x80\xae",\r\n\t"b": 1}')
    ran = filled("webhook", "show", 6)
    assert "Text as it came:\n" in ran.out
    assert '{"a": "\ufffd[2J\ufffd",\n' in ran.out
    assert '    "b": 1}\n' in ran.out
    assert "\x1b" not in ran.out


def test_a_log_is_dismissed_with_a_reason_and_a_yes(filled):
    ran = filled("webhook", "dismiss", 5, "--reason", "our test", "--yes", "--json")
    assert ran.code == 0
    assert (ran.json["outcome"], ran.json["processed"]) == ("dismissed", True)
    assert ran.json["error"].startswith("body is not UTF-8")
    assert "our test" in ran.json["note"]
    assert [log["id"] for log in filled("webhook", "list", "--failed", "--json").json] == [4]


def test_dismissed_money_stays_in_suspense(filled):
    filled("webhook", "dismiss", 4, "--reason", "known", "--yes")
    (waiting,) = filled("suspense", "list", "--json").json
    assert waiting["mpesa_receipt_number"] == "QGK12XYZ92"


def test_without_a_yes_nothing_is_dismissed(filled):
    ran = filled("webhook", "dismiss", 5, "--reason", "our test", "--json", stdin="")
    assert (ran.code, ran.error["code"]) == (1, "confirmation_needed")
    assert ran.error["hint"] == "kelly webhook dismiss 5 --reason 'our test' --yes"
    assert len(filled("webhook", "list", "--failed", "--json").json) == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["dismiss", "1", "--reason", "x", "--yes"], "not_failed"),
        (["dismiss", "404", "--reason", "x", "--yes"], "log_not_found"),
        (["dismiss", "4", "--yes"], "usage"),
        (["dismiss", "4", "--reason", " ", "--yes"], "usage"),
        (["dismiss", "4", "--reason", "a\x1b", "--yes"], "usage"),
        (["dismiss", "four", "--reason", "x", "--yes"], "usage"),
        (["show", "9" * 30], "log_not_found"),
        (["show"], "usage"),
        (["list", "--receipt", ""], "usage"),
        (["list", "--source", "\udc80"], "usage"),
    ],
)
def test_wrong_words_are_refused_plainly(filled, words, code):
    ran = filled("webhook", *words, "--json")
    assert ran.code == (2 if code == "usage" else 1)
    assert (ran.out, ran.error["code"]) == ("", code)
    assert len(filled("webhook", "list", "--failed", "--json").json) == 2


def test_at_80_columns_receipts_are_whole(filled, come, monkeypatch):
    receipt = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    come({**GOOD, "TransID": receipt})
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)
    out = filled("webhook", "list").out
    for whole in (receipt, "QGK12XYZ91", "processed", "conflict"):
        assert whole in out


def test_a_receipt_that_is_not_plain_may_be_folded():
    at = datetime(2026, 2, 3, tzinfo=UTC)
    log = LogView(1, "X" * 200, "result", "http", True, False, None, None, 1, at, None)
    kinds = {column.key: column.kind for column in columns_for([log])}
    assert kinds["trans_id"] == "text"
    kinds = {column.key: column.kind for column in columns_for([log._replace(trans_id="QGK1")])}
    assert kinds["trans_id"] == "receipt"
