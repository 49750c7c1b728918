"""The guard and the gate over real sockets: rude requests, slow senders, addresses, strangers."""

import contextlib
import importlib.util
import socket
import time
from pathlib import Path

import pytest

CONFIRM = "/c2b/confirmation"
ACCEPTED = b'{"ResultCode": 0, "ResultDesc": "Accepted"}'
PROOFS = Path(__file__).resolve().parents[1] / "proofs"


def _load(name):
    spec = importlib.util.spec_from_file_location(name, PROOFS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rude_probes = _load("rude_probes")


def rows(database, sql):
    with database.reading() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql).fetchall()]


def patience_s(probe):
    return 0.3 if "open" in probe.statuses else 5


@pytest.mark.slow
def test_every_rude_request_gets_what_its_table_says(serve, database):
    listener = serve()
    wrong = []
    for probe in rude_probes.PROBES:
        with listener.connect() as connection:
            rude_probes.send(connection, probe)
            got = rude_probes.statuses_of(connection, patience_s=patience_s(probe))
        if got != probe.statuses:
            wrong.append((probe.name, got, probe.statuses))
    assert wrong == []
    assert len(rude_probes.PROBES) >= 60
    assert rows(database, "SELECT count(*) FROM webhook_logs") == [(rude_probes.KEPT,)]
    assert listener.ask("GET", "/healthz").status == 200


def test_a_refusal_says_nothing_about_what_listens(sqlite_serve, tmp_path):
    listener = sqlite_serve(tmp_path / "books.db")
    with listener.connect() as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        answer = connection.recv(1000)
    assert answer == b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@pytest.mark.slow
def test_slow_senders_are_ended_in_time_and_told_why(sqlite_serve, tmp_path, callback):
    listener = sqlite_serve(tmp_path / "books.db")
    head = b"POST /c2b/confirmation HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    stories = {"silent": b"", "half a head": head[:20], "half a body": head + b"{", "ends": b"\r\n"}
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        slow = {name: stack.enter_context(listener.connect()) for name in stories}
        for name, said in stories.items():
            slow[name].sendall(said)
        kept = stack.enter_context(listener.connect())
        kept.sendall(rude_probes.post())
        assert kept.recv(1000).startswith(b"HTTP/1.1 200 ")
        time.sleep(4)
        kept.sendall(head[:20])
        assert listener.post(CONFIRM, callback("RAA0000001")).status == 200
        told = {name: rude_probes.statuses_of(each, patience_s=15) for name, each in slow.items()}
        assert time.monotonic() - began < 13
        # A connection that is kept alive has its own ten seconds for its next request.
        assert rude_probes.statuses_of(kept, patience_s=15) == (408,)
        assert 12 < time.monotonic() - began < 17
    assert told == {"silent": (), "half a head": (408,), "half a body": (408,), "ends": ()}


PEERS = ("127.0.0.1", "127.0.0.5", "127.0.0.9")


def post_from(listener, peer, body, *, path=CONFIRM, forwarded=()):
    """Post from an address of this machine; return the status."""
    with socket.create_connection(
        ("127.0.0.1", listener.port), timeout=10, source_address=(peer, 0)
    ) as connection:
        fields = [b"X-Forwarded-For: " + each.encode() for each in forwarded]
        fields.append(b"Connection: close")
        connection.sendall(rude_probes.post(*fields, path=path.encode(), body=body))
        return rude_probes.statuses_of(connection, patience_s=10)[0]


def test_only_allowed_addresses_are_let_in(serve, database, callback):
    listener = serve(env={"KELLY_WEBHOOK_ALLOWED_IPS": "127.0.0.5,127.0.0.8/31"})
    told = [post_from(listener, peer, callback(f"RAA000000{n}")) for n, peer in enumerate(PEERS)]
    assert told == [403, 200, 200]
    # Nobody is believed without a trusted proxy.
    body = callback("RAA0000009")
    assert post_from(listener, "127.0.0.1", body, forwarded=["127.0.0.5"]) == 403
    receipts = "SELECT mpesa_receipt_number FROM payments ORDER BY 1"
    assert rows(database, receipts) == [("RAA0000001",), ("RAA0000002",)]


FORWARDED = [
    ("127.0.0.1", ["196.201.214.200"], 200),
    ("127.0.0.1", ["::ffff:196.201.214.200"], 200),
    ("127.0.0.1", ["6.6.6.6, 196.201.214.200"], 200),
    ("127.0.0.1", ["6.6.6.6", "196.201.214.200"], 200),
    ("127.0.0.1", ["196.201.214.200, 127.0.0.1"], 200),
    ("127.0.0.1", ["196.201.214.200, 6.6.6.6"], 403),
    ("127.0.0.1", ["196.201.214.200", "6.6.6.6"], 403),
    ("127.0.0.1", ["196.201.214.200, unknown"], 403),
    ("127.0.0.1", ["196.201.214.200:443"], 403),
    ("127.0.0.1", ["196. 201.214.200"], 403),
    ("127.0.0.1", [], 403),
    ("127.0.0.9", ["196.201.214.200"], 403),
]


def test_behind_a_trusted_proxy_the_right_most_stranger_decides_trap_32(serve, callback):
    listener = serve(
        env={
            "KELLY_WEBHOOK_ALLOWED_IPS": "196.201.214.200",
            "KELLY_WEBHOOK_TRUSTED_PROXIES": "127.0.0.1",
        }
    )
    told = [
        (
            peer,
            forwarded,
            post_from(listener, peer, callback(f"RAA00000{n:02}"), forwarded=forwarded),
        )
        for n, (peer, forwarded, _) in enumerate(FORWARDED)
    ]
    assert told == FORWARDED


def test_a_stranger_may_look_at_nothing_but_health(serve, callback):
    env = {
        "KELLY_WEBHOOK_ALLOWED_IPS": "196.201.214.200",
        "KELLY_WEBHOOK_TRUSTED_PROXIES": "127.0.0.1",
    }
    listener = serve(env=env)
    stranger = {"X-Forwarded-For": "6.6.6.6"}
    known = {"X-Forwarded-For": "196.201.214.200"}
    assert listener.ask("GET", "/metrics", headers=stranger).status == 403
    assert listener.ask("GET", "/metrics", headers=known).status == 200
    assert listener.ask("GET", "/metrics").status == 200
    assert listener.ask("GET", "/healthz", headers=stranger).status == 200
    assert listener.ask("GET", "/nowhere", headers=stranger).status == 404


def test_a_refused_callback_waits_in_quarantine_and_can_be_released_trap_32(
    serve, database, callback, kelly
):
    token = "abcdefghijklmnopqrstuvwxyz234567"
    listener = serve(env={"KELLY_WEBHOOK_ALLOWED_IPS": "127.0.0.5", "KELLY_WEBHOOK_TOKEN": token})
    path = f"/hooks/{token}{CONFIRM}"
    body = callback("RAA0000001")
    assert post_from(listener, "127.0.0.9", body, path=path) == 403
    assert post_from(listener, "127.0.0.9", b"junk", path=path) == 403
    assert post_from(listener, "127.0.0.9", body) == 404
    listener.stop()
    junk, real = kelly("webhook", "quarantine", "list", "--json").json
    assert (real["address"], real["path"], real["looks_real"]) == ("127.0.0.9", CONFIRM, True)
    assert (real["trans_id"], real["bytes"], junk["looks_real"]) == ("RAA0000001", len(body), False)
    assert rows(database, "SELECT count(*) FROM webhook_logs") == [(0,)]
    ran = kelly("webhook", "quarantine", "release", real["id"], "--yes", "--json")
    assert ran.json["released"] == 1
    logged = rows(database, "SELECT raw_payload, source FROM webhook_logs")
    assert logged == [(body.decode(), "quarantine")]
    assert rows(database, "SELECT mpesa_receipt_number FROM payments") == [("RAA0000001",)]
    assert token not in listener.out + listener.err


def test_with_any_address_allowed_a_stranger_is_slowed_and_no_list_is(serve, callback):
    token = "abcdefghijklmnopqrstuvwxyz234567"
    listener = serve(
        env={
            "KELLY_WEBHOOK_ALLOWED_IPS": "",
            "KELLY_WEBHOOK_TOKEN": token,
            "KELLY_WEBHOOK_TRUSTED_PROXIES": "127.0.0.1",
        }
    )

    def statuses(sender):
        told = set()
        with contextlib.closing(listener.client()) as connection:
            for n in range(400):
                headers = {"X-Forwarded-For": sender}
                connection.request("POST", f"/hooks/{token}/c2b/validation", b"{}", headers)
                answer = connection.getresponse()
                answer.read()
                told.add(answer.status)
                if answer.status == 429:
                    assert answer.headers["Retry-After"]
                    assert n >= 200
                    break
        return told

    assert statuses("6.6.6.6") == {200, 429}
    assert statuses("196.201.214.200") == {200}


def test_beyond_this_machine_it_listens_only_when_something_keeps_strangers_out_trap_40(
    kelly, serve, monkeypatch
):
    monkeypatch.setenv("KELLY_WEBHOOK_ALLOWED_IPS", "")
    ran = kelly("webhook", "serve", "--host", "0.0.0.0", "--json")
    assert (ran.code, ran.error["code"]) == (1, "open_to_all")
    listener = serve(env={"KELLY_WEBHOOK_HOST": "0.0.0.0"})
    assert listener.ask("GET", "/healthz").status == 200


def test_production_does_not_start_with_a_short_code_of_the_sandbox(kelly, monkeypatch):
    monkeypatch.setenv("KELLY_MPESA_ENVIRONMENT", "production")
    ran = kelly("webhook", "serve", "--port", "0", "--json")
    assert (ran.code, ran.error["code"]) == (1, "test_short_code")
