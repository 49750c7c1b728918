"""The keeper: strangers' bodies are set aside behind everything else, and never without bounds."""

import threading

import pytest

from kelly_cli.listener import keeper as keepers
from kelly_cli.listener.counts import Counts
from kelly_cli.listener.keeper import Keeper
from kelly_cli.services.quarantine import SetAside, Stranger


def stranger(raw=b"{}"):
    return Stranger("6.6.6.6", "/c2b/confirmation", "confirmation", raw, "address not allowed")


@pytest.fixture
def said():
    return []


def test_what_comes_together_goes_in_one_unit_of_work(said, monkeypatch):
    monkeypatch.setattr(keepers, "PAUSE_S", 0.2)
    batches, counts = [], Counts()

    def take(strangers):
        batches.append(len(strangers))
        return SetAside(["6.6.6.6"] * len(strangers), 0)

    keeper = Keeper(take, counts, said.append)
    for _ in range(10):
        keeper.offer(stranger())
    keeper.start()
    keeper.stop(timeout_s=5)
    assert batches == [10]
    assert counts.plausible_refusals == 10
    assert "6.6.6.6" in said[0]


def test_what_does_not_fit_is_let_go_and_counted(said, monkeypatch):
    monkeypatch.setattr(keepers, "MOST_WAITING", 5)
    monkeypatch.setattr(keepers, "MOST_WAITING_BYTES", 1000)
    counts = Counts()
    keeper = Keeper(lambda _: SetAside([], 0), counts, said.append)
    for _ in range(8):
        keeper.offer(stranger())
    assert counts.let_go == 3
    large = Keeper(lambda _: SetAside([], 0), counts, said.append)
    for _ in range(4):
        large.offer(stranger(b"x" * 500))
    assert counts.let_go == 5
    assert len(said) == 5


def test_trouble_with_the_database_loses_nothing(said, monkeypatch):
    monkeypatch.setattr(keepers, "PAUSE_S", 0.01)
    monkeypatch.setattr(keepers, "AGAIN_S", 0.05)
    tried, done = [], threading.Event()

    def take(strangers):
        tried.append(len(strangers))
        if len(tried) < 3:
            raise OSError("no room")
        done.set()
        return SetAside([], 0)

    keeper = Keeper(take, Counts(), said.append)
    keeper.start()
    keeper.offer(stranger())
    assert done.wait(5)
    keeper.stop(timeout_s=5)
    assert tried == [1, 1, 1]
    assert "OSError: no room" in said[0]


def test_it_ends_in_time_although_the_database_does_not_answer(said):
    keeper = Keeper(lambda _: threading.Event().wait(), Counts(), said.append)
    keeper.start()
    keeper.offer(stranger())
    keeper.stop(timeout_s=0.1)
