"""db check: silent on healthy books, and every single corruption is caught by its name."""

import importlib.util
import os
import re
import shutil
import sqlite3
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.errors import StorageError
from kelly_cli.services import checking
from kelly_cli.store import inbox_rows
from kelly_cli.store.audit_rows import record_audit
from kelly_cli.store.checks import CHECKS, run_checks
from kelly_cli.store.checks.shape import MOST_LISTED, Check
from kelly_cli.store.database import Database
from kelly_cli.store.schema import open_for_writing


def load(name):
    """Import a file beside this one."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


Story = load("checks_story").Story
KINDS = load("checks_corruptions")
ASKED = load("checks_corruptions_asked").ASKED
CORRUPTIONS = [
    *KINDS.CORRUPTIONS,
    *map(KINDS.read, ASKED.strip().split("\n\n")),
    *map(KINDS.read, load("checks_corruptions_office").CORRUPTIONS),
]
ON_POSTGRES = [each for each in CORRUPTIONS if each.on_postgres]
NOW = datetime(2026, 2, 3, 12, tzinfo=UTC)
POSTGRES_URL = os.environ.get("KELLY_TEST_POSTGRES_URL", "")
STRIPPED = [
    ("payments", "uq_payments_mpesa_receipt_number"),
    ("payments", "ck_payments_amount"),
    ("payments", "fk_payments_customer_id_customers"),
    ("invoices", "ck_invoices_amount_paid"),
    ("allocations", "ck_allocations_amount"),
    ("webhook_logs", "uq_webhook_logs_delivery_id"),
    ("audit", "uq_audit_hash"),
]
"""Constraints whose loss alone must be named (I-29)."""
NO_FOREIGN_KEYS = "SET LOCAL session_replication_role = replica"


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    """A SQLite file with one of each kind of event and some days by chance, and its last moment."""
    path = tmp_path_factory.mktemp("healthy") / "books.db"
    database = Database(f"sqlite:///{path}")
    open_for_writing(database)
    story = Story(database, seed=7).every_kind().days(60).unsettled()
    with database.alone() as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    database.close()
    return path, story.now + timedelta(minutes=5)


@pytest.fixture
def copy(healthy, tmp_path):
    """A copy of the healthy file to corrupt, and how to check it."""
    path = tmp_path / "corrupt.db"
    shutil.copyfile(healthy[0], path)

    def named():
        database = Database(f"sqlite:///{path}")
        result = checking.check(database, now=healthy[1])
        database.close()
        return result

    return path, named


def corrupt(path, corruption):
    """Apply a corruption behind the back of every guard."""
    spelled = {table: take_out(path, table, part) for table, part in corruption.bare}
    connection = unguarded(path)
    for statement in corruption.sql:
        before = connection.total_changes, connection.execute("PRAGMA schema_version").fetchone()
        connection.execute(statement)
        after = connection.total_changes, connection.execute("PRAGMA schema_version").fetchone()
        assert before != after, f"nothing changed: {statement}"
    connection.commit()
    connection.close()
    for table, ddl in spelled.items():
        if "GENERATED" in dict(corruption.bare)[table]:
            spell(path, table, ddl)


def unguarded(path):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA ignore_check_constraints=ON")
    connection.execute("PRAGMA foreign_keys=OFF")
    return connection


def take_out(path, table, part):
    """Take a part out of a table's definition; return the definition as it was."""
    connection = unguarded(path)
    (ddl,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    connection.close()
    without = re.sub(part, "", ddl, count=1, flags=re.DOTALL)
    assert without != ddl
    spell(path, table, without)
    return ddl


def spell(path, table, ddl):
    connection = unguarded(path)
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (ddl, table))
    uniques = len(re.findall(r"\bUNIQUE\b", ddl))
    for number in range(uniques + 1, 9):
        name = f"sqlite_autoindex_{table}_{number}"
        connection.execute("DELETE FROM sqlite_schema WHERE name = ?", (name,))
    connection.commit()
    connection.close()


def test_books_of_every_kind_of_event_have_no_violation(database):
    story = Story(database).every_kind().days(40).unsettled()
    result = checking.check(database, now=story.now + timedelta(minutes=5))
    assert result.violations == []
    assert result.ok


def test_every_invariant_of_the_schema_is_looked_at(copy):
    _, named = copy
    numbers = [*range(1, 32), 36, 37, 38]
    assert sorted(named().counts) == [f"I-{number:02d}" for number in numbers]


@pytest.mark.parametrize("seed", range(30))
def test_random_healthy_books_raise_no_false_alarm(tmp_path, seed):
    database = Database(f"sqlite:///{tmp_path}/books.db")
    open_for_writing(database)
    story = Story(database, seed)
    story.customer(), story.invoice("CUST-001", 100), story.sale(10), story.pay("CUST-001", 30)
    story.days(60)
    result = checking.check(database, now=story.now)
    database.close()
    assert result.violations == []


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=[each.name for each in CORRUPTIONS])
def test_a_corruption_is_caught_and_named(copy, corruption):
    path, named = copy
    corrupt(path, corruption)
    result = named()
    assert not result.ok
    assert set(corruption.expects) <= {v.invariant for v in result.violations}, result.violations


@pytest.mark.parametrize(("table", "name"), STRIPPED)
def test_a_constraint_that_was_taken_out_is_missed(copy, table, name):
    path, named = copy
    take_out(
        path, table, rf",\s*CONSTRAINT {name} (CHECK|UNIQUE|FOREIGN).*?(?=,\s*CONSTRAINT|\s*\)$)"
    )
    details = [v.detail for v in named().violations if v.invariant == "I-29"]
    assert any(name in detail for detail in details), details


@pytest.fixture(scope="module")
def healthy_postgres():
    """The same books on PostgreSQL, in a schema of their own, and their last moment."""
    if not POSTGRES_URL:
        pytest.skip("no PostgreSQL: set KELLY_TEST_POSTGRES_URL")
    import psycopg

    schema = f"t{uuid.uuid4().hex[:16]}"
    plain = POSTGRES_URL.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    mark = "&" if "?" in POSTGRES_URL else "?"
    database = Database(f"{POSTGRES_URL}{mark}options=-csearch_path%3D{schema}")
    open_for_writing(database)
    story = Story(database, seed=7).every_kind().days(60).unsettled()
    yield database, story.now + timedelta(minutes=5)
    database.close()
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.mark.postgres
@pytest.mark.parametrize("corruption", ON_POSTGRES, ids=[each.name for each in ON_POSTGRES])
def test_a_corruption_is_caught_and_named_on_postgresql(healthy_postgres, corruption):
    database, now = healthy_postgres
    with database.engine.connect() as connection:
        for statement in (*corruption.drops, NO_FOREIGN_KEYS, *corruption.sql):
            assert connection.exec_driver_sql(statement).rowcount, f"nothing changed: {statement}"
        connection.exec_driver_sql("SET LOCAL session_replication_role = origin")
        result = checking.check_snapshot(connection, now=now)
        connection.rollback()
    assert set(corruption.expects) <= {v.invariant for v in result.violations}, result.violations


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("ALTER TABLE payments DISABLE TRIGGER ALL", "switched off"),
        ("ALTER TABLE payments ALTER COLUMN amount_cents TYPE numeric", "column amount_cents"),
        ("SET LOCAL session_replication_role = replica", "not enforced"),
        (
            "ALTER TABLE allocations ADD CONSTRAINT c CHECK (amount_cents <> 1) NOT VALID",
            "validated",
        ),
    ],
)
def test_a_guard_that_sleeps_is_named_on_postgresql(healthy_postgres, statement, named):
    database, now = healthy_postgres
    with database.engine.connect() as connection:
        if "numeric" in statement:
            for column in ("status", "amount"):
                connection.exec_driver_sql(f"ALTER TABLE payments DROP COLUMN {column}")
        connection.exec_driver_sql(statement)
        result = checking.check_snapshot(connection, now=now)
        connection.rollback()
    assert any(named in v.detail for v in result.violations if v.invariant == "I-29")


def test_of_many_violations_the_first_are_listed_and_all_counted(copy):
    path, named = copy
    connection = unguarded(path)
    connection.execute("UPDATE webhook_logs SET raw_sha256 = x'00'")
    count = connection.execute("SELECT count(*) FROM webhook_logs").fetchone()[0]
    connection.commit()
    connection.close()
    result = named()
    assert result.counts["I-10"] == count > MOST_LISTED
    assert sum(v.invariant == "I-10" for v in result.violations) == MOST_LISTED


def test_a_check_that_cannot_be_made_is_a_violation_and_stops_no_other(database):
    def breaks(books):
        yield from books.found("SELECT nothing FROM nowhere", "")

    def stumbles(books):
        yield "log 1", f"is {int('x')}"

    def finds(books):
        yield "log 2", "is wrong"

    checks = [Check("I-01", breaks), Check("I-02", stumbles), Check("I-03", finds)]
    with database.reading() as connection:
        result = run_checks(connection, NOW, checks)
    assert [v.invariant for v in result.violations] == ["I-01", "I-02", "I-03"]
    assert "could not be checked (breaks)" in result.violations[0].detail


def test_a_damaged_file_is_reported_and_shows_no_traceback(copy):
    path, named = copy
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xa5" * 20_000)
    try:
        told = {v.invariant for v in named().violations}
    except StorageError as error:
        told = {error.code}
    assert told & {"I-29", "database_damaged"}


def test_checking_sees_one_moment_while_others_write(database):
    story = Story(database).every_kind()
    with database.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM payments").scalar()
        story.pay("CUST-001", 5)
        seen = connection.exec_driver_sql("SELECT max(created_at) FROM payments").scalar()
        assert checking.check_snapshot(connection, now=story.now).ok
        assert seen == connection.exec_driver_sql("SELECT max(created_at) FROM payments").scalar()


def test_a_pending_log_has_a_minute(database):
    story = Story(database)
    with database.writing() as connection:
        row = ("d1", "confirmation", "http", story.body("X", 1))
        inbox_rows.add_pending_logs(connection, [row], story.now)
    assert checking.check(database, now=story.now + timedelta(seconds=59)).ok
    late = checking.check(database, now=story.now + timedelta(seconds=61))
    assert late.counts["I-06"] == 1


def test_a_time_that_was_a_day_ahead_on_arrival_stays_right(database):
    story = Story(database)
    ahead = nairobi_wall_clock(story.now + timedelta(hours=20))
    story.pay("X", 1, TransTime=f"{ahead:%Y%m%d%H%M%S}")
    assert checking.check(database, now=story.now).ok


def test_an_invoice_on_hold_may_be_passed_over(database):
    story = Story(database)
    customer = story.customer()
    held = story.invoice(customer, 100)
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE invoices SET on_hold = true")
        record_audit(connection, story.hand(), "invoice.hold", held)
    story.invoice(customer, 50)
    story.pay(customer, 80)
    assert checking.check(database, now=story.now).violations == []


@pytest.mark.parametrize("audited", [True, False])
def test_cash_needs_no_log_but_an_audit_row(database, audited):
    story = Story(database)
    story.customer()
    with database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO payments (mpesa_receipt_number, method, channel, amount_cents, "
            "transaction_date, customer_id, verified_by, created_at) VALUES ('CASH-1', 'cash', "
            "'hand', 500, '2026-01-05 09:00:00.000000', 1, 'hand', '2026-01-05 06:00:00.000000')"
        )
        connection.exec_driver_sql(
            "INSERT INTO hour_totals VALUES ('2026-01-05', 9, '', 'COMPLETED', 1, 500)"
        )
        if audited:
            record_audit(connection, story.hand(), "payment.record", "CASH-1")
    named = {v.invariant for v in checking.check(database, now=story.now).violations}
    assert named == (set() if audited else {"I-30"})


def test_every_check_is_proved_by_a_corruption():
    named = {invariant for each in CORRUPTIONS for invariant in each.expects}
    assert named == {check.invariant for check in CHECKS} | {"I-09"}
