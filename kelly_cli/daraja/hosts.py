"""Hosts in a URL: an address or a name, reached from everywhere or from here alone, and tunnels.

Pure: names and digits only, nothing is looked up. Source: daraja-facts 2.2.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Address: TypeAlias = IPv4Address | IPv6Address

TUNNELS = (
    "beeceptor.com", "bore.pub", "burrow.io", "devtunnels.ms", "expose.dev", "hookbin.com",
    "hookdeck.com", "httpbin.org", "lhr.life", "lhr.rocks", "loca.lt", "localhost.run",
    "localtunnel.me", "loclx.io", "mockbin.com", "mockbin.io", "mockbin.org", "ngrok-free.app",
    "ngrok-free.dev", "ngrok.app", "ngrok.com", "ngrok.dev", "ngrok.io", "nip.io", "packetriot.net",
    "pagekite.me", "pinggy.io", "pinggy.link", "pipedream.net", "playit.gg", "postb.in",
    "ptsv3.com", "remote.moe", "requestbin.com", "requestbin.net", "requestcatcher.com",
    "requestinspector.com", "serveo.net", "sharedwithexpose.com", "smee.io", "sslip.io",
    "telebit.cloud", "trycloudflare.com", "ts.net", "tunnelmole.net", "webhook.site",
    "webhookrelay.com", "xip.io", "zrok.io",
)  # fmt: skip
"""Public tunnels and testers: whoever runs one reads what comes through it."""
TUNNEL_WORDS = ("ngrok", "localtunnel", "mockbin", "requestbin")
"""Parts of a name that say it is one, whatever its domain."""

_HERE_ALONE = (
    "home.arpa", "internal", "intranet", "invalid", "lan", "local", "localdomain", "localhost",
    "localtest.me", "lvh.me", "onion", "test", "vcap.me",
)  # fmt: skip
"""Ends of names that stand for this machine or its own network, or for none."""
_EXAMPLES = ("example", "example.com", "example.net", "example.org", "example.co.ke")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.ASCII | re.IGNORECASE)
_LONGEST_NAME = 253
_NAT64 = 0x0064_FF9B << 96


def read_address(host: str) -> Address | None:
    """Return the address that a host is; None = it is a name. ``host``: without brackets."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def fault_of_host(host: str) -> str:
    """Say what is wrong with the form of a host; "" = nothing. ``host``: without brackets.

    Forms that only some programs read as an address (``127.1``, ``0x7f000001``) are no host here:
    what one of them checked another would call differently.
    """
    if read_address(host) is not None:
        return ""
    labels = host.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return "is neither a name nor an address with four numbers"
    if len(host) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        return "is not a host name of letters, digits and dashes"
    return ""


def why_not_public(host: str) -> str:
    """Say why a host cannot be reached from outside; "" = nothing against it is known."""
    address = read_address(host)
    if address is not None:
        return _why_not_global(_innermost(address))
    name = host.removesuffix(".").lower()
    if _ends_with(name, _HERE_ALONE):
        return "stands for this machine or its own network"
    return "" if "." in name else "is a name of the own network only"


def tunnel_of(host: str) -> str:
    """Return the tunnel or tester that a host belongs to; "" = none that is known."""
    name = host.removesuffix(".").lower()
    known = _ends_with(name, TUNNELS)
    return known or next((word for word in TUNNEL_WORDS if word in name), "")


def example_of(host: str) -> str:
    """Return the domain kept for examples that a host belongs to; "" = none."""
    return _ends_with(host.removesuffix(".").lower(), _EXAMPLES)


def _ends_with(name: str, domains: Iterable[str]) -> str:
    return next((each for each in domains if name == each or name.endswith(f".{each}")), "")


def _innermost(address: Address) -> Address:
    """Return the IPv4 address inside an IPv6 one, where there is one."""
    if isinstance(address, IPv4Address):
        return address
    inside = address.ipv4_mapped or address.sixtofour
    if inside is None and int(address) >> 32 == _NAT64 >> 32:
        inside = IPv4Address(int(address) & 0xFFFF_FFFF)
    return inside or address


def _why_not_global(address: Address) -> str:
    if address.is_loopback:
        return "is this machine itself"
    if address.is_private or address.is_link_local:
        return "is an address of a private network"
    if not address.is_global or address.is_multicast or address.is_reserved:
        return "is no address that can be reached"
    return ""
