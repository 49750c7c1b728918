"""A real nginx with TLS in front, made from the block that `kelly webhook service` prints."""

import contextlib
import http.client
import re
import shutil
import socket
import ssl
import subprocess
import time

import pytest

from kelly_cli.commands.service_files import Place, nginx

CONFIRM = "/c2b/confirmation"
NGINX, OPENSSL = shutil.which("nginx"), shutil.which("openssl")
SAFARICOM, STRANGER = "127.0.0.2", "127.0.0.3"

pytestmark = pytest.mark.skipif(not (NGINX and OPENSSL), reason="no nginx or no openssl")


class Front:
    """nginx before a listener on a unix socket."""

    def __init__(self, port, certificate, books):
        self.port, self.books = port, books
        self.tls = ssl.create_default_context(cafile=certificate)

    def connect(self, source=SAFARICOM):
        plain = socket.create_connection(("127.0.0.1", self.port), 15, (source, 0))
        try:
            return self.tls.wrap_socket(plain, server_hostname="localhost")
        except OSError:
            plain.close()
            raise

    def ask(self, method, path, body=None, headers=None, source=SAFARICOM):
        with (
            self.connect(source) as secure,
            contextlib.closing(http.client.HTTPConnection("localhost")) as connection,
        ):
            connection.sock = secure
            connection.request(method, path, body, headers or {})
            return connection.getresponse().status

    def count(self, table):
        import sqlite3

        with contextlib.closing(sqlite3.connect(self.books)) as connection:
            return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def configured(folder, port):
    """The printed block on a high port, with certificate, socket and timeouts of the test."""
    place = Place("kelly", "kelly", None, "localhost", 65536)
    block = nginx(place)
    for old, new in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        (place.socket, f"{folder}/kelly.sock"),
        ("/etc/letsencrypt/live/localhost/fullchain.pem", f"{folder}/cert.pem"),
        ("/etc/letsencrypt/live/localhost/privkey.pem", f"{folder}/key.pem"),
        ("client_header_timeout 10s;", "client_header_timeout 2s;"),
        ("client_body_timeout 10s;", "client_body_timeout 2s;"),
    ):
        assert old in block
        block = block.replace(old, new)
    temporary = "".join(
        f"    {name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        if name in {"client_body", "proxy"} or _has(name)
    )
    return (
        f"daemon off;\nuser root;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\n{temporary}{block}}}\n"
    )


def _has(name):
    told = subprocess.run([NGINX, "-V"], capture_output=True, text=True).stderr
    return f"--without-http_{name}_module" not in told


@pytest.fixture
def front(tmp_path, environ, program):
    """Start both; the certificate is the test's own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    certificate = tmp_path / "cert.pem"
    subprocess.run(
        [OPENSSL, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        + ["-keyout", tmp_path / "key.pem", "-out", certificate],
        check=True,
        capture_output=True,
    )
    text = configured(tmp_path, port)
    if __import__("os").geteuid() != 0:
        text = text.replace("user root;\n", "")
    (tmp_path / "nginx.conf").write_text(text)
    books = tmp_path / "books.db"
    listener = program.start(
        *("webhook", "serve", "--json", "--uds", tmp_path / "kelly.sock"),
        env={
            **environ,
            "KELLY_DATABASE_URL": f"sqlite:///{books}",
            "KELLY_WEBHOOK_ALLOWED_IPS": SAFARICOM,
            "KELLY_WEBHOOK_TRUSTED_PROXIES": "127.0.0.1",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    proxy = subprocess.Popen(
        [NGINX, "-p", tmp_path, "-c", tmp_path / "nginx.conf"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        made = Front(port, certificate, books)
        until_healthy(made)
        yield made
    finally:
        for process in (proxy, listener):
            process.terminate()
            process.wait(15)


def until_healthy(front):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if front.ask("GET", "/healthz") == 200:
                return
        time.sleep(0.1)
    raise AssertionError("nginx and the listener did not come up")


def test_the_senders_address_arrives_and_cannot_be_forged(front, callback):
    assert front.ask("POST", CONFIRM, callback("RAA0000001")) == 200
    assert front.ask("POST", CONFIRM, callback("RAA0000002"), source=STRANGER) == 403
    forged = {"X-Forwarded-For": SAFARICOM, "X-Real-IP": SAFARICOM, "Forwarded": f"for={SAFARICOM}"}
    assert front.ask("POST", CONFIRM, callback("RAA0000003"), forged, STRANGER) == 403
    assert front.ask("POST", CONFIRM, callback("RAA0000004"), {"X-Forwarded-For": STRANGER}) == 200
    assert front.count("payments") == 2


def test_metrics_do_not_go_through_it(front):
    assert front.ask("GET", "/metrics") == 404
    assert front.ask("GET", "/healthz", source=STRANGER) == 200


def test_limits_hold(front, callback):
    assert front.ask("POST", CONFIRM, b"x" * 65_536) == 200
    assert front.ask("POST", CONFIRM, b"x" * 65_537) == 413
    with front.connect() as raw:
        raw.sendall(b"POST /c2b/confirmation HTTP/1.1\r\nHost: localhost\r\n")
        raw.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(5):
                raw.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        assert re.match(rb"HTTP/1.1 413 ", raw.recv(1000))
    assert front.ask("POST", CONFIRM, callback("RAA0000001"), {"X-Long": "x" * 40_000}) == 400
    assert front.ask("GET", CONFIRM) == 405
    assert front.ask("POST", "/c2b/confirmation/", callback("RAA0000001")) == 404
    assert front.count("webhook_logs") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "half",
    [
        b"POST /c2b/confirmation HTTP/1.1\r\nHost: loc",
        b"POST /c2b/confirmation HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
    ],
    ids=["headers", "body"],
)
def test_a_slow_request_ends_and_is_never_processed(front, half):
    began = time.monotonic()
    with front.connect() as raw:
        raw.sendall(half)
        answer = raw.recv(1000)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")
    assert 1 < time.monotonic() - began < 8
    assert front.count("webhook_logs") == 0
