"""What was sent to a clerk who dies, hangs or fails is in the spool before anybody hears True."""

import asyncio
import contextlib
import sqlite3
import threading

import pytest

from kelly_cli.listener import clerk_line


def count(database, table):
    with database.reading() as connection:
        return connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()


async def until(holds):
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.02)
    pytest.fail("it never happened")


class Hand:
    """An intake of which the test decides when it takes, and when its clerk dies."""

    def __init__(self, intake):
        self._intake = intake
        self.before, self.after, self.later = [], [], []

    def __getattr__(self, name):
        return getattr(self._intake, name)

    def take(self, callbacks, *, kept):
        for step in self.before:
            step()

        def on_disk():
            for step in self.after:
                step()
            kept()

        happened = self._intake.take(callbacks, kept=on_disk)
        for step in self.later:
            step()
        return happened


@pytest.fixture
def spool(tmp_path):
    from kelly_cli.store.spool import Spool

    made = Spool(tmp_path / "spool")
    made.prepare()
    return made


@pytest.fixture
def hand_of(database, inbox, hand, spool):
    from kelly_cli.services.serving import Intake

    return Hand(Intake(database, inbox, lambda: hand.at, spool=spool))


@pytest.fixture
def desk(hand_of, desk_over, hand, spool, monkeypatch):
    from kelly_cli.services.serving import Shelf

    monkeypatch.setattr(clerk_line, "AGAIN_S", 0.02)
    return desk_over(hand_of, Shelf(spool, lambda: hand.at))


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_clerk_who_dies_around_the_commit_costs_nothing_and_doubles_nothing(
    desk, hand_of, database, callback, when
):
    """After the commit and before its word: nobody knows, and the delivery id decides."""

    def die():
        getattr(hand_of, when).clear()
        desk.clerks[0].dies()

    getattr(hand_of, when).append(die)

    async def story():
        offered = [
            desk.writer.offer(callback(f"RAA00000{n:02}"), "confirmation") for n in range(20)
        ]
        assert all(await asyncio.gather(*offered))
        await until(lambda: count(database, "webhook_logs") == 20 and desk.writer.keeps)
        assert await desk.writer.offer(callback("RAA0000099"), "confirmation")
        await until(lambda: desk.counts.spool_depth() == 0)

    desk.run(story)
    assert count(database, "payments") == 21
    assert count(database, "webhook_logs") == 21
    assert len(desk.clerks) == 2
    assert any("ended (in a test): another is started" in each for each in desk.complaints)


def test_what_is_kept_is_answered_before_it_is_told_and_whatever_comes_of_that(
    desk, hand_of, database, callback
):
    def fail():
        hand_of.later.clear()
        raise RuntimeError("nothing can be told")

    answered = threading.Event()

    async def story():
        hand_of.later.append(answered.wait)
        assert await desk.writer.offer(callback("RAA0000001"), "confirmation")
        assert not desk.told
        answered.set()
        await until(lambda: len(desk.told) == 1)
        hand_of.later[:] = [fail]
        assert await desk.writer.offer(callback("RAA0000002"), "confirmation")
        await until(lambda: any("nothing can be told" in each for each in desk.complaints))
        assert await desk.writer.offer(callback("RAA0000003"), "confirmation")
        await until(lambda: len(desk.told) == 2)

    desk.run(story)
    assert desk.counts.spool_depth() == 0
    assert count(database, "payments") == count(database, "webhook_logs") == 3


def test_a_clerk_who_cannot_be_started_again_is_done_without(desk, database, callback):
    def none_to_be_had(*, first):
        raise OSError(12, "Cannot allocate memory")

    async def story():
        desk.writer._line._open = none_to_be_had
        desk.clerks[0].dies()
        await until(lambda: not desk.writer.keeps)
        for n in range(5):
            assert await desk.writer.offer(callback(f"RAA000000{n}"), "confirmation")
        assert await desk.health.is_good()
        assert desk.writer.is_away
        await until(lambda: any("Cannot allocate memory" in each for each in desk.complaints))
        assert count(database, "webhook_logs") == 0
        assert desk.counts.spool_depth() == 5
        desk.writer._line._open = desk._open
        await until(lambda: count(database, "payments") == 5)
        await until(lambda: not desk.writer.is_away)

    desk.run(story)
    assert desk.complaints[-1] == "The database takes callbacks again"


def test_a_commit_that_hangs_is_answered_by_the_spool_and_booked_once(
    tmp_path, hand, callback, desk_over, spool
):
    from kelly_cli.services.inbox import Inbox, OurCode
    from kelly_cli.services.serving import Intake, Shelf
    from kelly_cli.store.database import Database
    from kelly_cli.store.schema import open_for_writing

    database = Database(f"sqlite:///{tmp_path}/busy.db", busy_s=30)
    open_for_writing(database)
    inbox = Inbox(database, [OurCode("174379", "paybill", None, "local")], lambda: hand.at)
    intake = Intake(database, inbox, lambda: hand.at, spool=spool)
    desk = desk_over(intake, Shelf(spool, lambda: hand.at))

    async def story():
        assert await desk.writer.offer(callback("RAA0000001"), "confirmation")
        with contextlib.closing(sqlite3.connect(database.path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            hung = [desk.writer.offer(callback(f"RAB000000{n}"), "confirmation") for n in range(5)]
            assert all(await asyncio.wait_for(asyncio.gather(*hung), 3))
            assert desk.writer.is_away
            late = desk.writer.offer(callback("RAC0000001"), "confirmation")
            assert await asyncio.wait_for(late, 0.5)
            assert desk.counts.spool_depth() == 6
            other.execute("ROLLBACK")
        await until(lambda: not desk.writer.is_away)
        assert await desk.writer.offer(callback("RAD0000001"), "confirmation")
        await until(lambda: desk.counts.spool_depth() == 0)

    desk.run(story)
    assert count(database, "payments") == 8
    assert count(database, "webhook_logs") == 8
    database.close()


def test_questions_outlive_the_clerk_who_had_them(desk, hand_of, database, callback):
    from kelly_cli.services.inbox import Answered

    kept = hand_of._intake.keep_validations

    def die(asked):
        hand_of.keep_validations = kept
        desk.clerks[0].dies()

    hand_of.keep_validations = die

    async def story():
        for n in range(3):
            desk.writer.keep_validation(Answered(callback(f"RVV000000{n}")))
        await until(lambda: count(database, "validation_requests") == 3)

    desk.run(story)


def test_the_end_waits_for_a_clerk_only_so_long(desk, hand_of, callback):
    import time

    hand_of.before.append(lambda: time.sleep(3))

    async def story():
        hung = desk.writer.offer(callback("RAA0000001"), "confirmation")
        await asyncio.sleep(0)
        began_s = time.monotonic()
        finished = await desk.writer.finish(timeout_s=1)
        took_s = time.monotonic() - began_s
        assert await hung
        return finished, took_s

    finished, took_s = desk.run(story)
    assert not finished
    assert took_s < 12
    assert desk.counts.spool_depth() == 1
