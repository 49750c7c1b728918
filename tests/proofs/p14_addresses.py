"""P14: forged addresses against an oracle that shares no code with kelly.

    python tests/proofs/p14_addresses.py            10,000 combinations, in process
    python tests/proofs/p14_addresses.py --long     1,000,000

Random triples of peer, ``X-Forwarded-For`` headers and configuration. Prints one JSON line of
figures; exit 1 at the first wrong admission or refusal. ``--bug leftmost`` and the like plant a
mistake, to show that the proof finds it.
"""

import argparse
import json
import random
import sys
import time
from fractions import Fraction
from ipaddress import ip_network

ADDRESSES = [
    "127.0.0.1", "127.0.0.9", "10.0.0.1", "10.0.0.200", "10.1.2.3", "192.0.2.1", "203.0.113.7",
    "196.201.214.200", "196.201.213.44", "::1", "2001:db8::1", "2001:db8:0:1::5", "fe80::1",
]  # fmt: skip
NETWORKS = [
    "127.0.0.0/8", "127.0.0.1/32", "10.0.0.0/24", "10.0.0.0/8", "192.0.2.0/24", "203.0.113.7/32",
    "196.201.214.200/32", "196.201.212.0/22", "::1/128", "2001:db8::/32", "2001:db8::/64",
    "0.0.0.0/0", "::/0", "::ffff:10.0.0.0/104", "::ffff:203.0.113.7/128",
]  # fmt: skip
JUNK = [
    "", " ", "unknown", "10.0.0.1:80", "[::1]", "[::1]:80", "10.0.0", "010.0.0.1", "10.0.0.256",
    "1e1.0.0.1", "10.0.0.1/32", "fe80::1%eth0", "0x0a000001", "167772161", "10.0.0.1 10.0.0.2",
    "10.0.0.1;", '"10.0.0.1"', "for=10.0.0.1", "\u0661\u0660.0.0.1", "::ffff:10.0.0.300", "-",
    "10.0.0.1\u00a0", "localhost", ":::", "1.2.3.4.5",
]  # fmt: skip


def whole(text):
    """An address as (bits, number), or None: written again from the standards."""
    if all(sign in "0123456789." for sign in text) and text.count(".") == 3:
        parts = text.split(".")
        if all(1 <= len(p) <= 3 and str(int(p)) == p and int(p) < 256 for p in parts if p) and all(
            parts
        ):
            number = 0
            for part in parts:
                number = number * 256 + int(part)
            return 32, number
        return None
    if ":" not in text or not all(sign in "0123456789abcdefABCDEF:." for sign in text):
        return None
    head, dots, tail = text.rpartition(":")
    if "." in tail:
        inner = whole(tail)
        if inner is None or inner[0] != 32:
            return None
        text = f"{head}{dots}{inner[1] >> 16:x}:{inner[1] & 0xFFFF:x}"
    left, gap, right = text.partition("::")
    groups = [side.split(":") if side else [] for side in (left, right)]
    count = len(groups[0]) + len(groups[1])
    if (gap and count > 7) or (not gap and count != 8):
        return None
    all_groups = groups[0] + ["0"] * (8 - count) + groups[1]
    if any(not 1 <= len(group) <= 4 or "." in group for group in all_groups):
        return None
    number = int("".join(group.rjust(4, "0") for group in all_groups), 16)
    return (32, number & 0xFFFFFFFF) if number >> 32 == 0xFFFF else (128, number)


def lies_in(address, network):
    base, _, length = network.partition("/")
    kept = int(length)
    bits, number = whole(base)
    if ":" in base and bits == 32:
        kept -= 96
    return address[0] == bits and address[1] >> (bits - kept) == number >> (bits - kept)


def oracle(peer, headers, allowed, trusted):
    """Whether a request is let in: contract section 2, read as it stands."""
    chain = [entry.strip(" \t") for header in headers for entry in header.split(",")]
    decides = whole(peer)
    hops = [decides]
    while chain and hops[-1] is not None and any(lies_in(hops[-1], each) for each in trusted):
        hops.append(whole(chain.pop()))
    if hops[-1] is None:
        return False
    if not any(lies_in(hops[-1], each) for each in trusted):
        decides = hops[-1]
    return not allowed or any(lies_in(decides, each) for each in allowed)


def triple(dice):
    def spelled():
        address = dice.choice(ADDRESSES)
        if "." in address and dice.random() < 0.2:
            address = f"::ffff:{address}"
        return address.upper() if dice.random() < 0.1 else address

    def entry():
        text = dice.choice(JUNK) if dice.random() < 0.08 else spelled()
        return dice.choice(["", " ", "\t ", ""]) + text + dice.choice(["", " ", ""])

    headers = [
        ",".join(entry() for _ in range(dice.choice([1, 1, 2, 3, 5])))
        for _ in range(dice.choice([0, 1, 1, 1, 2, 3]))
    ]
    allowed = dice.sample(NETWORKS, dice.choice([0, 1, 2, 3]))
    trusted = dice.sample(NETWORKS[:11], dice.choice([0, 1, 2]))
    if dice.random() < 0.6:
        # Most games are played behind a proxy that is believed.
        return (
            dice.choice(["127.0.0.1", "::ffff:127.0.0.1"]),
            headers,
            allowed,
            ["127.0.0.0/8", *trusted],
        )
    return spelled(), headers, allowed, trusted


def leftmost(is_allowed):
    def broken(peer, headers, allowed, trusted):
        first = ",".join(headers).split(",")[0].strip()
        return is_allowed(first or peer, [], allowed, [])

    return broken


def last_header(is_allowed):
    return lambda peer, headers, allowed, trusted: is_allowed(peer, headers[-1:], allowed, trusted)


def skips_junk(is_allowed):
    def broken(peer, headers, allowed, trusted):
        readable = [each for each in ",".join(headers).split(",") if whole(each.strip())]
        return is_allowed(peer, [",".join(readable)] if readable else [], allowed, trusted)

    return broken


BUGS = {"leftmost": leftmost, "last-header": last_header, "skips-junk": skips_junk}


def prove(number, seed, bug=None):
    """Compare; return the figures, with the first few violations."""
    from kelly_cli.listener.addresses import plain_networks
    from kelly_cli.listener.entrance import Entrance

    def is_allowed(peer, headers, allowed, trusted):
        entrance = Entrance(allowed=allowed, trusted=trusted)
        raw = [(b"x-forwarded-for", each.encode("utf-8")) for each in headers]
        return entrance.sender(peer, raw).is_allowed

    decide = BUGS[bug](is_allowed) if bug else is_allowed
    dice = random.Random(seed)
    known = {text: ip_network(text) for text in NETWORKS}
    assert plain_networks([known["::ffff:10.0.0.0/104"]]) == (ip_network("10.0.0.0/8"),)
    began = time.monotonic()
    admitted, wrong_admits, wrong_refusals, violations = 0, 0, 0, []
    for _ in range(number):
        peer, headers, allowed, trusted = triple(dice)
        expected = oracle(peer, headers, allowed, trusted)
        got = decide(peer, headers, [known[n] for n in allowed], [known[n] for n in trusted])
        admitted += expected
        if got != expected:
            wrong_admits += got
            wrong_refusals += expected
            violations.append([peer, headers, allowed, trusted, expected])
    return {
        "proof": "P14",
        "seed": seed,
        "combinations": number,
        "admitted": admitted,
        "wrong_admits": wrong_admits,
        "wrong_refusals": wrong_refusals,
        "seconds": round(time.monotonic() - began, 1),
        "violations": violations[:5],
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--fraction", type=Fraction, default=1, help="of the long form: 1/30")
    parser.add_argument("--seed", type=int, default=14)
    parser.add_argument("--bug", choices=sorted(BUGS))
    given = parser.parse_args()
    figures = prove(
        round(1_000_000 * given.fraction) if given.long else 10_000, given.seed, given.bug
    )
    print(json.dumps(figures))
    return 1 if figures["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
