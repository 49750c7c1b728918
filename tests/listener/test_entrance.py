"""The entrance: strangers are limited, callers on a list never."""

from ipaddress import ip_network

import pytest

from kelly_cli.listener import entrance as entrances
from kelly_cli.listener.entrance import Entrance

PUBLISHED, STRANGER = "196.201.214.200", "6.6.6.6"


def entrance(allowed=(), trusted=()):
    return Entrance(
        allowed=[ip_network(each) for each in allowed],
        trusted=[ip_network(each) for each in trusted],
        published=[ip_network(PUBLISHED)],
    )


def refused(at_the, peer, number, *, now_s=0.0):
    sender = at_the.sender(peer, [])
    return sum(at_the.is_too_fast(sender, now_s) for _ in range(number))


def test_a_stranger_gets_his_burst_and_then_his_rate():
    at_the = entrance()
    burst = int(entrances.BURST)
    assert refused(at_the, STRANGER, burst + 10) == 10
    assert refused(at_the, STRANGER, 60, now_s=1.0) == 60 - int(entrances.RATE_PER_S)
    assert refused(at_the, STRANGER, burst, now_s=1000.0) == 0


def test_strangers_do_not_share():
    at_the = entrance()
    refused(at_the, STRANGER, 1000)
    assert refused(at_the, "6.6.6.7", 10) == 0


@pytest.mark.parametrize(
    ("allowed", "peer"), [([], PUBLISHED), ([], f"::ffff:{PUBLISHED}"), (["6.6.6.0/24"], STRANGER)]
)
def test_safaricom_and_those_on_a_list_are_never_limited(allowed, peer):
    assert refused(entrance(allowed), peer, 10_000) == 0


def test_what_is_remembered_of_strangers_is_bounded(monkeypatch):
    monkeypatch.setattr(entrances, "MOST_PLACES", 10)
    at_the = entrance()
    for n in range(100):
        refused(at_the, f"10.0.0.{n}", 1)
    assert len(at_the._tokens) == 10


@pytest.mark.parametrize(
    ("peer", "is_stranger"),
    [
        (STRANGER, True),
        ("2001:db8::1", True),
        (PUBLISHED, False),
        ("10.0.0.1", False),
        ("127.0.0.1", False),
    ],
)
def test_a_stranger_is_whoever_is_on_no_list(peer, is_stranger):
    at_the = entrance(["10.0.0.0/8"], ["127.0.0.1"])
    assert (at_the.place_of_stranger(peer) is not None) == is_stranger


def test_headers_count_only_behind_a_trusted_proxy():
    headers = [(b"host", b"x"), (b"x-forwarded-for", b"10.0.0.1")]
    assert not entrance(["10.0.0.0/8"]).sender("127.0.0.1", headers).is_allowed
    assert entrance(["10.0.0.0/8"], ["127.0.0.1"]).sender("127.0.0.1", headers).is_allowed
