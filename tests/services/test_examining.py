"""The examination goes to its end, whatever a check runs into."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from kelly_cli.errors import ConfigError
from kelly_cli.services import examining
from kelly_cli.services.examining import Case, Settled, examine
from kelly_cli.store.spool import Spool

NOW = datetime(2026, 2, 3, 12, 0, tzinfo=UTC)

SETTLED = Settled(
    environment="local",
    base_url="http://127.0.0.1:9",
    short_code="174379",
    test_codes=("174379",),
    listener_url="http://127.0.0.1:9",
    public_url=None,
    confirmation_url="http://127.0.0.1:8000/c2b/confirmation",
    validation_url="http://127.0.0.1:8000/c2b/validation",
    token=None,
    missing=(),
    changed=(),
)


def case(**changes):
    facts = {
        "versions": "kelly 1",
        "broken": None,
        "files": (),
        "dotenv": None,
        "warnings": (),
        "settled": SETTLED,
        "database": None,
        "spool": None,
        "now": lambda: NOW,
        "take_token": None,
        "online": False,
    }
    return Case(**facts | changes)


def levels(found):
    return {each.check: each.level for each in found}


def test_every_check_says_something(database):
    found = list(examine(case(database=database)))
    assert len({each.check for each in found}) == len(examining.CHECKS)
    assert not [each for each in found if not each.ok]


def test_a_broken_configuration_stops_no_check():
    broken = ConfigError("no", hint="yes")
    found = list(examine(case(broken=broken, settled=None)))
    assert levels(found)["configuration"] == "failed"
    assert [each.fix for each in found if each.level == "failed"] == ["yes"]
    assert len(found) == len(examining.CHECKS)


@pytest.mark.parametrize("failure", [RuntimeError("boom"), OSError(5, "I/O"), RecursionError()])
def test_a_check_that_breaks_costs_only_itself(monkeypatch, failure):
    def _broken_one(_):
        raise failure

    whole = examining.CHECKS
    monkeypatch.setattr(examining, "CHECKS", (_broken_one, *whole, _broken_one))
    found = list(examine(case()))
    assert [each.check for each in found if each.level == "failed"] == ["broken one"] * 2
    assert type(failure).__name__ in found[0].detail
    assert len(found) == len(whole) + 2


def test_a_check_that_never_ends_is_left_behind(monkeypatch):
    ends = threading.Event()

    def _slow(_):
        ends.wait(60)
        yield from ()

    monkeypatch.setattr(examining, "ENOUGH_S", 0.05)
    monkeypatch.setattr(examining, "CHECKS", (_slow,))
    (found,) = examine(case())
    ends.set()
    assert (found.check, found.level) == ("slow", "failed")
    assert "no answer" in found.detail


def test_a_clock_that_is_far_behind_fails():
    found = examine(case(now=lambda: datetime(2001, 1, 1, tzinfo=UTC)))
    assert levels(found)["clock"] == "failed"


def test_a_clock_behind_the_newest_callback_fails(database, inbox):
    from kelly_cli.services.inbox import Delivery

    inbox.take([Delivery(b"{}", "confirmation", "http", "1")])
    found = list(examine(case(database=database, now=lambda: NOW - timedelta(hours=1))))
    assert levels(found)["clock"] == "failed"
    assert levels(examine(case(database=database)))["clock"] == "passed"


@pytest.mark.parametrize(
    ("days", "environment", "level"),
    [(0, "production", "passed"), (4, "production", "warned"), (4, "local", "passed")],
)
def test_long_silence_is_a_warning_in_production(database, inbox, days, environment, level):
    from kelly_cli.services.inbox import Delivery

    inbox.take([Delivery(b"{}", "confirmation", "http", "1")])
    settled = SETTLED._replace(environment=environment)
    then = NOW + timedelta(days=days, minutes=1)
    found = list(examine(case(database=database, settled=settled, now=lambda: then)))
    assert levels(found)["last callback"] == level


def test_a_full_disk_fails(database, monkeypatch, tmp_path):
    spool = Spool(tmp_path / "spool")
    for free, level in ((100, "failed"), (500, "warned"), (5000, "passed")):
        monkeypatch.setattr("kelly_cli.services.watching.free_mib", lambda *_, free=free: free)
        assert levels(examine(case(database=database, spool=spool)))["disk"] == level
