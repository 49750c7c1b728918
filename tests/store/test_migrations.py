import signal
import textwrap
import warnings

import pytest
from alembic import command
from alembic.script import ScriptDirectory

from kelly_cli.errors import BrokenInvariantError, SchemaTooNewError, SchemaTooOldError
from kelly_cli.services import customers
from kelly_cli.store import upgrading
from kelly_cli.store.schema import open_for_writing, revision_of
from kelly_cli.store.tables import SCHEMA_REVISION

NEXT = """
from alembic import op
import sqlalchemy as sa

revision, down_revision, branch_labels, depends_on = "0006", "0005", None, None


def upgrade():
    with op.batch_alter_table("customers") as batch:
        batch.add_column(sa.Column("nickname", sa.Text()))
        batch.alter_column("email", new_column_name="address")
    {then}
    op.add_column("counters", sa.Column("note", sa.Text()))
"""
STOP = 'print("half", flush=True); import time; time.sleep(60)'
UPGRADE = """
    import sys
    from pathlib import Path
    from kelly_cli.store import upgrading
    from kelly_cli.store.database import Database
    upgrading.REVISIONS = sys.argv[2]
    upgrading.upgrade(Database(sys.argv[1]), first=lambda revision: None)
"""


@pytest.fixture
def revisions(tmp_path, monkeypatch):
    """A copy of the revisions, to which the test adds one."""
    folder = tmp_path / "100% revisions"
    folder.mkdir()
    for file in upgrading.Path(upgrading.REVISIONS).glob("0*"):
        (folder / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(upgrading, "REVISIONS", str(folder))

    def add(text, name="0006_next.py"):
        (folder / name).write_text(textwrap.dedent(text))
        return folder

    return add


def columns_of(database, table):
    with database.reading() as connection:
        return set(connection.exec_driver_sql(f"SELECT * FROM {table}").keys())


def revision(database):
    with database.reading() as connection:
        return revision_of(connection)


def nothing_first(_revision):
    pass


def test_the_constant_is_the_head_of_the_revisions():
    scripts = ScriptDirectory.from_config(upgrading._config())
    assert scripts.get_heads() == [SCHEMA_REVISION]
    names = [script.revision for script in scripts.walk_revisions()]
    assert names == sorted(names, reverse=True)
    assert all(len(name) == 4 and name.isdigit() for name in names)


def test_a_migrated_schema_is_spelled_like_a_created_one(database_url, database, spelled):
    created = spelled(database)
    with database.reshaping() as connection:
        for name in reversed(_tables(connection)):
            connection.exec_driver_sql(f"DROP TABLE {name}")
    if not database.is_sqlite:
        assert spelled(database) == {}
    assert upgrading.upgrade(database, first=nothing_first) == (None, SCHEMA_REVISION)
    assert spelled(database) == created


def _tables(connection):
    from kelly_cli.store.tables import Base

    return [*(table.name for table in Base.metadata.sorted_tables), "alembic_version"]


def test_alembic_finds_no_difference_to_the_tables(database):
    with database.reshaping() as connection:
        config = upgrading._config()
        config.attributes["connection"] = connection
        command.check(config)


def test_a_migration_never_imports_the_tables():
    for file in upgrading.Path(upgrading.REVISIONS).glob("*.py"):
        assert "kelly_cli" not in file.read_text()


def test_an_upgrade_keeps_every_row_and_calls_for_the_backup_first(database, hand, revisions):
    customers.create_customer(database, hand, name="Ann", phone="0712345678", email="a@b.co")
    revisions(NEXT.format(then="pass"))
    called = []

    done = upgrading.upgrade(database, first=called.append)

    assert done == (SCHEMA_REVISION, "0006")
    assert called == [SCHEMA_REVISION]
    assert {"nickname", "address"} <= columns_of(database, "customers")
    with database.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT c.name, c.address, k.key FROM customers c"
            " JOIN reference_keys k ON k.customer_id = c.id"
        ).all()
    assert [tuple(row) for row in rows] == [("Ann", "a@b.co", "CUST001")]


def test_an_upgrade_of_books_of_today_does_nothing(database):
    called = []
    assert upgrading.upgrade(database, first=called.append) == (SCHEMA_REVISION, SCHEMA_REVISION)
    assert called == []


def test_a_failed_backup_stops_the_upgrade(database, revisions):
    revisions(NEXT.format(then="pass"))

    def fail(_revision):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        upgrading.upgrade(database, first=fail)
    assert revision(database) == SCHEMA_REVISION


def test_a_migration_that_fails_in_the_middle_changes_nothing(database, revisions, spelled):
    before = spelled(database)
    revisions(NEXT.format(then='raise RuntimeError("no")'))
    with pytest.raises(RuntimeError):
        upgrading.upgrade(database, first=nothing_first)
    assert spelled(database) == before
    assert revision(database) == SCHEMA_REVISION


def test_a_migration_that_loses_a_parent_row_is_refused(database, hand, revisions):
    if not database.is_sqlite:
        pytest.skip("PostgreSQL refuses the statement itself")
    customers.create_customer(database, hand, name="Ann")
    revisions(NEXT.format(then='op.execute("DELETE FROM customers")'))
    with pytest.raises(BrokenInvariantError, match="points at no row of customers"):
        upgrading.upgrade(database, first=nothing_first)
    assert customers.show_customer(database, "CUST-001").name == "Ann"


def test_foreign_keys_hold_again_after_an_upgrade(database, revisions):
    revisions(NEXT.format(then="pass"))
    upgrading.upgrade(database, first=nothing_first)
    if database.is_sqlite:
        with database.writing() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1


def test_a_kill_in_the_middle_leaves_the_old_books_usable(
    database, database_url, opened, hand, revisions, python, done, spelled
):
    customers.create_customer(database, hand, name="Ann")
    before = spelled(database)
    folder = revisions(NEXT.format(then=STOP))
    process = python(UPGRADE, database_url, folder)
    assert process.stdout.readline() == "half\n"
    process.send_signal(signal.SIGKILL)
    process.wait()

    reopened = opened(database)
    open_for_writing(reopened)
    customers.create_customer(reopened, hand, name="Ben")
    assert spelled(reopened) == before

    revisions(NEXT.format(then="pass"))
    done(python(UPGRADE, database_url, folder))
    assert revision(database) == "0006"
    with database.reading() as connection:
        names = connection.exec_driver_sql("SELECT name FROM customers ORDER BY name").all()
    assert [name for (name,) in names] == ["Ann", "Ben"]


def test_two_upgrades_at_once_run_the_migration_once(
    database, database_url, revisions, python, done
):
    folder = revisions(NEXT.format(then="pass"))
    for process in [python(UPGRADE, database_url, folder) for _ in range(2)]:
        done(process)
    assert revision(database) == "0006"


def test_older_books_wait_for_the_upgrade(database, opened):
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(SchemaTooOldError, match="0000, older than this kelly's 0005"):
        open_for_writing(opened(database))


def test_books_of_a_newer_kelly_are_not_upgraded(database, revisions):
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0009'")
    called = []
    with pytest.raises(SchemaTooNewError, match="0009"):
        upgrading.upgrade(database, first=called.append)
    assert called == []


def test_alembic_warns_of_nothing(database, revisions):
    revisions(NEXT.format(then="pass"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        upgrading.upgrade(database, first=nothing_first)
