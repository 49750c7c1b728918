"""`kelly dashboard` over real sockets: one address, this machine alone, and live."""

import contextlib
import http.client
import json
import re
import select
import signal
import socket
import subprocess
import time

import pytest

from kelly_cli.services.inbox import Delivery


class Dashboard:
    """A running dashboard."""

    def __init__(self, program, environ, cwd, *options):
        self.process = program.start(
            *("dashboard", "--json", *options),
            env=environ,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.url = json.loads(self.process.stdout.readline())["url"]
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)(/[\w-]{22,}/)", self.url)
        self.port, self.path = int(found[1]), found[2]

    def ask(self, path=None, method="GET", **headers):
        given = {"Host": f"127.0.0.1:{self.port}", **headers}
        with contextlib.closing(self.connect()) as asking:
            asking.putrequest(method, path or self.path, skip_host=True)
            for name, value in given.items():
                asking.putheader(name, value)
            asking.endheaders()
            answer = asking.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, told, answer.read().decode()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def stream(self):
        """Open the live stream; return its socket, past its head."""
        opened = socket.create_connection(("127.0.0.1", self.port), timeout=15)
        host = f"Host: 127.0.0.1:{self.port}\r\n"
        opened.sendall(f"GET {self.path}live HTTP/1.1\r\n{host}\r\n".encode())
        return opened

    def end(self, number):
        self.process.send_signal(number)
        code = self.process.wait(10)
        return code, self.process.stderr.read().decode()

    def clean_up(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture
def start_dashboard(environ, database_url, tmp_path, program):
    started = []

    def run(*options):
        whole = {**environ, "KELLY_DATABASE_URL": database_url}
        started.append(Dashboard(program, whole, tmp_path, *options))
        return started[-1]

    yield run
    for each in started:
        each.clean_up()


@pytest.fixture
def take(inbox, callback):
    def run(receipt, amount="10"):
        body = callback(receipt, amount)
        inbox.take([Delivery(body, "confirmation", "test", f"d-{receipt}")])

    return run


def heard_until(streams, text, *, within_s):
    """Read all streams until each has said the text; return those that have not."""
    silent, said = set(streams), dict.fromkeys(streams, b"")
    end = time.monotonic() + within_s
    while silent and (left := end - time.monotonic()) > 0:
        for each in select.select(list(silent), [], [], left)[0]:
            data = each.recv(65536)
            said[each] += data
            if text in said[each] or not data:
                silent.discard(each)
    return silent


def test_the_page_is_there_at_its_address_and_nothing_at_any_other(database, start_dashboard):
    page = start_dashboard()
    status, headers, text = page.ask()
    assert status == 200
    assert "Money today" in text
    assert headers["cache-control"] == "no-store"
    assert "set-cookie" not in headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "server" not in headers
    wrong = ["/", page.path[:-1], page.path + "x", page.path[:-3] + "AA/", "/favicon.ico"]
    wrong += [page.path + "live/", page.path.upper(), page.path + "?code=1&x=2", "//" + page.path]
    for path in wrong:
        told = page.ask(path)
        assert (told[0], told[2]) == (404, ""), path


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "0.0.0.0", "", "[::1]"]
)
def test_a_name_that_a_stranger_pointed_here_finds_nothing(database, start_dashboard, host):
    page = start_dashboard()
    told = page.ask(Host=host)
    assert told[0] in {400, 404}
    assert told[2] in {"", "Invalid HTTP request received."}
    for own in ("localhost", "[::1]", "LOCALHOST"):
        assert page.ask(Host=f"{own}:{page.port}")[0] == 200


def test_it_can_only_be_read(database, start_dashboard):
    page = start_dashboard()
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        status, headers, text = page.ask(method=method)
        assert (status, headers["allow"], text) == (405, "GET, HEAD", "")
    assert page.ask("/", method="POST")[0] == 404


def test_it_listens_on_loopback_alone(database, start_dashboard):
    page = start_dashboard()
    others = {
        each[4][0]
        for each in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
        if not each[4][0].startswith("127.")
    }
    for other in others:
        with pytest.raises(OSError):
            socket.create_connection((other, page.port), timeout=2)


def test_each_run_has_an_address_of_its_own(database, start_dashboard):
    first, second = start_dashboard(), start_dashboard()
    assert first.path != second.path
    assert second.ask(first.path)[0] == 404


def test_fifty_tabs_see_a_payment_within_two_seconds(database, start_dashboard, take):
    page = start_dashboard()
    with contextlib.ExitStack() as opened:
        streams = [opened.enter_context(page.stream()) for _ in range(50)]
        assert heard_until(streams, b"nothing else waits", within_s=10) == set()
        began = time.monotonic()
        take("QGK12XYZ91", "77")
        assert heard_until(streams, b"</span> 77.00</p>", within_s=10) == set()
        assert time.monotonic() - began < 2
        # An end in order, with all of them open.
        code, err = page.end(signal.SIGTERM)
    assert (code, err) == (0, "")


def test_more_streams_than_it_keeps_are_refused_and_the_page_still_comes(database, start_dashboard):
    page = start_dashboard()
    with contextlib.ExitStack() as opened:
        streams = [opened.enter_context(page.stream()) for _ in range(100)]
        assert heard_until(streams, b"retry", within_s=15) == set()
        status, headers, _ = page.ask(page.path + "live")
        assert (status, headers["retry-after"]) == (503, "5")
        assert page.ask()[0] == 200
    assert page.end(signal.SIGINT) == (0, "")


def test_a_stream_that_nobody_reads_holds_up_nobody(database, start_dashboard, take):
    page = start_dashboard()
    with page.stream() as deaf, page.stream() as other:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        take("QGK12XYZ91", "77")
        assert heard_until([other], b"</span> 77.00</p>", within_s=5) == set()


def test_a_database_that_is_not_there_is_told_and_heals(
    environ, tmp_path, start_dashboard, request, program
):
    if "sqlite" not in request.node.name:
        pytest.skip("a file that is not there")
    page = start_dashboard()
    with page.stream() as stream:
        assert heard_until([stream], b"No database at", within_s=10) == set()
        environ = {**environ, "KELLY_DATABASE_URL": f"sqlite:///{tmp_path}/books.db"}
        program.run("customer", "create", "Ann", env=environ).check_returncode()
        assert heard_until([stream], b"Money today", within_s=5) == set()


def test_a_database_that_is_held_is_told_and_heals(database, start_dashboard):
    if not database.is_sqlite:
        pytest.skip("an exclusive lock on a file")
    import sqlite3

    database.close()
    other = sqlite3.connect(database.path, isolation_level=None)
    with contextlib.closing(other):
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        page = start_dashboard()
        with page.stream() as stream:
            assert heard_until([stream], b"Another program holds", within_s=10) == set()
            other.execute("ROLLBACK")
            other.close()
            assert heard_until([stream], b"Money today", within_s=8) == set()


def test_a_file_that_is_replaced_is_opened_anew(database, start_dashboard, take, tmp_path):
    if not database.is_sqlite:
        pytest.skip("a file that is replaced")
    page = start_dashboard()
    with page.stream() as stream:
        assert heard_until([stream], b"Money today", within_s=10) == set()
        database.close()
        (tmp_path / "books.db").rename(tmp_path / "away.db")
        assert heard_until([stream], b"No database at", within_s=5) == set()
        (tmp_path / "away.db").rename(tmp_path / "books.db")
        take("QGK12XYZ91", "77")
        assert heard_until([stream], b"</span> 77.00</p>", within_s=5) == set()


def test_one_short_code_can_be_looked_at(database, start_dashboard, take):
    page = start_dashboard()
    take("QGK12XYZ91", "77")
    assert "77.00" in page.ask(page.path + "?code=174379")[2]
    assert "none of our" not in page.ask(page.path + "?code=174379")[2]
    assert "not one of our short codes" in page.ask(page.path + "?code=999999")[2]
