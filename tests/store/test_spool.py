"""The spool keeps what it took, is bounded, and gives back each record once."""

import os
from datetime import UTC, datetime

import pytest

from kelly_cli.core.spooled import Record
from kelly_cli.errors import StorageError
from kelly_cli.store import spool as spooling
from kelly_cli.store.spool import Spool, Waiting
from kelly_cli.store.spool_drain import UNIT_RECORDS, Drain

AT = datetime(2026, 2, 3, 12, 0, 0, tzinfo=UTC)


def some(number, start=0, raw=b"body"):
    return [Record(f"id-{n}", "confirmation", AT, raw) for n in range(start, start + number)]


@pytest.fixture
def spool(tmp_path):
    made = Spool(tmp_path / "books.db.spool")
    made.prepare()
    yield made
    made.close()


def drained(spool):
    drain, found = Drain(spool), []
    while True:
        with drain.unit() as records:
            if not records:
                return found, drain
            found += records


def test_what_was_appended_is_drained_once_and_its_files_go(spool):
    spool.append(some(3))
    spool.append(some(UNIT_RECORDS, start=3))
    assert spool.waiting() == Waiting(UNIT_RECORDS + 3, 4 * (UNIT_RECORDS + 3))
    found, _ = drained(spool)
    assert found == some(UNIT_RECORDS + 3)
    assert spool.segments() == []
    assert drained(spool)[0] == []


def test_after_a_drain_the_same_process_goes_on_in_a_new_file(spool):
    for start in (0, 10, 20):
        spool.append(some(10, start=start))
        assert drained(spool)[0] == some(10, start=start)


def test_what_was_not_taken_in_is_given_again(spool):
    spool.append(some(2))
    drain = Drain(spool)
    with pytest.raises(ZeroDivisionError), drain.unit():
        raise ZeroDivisionError
    with drain.unit() as again:
        assert again == some(2)


def test_one_drains_at_a_time(spool):
    spool.append(some(2))
    with Drain(spool).unit() as first, Drain(spool).unit() as second:
        assert (first, second) == (some(2), None)


@pytest.mark.parametrize("of_the_reserve", [False, True])
def test_whoever_drains_leaves_a_segment_alone_that_is_just_begun(
    spool, monkeypatch, of_the_reserve
):
    flush = spooling._flush_folder

    def drain_meanwhile(folder):
        flush(folder)
        assert drained(Spool(spool.folder))[0] == []

    monkeypatch.setattr(spooling, "_flush_folder", drain_meanwhile)
    monkeypatch.setattr(spooling, "_LOCK_S", 0.01)
    if of_the_reserve:
        monkeypatch.setattr(Spool, "_room", lambda _: 0)
    spool.append(some(2))
    assert drained(spool)[0] == some(2)


def test_what_was_begun_by_a_process_that_died_is_taken_away_at_the_next_start(spool):
    left = spool.folder / "00-1-x.begun"
    left.touch()
    spool.prepare()
    assert not left.exists()
    assert spool.segments() == []


def test_files_and_folder_are_the_owners_alone(spool):
    spool.append(some(1))
    assert spool.folder.stat().st_mode & 0o777 == 0o700
    assert spool.segments()[0].stat().st_mode & 0o777 == 0o600


def test_a_torn_end_is_ignored(spool):
    spool.append(some(2))
    path = spool.segments()[0]
    path.write_bytes(path.read_bytes()[:-2])
    found, drain = drained(spool)
    assert found == some(1)
    assert drain.damaged == 0
    assert spool.segments() == []


def test_damage_is_kept_aside_and_costs_only_itself(spool):
    spool.append(some(3))
    path = spool.segments()[0]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    found, drain = drained(spool)
    assert found == [some(3)[0], some(3)[2]]
    assert drain.damaged == spool.waiting().damaged == 1
    assert spool.segments() == []


def test_it_is_bounded(tmp_path):
    spool = Spool(tmp_path / "small", most_bytes=1000)
    spool.folder.mkdir()
    with pytest.raises(StorageError) as refused:
        spool.append(some(1, raw=b"x" * 2000))
    assert refused.value.code == "spool_unusable"
    assert not spool.takes()
    assert spool.waiting() == Waiting()


def test_a_segment_that_is_full_is_followed_by_another(spool, monkeypatch):
    monkeypatch.setattr(spooling, "SEGMENT_BYTES", 300)
    for start in range(10):
        spool.append(some(1, start=start, raw=b"x" * 100))
    assert len(spool.segments()) == 5
    assert [record.delivery_id for record in drained(spool)[0]] == [f"id-{n}" for n in range(10)]


def test_a_full_disk_takes_from_the_reserve_until_that_is_full_too(spool, monkeypatch):
    monkeypatch.setattr(Spool, "_room", lambda _: 0)
    assert spool.takes()
    body = b"x" * (1 << 20)
    kept = spooling.RESERVE_BYTES // (1 << 20) - 1
    for start in range(kept):
        spool.append(some(1, start=start, raw=body))
    with pytest.raises(StorageError):
        spool.append(some(1, start=kept, raw=body))
    assert not spool.takes()
    found, _ = drained(spool)
    assert [record.delivery_id for record in found] == [f"id-{n}" for n in range(kept)]
    spool.make_reserve()
    spool.append(some(1))
    assert spool.takes()


def test_a_failed_write_or_flush_is_never_a_promise(spool, monkeypatch):
    spool.append(some(1))
    for name in ("pwrite", "fdatasync"):

        def fail(*_):
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(StorageError):
                spool.append(some(1, start=1))
        spool.append(some(1, start=2))
    ids = [record.delivery_id for record in drained(spool)[0]]
    assert ids.count("id-0") == 1
    assert ids.count("id-2") == 2


def test_it_remembers_that_there_were_books(spool):
    assert not spool.knows_books()
    spool.remember_books()
    assert Spool(spool.folder).knows_books()


def test_a_spool_that_is_not_there_is_empty(tmp_path):
    spool = Spool(tmp_path / "none")
    assert spool.waiting() == Waiting()
    assert drained(spool)[0] == []
    assert not spool.folder.exists()
