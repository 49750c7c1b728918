"""The log: one event, one line, no secret, no whole phone."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.listener.logs import Logbook, Note
from kelly_cli.render import dump_json_line
from kelly_cli.services.serving import Happened

AT = datetime(2026, 2, 3, 12, tzinfo=UTC)
HOSTILE = 'x\n{"at": 1, "event": "forged"}\r\u2028\u0085\x1b[31m\x1b]0;t\x07\u202e\ud800 \x00'


def book(secrets=()):
    lines = []
    return lines, Logbook(lines.append, dump=dump_json_line, clock=lambda: AT, secrets=secrets)


@pytest.mark.parametrize("text", ["0712 345 149", "account '+254712345149'", "JANE0712345149x"])
def test_no_phone_gets_into_a_line(text):
    lines, logbook = book()
    logbook.complaint(f"Warning: {text} is of nobody")
    assert "2547*****149" in lines[0]
    assert "345" not in lines[0]


def test_a_line_says_when_how_bad_and_what_first():
    lines, logbook = book()
    logbook.write(Note("warning", "refused", {"status": 404, "number": 3}))
    (line,) = lines
    assert line.startswith('{"at": "2026-02-03T12:00:00+00:00", "level": "warning", "event": ')
    assert line.endswith('"refused", "status": 404, "number": 3}\n')


def test_a_callback_is_logged_without_its_payer():
    lines, logbook = book()
    where = "INV-20260203-0001 of Jane Wanjiku"
    error = f"unknown_account: '0712345149' {HOSTILE}"
    logbook.happened([Happened(AT, "unmatched", "QGK12XYZ91", 1050, where, 7, error, "stk")])
    (line,) = lines
    told = json.loads(line)
    assert told.pop("error").startswith("unknown_account: '2547*****149'")
    assert told == {
        "at": AT.isoformat(),
        "level": "warning",
        "event": "callback",
        "kind": "stk",
        "outcome": "unmatched",
        "log_id": 7,
        "trans_id": "QGK12XYZ91",
        "amount": "10.50",
    }


@pytest.mark.parametrize("error", [None, f"unknown_account: '0712345149' {HOSTILE}"])
def test_the_short_way_for_callbacks_writes_what_the_long_one_does(error):
    lines, logbook = book(["s3cret-token"])
    trans_id = "0712345149 s3cret-token"
    logbook.happened([Happened(AT, "conflict", trans_id, 1050, "", 7, error)])
    told = {"kind": "confirmation", "outcome": "conflict", "log_id": 7, "trans_id": trans_id}
    logbook.write(Note("error", "callback", {**told, "amount": "10.50", "error": error}))
    assert lines[0] == lines[1]


def test_no_secret_gets_into_a_line():
    secrets = ["s3cret-token", "s3cret-token-longer", "x"]
    lines, logbook = book(secrets)
    logbook.complaint("Warning: bad path /hooks/s3cret-token-longer/ and s3cret-token")
    assert "s3cret" not in lines[0]
    told = json.loads(lines[0])
    assert (told["event"], told["level"]) == ("notice", "warning")
    assert told["message"] == "bad path /hooks/********/ and ********"


@given(st.text() | st.just(HOSTILE))
def test_whatever_comes_is_one_harmless_line(text):
    lines, logbook = book()
    logbook.complaint(text)
    logbook.happened([Happened(AT, "failed", text, None, text, 1, text)])
    for line in lines:
        assert line.endswith("\n")
        assert line[:-1].isprintable() or not any(ord(c) < 32 for c in line[:-1])
        assert len(line.splitlines()) == 1
        assert json.loads(line)["event"] in {"notice", "callback"}
        line.encode()
        assert not {"\x1b", "\u202e", "\u2028", "\x7f"} & set(line)


def test_a_long_text_is_cut():
    lines, logbook = book()
    logbook.complaint("x" * 100_000)
    assert len(lines[0]) < 600
