"""Validation by policy over HTTP: answered in time from the books, whatever the writer does."""

import json
import time

import pytest

VALID = {"ResultCode": "0", "ResultDesc": "Accepted"}
PATH = "/c2b/validation"


def rows(database, sql):
    with database.reading() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql).fetchall()]


def told(answer):
    assert answer.status == 200
    return json.loads(answer.body)


def rejected(code):
    return {"ResultCode": code, "ResultDesc": "Rejected"}


@pytest.fixture
def customer(database, hand):
    from kelly_cli.services.customers import create_customer

    return create_customer(database, hand, name="Ann")


def policy(name):
    return {"KELLY_WEBHOOK_VALIDATION": name}


def test_strict_rejects_what_would_find_no_place(serve, database, customer, callback):
    listener = serve(env=policy("strict"))
    assert told(listener.post(PATH, callback("RAA0000001", reference="CUST-001"))) == VALID
    answer = listener.post(PATH, callback("RAA0000002", reference="nobody"))
    assert answer.body == b'{"ResultCode": "C2B00012", "ResultDesc": "Rejected"}'
    foreign = callback("RAA0000003", reference="CUST-001", BusinessShortCode="600000")
    assert told(listener.post(PATH, foreign)) == rejected("C2B00015")
    assert told(listener.post(PATH, b"nonsense")) == rejected("C2B00016")
    listener.stop()
    kept = rows(database, "SELECT result_code, note IS NULL FROM validation_requests ORDER BY id")
    assert [row[0] for row in kept] == ["0", "C2B00012", "C2B00015", "C2B00016"]
    assert [bool(row[1]) for row in kept] == [True, False, False, False]
    assert rows(database, "SELECT count(*) FROM payments") == [(0,)]


def test_warn_accepts_and_marks(serve, database, customer, callback):
    listener = serve(env=policy("warn"))
    for reference in ("CUST-001", "nobody"):
        assert told(listener.post(PATH, callback("RAA0000001", reference=reference))) == VALID
    listener.stop()
    kept = rows(database, "SELECT result_code, note FROM validation_requests ORDER BY id")
    assert kept[0] == ("0", None)
    assert kept[1][0] == "0"
    assert kept[1][1].startswith("C2B00012 unknown_account")


def test_answers_come_in_time_while_the_database_is_held_trap_16(
    serve, database, customer, hold, callback
):
    listener = serve(env=policy("strict"))
    waits = []
    with hold():
        for number in range(20):
            listener.post("/c2b/confirmation", callback(f"RAA00000{number:02}"))
            began = time.monotonic()
            good = told(listener.post(PATH, callback("RVV0000001", reference="CUST-001")))
            bad = told(listener.post(PATH, callback("RVV0000002", reference="nobody")))
            waits.append((time.monotonic() - began) / 2)
            assert (good, bad) == (VALID, rejected("C2B00012"))
    assert max(waits) < 2


@pytest.mark.parametrize(("name", "answer"), [("warn", VALID), ("strict", rejected("C2B00016"))])
def test_without_the_books_the_policy_decides_trap_16(
    sqlite_serve, tmp_path, callback, name, answer
):
    path = tmp_path / "books.db"
    listener = sqlite_serve(path, env=policy(name))
    path.rename(tmp_path / "kept.db")
    began = time.monotonic()
    # A connection that is open still reads the file that was taken away: a new one is what counts.
    got = [told(listener.post(PATH, callback("RAA0000001", reference="x"))) for _ in range(3)]
    assert got[-1] == answer
    assert time.monotonic() - began < 6
