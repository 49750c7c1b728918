"""The gate: refusals in the order of contract section 5, and bodies whole or not at all."""

import asyncio

import pytest

from kelly_cli.listener import gate as gates
from kelly_cli.listener import routes

CONFIRM = "/c2b/confirmation"
GZIP = ("content-encoding", "gzip")
TOO_LONG = ("content-length", "11")


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/nowhere", [GZIP, TOO_LONG], 404),
        ("GET", CONFIRM, [GZIP, TOO_LONG], 405),
        ("POST", CONFIRM, [GZIP, TOO_LONG], 415),
        ("POST", CONFIRM, [("content-encoding", "identity, gzip")], 415),
        ("POST", CONFIRM, [TOO_LONG], 413),
    ],
)
def test_the_first_reason_decides(desk, ask, method, path, headers, status):
    gate = desk.gate(max_body_bytes=10)
    answer = asyncio.run(ask(gate, method, path, b"{}", headers=headers))
    assert answer[0] == status
    assert answer[2] == b""
    assert desk.counts.answers == {status: 1}


@pytest.mark.parametrize("parts", [(b"x" * 11,), (b"x" * 6, b"x" * 5), (b"x" * 20, b"x", b"x")])
def test_a_counted_body_is_never_cut_short(desk, ask, parts):
    gate = desk.gate(max_body_bytes=10)
    assert desk.run(lambda: ask(gate, "POST", CONFIRM, *parts))[0] == 413
    assert desk.told == []


def test_a_body_in_pieces_is_put_together(desk, ask, callback):
    body = callback("RAA0000001")
    parts = [body[start : start + 7] for start in range(0, len(body), 7)]
    status, headers, answered = desk.run(lambda: ask(desk.gate(), "POST", CONFIRM, *parts))
    assert (status, answered) == (200, b'{"ResultCode": 0, "ResultDesc": "Accepted"}')
    assert headers == {"content-length": "43", "content-type": "application/json"}
    assert [each.trans_id for each in desk.told] == ["RAA0000001"]


def test_a_sender_that_hangs_up_early_is_not_processed(desk, ask, callback):
    body = callback("RAA0000001")
    assert desk.run(lambda: ask(desk.gate(), "POST", CONFIRM, body, hangs_up=True)) is None
    assert desk.told == []


def test_a_body_that_never_ends_is_refused_in_time(desk, ask, callback, monkeypatch):
    monkeypatch.setattr(gates, "BODY_S", 0.05)
    body = callback("RAA0000001")
    status, headers, _ = desk.run(lambda: ask(desk.gate(), "POST", CONFIRM, body, waits=True))
    assert (status, headers["connection"]) == (408, "close")
    assert desk.told == []


def test_whoever_is_still_sending_can_read_the_refusal(desk, ask, monkeypatch):
    monkeypatch.setattr(gates, "LINGER_S", 0.05)
    answer = asyncio.run(ask(desk.gate(), "POST", "/nowhere", b"x" * 100, b"x", waits=True))
    assert answer[0] == 404


def test_an_answer_that_comes_too_late_is_a_503(desk, ask, database, callback, monkeypatch):
    monkeypatch.setattr(routes, "ANSWER_S", 0.1)

    async def story():
        with database.writing():
            return await ask(desk.gate(), "POST", CONFIRM, callback("RAA0000001"))

    status, headers, _ = desk.run(story)
    assert (status, headers["retry-after"]) == (503, "5")
    # Its commit was not lost, only late: the repeat is a duplicate.
    assert [each.trans_id for each in desk.told] == ["RAA0000001"]


def test_without_a_writer_there_is_no_200(desk, ask, callback):
    gate = desk.gate()
    assert asyncio.run(ask(gate, "POST", CONFIRM, callback("RAA0000001")))[0] == 503
    assert asyncio.run(ask(gate, "GET", "/healthz"))[0] == 503
    answer = asyncio.run(ask(gate, "POST", "/c2b/validation", b"{}"))
    assert answer[2] == b'{"ResultCode": "0", "ResultDesc": "Accepted"}'


@pytest.mark.parametrize(
    "path",
    [
        CONFIRM,
        "/hooks/sesame",
        "/hooks/sesame/",
        "/hooks/sesam/c2b/confirmation",
        "/hooks/sesame2/c2b/confirmation",
        "/hooks/SESAME/c2b/confirmation",
        "/hooks//c2b/confirmation",
        "/hooks/sesame/c2b/confirmation/",
        "/hooks/sesame/healthz",
        "/hooks/%73esame/c2b/confirmation",
        "sesame/c2b/confirmation",
        "/sesame/c2b/confirmation",
    ],
)
def test_a_wrong_token_is_an_unknown_path(desk, ask, path):
    gate = desk.gate(token="sesame")
    unknown = asyncio.run(ask(gate, "POST", "/nowhere", b"{}"))
    assert asyncio.run(ask(gate, "POST", path, b"{}")) == unknown
    assert unknown[0] == 404


def test_the_right_token_opens(desk, ask, callback):
    gate = desk.gate(token="sesame")
    path = f"/hooks/sesame{CONFIRM}"
    assert desk.run(lambda: ask(gate, "POST", path, callback("RAA0000001")))[0] == 200


def test_metrics_are_for_this_machine(desk):
    answers = []

    async def send(message):
        answers.append(message)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"raw_path": b"/metrics", "method": "GET", "headers": [], "client": ("192.0.2.1", 1)}
    asyncio.run(desk.gate()(scope, receive, send))
    assert answers[0]["status"] == 403
