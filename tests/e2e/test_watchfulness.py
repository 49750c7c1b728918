"""The listener watched from outside: its log, its alerts, and the sockets it is given."""

import contextlib
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

CONFIRM = "/c2b/confirmation"
PHONE = "0712345149"


@pytest.fixture
def database_url(tmp_path):
    """One database is enough here."""
    return f"sqlite:///{tmp_path}/books.db"


@pytest.fixture
def receiver():
    """A real HTTP server that alerts are sent to."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            server.got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.got = []
    server.url = f"json://somebody:hush@127.0.0.1:{server.server_address[1]}/alerts"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def within(seconds, holds):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


def test_one_event_is_one_line_without_phones_secrets_or_forgery(serve, callback):
    listener = serve(env={"KELLY_WEBHOOK_TOKEN": "s3cret-Token_1-of-many-letters"})
    forged = f'{PHONE}\n{{"event": "forged"}}\r\u2028\x1b[31m\u202e'
    path = f"/hooks/s3cret-Token_1-of-many-letters{CONFIRM}"
    for body in (callback("RAA0000001", reference=forged), callback(forged), b"\xff\x00\n\n"):
        assert listener.post(path, body).status == 200
    assert listener.post(f"/hooks/wrong{CONFIRM}", b"{}").status == 404
    assert listener.stop() == 0
    lines = listener.err.splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert [each for each in events if each != "alert"] == [
        "started",
        "callback",
        "callback",
        "callback",
        "refused",
        "stopped",
    ]
    assert all(list(json.loads(line))[:3] == ["at", "level", "event"] for line in lines)
    assert "2547*****149" in listener.err
    for hidden in (PHONE, "s3cret", "JANE", "\x1b", "\u202e"):
        assert hidden not in listener.err


@pytest.mark.slow
def test_trouble_is_an_alert_without_personal_data(serve, callback, receiver):
    listener = serve(env={"KELLY_ALERTS_URLS": receiver.url})
    listener.post(CONFIRM, callback("RAA0000001", reference=PHONE))
    listener.post(CONFIRM, callback("RAA0000001", reference=PHONE, amount="11"))
    assert within(20, lambda: len(receiver.got) == 2)
    listener.post(CONFIRM, b"{}")
    assert listener.stop() == 0
    assert {each["title"] for each in receiver.got} == {
        "kelly: 1 failed",
        "kelly: 1 in conflict",
    }
    sent = json.dumps(receiver.got)
    for hidden in (PHONE, "12345149", "JANE", "RAA0000001"):
        assert hidden not in sent
    assert "hush" not in listener.err + listener.out


@pytest.mark.slow
def test_a_black_hole_of_a_channel_costs_callbacks_nothing(serve, flood):
    def slowest(listener):
        flooding = flood(listener, connections=8, each=100)
        assert flooding.statuses == {200: 800}
        return listener.metric("kelly_ack_seconds_sum") / listener.metric("kelly_ack_seconds_count")

    without = slowest(serve())
    with socket.create_server(("127.0.0.1", 0)) as hole:
        url = f"json://127.0.0.1:{hole.getsockname()[1]}"
        listener = serve(env={"KELLY_ALERTS_URLS": f"{url},{url}/2", "KELLY_DATABASE_URL": "b2.db"})
        with_hole = slowest(listener)
        assert within(20, lambda: any(each["event"] == "alert" for each in listener.log))
        began = time.monotonic()
        assert listener.stop() == 0
        assert time.monotonic() - began < 5
    print(f"\nack without {without * 1000:.1f} ms, beside a black hole {with_hole * 1000:.1f} ms")
    assert with_hole < 5 * without + 0.05


def ask(path, method, target, body=None):
    """Send one request through a unix socket; return its status."""
    with (
        socket.socket(socket.AF_UNIX) as plain,
        contextlib.closing(http.client.HTTPConnection("localhost")) as connection,
    ):
        plain.settimeout(10)
        plain.connect(str(path))
        connection.sock = plain
        connection.request(method, target, body)
        return connection.getresponse().status


def start(program, environ, tmp_path, *options, **more):
    return program.start(
        *("webhook", "serve", "--json", *options),
        env={**environ, "KELLY_DATABASE_URL": f"{tmp_path}/books.db"},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **more,
    )


def test_a_unix_socket_serves_and_is_replaced_after_a_crash(environ, tmp_path, callback, program):
    path = tmp_path / "kelly.sock"
    for receipt, number in (("RAA0000001", signal.SIGKILL), ("RAA0000002", signal.SIGTERM)):
        process = start(program, environ, tmp_path, "--uds", str(path))
        try:
            assert within(15, lambda: healthy(path))
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
            assert ask(path, "POST", CONFIRM, callback(receipt)) == 200
            assert ask(path, "GET", "/metrics") == 200
        finally:
            process.send_signal(number)
            code = process.wait(12)
    assert code == 0
    assert not path.exists()


def healthy(path):
    with contextlib.suppress(OSError):
        return ask(path, "GET", "/healthz") == 200
    return False


def test_a_socket_that_was_opened_before_serves_those_who_knocked_early(
    environ, tmp_path, callback, program
):
    with socket.create_server(("127.0.0.1", 0)) as opened:
        port = opened.getsockname()[1]
        early = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        early.request("POST", CONFIRM, callback("RAA0000001"))
        os.set_inheritable(opened.fileno(), True)
        process = start(program, environ, tmp_path, "--fd", str(opened.fileno()), close_fds=False)
    try:
        assert early.getresponse().status == 200
    finally:
        early.close()
        process.terminate()
        assert process.wait(12) == 0
