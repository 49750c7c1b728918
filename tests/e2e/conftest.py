"""A listener in a process of its own, and what tests do to it."""

import asyncio
import contextlib
import http.client
import json
import os
import queue
import socket
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def _callback(receipt, amount="10", reference="nobody", **changes):
    body = {
        "TransactionType": "Pay Bill",
        "TransID": receipt,
        "TransTime": "20260203143022",
        "TransAmount": amount,
        "BusinessShortCode": "174379",
        "BillRefNumber": reference,
        "MSISDN": "2547 ***** 149",
        "FirstName": "JANE",
    }
    return json.dumps({**body, **changes}).encode()


@pytest.fixture
def callback():
    """The bytes of a confirmation: ``callback(receipt, amount, reference)``."""
    return _callback


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def type(self):
        return self.headers.get("content-type")

    @property
    def without_date(self):
        kept = tuple((name, value) for name, value in self.headers.items() if name != "date")
        return self.status, kept, self.body


class Listener:
    """A running ``kelly webhook serve``."""

    def __init__(self, starts, environ, cwd, *, json_lines, reads):
        self.json_lines = json_lines
        self.process = starts(
            *("webhook", "serve", "--port", "0"),
            *(["--json"] if json_lines else []),
            env=environ,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.out = self.err = ""
        self._streams = {"out": queue.SimpleQueue(), "err": queue.SimpleQueue()}
        self._readers = [self._reader("err")]
        if reads:
            self._readers.append(self._reader("out"))
            self.port = self._port()
        else:
            self.port = int(json.loads(self.process.stdout.readline())["url"].rsplit(":", 1)[1])

    def _reader(self, name):
        stream = getattr(self.process, f"std{name}")

        def read():
            with contextlib.suppress(ValueError, OSError):
                for raw in stream:
                    line = raw.decode()
                    setattr(self, name, getattr(self, name) + line)
                    self._streams[name].put(line)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    def _port(self):
        if self.json_lines:
            ready = self.line()
            assert ready["event"] == "ready"
            return int(ready["url"].rsplit(":", 1)[1])
        self.greeting = self.err_line()
        return int(self.greeting.split("http://127.0.0.1:")[1].split()[0])

    def line(self):
        return json.loads(self.text_line())

    def text_line(self):
        return self._streams["out"].get(timeout=60).rstrip("\n")

    def err_line(self):
        return self._streams["err"].get(timeout=60).rstrip("\n")

    def client(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    def ask(self, method, path, body=None, headers=None):
        with contextlib.closing(self.client()) as connection:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())

    def post(self, path, body, headers=None):
        return self.ask("POST", path, body, headers)

    def metric(self, name):
        """The sum of all lines of that name that carry at least its labels."""
        name, _, labels = name.rstrip("}").partition("{")
        wanted, found = set(filter(None, labels.split(","))), []
        for line in self.ask("GET", "/metrics").body.decode().splitlines():
            told, _, value = line.rpartition(" ")
            told, _, labels = told.rstrip("}").partition("{")
            if told == name and wanted <= set(labels.split(",")):
                found.append(float(value))
        assert found, name
        return sum(found)

    @property
    def log(self):
        """Every event of the log so far."""
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]

    def eventually_200(self, path, body):
        return _within(15, lambda: self.post(path, body).status == 200)

    def healthy_within(self, seconds):
        return _within(seconds, lambda: self.ask("GET", "/healthz").status == 200)

    def close_stdout(self):
        self.process.stdout.close()

    def stop(self):
        """Ask it to end; return its exit code, with all that it said read."""
        self.process.terminate()
        code = self.process.wait(12)
        for reader in self._readers:
            reader.join(5)
        return code

    def clean_up(self):
        self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()


def _within(seconds, holds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def environ(tmp_path):
    """The environment of a process: nothing of this machine's configuration in it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("KELLY_", "MPESA_"))}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }


@pytest.fixture
def start(environ, tmp_path, program):
    """Start a listener on the books of a URL; ``cold``: its start counts too."""
    started = []

    def run(url, *, env=None, json_lines=True, reads=True, cold=False):
        whole = {**environ, "KELLY_DATABASE_URL": url, **(env or {})}
        starts = program.start_cold if cold else program.start
        started.append(Listener(starts, whole, tmp_path, json_lines=json_lines, reads=reads))
        return started[-1]

    yield run
    for listener in started:
        listener.clean_up()


@pytest.fixture
def serve(start, database_url):
    """Start a listener on this test's books, on either database."""
    return lambda **options: start(database_url, **options)


@pytest.fixture
def sqlite_serve(start):
    """Start a listener on a SQLite file."""
    return lambda path, **options: start(f"sqlite:///{path}", **options)


@pytest.fixture
def run_kelly(environ, database_url, tmp_path, program):
    """Start ``kelly ARGUMENTS...`` beside; give the process."""

    @contextlib.contextmanager
    def run(*arguments):
        process = program.start(
            *arguments,
            env={**environ, "KELLY_DATABASE_URL": database_url},
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    return run


@pytest.fixture
def hold(database):
    """Hold the write lock from outside, as another program does."""

    @contextlib.contextmanager
    def held():
        if database.is_sqlite:
            import sqlite3

            with contextlib.closing(sqlite3.connect(database.path, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                yield
                other.execute("ROLLBACK")
            return
        from kelly_cli.store.database import ADVISORY_KEYS

        with database.engine.connect() as other:
            other.exec_driver_sql(f"SELECT pg_advisory_lock({ADVISORY_KEYS})")
            yield
            other.exec_driver_sql(f"SELECT pg_advisory_unlock({ADVISORY_KEYS})")

    return held


@dataclass
class Flood:
    """What many senders at once were told."""

    statuses: Counter = field(default_factory=Counter)
    kept: set = field(default_factory=set)


@pytest.fixture
def flood():
    """Post distinct receipts over many connections; ``then`` is called after ``during`` seconds."""

    def run(listener, *, connections, each, during=None, then=None):
        told = Flood()

        async def sender(number):
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
                try:
                    for n in range(each):
                        receipt = f"RF{number:03}{n:06}"
                        await _exchange(reader, writer, receipt, told)
                finally:
                    writer.close()

        async def all_of_them():
            senders = [asyncio.create_task(sender(number)) for number in range(connections)]
            if then is not None:
                await asyncio.sleep(during)
                then()
            await asyncio.gather(*senders)

        asyncio.run(asyncio.wait_for(all_of_them(), 60))
        return told

    return run


async def _exchange(reader, writer, receipt, told):
    body = _callback(receipt)
    head = f"POST /c2b/confirmation HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    await reader.readexactly(length)
    status = int(answer.split(b" ")[1])
    told.statuses[status] += 1
    if status == 200:
        told.kept.add(receipt)


@pytest.fixture(scope="session")
def books():
    """The shop's day of tests/e2e/books.py: how to make it, and how to look at it."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("books", Path(__file__).parent / "books.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
