import signal
import threading
import time
from pathlib import Path

import pytest

from kelly_cli.errors import DatabaseBusyError, StorageError
from kelly_cli.store.turnstile import Turnstile

HOLD = """
    import sys, time
    from kelly_cli.store.turnstile import Turnstile
    with Turnstile(sys.argv[1]).passed(timeout_s=10):
        print("in", flush=True)
        time.sleep(float(sys.argv[2]))
"""
COUNT = """
    import sys
    from pathlib import Path
    from kelly_cli.store.turnstile import Turnstile
    turnstile, tally = Turnstile(sys.argv[1]), Path(sys.argv[2])
    for _ in range(200):
        with turnstile.passed(timeout_s=30):
            tally.write_text(str(int(tally.read_text()) + 1))
"""
BULK = """
    import sys, time
    from kelly_cli.store.database import Database
    database = Database(sys.argv[1])
    rows = [(f"B{n}", n) for n in range(5000)]
    number = 0
    print("in", flush=True)
    end = time.monotonic() + float(sys.argv[2])
    while time.monotonic() < end:
        with database.writing() as connection:
            number += 1
            connection.exec_driver_sql(
                "INSERT INTO counters (name, value) VALUES (?, ?)",
                [(f"{number}-{name}", value) for name, value in rows],
            )
    print(number)
"""


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "books.db")


def test_one_process_at_a_time_is_in(path, tmp_path, python, done):
    tally = tmp_path / "tally"
    tally.write_text("0")
    for process in [python(COUNT, path, tally) for _ in range(4)]:
        done(process)
    assert tally.read_text() == "800"


def test_one_thread_at_a_time_is_in(path):
    turnstile = Turnstile(path)
    inside = []
    most = []

    def work():
        for _ in range(20):
            with turnstile.passed(timeout_s=10):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    turnstile.close()
    assert most == [1] * 160


def test_who_waits_too_long_is_told(path, python):
    holder = python(HOLD, path, 60)
    assert holder.stdout.readline() == "in\n"
    turnstile = Turnstile(path)
    started = time.monotonic()
    with (
        pytest.raises(DatabaseBusyError, match=r"for 0\.2 s") as caught,
        turnstile.passed(timeout_s=0.2),
    ):
        pass
    turnstile.close()
    assert 0.2 <= time.monotonic() - started < 2
    assert caught.value.exit_code == 1
    assert caught.value.retryable


def test_a_waiting_thread_is_told_too(path):
    turnstile = Turnstile(path)
    refused = []

    def wait():
        try:
            with turnstile.passed(timeout_s=0.1):
                pass
        except DatabaseBusyError as error:
            refused.append(error.code)

    with turnstile.passed(timeout_s=1):
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
    turnstile.close()
    assert refused == ["database_busy"]


def test_a_killed_holder_frees_it(path, python):
    holder = python(HOLD, path, 60)
    assert holder.stdout.readline() == "in\n"
    holder.send_signal(signal.SIGKILL)
    turnstile = Turnstile(path)
    with turnstile.passed(timeout_s=5):
        pass
    turnstile.close()


def test_an_error_inside_frees_it(path):
    turnstile = Turnstile(path)
    with pytest.raises(ZeroDivisionError), turnstile.passed(timeout_s=1):
        raise ZeroDivisionError
    with turnstile.passed(timeout_s=0.1):
        pass
    turnstile.close()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_linked_name_meets_at_the_same_turnstile(kind, tmp_path, python):
    (tmp_path / "real").mkdir()
    real = tmp_path / "real" / "books.db"
    real.touch()
    if kind == "file":
        linked = tmp_path / "link.db"
        linked.symlink_to(real)
    else:
        (tmp_path / "linked").symlink_to(tmp_path / "real")
        linked = tmp_path / "linked" / "books.db"
    holder = python(HOLD, real, 60)
    assert holder.stdout.readline() == "in\n"
    turnstile = Turnstile(str(linked))
    with pytest.raises(DatabaseBusyError), turnstile.passed(timeout_s=0.1):
        pass
    turnstile.close()


def test_a_lock_file_that_cannot_be_made_is_told(tmp_path):
    turnstile = Turnstile(str(tmp_path / "nowhere" / "books.db"))
    with (
        pytest.raises(StorageError, match="cannot open the lock file"),
        turnstile.passed(timeout_s=1),
    ):
        pass


def test_the_lock_files_are_for_their_owner_only(path):
    turnstile = Turnstile(path)
    with turnstile.passed(timeout_s=1):
        pass
    turnstile.close()
    assert {Path(f"{path}.{end}").stat().st_mode & 0o777 for end in ("turn", "lock")} == {0o600}


@pytest.mark.slow
def test_a_small_writer_does_not_starve_beside_a_bulk_one(database, database_url, python):
    if not database.is_sqlite:
        pytest.skip("PostgreSQL's advisory lock has its own queue")
    bulk = python(BULK, database_url, 3)
    assert bulk.stdout.readline() == "in\n"
    waits = []
    while bulk.poll() is None:
        started = time.monotonic()
        with database.writing() as connection:
            connection.exec_driver_sql(
                "INSERT INTO counters (name, value) VALUES (?, 1)", (f"small {len(waits)}",)
            )
        waits.append(time.monotonic() - started)
        time.sleep(0.005)
    assert int(bulk.stdout.read()) > 3
    assert len(waits) > 10
    assert max(waits) < 0.5
