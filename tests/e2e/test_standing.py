"""Damaged, replaced and restored books under a listener: nothing is written into what is no longer
sound, every callback is kept, and all goes on by itself when the right books stand there again."""

import json
import shutil
import sqlite3
import time
from contextlib import closing

import pytest

pytestmark = pytest.mark.long

CONFIRM = "/c2b/confirmation"


def within(seconds, holds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def path(tmp_path):
    return tmp_path / "books.db"


@pytest.fixture
def say(environ, path, tmp_path, program):
    """Run ``kelly ARGUMENTS...`` on the books to its end."""

    def run(*arguments):
        return program.run(
            *arguments,
            env={**environ, "KELLY_DATABASE_URL": f"sqlite:///{path}"},
            cwd=tmp_path,
            text=True,
        )

    return run


@pytest.fixture
def listed(path):
    """The receipts in the books."""

    def receipts():
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as books:
                found = books.execute("SELECT mpesa_receipt_number FROM payments ORDER BY 1")
                return [row[0] for row in found]
        except sqlite3.Error:
            return None

    return receipts


@pytest.fixture
def backed_up(say, sqlite_serve, path, callback, tmp_path):
    """A backup that holds the customer and the first receipt; the books hold a second one."""
    assert say("customer", "create", "Ann").returncode == 0
    listener = sqlite_serve(path)
    assert listener.post(CONFIRM, callback("RAA0000001")).status == 200
    file = tmp_path / "good.db"
    assert say("db", "backup", file).returncode == 0
    assert listener.stop() == 0
    return file


def break_pages(path):
    """Overwrite the inner pages of the books, from the third on."""
    with closing(sqlite3.connect(path)) as books:
        books.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        size = books.execute("PRAGMA page_size").fetchone()[0]
    data = bytearray(path.read_bytes())
    for page in range(3, len(data) // size):
        data[page * size : page * size + 16] = b"\xff" * 16
    path.write_bytes(data)


def test_damage_is_noticed_at_the_start_and_nothing_is_written_into_it(
    sqlite_serve, backed_up, path, callback, say, listed
):
    break_pages(path)
    before = path.read_bytes()
    listener = sqlite_serve(path)
    assert listener.post(CONFIRM, callback("RAA0000002")).status == 200
    health = listener.ask("GET", "/healthz")
    assert (health.status, json.loads(health.body)["database"]) == (200, "away")
    assert within(15, lambda: any(each.get("kind") == "away" for each in listener.log))
    assert listener.metric("kelly_database_away_seconds") >= 10
    assert path.read_bytes() == before
    restored = say("db", "restore", backed_up, "--yes")
    assert restored.returncode == 0, restored.stderr
    assert within(10, lambda: listed() == ["RAA0000001", "RAA0000002"])
    assert listener.post(CONFIRM, callback("RAA0000003")).status == 200
    assert within(5, lambda: listener.metric("kelly_database_away_seconds") == 0)
    assert json.loads(listener.ask("GET", "/healthz").body) == {"status": "ok"}
    assert within(5, lambda: len(listed() or ()) == 3)
    assert listener.stop() == 0
    assert "is damaged" in listener.err
    assert "Traceback" not in listener.err
    assert json.loads(say("db", "check", "--json").stdout)["ok"]


def test_damage_beneath_a_running_listener_costs_no_callback(
    sqlite_serve, backed_up, path, callback, say, listed
):
    listener = sqlite_serve(path)
    assert listener.post(CONFIRM, callback("RAA0000002")).status == 200
    break_pages(path)
    for number in range(3, 7):
        assert listener.post(CONFIRM, callback(f"RAA000000{number}")).status == 200
    assert say("db", "restore", backed_up, "--yes").returncode == 0
    told = [f"RAA000000{number}" for number in range(3, 7)]
    assert within(10, lambda: set(told) <= set(listed() or ()))
    assert listener.stop() == 0


@pytest.mark.parametrize("way", ["restore", "copy", "put back"])
def test_books_that_were_gone_are_taken_up_again_when_they_are_back(
    sqlite_serve, backed_up, path, callback, say, listed, tmp_path, way
):
    listener = sqlite_serve(path)
    path.rename(tmp_path / "gone.db")
    assert listener.post(CONFIRM, callback("RAA0000002")).status == 200
    if way == "restore":
        ran = say("db", "restore", backed_up, "--yes")
        assert ran.returncode == 0, ran.stderr
    elif way == "copy":
        shutil.copy(backed_up, tmp_path / "new.db")
        (tmp_path / "new.db").rename(path)
    else:
        (tmp_path / "gone.db").rename(path)
    assert within(10, lambda: listed() == ["RAA0000001", "RAA0000002"])
    assert listener.post(CONFIRM, callback("RAA0000003")).status == 200
    assert within(5, lambda: len(listed() or ()) == 3)
    assert listener.stop() == 0
    assert json.loads(say("db", "check", "--json").stdout)["ok"]
    assert json.loads(say("report", "daily", "--json").stdout)["spool"]["waiting"] == 0


@pytest.mark.parametrize("state", ["running", "started without"])
def test_other_books_are_left_alone(
    sqlite_serve, backed_up, path, callback, say, listed, tmp_path, state
):
    if state == "running":
        listener = sqlite_serve(path)
        path.rename(tmp_path / "gone.db")
    else:
        path.rename(tmp_path / "gone.db")
        listener = sqlite_serve(path)
    assert listener.post(CONFIRM, callback("RAA0000002")).status == 200
    assert say("customer", "create", "Bob").returncode == 0
    assert listener.post(CONFIRM, callback("RAA0000003")).status == 200
    time.sleep(2)
    assert listed() == []
    assert "holds other books" in listener.err
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    (tmp_path / "gone.db").rename(path)
    assert within(10, lambda: listed() == ["RAA0000001", "RAA0000002", "RAA0000003"])
    assert listener.stop() == 0


def test_a_person_who_starts_it_on_other_books_is_believed(
    sqlite_serve, backed_up, path, callback, say, listed, tmp_path
):
    path.rename(tmp_path / "gone.db")
    assert say("customer", "create", "Bob").returncode == 0
    listener = sqlite_serve(path)
    assert listener.post(CONFIRM, callback("RAA0000002")).status == 200
    assert within(5, lambda: listed() == ["RAA0000002"])


def test_strict_judges_by_the_books_that_stand_there_now(
    sqlite_serve, backed_up, path, callback, tmp_path
):
    listener = sqlite_serve(path, env={"KELLY_WEBHOOK_VALIDATION": "strict"})

    def code():
        body = callback("RVV0000001", reference="CUST-001")
        return json.loads(listener.post("/c2b/validation", body).body)["ResultCode"]

    assert code() == "0"
    path.rename(tmp_path / "gone.db")
    assert within(3, lambda: code() == "C2B00016")
    (tmp_path / "gone.db").rename(path)
    assert within(5, lambda: code() == "0")
