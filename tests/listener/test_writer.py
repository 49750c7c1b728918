"""The writer: a future says True only after the commit, and many share one."""

import asyncio
import contextlib
import sqlite3

import pytest

from kelly_cli.listener import clerk as clerking
from kelly_cli.listener import writer as writing
from kelly_cli.services.inbox import Answered


def count(database, table):
    with database.reading() as connection:
        return connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()


async def until(holds):
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.02)
    pytest.fail("it never happened")


def test_a_callback_is_in_the_books_before_its_future_says_so(desk, database, callback):
    async def story():
        assert await desk.writer.offer(callback("RAA0000001"), "confirmation")
        return count(database, "payments")

    assert desk.run(story) == 1
    assert [each.outcome for each in desk.told] == ["unmatched"]


def test_what_waits_shares_one_commit(desk, database, callback):
    async def story():
        # Before the writer looks, all of them wait.
        with database.writing():
            offered = [
                desk.writer.offer(callback(f"RAA00000{n:02}"), "confirmation") for n in range(50)
            ]
        return await asyncio.gather(*offered)

    assert desk.run(story) == [True] * 50
    assert desk.counts.commits <= 2
    assert count(database, "payments") == 50


def test_stopping_finishes_what_was_taken_and_takes_no_more(desk, database, callback):
    async def story():
        with database.writing():
            offered = [
                desk.writer.offer(callback(f"RAA00000{n:02}"), "confirmation") for n in range(20)
            ]
        desk.writer.keep_validation(Answered(callback("RVV0000001")))
        assert await desk.writer.finish(timeout_s=10)
        assert desk.writer.offer(callback("RAA0000099"), "confirmation") is None
        assert not desk.writer.keeps
        return await asyncio.gather(*offered)

    assert desk.run(story) == [True] * 20
    assert count(database, "payments") == 20
    assert count(database, "validation_requests") == 1


def test_beyond_its_bound_it_refuses_at_once(desk, database, callback, monkeypatch):
    monkeypatch.setattr(writing, "MOST_WAITING", 3)

    async def story():
        with database.writing():
            offered = [
                desk.writer.offer(callback(f"RAA00000{n:02}"), "confirmation") for n in range(10)
            ]
            assert not desk.writer.keeps
        taken = [each for each in offered if each is not None]
        assert all(await asyncio.gather(*taken))
        return len(taken)

    assert desk.run(story) in {3, 4}


def test_validations_have_a_room_of_their_own_in_number_and_in_bytes(
    intake, desk_over, database, monkeypatch
):
    monkeypatch.setattr(writing, "MOST_ASKED", 5)
    few = desk_over(intake)
    monkeypatch.setattr(writing, "MOST_ASKED", 1000)
    monkeypatch.setattr(writing, "MOST_ASKED_BYTES", 30_000)
    small = desk_over(intake)

    async def ask(writer):
        with database.writing():
            for _ in range(50):
                writer.keep_validation(Answered(b"x" * 10_000))
        await writer.finish(timeout_s=10)

    few.run(lambda: ask(few.writer))
    assert (count(database, "validation_requests"), few.counts.unkept_validations) == (5, 45)
    small.run(lambda: ask(small.writer))
    assert (count(database, "validation_requests"), small.counts.unkept_validations) == (8, 47)


def test_whoever_gave_up_does_no_harm_and_his_callback_is_kept(desk, database, callback):
    async def story():
        with database.writing():
            gone = desk.writer.offer(callback("RAA0000001"), "confirmation")
            gone.cancel()
        assert await desk.writer.offer(callback("RAA0000002"), "confirmation")

    desk.run(story)
    assert count(database, "payments") == 2


def test_a_failed_commit_is_never_a_true_and_it_recovers_by_itself(
    tmp_path, hand, callback, desk_over, monkeypatch
):
    from kelly_cli.services.inbox import Inbox, OurCode
    from kelly_cli.services.serving import Intake
    from kelly_cli.store.database import Database
    from kelly_cli.store.schema import open_for_writing

    monkeypatch.setattr(clerking, "AGAIN_S", 0.1)
    database = Database(f"sqlite:///{tmp_path}/busy.db", busy_s=0.2)
    open_for_writing(database)
    inbox = Inbox(database, [OurCode("174379", "paybill", None, "local")], lambda: hand.at)
    desk = desk_over(Intake(database, inbox, lambda: hand.at))

    async def story():
        assert await desk.writer.offer(callback("RAA0000001"), "confirmation")
        with contextlib.closing(sqlite3.connect(database.path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            assert await desk.writer.offer(callback("RAA0000002"), "confirmation") is False
            assert not desk.writer.keeps
            assert not await desk.health.is_good()
            other.execute("ROLLBACK")
        await until(lambda: desk.writer.keeps)
        assert await desk.health.is_good()

    desk.run(story)
    assert count(database, "payments") == 1
    assert "another program holds the database" in desk.complaints[0]
    assert desk.complaints[-1] == "The database takes callbacks again"
    database.close()


def test_what_was_left_unfinished_is_finished_while_callbacks_come(desk, database, hand, callback):
    from kelly_cli.store import inbox_rows

    left = [(f"left-{n}", "confirmation", "http", callback(f"RAB0000{n:03}")) for n in range(600)]
    with database.writing() as connection:
        inbox_rows.add_pending_logs(connection, left, hand.at)

    async def story():
        for n in range(5):
            assert await desk.writer.offer(callback(f"RAC000000{n}"), "confirmation")
        await until(lambda: len(desk.told) == 605)

    desk.run(story)
    assert count(database, "payments") == 605
