"""db check: silent on healthy books, and every single corruption is caught by its name."""

import importlib.util
import re
import shutil
import sqlite3
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from kelly_cli.services import checking
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
CORRUPTIONS = load("checks_corruptions").CORRUPTIONS
STRIPPED = load("checks_corruptions").STRIPPED


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
    numbers = [*range(1, 26), *range(27, 31)]
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
    take_out(path, table, rf",\s*CONSTRAINT {name} (CHECK|UNIQUE|FOREIGN).*?(?=,\s*CONSTRAINT|\s*\)$)")
    details = [v.detail for v in named().violations if v.invariant == "I-29"]
    assert any(name in detail for detail in details), details


def test_every_check_is_proved_by_a_corruption():
    named = {invariant for each in CORRUPTIONS for invariant in each.expects}
    assert named == {check.invariant for check in CHECKS} | {"I-09"}
