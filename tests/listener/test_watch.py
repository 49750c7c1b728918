"""The watch: what goes wrong becomes an alert, and a look that hangs stops nothing else."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from kelly_cli.listener import watch as watching
from kelly_cli.listener.counts import Counts
from kelly_cli.listener.watch import Books, Seen, Watch


@pytest.fixture
def watched(monkeypatch):
    """Start a watch over counts; ``sent`` are its alerts, ``notes`` its events."""
    monkeypatch.setattr(watching, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(watching, "BOOKS_EVERY_S", 0.02)
    started = []

    class Watched:
        def __init__(self, look=Seen):
            self.counts, self.sent, self.notes = Counts(), [], []
            self.watch = Watch(
                self.counts, look, send=self.sent.append, note=self.notes.append, repeat_s=3600
            )
            started.append(self.watch)
            self.watch.start()

        def kinds_within(self, seconds, *kinds):
            end = time.monotonic() + seconds
            while {each.kind for each in self.sent} != set(kinds) and time.monotonic() < end:
                time.sleep(0.01)
            return {each.kind: each.number for each in self.sent}

    yield Watched
    for each in started:
        each.stop(timeout_s=5)


def test_every_kind_of_trouble_is_an_alert(watched):
    one = watched(lambda: Seen(silent_min=95, free_mib=120))
    one.counts.outcomes["confirmation", "processed"] += 9
    one.counts.outcomes["confirmation", "failed"] += 1
    one.counts.outcomes["stk", "unmatched"] += 1
    one.counts.outcomes["stk", "conflict"] += 1
    one.counts.answers[503] += 4
    one.counts.plausible_refusals += 1
    one.counts.spool_depth = lambda: 8
    one.counts.away_s = lambda: 30
    kinds = ("failed", "conflict", "unavailable", "refused", "spool", "away", "silence", "disk")
    found = one.kinds_within(5, *kinds)
    assert set(found) == set(kinds)
    assert (found["unavailable"], found["silence"], found["disk"]) == (4, 95, 120)
    assert found["away"] == 30
    assert {note.event for note in one.notes} == {"alert"}


def test_when_all_is_well_nothing_is_said(watched):
    one = watched()
    one.counts.outcomes["confirmation", "processed"] += 9
    one.counts.outcomes["confirmation", "duplicate"] += 9
    one.counts.answers[200] += 9
    time.sleep(0.2)
    one.watch.stop(timeout_s=5)
    assert (one.sent, one.notes) == ([], [])


def test_books_that_hang_do_not_hold_up_what_the_counts_say(watched):
    over = threading.Event()
    one = watched(lambda: over.wait(10) and Seen())
    time.sleep(0.1)
    one.counts.answers[503] += 1
    assert one.kinds_within(5, "unavailable") == {"unavailable": 1}
    over.set()


def test_refusals_are_logged_by_status_and_not_one_by_one(watched):
    one = watched()
    one.counts.answers.update({404: 500, 403: 2, 200: 7})
    one.watch.stop(timeout_s=5)
    assert [(note.event, dict(note.facts)) for note in one.notes] == [
        ("refused", {"status": 403, "number": 2}),
        ("refused", {"status": 404, "number": 500}),
    ]


def test_what_happened_last_is_told_at_the_end(watched):
    one = watched()
    one.counts.answers[503] += 1
    one.watch.stop(timeout_s=5)
    assert [each.kind for each in one.sent] == ["unavailable"]


def test_silence_is_learned_from_the_books(database, callback, tmp_path):
    from kelly_cli.services.inbox import Inbox, OurCode
    from kelly_cli.services.serving import Callback, Intake

    at = [datetime(2026, 2, 3, 5, tzinfo=UTC)]

    def clock():
        return at[0]

    code = OurCode("174379", "paybill", None, "local")
    intake = Intake(database, Inbox(database, [code], clock), clock)
    books = Books(database, tmp_path, clock)
    assert books.look().silent_min is None
    for number in range(30):
        intake.take([Callback(callback(f"RAA00000{number:02}"), "confirmation")])
        at[0] += timedelta(minutes=1)
    last = at[0] - timedelta(minutes=1)
    books = Books(database, tmp_path, clock)
    for minutes, silent in ((20, None), (31, 31), (95, 95), (16 * 60, None)):
        at[0] = last + timedelta(minutes=minutes)
        assert books.look().silent_min == silent


def test_a_disk_that_is_nearly_full_is_seen(database, hand, tmp_path, monkeypatch):
    from kelly_cli.services import watching as asking

    books = Books(database, tmp_path, lambda: hand.at)
    monkeypatch.setattr(asking, "free_mib", lambda _database, _spool: 499)
    assert books.look().free_mib == 499
    monkeypatch.setattr(asking, "free_mib", lambda _database, _spool: 500)
    assert books.look().free_mib is None


def test_the_disk_of_the_spool_is_looked_at_too(database, hand, tmp_path, monkeypatch):
    from kelly_cli.services import watching as asking

    spool = tmp_path / "elsewhere"
    spool.mkdir()

    def usage(place):
        from types import SimpleNamespace

        return SimpleNamespace(free=(120 if place == spool else 9_000) * asking.MIB)

    monkeypatch.setattr(asking.shutil, "disk_usage", usage)
    assert Books(database, spool, lambda: hand.at).look().free_mib == 120
    assert asking.free_mib(database, spool / "not" / "made yet") == 120
