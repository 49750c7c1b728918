"""Where Safaricom shall call us: the paths of contract section 5 under the address that is ours.

The token of the callback paths is a secret and stands in these URLs: they are for Safaricom, and
for a person who registers them; never for logs. Knows no network and no rule of Safaricom's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kelly_cli.config.model import Config

RESULT_KINDS = ("status", "balance", "reversal")
"""The requests whose results come by callback."""

_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - replaced, not bound to


class CallbackUrls(NamedTuple):
    """One URL for each callback. ``results`` and ``timeouts`` by ``RESULT_KINDS``."""

    confirmation: str
    validation: str
    stk: str
    results: Mapping[str, str]
    timeouts: Mapping[str, str]


def callback_urls(config: Config) -> CallbackUrls:
    """Return the URLs under ``webhook.public_url``; in ``local`` the listener's own will do.

    Raises:
        ConfigError: nobody outside could reach the listener by what is configured.
    """
    base = config.webhook.public_url or _own(config)
    token = config.webhook.token
    if token is not None:
        base += f"/hooks/{token.reveal()}"
    return CallbackUrls(
        confirmation=f"{base}/c2b/confirmation",
        validation=f"{base}/c2b/validation",
        stk=f"{base}/stk/callback",
        results={kind: f"{base}/results/{kind}" for kind in RESULT_KINDS},
        timeouts={kind: f"{base}/timeouts/{kind}" for kind in RESULT_KINDS},
    )


def _own(config: Config) -> str:
    webhook, environment = config.webhook, config.mpesa.environment
    if environment != "local":
        raise ConfigError(
            f"webhook.public_url is not set, and mpesa.environment is {environment}: Safaricom "
            "would not know where to call",
            hint="kelly config set webhook.public_url https://pay.example.co.ke",
        )
    if webhook.port == 0:
        raise ConfigError(
            "webhook.port is 0 (the system chooses), so the listener's address is not known",
            hint="Set webhook.port, or webhook.public_url",
        )
    host = _ANY_ADDRESS.get(webhook.host, webhook.host)
    return f"http://[{host}]:{webhook.port}" if ":" in host else f"http://{host}:{webhook.port}"
