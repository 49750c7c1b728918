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


FORKING = """
import os, signal, socket, sys, time
from kelly_cli.listener import wire
from kelly_cli.listener.clerk_process import Fork, can_fork

def run(end, begin):
    print("nobody reads this", flush=True)
    end.send(wire.READY, begin, os.getpid(), sorted(os.listdir("/proc/self/fd")), os.getsid(0))
    while not end.is_cut:
        for word, *facts in end.receive(None):
            if word == wire.DRAIN:
                raise RuntimeError("a bug of the clerk's")
            end.send(wire.SAID, word)

assert can_fork()
listening = socket.create_server(("127.0.0.1", 0))
forked = Fork(run, [1, "ĩ"])
end = wire.Wire(forked.end)
((word, begin, pid, files, session),) = end.receive(20)
assert begin == [1, "ĩ"] and session == pid != os.getpid(), (begin, session, pid)
assert len(files) <= 5, files
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    os.kill(pid, number)
end.send(wire.STOP)
assert list(end.receive(20)) == [(wire.SAID, wire.STOP)]
if sys.argv[1] == "closed":
    forked.end.close()
elif sys.argv[1] == "killed":
    os.kill(pid, signal.SIGKILL)
elif sys.argv[1] == "hung":
    os.kill(pid, signal.SIGSTOP)
else:
    end.send(wire.DRAIN)
    time.sleep(0.2)
print(forked.leave(), forked.leave())
"""


@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("closed", "with code 0"),
        ("killed", "by signal SIGKILL"),
        ("hung", "by signal SIGKILL"),
        ("broken", "with code 1"),
    ],
)
def test_a_fork_holds_nothing_of_the_listener_and_ends_with_its_wire(tmp_path, what, how):
    script = tmp_path / "forking.py"
    script.write_text(FORKING, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, str(script), what],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.stdout, ran.stderr) == (f"{how} {how}\n", "")


def test_whoever_has_threads_does_not_fork():
    import threading

    over = threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    try:
        assert not clerk_process.can_fork()
    finally:
        over.set()
        other.join()
