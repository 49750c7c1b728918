"""Addresses: one decision, against an oracle that shares no code with it (proof P14)."""

import importlib.util
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from kelly_cli.listener import addresses

PROOF = Path(__file__).resolve().parents[1] / "proofs" / "p14_addresses.py"


def _proof():
    spec = importlib.util.spec_from_file_location("p14_addresses", PROOF)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


p14 = _proof()


@pytest.mark.parametrize("seed", [1, 2])
def test_ten_thousand_forged_headers_agree_with_the_oracle_trap_32(seed):
    figures = p14.prove(10_000, seed)
    assert figures["violations"] == []
    assert 2_000 < figures["admitted"] < 8_000


@pytest.mark.parametrize("bug", sorted(p14.BUGS))
def test_the_proof_finds_a_planted_mistake(bug):
    assert p14.prove(10_000, 1, bug)["violations"]


@pytest.mark.parametrize("text", [*p14.ADDRESSES, *p14.JUNK])
def test_the_oracle_reads_an_address_as_the_standard_library_does(text):
    try:
        known = ip_address(text)
    except ValueError:
        known = None
    if known is not None and not getattr(known, "scope_id", None):
        assert p14.whole(text) == (known.max_prefixlen, int(known))
    else:
        assert p14.whole(text) is None


def networks(*texts):
    return [ip_network(text) for text in texts]


PROXY, STRANGER, SAFARICOM = "127.0.0.1", "6.6.6.6", "196.201.214.200"


@pytest.mark.parametrize(
    ("peer", "forwarded", "sender"),
    [
        (SAFARICOM, [], SAFARICOM),
        (STRANGER, [SAFARICOM], STRANGER),
        (PROXY, [], PROXY),
        (PROXY, [SAFARICOM], SAFARICOM),
        (PROXY, [f"{STRANGER},{SAFARICOM}"], SAFARICOM),
        (PROXY, [STRANGER, SAFARICOM], SAFARICOM),
        (PROXY, [f"{SAFARICOM}, 127.0.0.2,127.0.0.3"], SAFARICOM),
        (PROXY, ["127.0.0.2", "127.0.0.3"], PROXY),
        (PROXY, [f"nonsense, {SAFARICOM}"], SAFARICOM),
        (PROXY, [f"{SAFARICOM}, nonsense"], None),
        (PROXY, [f"{SAFARICOM},"], None),
        (PROXY, [""], None),
        ("::ffff:127.0.0.1", [f"::FFFF:{SAFARICOM}"], SAFARICOM),
        ("fe80::1%eth0", [], "fe80::1"),
        ("nobody", [SAFARICOM], None),
        ("", [], None),
    ],
)
def test_the_right_most_address_that_is_no_trusted_proxy_decides(peer, forwarded, sender):
    found = addresses.sender_of(peer, forwarded, networks("127.0.0.0/8"))
    assert found == (None if sender is None else ip_address(sender))


def test_a_network_of_mapped_addresses_is_one_of_ipv4():
    plain = addresses.plain_networks(networks("::ffff:10.0.0.0/104", "::/0", "10.0.0.0/8"))
    assert plain == tuple(networks("10.0.0.0/8", "::/0", "10.0.0.0/8"))
    assert not addresses.is_in(ip_address("10.0.0.1"), networks("::/0"))


def test_a_sender_of_ipv6_is_counted_by_his_network():
    first, second = ip_address("2001:db8::1"), ip_address("2001:db8::ffff")
    assert addresses.place_of(first) == addresses.place_of(second)
    assert addresses.place_of(ip_address("10.0.0.1")) != addresses.place_of(ip_address("10.0.0.2"))
