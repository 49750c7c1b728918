"""While the database is away every callback is kept, and booked once when it is back."""

import json
import time

import pytest

CONFIRM = "/c2b/confirmation"
DELIVERIES = "SELECT count(*), count(DISTINCT delivery_id) FROM webhook_logs"


def rows(database, sql):
    with database.reading() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql).fetchall()]


def receipts(database):
    return sorted(row[0] for row in rows(database, "SELECT mpesa_receipt_number FROM payments"))


def within(seconds, holds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def spool_env(tmp_path):
    return {"XDG_DATA_HOME": str(tmp_path / "data")}


@pytest.fixture
def say(environ, database_url, tmp_path, spool_env, program):
    """Run ``kelly ARGUMENTS... --json`` to its end; give its document."""

    def run(*arguments, url=database_url):
        ran = program.run(
            *(*arguments, "--json"),
            env={**environ, **spool_env, "KELLY_DATABASE_URL": url},
            cwd=tmp_path,
            text=True,
        )
        assert ran.stdout, ran.stderr
        return json.loads(ran.stdout)

    return run


@pytest.mark.slow
def test_a_locked_database_costs_no_callback_and_gets_each_once(
    serve, database, hold, callback, say, spool_env
):
    listener = serve(env=spool_env)
    assert listener.post(CONFIRM, callback("RAA0000001")).status == 200
    with hold():
        for number in range(2, 8):
            began = time.monotonic()
            assert listener.post(CONFIRM, callback(f"RAA000000{number}")).status == 200
            assert time.monotonic() - began < 3
        assert listener.ask("GET", "/healthz").status == 200
        assert say("report", "daily")["spool"]["waiting"] == 6
        assert rows(database, "SELECT count(*) FROM payments") == [(1,)]
    assert within(5, lambda: len(receipts(database)) == 7)
    assert receipts(database) == [f"RAA000000{number}" for number in range(1, 8)]
    assert rows(database, DELIVERIES) == [(7, 7)]
    assert within(5, lambda: say("report", "daily")["spool"]["waiting"] == 0)
    assert listener.stop() == 0
    assert "Traceback" not in listener.err


@pytest.mark.slow
def test_a_spool_that_a_killed_listener_left_is_drained_at_the_start(
    serve, database, hold, callback, spool_env
):
    listener = serve(env=spool_env)
    with hold():
        assert listener.post(CONFIRM, callback("RAA0000001")).status == 200
        listener.process.kill()
        listener.process.wait()
    assert receipts(database) == []
    serve(env=spool_env)
    assert within(5, lambda: receipts(database) == ["RAA0000001"])


@pytest.mark.slow
def test_reprocess_drains_the_spool_first(serve, database, hold, callback, say, spool_env):
    listener = serve(env=spool_env)
    with hold():
        for number in range(3):
            assert listener.post(CONFIRM, callback(f"RAA000000{number}")).status == 200
        listener.process.kill()
        listener.process.wait()
    rehearsed = say("reprocess", "--dry-run")
    assert rehearsed["spool"]["waiting"] == 3
    assert receipts(database) == []
    assert say("reprocess")["drained"] == 3
    assert len(receipts(database)) == 3
    assert say("reprocess")["drained"] == 0
    assert rows(database, DELIVERIES) == [(3, 3)]


@pytest.mark.slow
def test_two_listeners_and_a_reprocess_drain_without_doubling(
    serve, database, hold, callback, say, spool_env
):
    both = [serve(env=spool_env), serve(env=spool_env)]
    with hold():
        for number in range(20):
            listener = both[number % 2]
            assert listener.post(CONFIRM, callback(f"RAA00000{number:02}")).status == 200
    say("reprocess")
    assert within(8, lambda: len(receipts(database)) == 20)
    assert rows(database, DELIVERIES) == [(20, 20)]


@pytest.mark.parametrize("damage", ["removed", "replaced", "overwritten"])
def test_a_database_that_was_taken_away_costs_no_callback(
    sqlite_serve, tmp_path, callback, say, damage
):
    path = tmp_path / "books.db"
    listener = sqlite_serve(path)
    assert listener.post(CONFIRM, callback("RAA0000001")).status == 200
    kept = tmp_path / "kept.db"
    if damage == "overwritten":
        kept.write_bytes(path.read_bytes())
        path.write_bytes(b"this is no database")
    else:
        path.rename(kept)
    if damage == "replaced":
        path.write_bytes(kept.read_bytes())
    assert listener.post(CONFIRM, callback("RAA0000002")).status == 200
    assert listener.ask("GET", "/healthz").status == 200
    listener.stop()
    assert "the database" in listener.err
    assert (tmp_path / "books.db.spool").is_dir()


@pytest.mark.slow
def test_a_start_without_the_books_that_were_there_keeps_callbacks_and_makes_no_others(
    sqlite_serve, tmp_path, callback, say
):
    path = tmp_path / "books.db"
    listener = sqlite_serve(path)
    assert listener.post(CONFIRM, callback("RAA0000001")).status == 200
    assert listener.stop() == 0
    path.rename(tmp_path / "kept.db")
    listener = sqlite_serve(path)
    assert listener.post(CONFIRM, callback("RAA0000002")).status == 200
    assert not path.exists()
    assert "the database is away" in listener.err
    (tmp_path / "kept.db").rename(path)
    url = f"sqlite:///{path}"
    assert within(8, lambda: len(say("payment", "list", url=url)) == 2)


def test_a_damaged_database_at_the_start_is_left_as_it_is(sqlite_serve, tmp_path, callback):
    path = tmp_path / "books.db"
    path.write_bytes(b"x" * 8192)
    listener = sqlite_serve(path)
    assert listener.post(CONFIRM, callback("RAA0000001")).status == 200
    assert listener.stop() == 0
    assert "damaged" in listener.err
    assert path.read_bytes() == b"x" * 8192


def test_when_neither_keeps_it_the_answer_is_503(sqlite_serve, tmp_path, callback):
    path = tmp_path / "books.db"
    listener = sqlite_serve(path)
    assert listener.post(CONFIRM, callback("RAA0000001")).status == 200
    path.rename(tmp_path / "kept.db")
    spool = tmp_path / "books.db.spool"
    spool.rename(tmp_path / "elsewhere")
    began = time.monotonic()
    answer = listener.post(CONFIRM, callback("RAA0000002"))
    assert (answer.status, answer.body) == (503, b"{}")
    assert answer.headers["retry-after"]
    assert time.monotonic() - began < 5
    assert listener.ask("GET", "/healthz").status == 503
