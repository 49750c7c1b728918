"""Who sent a request, and whether he is let in: one decision, made of addresses alone.

Pure: texts and networks in, an answer out. An address has one spelling here: IPv4 inside IPv6
(``::ffff:196.201.214.200``) is IPv4, in what comes and in what is configured.
Source: contract section 2, ``webhook.allowed_ips`` and ``webhook.trusted_proxies``.
"""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_MAPPED = ip_network("::ffff:0:0/96")


def is_allowed(
    peer: str, forwarded: Sequence[str], allowed: Sequence[Network], trusted: Sequence[Network]
) -> bool:
    """Tell whether a request may come in.

    ``peer``: the address at the other end of the connection. ``forwarded``: the values of all
    ``X-Forwarded-For`` headers, in their order. ``allowed`` empty = any address that can be read.
    """
    address = sender_of(peer, forwarded, trusted)
    return address is not None and (not allowed or is_in(address, allowed))


def sender_of(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> Address | None:
    """Return the right-most address that is no trusted proxy; the peer is the last of the list.

    None: what stands there cannot be read. Only trusted ones: the peer.
    """
    nearest = _read(peer.partition("%")[0])
    if nearest is None or not forwarded or not is_in(nearest, trusted):
        return nearest
    for entry in reversed(",".join(forwarded).split(",")):
        address = _read(entry.strip(" \t"))
        if address is None or not is_in(address, trusted):
            return address
    return nearest


def is_in(address: Address, networks: Iterable[Network]) -> bool:
    """Tell whether an address lies in one of these networks."""
    return any(address in network for network in networks)


def plain_networks(networks: Iterable[Network]) -> tuple[Network, ...]:
    """Return networks in the one spelling of addresses."""
    return tuple(_plain_network(network) for network in networks)


def place_of(address: Address) -> Address | Network:
    """Return what one sender can hardly leave: his address, or its IPv6 network of 64 bits."""
    return address if isinstance(address, IPv4Address) else IPv6Network((address, 64), strict=False)


def _read(text: str) -> Address | None:
    if "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _plain_network(network: Network) -> Network:
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):  # type: ignore[arg-type]
        inner = int(network.network_address) & 0xFFFFFFFF
        return IPv4Network((inner, network.prefixlen - 96))
    return network
