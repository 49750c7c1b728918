import sqlite3
from pathlib import Path

import pytest

from kelly_cli.store import upgrading


@pytest.fixture
def books(kelly):
    """A command line on books with one customer."""
    assert kelly("customer", "create", "Ann").code == 0
    return kelly


@pytest.fixture
def live(database_url):
    """The live SQLite file."""
    if not database_url.startswith("sqlite"):
        pytest.skip("SQLite's")
    return Path(database_url.removeprefix("sqlite:///"))


def customers(kelly):
    return [each["name"] for each in kelly("customer", "list", "--json").json]


# check


def test_sound_books_are_ok(books):
    ran = books("db", "check", "--json")
    assert (ran.code, ran.json["ok"], ran.json["violations"]) == (0, True, [])
    ran = books("db", "check")
    lines = ran.out.splitlines()
    assert (ran.code, lines[-1]) == (0, "ok")
    assert "I-12 holds" in lines


def test_broken_books_are_named_and_end_with_1(books, live):
    with sqlite3.connect(live) as plain:
        plain.execute("DELETE FROM reference_keys")
    plain.close()
    ran = books("db", "check", "--json")
    assert ran.code == 1
    assert ran.json["ok"] is False
    assert {"invariant": "I-27", "subject": "CUST-001"}.items() <= ran.json["violations"][0].items()
    ran = books("db", "check")
    assert ran.code == 1
    assert "I-27 broken: 1" in ran.out
    assert "I-27\tCUST-001\t" in ran.out
    assert ran.out.splitlines()[-1] != "ok"


def test_nothing_to_check_is_told(kelly, live):
    ran = kelly("db", "check", "--json")
    assert (ran.code, ran.error["code"]) == (1, "database_not_found")
    assert not live.exists()


# backup and restore


def test_a_backup_stands_beside_the_database_with_the_time_in_its_name(books, live):
    ran = books("db", "backup", "--json")
    assert ran.code == 0
    file = Path(ran.json["file"])
    assert file.parent == live.parent
    assert len(file.name) == len("kelly-20260203-143000.db")
    assert ran.json == {
        "file": str(file),
        "bytes": file.stat().st_size,
        "payments": 0,
        "schema": "0005",
    }


def test_two_backups_at_once_have_two_names(books, tmp_path):
    (tmp_path / "safe").mkdir()
    for _ in range(2):
        assert books("db", "backup", tmp_path / "safe").code == 0
    assert len(list((tmp_path / "safe").iterdir())) == 2


def test_a_backup_does_not_write_over_a_file_unasked(books, tmp_path):
    file = tmp_path / "saved"
    file.write_text("precious")
    ran = books("db", "backup", file, "--json")
    assert (ran.code, ran.error["code"]) == (1, "confirmation_needed")
    assert file.read_text() == "precious"
    for flag in ("--force", "--yes", "-y"):
        assert books("db", "backup", file, flag).code == 0
    assert file.read_bytes() != b"precious"


def test_there_is_nothing_to_save_before_the_first_books(kelly, tmp_path):
    ran = kelly("db", "backup", tmp_path / "saved", "--json")
    assert (ran.code, ran.error["code"]) == (1, "database_not_found")
    assert not (tmp_path / "saved").exists()


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_dash_is_no_file_here(books, command):
    ran = books("db", command, "-", "--json")
    assert (ran.code, ran.error["code"]) == (2, "usage")


def test_a_restore_asks_keeps_what_was_there_checks_and_is_audited(books, tmp_path):
    assert books("db", "backup", tmp_path / "saved").code == 0
    books("customer", "create", "Ben")

    ran = books("db", "restore", tmp_path / "saved", "--json")
    assert (ran.code, ran.error["code"]) == (1, "confirmation_needed")
    assert customers(books) == ["Ann", "Ben"]

    ran = books("db", "restore", tmp_path / "saved", "--yes", "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["ok"], ran.json["payments"], ran.json["schema"]) == (True, 0, "0005")
    assert customers(books) == ["Ann"]
    kept = ran.json["kept"]
    assert kept in ran.err
    assert "kelly mpesa pull" in ran.err

    ran = books("db", "restore", kept, "--yes")
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "ok")
    assert customers(books) == ["Ann", "Ben"]


def test_a_restore_says_who_did_it(books, tmp_path, opened_audit):
    assert books("db", "backup", tmp_path / "saved").code == 0
    assert books("db", "restore", tmp_path / "saved", "--yes").code == 0
    assert opened_audit() == ["customer.create", "db.restore"]
    assert books("db", "check").code == 0


@pytest.fixture
def opened_audit(database_url):
    from kelly_cli.store.database import Database

    def actions():
        database = Database(database_url)
        with database.reading() as connection:
            rows = connection.exec_driver_sql("SELECT action FROM audit ORDER BY id").all()
        database.close()
        return [action for (action,) in rows]

    return actions


def test_a_restore_makes_books_where_there_were_none(books, live, tmp_path):
    assert books("db", "backup", tmp_path / "saved").code == 0
    ran = books(
        "--db",
        tmp_path / "new" / "books.db",
        "db",
        "restore",
        tmp_path / "saved",
        "--yes",
        "--json",
    )
    assert (ran.code, ran.json["kept"]) == (0, None)
    assert (tmp_path / "new" / "books.db").stat().st_mode & 0o777 == 0o600


def test_a_restore_of_what_is_no_backup_changes_nothing(books, tmp_path):
    (tmp_path / "letter").write_text("Dear Ann")
    for file in (tmp_path / "letter", tmp_path / "nowhere"):
        ran = books("db", "restore", file, "--yes", "--json")
        assert ran.code == 1
        assert ran.error["message"]
    assert customers(books) == ["Ann"]


def test_a_backup_of_a_newer_kelly_is_not_restored(books, live, tmp_path):
    assert books("db", "backup", tmp_path / "saved").code == 0
    stamp(tmp_path / "saved", "0009")
    ran = books("db", "restore", tmp_path / "saved", "--yes", "--json")
    assert (ran.code, ran.error["code"]) == (1, "schema_too_new")


def stamp(file, revision):
    with sqlite3.connect(file) as plain:
        plain.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    plain.close()


def test_books_of_a_newer_kelly_can_still_be_saved_and_replaced(books, live, tmp_path):
    assert books("db", "backup", tmp_path / "saved").code == 0
    stamp(live, "0009")
    assert books("customer", "list", "--json").error["code"] == "schema_too_new"
    ran = books("db", "backup", tmp_path / "newer", "--json")
    assert (ran.code, ran.json["schema"]) == (0, "0009")
    assert books("db", "restore", tmp_path / "saved", "--yes").code == 0
    assert customers(books) == ["Ann"]


def test_an_unsound_backup_is_put_back_and_told(books, live, tmp_path):
    assert books("db", "backup", tmp_path / "saved").code == 0
    with sqlite3.connect(tmp_path / "saved") as plain:
        plain.execute("DELETE FROM reference_keys")
    plain.close()
    ran = books("db", "restore", tmp_path / "saved", "--yes", "--json")
    assert (ran.code, ran.json["ok"]) == (1, False)
    assert ran.json["kept"]


def test_damaged_books_are_replaced(books, live, tmp_path):
    assert books("db", "backup", tmp_path / "saved").code == 0
    live.write_bytes(b"x" * 10_000)
    ran = books("db", "check", "--json")
    assert (ran.code, ran.error["code"]) == (1, "database_damaged")
    ran = books("db", "restore", tmp_path / "saved", "--yes", "--json")
    assert ran.code == 0, ran.err
    assert Path(ran.json["kept"]).read_bytes() == b"x" * 10_000
    assert customers(books) == ["Ann"]


# upgrade


def test_books_of_today_are_up_to_date(books):
    ran = books("db", "upgrade", "--json")
    assert (ran.code, ran.json) == (0, {"before": "0005", "after": "0005", "backup": None})
    ran = books("db", "upgrade")
    assert (ran.code, ran.out) == (0, "The books are up to date: schema 0005\n")


def test_an_upgrade_makes_books_where_there_are_none(kelly):
    ran = kelly("db", "upgrade", "--json")
    assert (ran.code, ran.json) == (0, {"before": None, "after": "0005", "backup": None})
    assert kelly("customer", "list", "--json").json == []


def test_books_of_a_newer_kelly_are_not_upgraded(books, live):
    stamp(live, "0009")
    ran = books("db", "upgrade", "--json")
    assert (ran.code, ran.error["code"]) == (1, "schema_too_new")


OF_0001 = {
    "customers": "id, customer_id, name, phone, email, created_at",
    "reference_keys": "key, customer_id",
    "counters": "name, value",
    "audit": 'id, at, actor, action, subject, reason, "before", "after", previous_hash, hash',
}
"""The rows that Ann stands in, by the columns that the first schema had."""


@pytest.fixture
def old_books(books, database_url):
    """Books of the first schema, as its own revision made them, with Ann in them."""
    from kelly_cli.store.database import Database
    from kelly_cli.store.tables import Base

    database = Database(database_url)
    with database.reshaping() as connection:
        for table in OF_0001:
            connection.exec_driver_sql(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")
        for table in reversed(Base.metadata.sorted_tables):
            connection.exec_driver_sql(f"DROP TABLE {table.name}")
        first = Path(upgrading.REVISIONS) / f"0001_books.{connection.dialect.name}.sql"
        for statement in filter(str.strip, first.read_text(encoding="utf-8").split(";\n")):
            connection.exec_driver_sql(statement)
        for table, columns in OF_0001.items():
            connection.exec_driver_sql(
                f"INSERT INTO {table} ({columns}) SELECT {columns} FROM kept_{table}"
            )
            connection.exec_driver_sql(f"DROP TABLE kept_{table}")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    database.close()
    return books


def test_old_books_are_saved_then_upgraded(old_books):
    ran = old_books("customer", "list", "--json")
    assert (ran.code, ran.error["code"]) == (1, "schema_too_old")
    assert "kelly db upgrade" in ran.error["hint"]

    ran = old_books("db", "upgrade", "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["before"], ran.json["after"]) == ("0001", "0005")
    assert ran.json["backup"] in ran.err
    assert customers(old_books) == ["Ann"]
    assert old_books("db", "check").code == 0

    saved = ran.json["backup"]
    ran = old_books("db", "restore", saved, "--yes", "--json")
    assert ran.code == 0, ran.err
    assert (ran.code, ran.json["schema"], ran.json["ok"]) == (0, "0001", None)
    assert "kelly db upgrade" in ran.err
    assert old_books("db", "upgrade").code == 0
    assert customers(old_books) == ["Ann"]


def test_an_upgrade_can_do_without_a_backup(old_books, tmp_path):
    ran = old_books("db", "upgrade", "--no-backup", "--json")
    assert (ran.code, ran.json["backup"]) == (0, None)
    assert list(tmp_path.glob("kelly-*")) == []


# rebuild-totals


def test_damaged_totals_are_told_tried_out_and_mended(books, live):
    books("payment", "record", "--method", "cash", "--amount", "5", "--customer", "CUST-001")
    with sqlite3.connect(live) as plain:
        plain.execute("UPDATE hour_totals SET amount_cents = 1")
    plain.close()
    told = books("db", "check")
    assert (told.code, "kelly db rebuild-totals" in told.err) == (1, True)
    tried = books("db", "rebuild-totals", "--dry-run", "--json").json
    assert (tried["differed"], tried["dry_run"]) == (1, True)
    [difference] = tried["differences"]
    assert difference["kept"] == {"payments": 1, "amount": "0.01"}
    assert difference["paid"] == {"payments": 1, "amount": "5.00"}
    assert books("db", "check").code == 1
    done = books("db", "rebuild-totals", "--reason", "a disk fault")
    assert (done.code, done.out.splitlines()[-1]) == (
        0, "Made anew: 1 totals said otherwise than the payments",
    )  # fmt: skip
    assert books("db", "check", "--rebuild").code == 0
    [action] = books("audit", "list", "--action", "db.rebuild-totals", "--json").json
    assert action["reason"] == "a disk fault"
    again = books("db", "rebuild-totals")
    assert (again.code, "nothing to do" in again.out) == (0, True)


def test_rebuilding_totals_needs_books(kelly):
    ran = kelly("db", "rebuild-totals", "--dry-run", "--json")
    assert (ran.code, ran.error["code"]) == (1, "database_not_found")
