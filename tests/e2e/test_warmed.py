"""What a test starts with ``program`` says, leaves and dies as what a user starts does."""

import os
import pty
import signal
import subprocess
from contextlib import contextmanager
from select import select

import pytest


@pytest.fixture
def database_url(tmp_path):
    """One database is enough here."""
    return f"sqlite:///{tmp_path}/books.db"


LINES = {
    "the version": ("--version",),
    "help": ("customer", "--help"),
    "no words": (),
    "a wrong word": ("customer", "creat"),
    "a document": ("customer", "show", "CUST-001", "--json"),
}


@pytest.fixture
def both(program, environ, database_url, tmp_path):
    """Both ways to start, on the same books, and what all of their processes share."""
    given = {"env": {**environ, "KELLY_DATABASE_URL": database_url}, "cwd": tmp_path}
    program.run("customer", "create", "Mũthoni & Söhne", **given).check_returncode()
    return program.start, program.start_cold, given


def told(start, words, given, stdin=None):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with start(*words, **pipes, **given) as process:
        out, err = process.communicate(stdin, timeout=60)
    return process.returncode, out, err


def assert_same(both, words, **environ):
    warm, cold, given = both
    given = {**given, "env": {**given["env"], **environ}}
    found = told(warm, words, given)
    assert found == told(cold, words, given)
    return found


@pytest.mark.parametrize("words", LINES.values(), ids=LINES)
def test_it_says_the_same(both, words):
    assert_same(both, words)


@pytest.mark.parametrize(
    "environ",
    [
        {"KELLY_BUSINESS_NAME": "Duka la Wanjikũ", "KELLY_WEBHOOK_PORT": "4567"},
        {"TZ": "America/New_York", "COLUMNS": "40", "NO_COLOR": "1", "KELLY_DEBUG": "1"},
    ],
    ids=["settings", "the screen's"],
)
def test_its_environment_counts(both, environ):
    code, out, _ = assert_same(both, ("config", "list"), **environ)
    assert code == 0
    assert environ.get("KELLY_BUSINESS_NAME", "").encode() in out


@pytest.mark.parametrize("environ", [{"PYTHONIOENCODING": "ascii:replace"}, {"LC_ALL": "C"}])
def test_what_the_interpreter_reads_needs_a_new_one(both, environ):
    warm, _, given = both
    process = warm("--version", env={**given["env"], **environ}, stdout=subprocess.PIPE)
    assert type(process) is subprocess.Popen
    assert process.communicate(timeout=60)[0].startswith(b"kelly ")


def test_it_reads_what_is_piped_in(both):
    body = b'{"TransID": "QGK12XYZ91", "TransAmount": "x"}'
    found = []
    for number, start in enumerate(both[:2]):
        own = {**both[2]["env"], "KELLY_DATABASE_URL": f"{number}.db"}
        found.append(told(start, ("webhook", "ingest", "-"), {**both[2], "env": own}, body))
    assert found[0] == found[1]
    assert found[0][0] == 3


def on_a_terminal(start, words, given):
    """Return the exit code of a command on a terminal, and what is on it then."""
    ours, theirs = pty.openpty()
    environ = {**given["env"], "TERM": "xterm-256color", "COLUMNS": "60"}
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), theirs)
    process = start(*words, **{**given, "env": environ}, **streams)
    code, said = process.wait(60), b""
    while select([ours], [], [], 0)[0]:
        said += os.read(ours, 65536)
    os.close(ours)
    os.close(theirs)
    return code, said


def test_it_draws_the_same_on_a_terminal(both):
    warm, cold, given = both
    words = ("customer", "list")
    drawn = on_a_terminal(warm, words, given)
    assert drawn == on_a_terminal(cold, words, given)
    assert b"\x1b[" in drawn[1]


def test_a_reader_who_is_gone_and_a_full_disk_end_it_the_same(both):
    warm, cold, given = both

    def ends(start, where):
        with start("customer", "list", stdout=where, stderr=subprocess.PIPE, **given) as process:
            return process.communicate(timeout=60)[1], process.returncode

    def gone(start):
        reader, writer = os.pipe()
        os.close(reader)
        found = ends(start, writer)
        os.close(writer)
        return found

    with open("/dev/full", "wb") as full:
        assert gone(warm) == gone(cold)
        assert ends(warm, full) == ends(cold, full)


@contextmanager
def watching(start, given):
    pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    with start("webhook", "tail", **pipes, **given) as process:
        try:
            assert process.stderr.readline().startswith(b"Watching")
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_the_same(both, number):
    found = []
    for start in both[:2]:
        with watching(start, both[2]) as process:
            assert os.getpgid(process.pid) == os.getpgid(0)
            assert process.poll() is None
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.01)
            process.send_signal(number)
            found.append((process.wait(20), process.stderr.read(), process.stdout.read()))
            process.send_signal(number)
    assert found[0] == found[1]


def test_each_is_a_process_of_its_own(both):
    warm, _, given = both
    with watching(warm, given) as first, watching(warm, given) as second:
        assert len({first.pid, second.pid, os.getpid()}) == 3
        first.terminate()
        assert first.wait(20) == 0
        assert second.poll() is None


def test_what_else_a_start_may_ask_for_is_had_by_a_real_one(program, environ):
    process = program.start("--version", env=environ, stdout=subprocess.PIPE, process_group=0)
    assert type(process) is subprocess.Popen
    assert process.communicate(timeout=60)[0].startswith(b"kelly ")
