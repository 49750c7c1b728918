"""The clerk's process: what it is started with, and what ends it."""

import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from types import MappingProxyType

import pytest

from kelly_cli.listener import clerk_process, wire

CLERK = """
import os, sys
from kelly_cli.listener import wire
from kelly_cli.listener.clerk_process import begun

def run(end, begin):
    end.send(wire.READY, repr(begin), os.getpid(), sorted(os.listdir("/proc/self/fd")), sys.path)
    while not end.is_cut:
        for word, *facts in end.receive(None):
            end.send(wire.SAID, word)

begun(int(sys.argv[1]), run)
"""


@pytest.fixture
def process(tmp_path, monkeypatch):
    (tmp_path / "a_clerk_of_a_test.py").write_text(CLERK)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    started = clerk_process.Process(
        "a_clerk_of_a_test", {"fixed": MappingProxyType({"a": 1}), "text": "ĩ" * 100_000}
    )
    yield started
    started.end.close()
    started._process.kill()
    started._process.wait()


def heard(end):
    found = []
    while not (found or end.is_cut):
        found = list(end.receive(20))
    return found


def test_it_gets_what_it_is_started_with_and_finds_the_same_modules(process):
    (ready,) = heard(wire.Wire(process.end))
    begin, path = ready[1], ready[4]
    assert begin == repr({"fixed": MappingProxyType({"a": 1}), "text": "ĩ" * 100_000})
    assert [place for place in sys.path if place in path] == sys.path


def test_it_holds_no_socket_of_the_listener_but_its_own(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        os.set_inheritable(listening.fileno(), True)
        (tmp_path / "a_clerk_of_a_test.py").write_text(CLERK)
        monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
        started = clerk_process.Process("a_clerk_of_a_test", None)
        (ready,) = heard(wire.Wire(started.end))
        assert len(ready[3]) <= 5
        assert str(listening.fileno()) not in ready[3][3:]
        started.end.close()
        assert started.leave() == "with code 0"


def test_signals_for_the_listener_do_not_end_it_and_the_closed_wire_does(process):
    end = wire.Wire(process.end)
    heard(end)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(process._process.pid, number)
    end.send(wire.STOP)
    assert heard(end) == [(wire.SAID, wire.STOP)]
    process.end.close()
    assert process.leave() == "with code 0"


def test_one_that_hangs_is_killed_and_its_end_is_told(process):
    heard(wire.Wire(process.end))
    os.kill(process._process.pid, signal.SIGSTOP)
    began_s = time.monotonic()
    assert process.leave() == "by signal SIGKILL"
    assert time.monotonic() - began_s < 5


def test_no_secret_stands_on_its_command_line(process):
    heard(wire.Wire(process.end))
    words = subprocess.run(
        ["ps", "-o", "args=", "-p", str(process._process.pid)], capture_output=True, text=True
    ).stdout
    assert "ĩ" not in words
    assert len(words.split()) == 5


def test_a_whole_configuration_goes_over(tmp_path):
    from kelly_cli.config import load

    environ = {"MPESA_CONSUMER_SECRET": "s3cret-of-a-test", "HOME": str(tmp_path)}
    config = load(config_file=None, db=f"{tmp_path}/books.db", environ=environ, cwd=tmp_path)
    again = pickle.loads(pickle.dumps(config))
    assert again == config
    secret = again.mpesa.credentials("").consumer_secret
    assert secret.reveal() == "s3cret-of-a-test"
