"""The gate: refusals in the order of contract section 5, and bodies whole or not at all."""

import asyncio

import pytest

from kelly_cli.listener import entrance, writer
from kelly_cli.listener import gate as gates

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


def test_whoever_is_still_sending_can_read_the_refusal(desk, ask, monkeypatch):
    monkeypatch.setattr(gates, "LINGER_S", 0.05)
    answer = asyncio.run(ask(desk.gate(), "POST", "/nowhere", b"x" * 100, b"x", waits=True))
    assert answer[0] == 404


def test_an_answer_that_comes_too_late_is_a_503(desk, ask, database, callback, monkeypatch):
    monkeypatch.setattr(writer, "ANSWER_S", 0.1)

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


ELSEWHERE = "192.0.2.1"


@pytest.mark.parametrize(
    ("peer", "allowed", "status"),
    [
        (ELSEWHERE, ["127.0.0.0/8"], 403),
        ("::1", ["192.0.2.0/24"], 200),
        ("127.0.0.9", ["192.0.2.0/24"], 200),
        (ELSEWHERE, ["192.0.2.0/24"], 200),
        ("::ffff:192.0.2.1", ["192.0.2.0/24"], 200),
        # Any address may post, with a token; to look around is another thing.
        (ELSEWHERE, [], 403),
    ],
)
def test_metrics_are_for_this_machine_and_allowed_addresses(desk, ask, peer, allowed, status):
    gate = desk.gate(token="sesame", allowed=allowed)
    assert asyncio.run(ask(gate, "GET", "/metrics", peer=peer))[0] == status


def test_health_is_for_everybody(desk, ask):
    assert desk.run(lambda: ask(desk.gate(), "GET", "/healthz", peer=ELSEWHERE))[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "parts", "kept"),
    [
        ("POST", CONFIRM, [], (b"{}",), [b"{}"]),
        ("POST", CONFIRM, [GZIP], (b"zip",), [b"zip"]),
        ("POST", CONFIRM, [], (b"12345", b"67890"), [b"1234567890"]),
        ("POST", CONFIRM, [], (b"",), []),
        ("POST", CONFIRM, [], (b"12345", b"678901"), []),
        ("POST", CONFIRM, [TOO_LONG], (b"12345678901",), []),
        ("GET", CONFIRM, [], (b"{}",), []),
    ],
)
def test_a_stranger_is_refused_before_all_but_the_path_and_his_body_kept(
    desk, ask, method, path, headers, parts, kept
):
    gate = desk.gate(max_body_bytes=10)
    answer = asyncio.run(ask(gate, method, path, *parts, headers=headers, peer=ELSEWHERE))
    assert (answer[0], answer[2]) == (403, b"")
    assert [each.raw for each in desk.aside] == kept
    assert {each.address for each in desk.aside} <= {ELSEWHERE}
    assert desk.counts.answers == {403: 1}
    unknown = asyncio.run(ask(gate, method, "/nowhere", *parts, headers=headers, peer=ELSEWHERE))
    assert unknown[0] == 404


def test_what_is_set_aside_does_not_know_the_token(desk, ask):
    gate = desk.gate(token="sesame")
    asyncio.run(ask(gate, "POST", f"/hooks/sesame{CONFIRM}", b"{}", peer=ELSEWHERE))
    (stranger,) = desk.aside
    assert (stranger.path, stranger.kind) == (CONFIRM, "confirmation")
    assert "sesame" not in str(stranger)


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        (["203.0.113.7"], 200),
        (["203.0.113.7, 127.0.0.1"], 200),
        (["6.6.6.6", "203.0.113.7"], 200),
        (["203.0.113.7, 6.6.6.6"], 403),
        (["203.0.113.7", "6.6.6.6"], 403),
        (["203.0.113.7, nonsense"], 403),
        (["203.0.113.7:443"], 403),
        ([""], 403),
        (["127.0.0.1"], 403),
        ([], 403),
    ],
)
def test_a_trusted_proxy_is_believed_from_the_right(desk, ask, forwarded, status):
    gate = desk.gate(allowed=["203.0.113.0/24"], trusted=["127.0.0.0/8"])
    headers = [("x-forwarded-for", each) for each in forwarded]
    story = desk.run(lambda: ask(gate, "POST", CONFIRM, b"{}", headers=headers))
    assert story[0] == status


def test_an_unreadable_sender_is_kept_with_his_reason(desk, ask):
    gate = desk.gate(trusted=["127.0.0.0/8"])
    headers = [("x-forwarded-for", "unknown")]
    asyncio.run(ask(gate, "POST", CONFIRM, b"{}", headers=headers))
    (stranger,) = desk.aside
    assert (stranger.address, stranger.reason) == ("127.0.0.1", "X-Forwarded-For cannot be read")


def test_too_many_requests_of_a_stranger_when_any_address_is_allowed(desk, ask, monkeypatch):
    monkeypatch.setattr(entrance, "BURST", 3.0)
    monkeypatch.setattr(entrance, "RATE_PER_S", 0.0)

    async def story():
        gate = desk.gate(token="sesame", allowed=[])
        path = f"/hooks/sesame{CONFIRM}"
        return [await ask(gate, "POST", path, b"{}", peer=ELSEWHERE) for _ in range(4)]

    answers = desk.run(story)
    assert [each[0] for each in answers] == [200, 200, 200, 429]
    assert answers[-1][1]["retry-after"]
