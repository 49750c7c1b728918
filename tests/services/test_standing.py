"""Which books are written to: the known ones, and only while nothing is wrong with them."""

import threading

import pytest

from kelly_cli.errors import StorageError
from kelly_cli.services import standing as standings
from kelly_cli.services.standing import Standing
from kelly_cli.store import audit_rows
from kelly_cli.store.spool import Spool


@pytest.fixture
def spool(tmp_path):
    made = Spool(tmp_path / "spool")
    made.prepare()
    return made


@pytest.fixture
def act(database, hand):
    def record():
        with database.writing() as connection:
            audit_rows.record_audit(connection, hand, "a.test", "CUST-001")

    return record


def empty(database):
    with database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM audit")


def test_after_a_fault_the_same_books_are_taken_again(database, spool, act):
    act()
    standing = Standing(database, spool, opened=True)
    standing.check()
    standing.doubt(StorageError("the disk is ill"))
    with pytest.raises(StorageError, match="the disk is ill"):
        standing.must_stand()
    standing.check()
    standing.must_stand()


def test_after_a_fault_emptied_books_are_not(database, spool, act):
    act()
    standing = Standing(database, spool, opened=True)
    standing.check()
    empty(database)
    standing.doubt(StorageError("the server is gone"))
    for _ in range(2):
        with pytest.raises(StorageError) as caught:
            standing.check()
        assert caught.value.code == "other_books"
    with pytest.raises(StorageError, match="other books"):
        standing.must_stand()


def test_what_books_began_with_outlives_a_restart(database, spool, act):
    act()
    Standing(database, spool, opened=True).check()
    later = Standing(database, spool, opened=False)
    with pytest.raises(StorageError, match="away at the start"):
        later.must_stand()
    later.check()
    empty(database)
    anew = Standing(database, spool, opened=False)
    with pytest.raises(StorageError, match="other books"):
        anew.check()
    # By a person's own start they are the books.
    Standing(database, spool, opened=True).check()


def test_books_that_were_empty_are_known_as_soon_as_they_hold_something(
    database, spool, act, monkeypatch
):
    monkeypatch.setattr(standings, "LEARN_EVERY_S", 0)
    standing = Standing(database, spool, opened=True)
    standing.check()
    assert spool.known_books() == frozenset()
    act()
    standing.learn()
    assert len(spool.known_books()) == 1
    empty(database)
    standing.doubt(StorageError("gone"))
    with pytest.raises(StorageError, match="other books"):
        standing.check()


def test_damage_that_is_found_later_ends_the_trust(database, spool, monkeypatch):
    if not database.is_sqlite:
        pytest.skip("a server looks after its own pages")
    looks = []

    def look(_database, **how):
        looks.append(how)
        if "over" in how:
            raise StorageError("the database is damaged", code="database_damaged")
        return len(looks) > 2

    monkeypatch.setattr(standings, "check_pages", look)
    standing = Standing(database, spool, opened=True)
    standing.check()
    assert standing.has_unread_pages
    with pytest.raises(StorageError, match="damaged"):
        standing.read_on(threading.Event())
    with pytest.raises(StorageError, match="damaged"):
        standing.must_stand()
    # Nothing but a changed file is worth another look.
    with pytest.raises(StorageError, match="damaged"):
        standing.check()
    assert len(looks) == 2
    with database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO counters (name, value) VALUES ('x', 1)")
    standing.check()
    assert not standing.has_unread_pages
