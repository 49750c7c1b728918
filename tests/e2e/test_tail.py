"""`kelly webhook tail` as a process of its own: what other processes take in comes as lines."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time

import pytest

from kelly_cli.core.spooled import Record
from kelly_cli.services.inbox import Delivery
from kelly_cli.store.spool import Spool


class Tail:
    """A running tail."""

    def __init__(self, program, environ, cwd, *options):
        self.process = program.start(
            *("webhook", "tail", *options),
            env=environ,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._lines, self.err = queue.SimpleQueue(), ""
        self._threads = [
            threading.Thread(target=self._read_out, daemon=True),
            threading.Thread(target=self._read_err, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read_out(self):
        with contextlib.suppress(ValueError, OSError):
            for line in self.process.stdout:
                self._lines.put(line.decode().rstrip("\n"))

    def _read_err(self):
        with contextlib.suppress(ValueError, OSError):
            for line in self.process.stderr:
                self.err += line.decode()

    def line(self):
        return self._lines.get(timeout=15)

    def nothing_more(self, seconds=1.2):
        with pytest.raises(queue.Empty):
            self._lines.get(timeout=seconds)

    def says(self, text):
        end = time.monotonic() + 15
        while text not in self.err and time.monotonic() < end:
            time.sleep(0.05)
        return text in self.err

    def end(self, number):
        self.process.send_signal(number)
        code = self.process.wait(10)
        for thread in self._threads:
            thread.join(5)
        return code

    def clean_up(self):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()


@pytest.fixture
def tail(environ, database, database_url, tmp_path, program):
    started = []

    def run(*options):
        whole = {**environ, "KELLY_DATABASE_URL": database_url}
        started.append(Tail(program, whole, tmp_path, *options))
        return started[-1]

    yield run
    for each in started:
        each.clean_up()


@pytest.fixture
def take(inbox, callback):
    """Take a callback in from this process."""

    def run(receipt, amount="10", reference="nobody", **changes):
        body = callback(receipt, amount, reference, **changes)
        inbox.take([Delivery(body, "confirmation", "test", f"d-{receipt}-{time.monotonic_ns()}")])

    return run


def test_what_came_and_what_comes_is_a_line_each(tail, take):
    take("QGK12XYZ91")
    watched = tail("--json")
    first = json.loads(watched.line())
    assert json.loads(watched.line())["event"] == "ready"
    assert (first["trans_id"], first["amount"], first["outcome"], first["bill_ref_number"]) == (
        "QGK12XYZ91",
        "10.00",
        "unmatched",
        "nobody",
    )
    assert set(first) >= {"at", "kind", "source", "log_id", "error", "short_code"}
    take("QGK12XYZ92", "20")
    take("QGK12XYZ92", "20")
    assert [json.loads(watched.line())["outcome"] for _ in range(2)] == ["unmatched", "duplicate"]
    watched.nothing_more()
    assert watched.end(signal.SIGINT) == 130
    assert watched.err == ""


def test_for_people_a_line_has_time_outcome_receipt_amount_and_reference(tail, take):
    watched = tail("-n", "0")
    assert watched.says("Watching")
    take("QGK12XYZ91", "1234.5", "CUST\x1b[31m")
    line = watched.line()
    assert "\x1b" not in line
    cells = line.split("\t")
    assert cells[1:4] == ["unmatched", "QGK12XYZ91", "1,234.50"]
    assert watched.end(signal.SIGTERM) == 0


def test_lines_of_a_failed_body_say_why(tail, take):
    take("QGK12XYZ91", "-5")
    told = json.loads(tail("--json").line())
    assert (told["outcome"], told["amount"]) == ("failed", None)
    assert "TransAmount" in told["error"]


def test_it_begins_with_as_many_as_asked_or_since_a_moment(tail, take):
    for number in range(5):
        take(f"QGK12XYZ9{number}")
    few = tail("-n", "2", "--json")
    assert [json.loads(few.line())["trans_id"][-1] for _ in range(2)] == ["3", "4"]
    since = tail("--since", "2026-02-03T14:00", "--json")
    assert [json.loads(since.line())["trans_id"][-1] for _ in range(5)] == list("01234")
    later = tail("--since", "2026-02-03T15:00:01", "--json")
    assert json.loads(later.line())["event"] == "ready"
    take("QGK12XYZ99")
    assert json.loads(later.line())["trans_id"] == "QGK12XYZ99"


def test_a_reader_who_goes_ends_it_quietly(environ, database, database_url, take, tmp_path):
    take("QGK12XYZ91")
    ours, theirs = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-m", "kelly_cli", "webhook", "tail"],
        env={**environ, "KELLY_DATABASE_URL": database_url},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(theirs)
        try:
            assert b"QGK12XYZ91" in os.read(ours, 4096)
            # It is at its work by now: only a wait is left to be ended.
            process.stderr.readline()
        finally:
            os.close(ours)
        assert process.wait(10) == 1
        assert b"Error" not in process.stderr.read()


def test_what_waits_in_the_spool_is_told(tail, tmp_path, database, callback):
    if not database.is_sqlite:
        pytest.skip("where the spool of a server lies is tested elsewhere")
    from datetime import UTC, datetime

    watched = tail("--json", "-n", "0")
    assert json.loads(watched.line())["event"] == "ready"
    spool = Spool(tmp_path / "books.db.spool")
    spool.prepare()
    spool.append([Record("d1", "confirmation", datetime.now(UTC), callback("QGK12XYZ91"))])
    assert json.loads(watched.line()) == {"event": "spool", "waiting": 1}


def test_a_database_that_goes_away_is_waited_for(tail, take, database, tmp_path):
    if not database.is_sqlite:
        pytest.skip("a file that is moved away")
    watched = tail("--json", "-n", "0")
    assert json.loads(watched.line())["event"] == "ready"
    take("QGK12XYZ91")
    watched.line()
    (tmp_path / "books.db").rename(tmp_path / "away.db")
    assert watched.says("looking again")
    (tmp_path / "away.db").rename(tmp_path / "books.db")
    assert watched.says("can be read again")
    take("QGK12XYZ92")
    assert json.loads(watched.line())["trans_id"] == "QGK12XYZ92"
