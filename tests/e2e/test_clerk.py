"""The listener and the process that has its books open: either may die, and no money with it."""

import os
import signal
import subprocess
import time

import pytest

CONFIRM = "/c2b/confirmation"


def rows(database, sql):
    with database.reading() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql).fetchall()]


def clerks(listener):
    found = subprocess.run(
        ["pgrep", "-P", str(listener.process.pid)], capture_output=True, text=True
    ).stdout
    return [int(each) for each in found.split()]


def within(seconds, holds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return False


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_a_clerk_that_is_killed_under_load_costs_no_answer_and_no_money(serve, database, flood):
    listener = serve()

    def kill():
        for pid in clerks(listener):
            os.kill(pid, signal.SIGKILL)

    first = clerks(listener)
    flooding = flood(listener, connections=16, each=120, during=0.3, then=kill)
    assert flooding.statuses == {200: 16 * 120}
    assert within(15, lambda: rows(database, "SELECT count(*) FROM payments") == [(16 * 120,)])
    assert within(5, lambda: listener.metric("kelly_spool_callbacks") == 0)
    assert rows(database, "SELECT count(*) FROM webhook_logs") == [(16 * 120,)]
    assert clerks(listener) != first
    assert listener.stop() == 0
    said = [each["message"] for each in listener.log if each["event"] == "notice"]
    assert any("by signal SIGKILL" in each for each in said)
    assert "Traceback" not in listener.err


def test_a_listener_that_is_killed_leaves_no_clerk_behind(serve, callback):
    listener = serve()
    assert listener.post(CONFIRM, callback("RAA0000001")).status == 200
    (clerk,) = clerks(listener)
    listener.process.kill()
    listener.process.wait()
    assert within(5, lambda: not is_alive(clerk))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_its_processes_ends_it_in_order(serve, database, callback, number):
    listener = serve()
    assert listener.post(CONFIRM, callback("RAA0000001")).status == 200
    (clerk,) = clerks(listener)
    for pid in (clerk, listener.process.pid):
        os.kill(pid, number)
    assert listener.process.wait(10) == 0
    assert within(5, lambda: not is_alive(clerk))
    assert rows(database, "SELECT count(*) FROM payments") == [(1,)]


@pytest.mark.slow
def test_a_clerk_that_stands_still_is_done_without(serve, database, callback):
    listener = serve()
    assert listener.post(CONFIRM, callback("RAA0000001")).status == 200
    (clerk,) = clerks(listener)
    os.kill(clerk, signal.SIGSTOP)
    try:
        for n in range(2, 7):
            began_s = time.monotonic()
            assert listener.post(CONFIRM, callback(f"RAA000000{n}")).status == 200
            assert time.monotonic() - began_s < 5
        assert listener.ask("GET", "/healthz").status == 200
    finally:
        os.kill(clerk, signal.SIGCONT)
    assert within(10, lambda: rows(database, "SELECT count(*) FROM payments") == [(6,)])
    assert rows(database, "SELECT count(*) FROM webhook_logs") == [(6,)]
    assert listener.stop() == 0
