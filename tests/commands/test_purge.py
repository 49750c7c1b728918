"""kelly db purge: people go, the money keeps its proofs, and the books stay sound."""

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

PEOPLE = ("254712345678", "712345678", "JANE", "WANJIKU", "254708374149", "0733000111")
FEW = "QGK12XYZ9"


@pytest.fixture
def set_aside(database_url):
    """Set a body aside in the quarantine, long ago."""

    def run(raw):
        from kelly_cli.store import quarantine_rows
        from kelly_cli.store.database import Database
        from kelly_cli.store.quarantine_rows import NewQuarantined

        database = Database(database_url)
        row = NewQuarantined("192.0.2.1", "/c2b/confirmation", "confirmation", "x", True, None, raw)
        with database.writing() as connection:
            quarantine_rows.add(connection, [row], datetime(2018, 2, 4, tzinfo=UTC))
        database.close()

    return run


@pytest.fixture
def books(kelly, tmp_path, set_aside):
    """Payments of every kind, all of them old once ``age`` was called."""

    def body(receipt, amount, reference, **changes):
        fields = {
            "TransID": receipt,
            "TransTime": "20180203143022",
            "TransAmount": amount,
            "BusinessShortCode": "174379",
            "BillRefNumber": reference,
            "MSISDN": "254712345678",
            "FirstName": "JANE",
            "LastName": "WANJIKU",
        }
        return json.dumps({**fields, **changes})

    items = [
        {"Name": "Amount", "Value": 30},
        {"Name": "MpesaReceiptNumber", "Value": f"{FEW}6"},
        {"Name": "TransactionDate", "Value": 20180203143022},
        {"Name": "PhoneNumber", "Value": 254708374149},
    ]
    prompt = {"CheckoutRequestID": "ws_CO_1", "ResultCode": 0, "CallbackMetadata": {"Item": items}}
    lines = [
        body(f"{FEW}1", "10.00", "CUST-001"),
        body(f"{FEW}1", "10.00", "CUST-001"),
        body(f"{FEW}1", "11.00", "CUST-001"),
        body(f"{FEW}2", "20.00", "0733000111"),
        body(f"{FEW}3", "20.00", "+254 733 000 111"),
        body(f"{FEW}4", "abc", "CUST-001"),
        "JANE WANJIKU 0712345678 paid",
        json.dumps({"Body": {"stkCallback": prompt}}),
        body(f"{FEW}6", "30.00", "0733000111"),
    ]
    (tmp_path / "old.jsonl").write_text("\n".join(lines))
    asked = body(f"{FEW}7", "10.00", "0733000111")
    assert kelly("customer", "create", "Ann", "--phone", "0733000111").code == 0
    assert kelly("webhook", "ingest", tmp_path / "old.jsonl").code == 3
    assert kelly("webhook", "ingest", "-", "--kind", "validation", stdin=asked).code == 0
    set_aside(asked.encode())
    return kelly


@pytest.fixture
def age(database_url):
    """Make everything that stands in the books ten years old, but for the newest payments."""

    def run(*, but_payments_after=10**9):
        from kelly_cli.store.database import Database

        database = Database(database_url)
        with database.writing() as connection:
            for table in ("webhook_logs", "validation_requests", "payments"):
                where = f" WHERE id <= {but_payments_after}" if table == "payments" else ""
                connection.exec_driver_sql(
                    f"UPDATE {table} SET created_at = '2018-02-04 06:00:00.000000'{where}"
                )
        database.close()

    return run


@pytest.fixture
def held(database_url):
    """All that stands where people were, as one text."""

    def run():
        from kelly_cli.store.database import Database

        database = Database(database_url)
        with database.reading() as connection:
            rows = [
                connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY id").all()
                for table in ("payments", "webhook_logs", "validation_requests", "quarantine")
            ]
        database.close()
        return str(rows)

    return run


def people_in(text):
    return [word for word in PEOPLE if word in text]


def test_people_go_and_the_books_stay_sound(books, age, held):
    age()
    assert books("db", "check").code == 0
    before = {
        each["mpesa_receipt_number"]: each for each in books("payment", "list", "--json").json
    }
    assert people_in(held()) == list(PEOPLE)

    ran = books("db", "purge", "--older-than", "7y", "--yes", "--json")
    assert ran.code == 0, ran.err
    assert ran.json == {
        "before": ran.json["before"],
        "payments": 4,
        "logs": 9,
        "validations": 1,
        "quarantined": 1,
        "prompts": 0,
        "aliases": 0,
        "movements": 0,
        "requests": 0,
        "reminders": 0,
        "dry_run": False,
    }
    assert people_in(held()) == []
    checked = books("db", "check", "--json")
    assert checked.json["violations"] == []

    after = books("payment", "list", "--json").json
    assert {each["mpesa_receipt_number"] for each in after} == before.keys()
    for each in after:
        known = before[each["mpesa_receipt_number"]]
        kept = ("status", "amount", "transaction_date", "short_code", "allocations", "customer_id")
        assert [each[key] for key in kept] == [known[key] for key in kept]
        assert (each["msisdn"], each["payer_name"]) == (None, None)
    references = {each["mpesa_receipt_number"]: each["bill_ref_number"] for each in after}
    assert references[f"{FEW}1"] == "CUST-001"
    assert references[f"{FEW}2"] == references[f"{FEW}3"] == "2547•••••111"
    assert books("customer", "show", "CUST-001", "--json").json["phone"] == "254733000111"


def test_a_second_purge_finds_nothing(books, age, held):
    age()
    assert books("db", "purge", "--older-than", "7y", "--yes").code == 0
    stands = held()
    ran = books("db", "purge", "--older-than", "7y", "--json")
    assert (ran.code, ran.json["payments"], ran.json["logs"]) == (0, 0, 0)
    assert held() == stands


def test_what_is_younger_stays(books, held):
    assert books("db", "purge", "--older-than", "7y", "--yes").code == 0
    stands = held()
    assert people_in(stands) == list(PEOPLE)
    ran = books("db", "purge", "--older-than", "7y", "--json")
    assert (ran.code, ran.json["logs"], held()) == (0, 0, stands)


def test_an_old_log_of_a_younger_payment_waits_for_it(books, age, held):
    age(but_payments_after=1)
    assert books("db", "purge", "--older-than", "7y", "--yes").code == 0
    assert books("db", "check", "--json").json["violations"] == []
    assert "0733000111" in held()


def test_it_asks_first_and_can_be_tried_dry(books, age, held):
    age()
    stands = held()
    ran = books("db", "purge", "--older-than", "7y", "--json")
    assert (ran.code, ran.error["code"]) == (1, "confirmation_needed")
    ran = books("db", "purge", "--older-than", "7y", "--dry-run", "--json")
    assert (ran.code, ran.json["logs"], ran.json["dry_run"]) == (0, 9, True)
    assert held() == stands


def test_the_audit_knows(books, age, database_url):
    from kelly_cli.store.database import Database

    age()
    assert books("db", "purge", "--older-than", "400d", "--yes").code == 0
    database = Database(database_url)
    with database.writing() as connection:
        rows = connection.exec_driver_sql("SELECT action, after FROM audit ORDER BY id").all()
        assert rows[-1][0] == "db.purge"
        assert json.loads(rows[-1][1]).items() >= {"older_than": "400d", "logs": 9}.items()
        connection.exec_driver_sql("DELETE FROM audit WHERE action = 'db.purge'")
    database.close()
    broken = books("db", "check", "--json").json["violations"]
    assert {each["invariant"] for each in broken} == {"I-30"}


def test_what_is_left_of_a_callback_cannot_be_changed_unseen(books, age, database_url):
    from kelly_cli.store.database import Database

    age()
    assert books("db", "purge", "--older-than", "7y", "--yes").code == 0
    database = Database(database_url)
    with database.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE webhook_logs SET raw_payload = replace(raw_payload, '10.00', '19.00')"
        )
    database.close()
    broken = books("db", "check", "--json").json["violations"]
    assert {"I-09", "I-10"} <= {each["invariant"] for each in broken}


def test_a_repeat_after_the_purge_is_a_duplicate_and_purged_in_its_turn(books, age, held, tmp_path):
    age()
    assert books("db", "purge", "--older-than", "7y", "--yes").code == 0
    lines = (tmp_path / "old.jsonl").read_text().splitlines()
    ran = books("webhook", "ingest", "-", "--json", stdin="\n".join([lines[0], lines[7]]))
    assert ran.json["duplicates"] == 2
    assert books("db", "check", "--json").json["violations"] == []
    age()
    assert books("db", "purge", "--older-than", "7y", "--yes").code == 0
    assert people_in(held()) == []
    assert books("db", "check", "--json").json["violations"] == []


def test_nothing_of_it_is_left_in_the_file(books, age, database_url):
    if not database_url.startswith("sqlite"):
        pytest.skip("SQLite's file")
    age()
    assert books("db", "purge", "--older-than", "7y", "--yes").code == 0
    live = Path(database_url.removeprefix("sqlite:///"))
    with sqlite3.connect(live) as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    plain.close()
    assert people_in(live.read_bytes().decode("latin-1").replace("254733000111", "")) == []


def test_logs_say_that_they_were_purged(books, age):
    assert books("webhook", "show", "1", "--json").json["purged_at"] is None
    age()
    assert books("db", "purge", "--older-than", "7y", "--yes").code == 0
    assert books("webhook", "show", "1", "--json").json["purged_at"]


@pytest.mark.parametrize("age", ["7", "y", "0y", "7 years", "-1y", "9999y", "999999d", "99999m"])
def test_what_is_no_age_is_refused(kelly, age):
    ran = kelly("db", "purge", f"--older-than={age}", "--json")
    assert (ran.code, ran.error["code"]) == (2, "usage")


def test_a_reminder_keeps_its_debt_and_loses_its_words(books, database_url):
    from kelly_cli.store.database import Database

    database = Database(database_url)
    with database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO reminders (customer_id, channel, address, message, owed_cents, as_of, "
            "state, error, actor, created_at) SELECT id, 'sms', '254733000111', "
            "'Dear Ann, 500 is due', 50000, '2018-02-03', 'failed', 'no route to 254733000111', "
            "'x', '2018-02-04 06:00:00.000000' FROM customers"
        )
    for found in (1, 0):
        ran = books("db", "purge", "--older-than", "7y", "--yes", "--json")
        assert (ran.code, ran.json["reminders"]) == (0, found), ran.err
    with database.reading() as connection:
        row = connection.exec_driver_sql(
            "SELECT address, message, owed_cents, state, error FROM reminders"
        ).one()
    database.close()
    assert (row[0], row[2], row[3]) == (None, 50000, "failed")
    assert "Ann" not in row[1]
    assert "733000111" not in row[4]
