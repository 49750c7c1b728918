"""Whether a listener may stand where it is told to, and whether any callback would reach it.

Pure: settings in, a refusal or warnings out. Source: contract section 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from kelly_cli.config.table import SAFARICOM_ADDRESSES
from kelly_cli.errors import ConfigError

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from kelly_cli.config.model import Config

Networks: TypeAlias = "tuple[IPv4Network | IPv6Network, ...]"

TEST_CODES = frozenset({"174379", "600000", "600984", "600995"})
"""Short codes of Safaricom's sandbox that stand in its documentation. Source: daraja-facts 2, 4."""
SHORTEST_TOKEN = 22
"""Characters that hold 128 bits, 64 signs to choose from."""
_THIS_MACHINE = "127.0.0.1"
_NONE = "every real callback will be refused"


def check_posture(config: Config, address: str | None) -> list[str]:
    """Return warnings about a listener on ``address`` (None = a Unix socket).

    Raises:
        ConfigError: ``open_to_all``: anybody could post there; ``test_short_code``.
    """
    _refuse_test_codes(config)
    webhook = config.webhook
    from ipaddress import ip_address

    is_near = address is None or ip_address(address.partition("%")[0]).is_loopback
    if not is_near and not webhook.allowed_ips and webhook.token is None:
        raise ConfigError(
            f"nothing keeps strangers out: {address} can be reached from other machines, any "
            "address is allowed (webhook.allowed_ips is empty) and there is no token",
            hint="Make a token (kelly webhook token), or list addresses in webhook.allowed_ips",
            code="open_to_all",
        )
    return [text for text in (_unreachable(config, is_near=is_near), _weak_token(config)) if text]


def _refuse_test_codes(config: Config) -> None:
    live = {code.code for code in config.mpesa.short_codes if code.environment == "production"}
    if config.mpesa.environment == "production":
        live.add(config.mpesa.short_code)
    for code in sorted(live & TEST_CODES):
        raise ConfigError(
            f"{code} is a short code of Safaricom's sandbox, and this is production",
            hint="Set your own paybill or till: kelly config set mpesa.short_code 123456",
            code="test_short_code",
        )


def _unreachable(config: Config, *, is_near: bool) -> str:
    """Say which real callbacks would be refused; "" = none."""
    webhook = config.webhook
    if config.mpesa.environment == "local":
        return ""
    if is_near and not _holds(webhook.trusted_proxies, _THIS_MACHINE):
        return _behind_a_proxy(webhook.allowed_ips)
    if not webhook.allowed_ips:
        return ""
    missing = [each for each in SAFARICOM_ADDRESSES if not _holds(webhook.allowed_ips, each)]
    if len(missing) == len(SAFARICOM_ADDRESSES):
        return f"{_NONE}: webhook.allowed_ips holds none of Safaricom's addresses"
    if missing:
        return f"callbacks from {', '.join(missing)} (Safaricom's) will be refused"
    return ""


def _behind_a_proxy(allowed: Networks) -> str:
    if not allowed:
        return (
            "webhook.trusted_proxies is empty: behind a proxy on this machine all callbacks share "
            f"one address, {_THIS_MACHINE}, and the rate that it is allowed"
        )
    if _holds(allowed, _THIS_MACHINE):
        return ""
    return (
        f"{_NONE}: it can only come through a proxy on this machine, and that is not trusted "
        f"(set webhook.trusted_proxies to {_THIS_MACHINE})"
    )


def _weak_token(config: Config) -> str:
    token = config.webhook.token
    if token is None or len(token.reveal()) >= SHORTEST_TOKEN:
        return ""
    return (
        f"the token is shorter than {SHORTEST_TOKEN} characters and may be guessed "
        "(kelly webhook token makes a better one)"
    )


def _holds(networks: Networks, address: str) -> bool:
    from ipaddress import ip_address

    wanted = ip_address(address)
    return any(wanted in network for network in networks)
