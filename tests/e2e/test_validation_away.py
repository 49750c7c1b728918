"""Validation while the books hang: answered in time, bounded in memory, and never at the cost of a
callback. What waited in memory at a kill is gone: it was no money."""

import contextlib
import json
import select
import socket
import sqlite3
import statistics
import threading
import time
from urllib.parse import urlsplit

import pytest

VALID = {"ResultCode": "0", "ResultDesc": "Accepted"}
REFUSED = {"ResultCode": "C2B00016", "ResultDesc": "Rejected"}
PATH, CONFIRM = "/c2b/validation", "/c2b/confirmation"
BOTH = [("warn", VALID), ("strict", REFUSED)]


class FrozenProxy:
    """A relay to PostgreSQL that can fall silent: connections stay open, nothing moves."""

    def __init__(self, url):
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port or 5432)
        self._listening = socket.create_server(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        user = f"{parts.username}@" if parts.username else ""
        self.url = parts._replace(netloc=f"{user}127.0.0.1:{port}").geturl()
        self._moves = threading.Event()
        self._moves.set()
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self):
        self._moves.clear()

    def thaw(self):
        self._moves.set()

    def close(self):
        self.thaw()
        for each in (self._listening, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(self._target)
                self._open += [near, far]
                threading.Thread(target=self._relay, args=(near, far), daemon=True).start()

    def _relay(self, near, far):
        with contextlib.suppress(OSError, ValueError):
            while True:
                readable, _, _ = select.select([near, far], [], [], 0.5)
                for each in readable:
                    self._moves.wait()
                    data = each.recv(65536)
                    if not data:
                        near.close()
                        far.close()
                        return
                    (far if each is near else near).sendall(data)


def within(seconds, holds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return False


def count(database, table):
    with database.reading() as connection:
        return connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()


def ask_many(listener, body, *, senders, each):
    """Ask from many connections at once; give the answers and how long each took."""
    answers, waits = [], []

    def run():
        with contextlib.closing(listener.client()) as connection:
            for _ in range(each):
                began = time.monotonic()
                connection.request("POST", PATH, body)
                answer = connection.getresponse()
                answers.append((answer.status, answer.read()))
                waits.append(time.monotonic() - began)

    threads = [threading.Thread(target=run) for _ in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {(status, raw) for status, raw in answers}, sorted(waits)


def p99(waits):
    return waits[min(len(waits) - 1, int(len(waits) * 0.99))]


@pytest.fixture
def away_env(tmp_path):
    return {"XDG_DATA_HOME": str(tmp_path / "data")}


@pytest.fixture
def proxy(database_url):
    relay = FrozenProxy(database_url)
    yield relay
    relay.close()


@pytest.fixture
def customer(database, hand):
    from kelly_cli.services.customers import create_customer

    return create_customer(database, hand, name="Ann")


def test_while_the_database_is_busy_p99_is_under_two_seconds(
    serve, database, customer, hold, callback, away_env
):
    listener = serve(env={"KELLY_WEBHOOK_VALIDATION": "strict", **away_env})
    with hold():
        assert listener.post(CONFIRM, callback("RAA0000001")).status == 200
        body = callback("RVV0000001", reference="CUST-001")
        answers, waits = ask_many(listener, body, senders=16, each=20)
    print(f"\n{len(waits)} asked: p50 {statistics.median(waits):.3f} s, p99 {p99(waits):.3f} s")
    assert {raw for _, raw in answers} == {json.dumps(VALID).encode()}
    assert p99(waits) < 2
    assert within(10, lambda: count(database, "validation_requests") == len(waits))


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("policy", "answer"), BOTH)
def test_a_server_that_never_answers_costs_no_callback_and_the_policy_decides(
    start, database, proxy, callback, away_env, policy, answer
):
    listener = start(proxy.url, env={"KELLY_WEBHOOK_VALIDATION": policy, **away_env})
    assert listener.post(CONFIRM, callback("RAA0000001")).status == 200
    proxy.freeze()
    answers, waits = ask_many(listener, callback("RVV0000001"), senders=24, each=2)
    print(f"\n{policy}: {len(waits)} asked, p99 {p99(waits):.3f} s")
    assert [(status, json.loads(raw)) for status, raw in answers] == [(200, answer)]
    assert p99(waits) < 2
    for number in range(2, 6):
        assert listener.post(CONFIRM, callback(f"RAA000000{number}")).status == 200
    assert listener.ask("GET", "/healthz").status == 200
    proxy.thaw()
    assert within(15, lambda: count(database, "payments") == 5)
    assert within(15, lambda: count(database, "validation_requests") == 48)


@pytest.mark.parametrize(("policy", "answer"), BOTH)
def test_a_file_that_another_program_holds_for_itself(
    sqlite_serve, tmp_path, callback, policy, answer
):
    path = tmp_path / "books.db"
    assert sqlite_serve(path).stop() == 0
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        # Not even readers are let in: the log's index is kept in the other program's memory.
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        listener = sqlite_serve(path, env={"KELLY_WEBHOOK_VALIDATION": policy})
        answers, waits = ask_many(listener, callback("RVV0000001"), senders=16, each=2)
        assert [(status, json.loads(raw)) for status, raw in answers] == [(200, answer)]
        assert p99(waits) < 2
        assert listener.post(CONFIRM, callback("RAA0000001")).status == 200
        other.execute("COMMIT")
    assert within(10, lambda: listener.metric("kelly_spool_callbacks") == 0)
    assert listener.stop() == 0


def test_a_flood_of_validations_in_an_outage_is_bounded_and_answered(
    serve, database, hold, callback, away_env
):
    listener = serve(env=away_env)
    listener.post(PATH, callback("RVV0000001"))

    def resident_mib():
        return listener.metric("process_resident_memory_bytes") / 2**20

    before = resident_mib()
    large = callback("RVV0000002", FirstName="x" * 60_000)
    with hold():
        answers, waits = ask_many(listener, large, senders=8, each=60)
        grown = resident_mib() - before
        assert listener.metric("kelly_validations_not_kept_total") > 300
        assert listener.post(CONFIRM, callback("RAA0000001")).status == 200
    print(f"\n{len(waits)} of 60 kB: memory grew by {grown:.0f} MiB, p99 {p99(waits):.3f} s")
    assert {raw for _, raw in answers} == {json.dumps(VALID).encode()}
    assert p99(waits) < 2
    assert grown < 60
    assert within(10, lambda: 100 < count(database, "validation_requests") < 180)


def test_kill_9_in_an_outage_loses_what_was_asked_and_no_money(
    serve, database, hold, callback, away_env
):
    listener = serve(env=away_env)
    with hold():
        assert listener.post(PATH, callback("RVV0000001")).status == 200
        assert listener.post(CONFIRM, callback("RAA0000001")).status == 200
        listener.process.kill()
        listener.process.wait()
    serve(env=away_env)
    assert within(8, lambda: count(database, "payments") == 1)
    assert count(database, "validation_requests") == 0
