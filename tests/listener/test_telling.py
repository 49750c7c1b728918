"""The teller: lines in their order, and nothing it writes to can hold up or break callbacks."""

import threading
import time
from datetime import UTC, datetime

import pytest

from kelly_cli.listener import telling
from kelly_cli.listener.telling import Teller
from kelly_cli.services.serving import Happened

AT = datetime(2026, 2, 3, 12, tzinfo=UTC)


def happened(*rows):
    return [Happened(AT, "processed", f"R{row}", 100, "booked", row, None) for row in rows]


def teller(out, err, ready=lambda: None):
    return Teller(ready=ready, line=lambda each: f"log {each.log_id}", out=out, err=err)


def test_lines_come_in_their_order_after_the_ready_line():
    said, complaints = [], []
    telling_it = teller(said.append, complaints.append, ready=lambda: said.append("ready\n"))
    telling_it.tell(happened(1, 2))
    telling_it.start()
    telling_it.tell(happened(3))
    telling_it.complain("watch out")
    telling_it.stop(timeout_s=5)
    assert said == ["ready\n", "log 1\nlog 2\n", "log 3\n"]
    assert complaints == ["watch out"]


def test_the_same_complaint_is_said_once_a_while(monkeypatch):
    complaints = []
    telling_it = teller(print, complaints.append)
    for _ in range(100):
        telling_it.complain("busy")
        telling_it.complain("full")
    monkeypatch.setattr(telling, "QUIET_S", 0.0)
    telling_it.complain("busy")
    telling_it.start()
    telling_it.stop(timeout_s=5)
    assert complaints == ["busy", "full", "busy"]


def test_what_it_remembers_is_bounded():
    telling_it = teller(print, print)
    for number in range(1000):
        telling_it.complain(f"complaint {number}")
    assert len(telling_it._said) <= 100


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "No space left on device")])
def test_a_stream_that_is_gone_is_passed_over_in_silence(error):
    complaints = []

    def broken(_text):
        raise error

    def not_ready():
        raise error

    telling_it = teller(broken, complaints.append, ready=not_ready)
    telling_it.start()
    telling_it.tell(happened(1))
    telling_it.complain("still here")
    telling_it.stop(timeout_s=5)
    assert complaints == ["still here"]


def test_when_nobody_reads_lines_are_dropped_and_counted(monkeypatch):
    monkeypatch.setattr(telling, "MOST_WAITING", 10)
    nobody_reads = threading.Event()
    said, complaints = [], []

    def out(text):
        nobody_reads.wait(10)
        said.append(text)

    telling_it = teller(out, complaints.append)
    telling_it.start()
    telling_it.tell(happened(0))
    began = time.monotonic()
    for row in range(1, 1000):
        telling_it.tell(happened(row))
    telling_it.stop(timeout_s=0.05)
    assert time.monotonic() - began < 5
    nobody_reads.set()
    telling_it.stop(timeout_s=5)
    dropped = 1000 - len(said)
    assert dropped > 900
    assert complaints == [f"Warning: {dropped} callbacks were kept without a line"]
