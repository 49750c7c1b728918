"""The table of settings: one row drives reading, defaults, listing, setting and the example file.

Promise: adding a setting is adding a row here and a field in ``model``. Reads nothing itself.
Source: contract section 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from kelly_cli.config import values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

BASE_URLS = {
    "local": "http://127.0.0.1:8010",
    "sandbox": "https://sandbox.safaricom.co.ke",
    "production": "https://api.safaricom.co.ke",
}
LOOPBACK = ("127.0.0.0/8", "::1/128")
SAFARICOM_ADDRESSES = (
    "196.201.214.200",
    "196.201.214.206",
    "196.201.213.114",
    "196.201.214.207",
    "196.201.214.208",
    "196.201.213.44",
    "196.201.212.127",
    "196.201.212.138",
    "196.201.212.129",
    "196.201.212.136",
    "196.201.212.74",
    "196.201.212.69",
)
"""Safaricom's published list of callback sources. Source: daraja-facts 8."""
ALLOWED_IPS = {
    "local": LOOPBACK,
    "sandbox": SAFARICOM_ADDRESSES + LOOPBACK,
    "production": SAFARICOM_ADDRESSES,
}
CREDENTIALS = {
    "consumer_key": "The app's consumer key.",
    "consumer_secret": "The app's consumer secret.",
    "passkey": "The passkey of payment prompts (STK push).",
    "initiator_name": "The API operator's name, for status, balance and reversal.",
    "initiator_password": "The API operator's password.",
}
NOT_SETTINGS = frozenset({"KELLY_CONFIG", "KELLY_DEBUG", "KELLY_JSON"})
"""Names that kelly reads from the environment only, and that have no place in kelly.toml."""
TEST_PREFIX = "KELLY_TEST_"

MAX_BODY_BYTES = 16 * 1024 * 1024


class Setting(NamedTuple):
    """One row of the table."""

    name: str
    """``section.key``, as in kelly.toml."""
    parse: Callable[[object, Path], object]
    """Value and folder of relative paths in, checked value out; refuses by ValueError."""
    about: str
    """One line for people."""
    default: object = None
    """None = not set; a function is given the values settled above it in the table."""
    form: Literal["text", "whole", "list"] = "text"
    """How TOML writes it; a text source separates a list by commas."""
    secret: bool = False
    """True: never in kelly.toml, never shown."""
    variable: str = ""
    """Its name in the environment; "" = ``KELLY_SECTION_KEY``."""
    example: str = ""
    """What the example file shows where the default is none, as TOML."""

    @property
    def names(self) -> tuple[str, str]:
        """Return its name in the environment, and the one that points to a file holding it."""
        name = self.variable or f"KELLY_{self.name.replace('.', '_').upper()}"
        return name, f"{name}_FILE"

    @property
    def from_file(self) -> bool:
        """Tell whether it is, or may hold, a secret and so may be read by ``NAME_FILE``."""
        return self.secret or self.name == "database.url"

    def default_among(self, settled: Mapping[str, Any]) -> object:
        """Return the default, given what was settled above this row."""
        return self.default(settled) if callable(self.default) else self.default


def _credential(key: str, about: str, code: str = "") -> Setting:
    place, middle = (f"mpesa.{code}.{key}", f"{code}_") if code else (f"mpesa.{key}", "")
    variable = f"MPESA_{middle}{key.upper()}"
    return Setting(place, values.secret, about, secret=True, variable=variable)


def code_settings(codes: Iterable[str]) -> tuple[Setting, ...]:
    """Return the rows of the credentials that single short codes have for themselves."""
    return tuple(
        _credential(key, about, code) for code in codes for key, about in CREDENTIALS.items()
    )


SETTINGS = (
    Setting(
        "database.url",
        values.database_url,
        "The books: a URL (sqlite:///FILE, postgresql://USER@HOST/NAME) or a path.",
        example='"sqlite:///kelly.db"',
    ),
    Setting(
        "mpesa.environment",
        values.one_of(*values.ENVIRONMENTS),
        "local (the offline sandbox), sandbox (Safaricom's) or production.",
        "local",
    ),
    Setting(
        "mpesa.base_url",
        values.web_url,
        "Where M-Pesa's API answers; by default that environment's own address.",
        lambda settled: BASE_URLS[settled["mpesa.environment"]],
    ),
    Setting(
        "mpesa.short_code",
        values.short_code,
        "The main paybill or till, in quotes, because a number would lose leading zeros.",
        "174379",
    ),
    Setting(
        "mpesa.api",
        values.one_of("v1", "v2"),
        "The version of the C2B product that the app has: v2, or v1 for older apps.",
        "v2",
    ),
    *(_credential(key, about) for key, about in CREDENTIALS.items()),
    Setting(
        "mpesa.certificate",
        values.path,
        "M-Pesa's certificate from the portal, which encrypts the API operator's password.",
        example='"production.cer"',
    ),
    Setting(
        "mpesa.short_codes",
        values.short_codes,
        "One table for each short code of ours: kind is paybill, till or store (under: its till).",
        (),
        form="list",
    ),
    Setting("webhook.host", values.host, "The address the listener stands on.", "127.0.0.1"),
    Setting(
        "webhook.port",
        values.whole(0, 65535),
        "The port it stands on; 0 lets the system choose.",
        8000,
        form="whole",
    ),
    Setting(
        "webhook.public_url",
        values.web_url,
        "The address Safaricom reaches it by, which `kelly mpesa register` sends.",
        example='"https://pay.example.co.ke"',
    ),
    Setting(
        "webhook.allowed_ips",
        values.networks,
        "Who may post callbacks (addresses, CIDR); [] = anyone, and off loopback needs a token.",
        lambda settled: ALLOWED_IPS[settled["mpesa.environment"]],
        form="list",
    ),
    Setting(
        "webhook.trusted_proxies",
        values.networks,
        "Proxies whose X-Forwarded-For is believed; [] = the header is ignored.",
        (),
        form="list",
    ),
    Setting(
        "webhook.token",
        values.token,
        "The secret segment of the callback paths: /hooks/TOKEN/...",
        secret=True,
    ),
    Setting(
        "webhook.max_body_bytes",
        values.whole(1, MAX_BODY_BYTES),
        "The longest callback body that is taken, in bytes.",
        65536,
        form="whole",
    ),
    Setting(
        "webhook.validation",
        values.one_of("off", "warn", "strict"),
        "What M-Pesa is told before a payment: off accepts all, warn marks, strict refuses.",
        "off",
    ),
    Setting(
        "webhook.spool_folder",
        values.path,
        "Where callbacks wait for the database: beside SQLite's; for PostgreSQL each user's own.",
        example='"/var/lib/kelly/spool"',
    ),
    Setting(
        "alerts.urls",
        values.secret,
        "Where the listener's alerts go, as Apprise URLs separated by commas.",
        secret=True,
    ),
    Setting(
        "alerts.repeat_minutes",
        values.whole(1, 10080),
        "How long the same alert is not sent again.",
        60,
        form="whole",
    ),
    Setting("business.name", values.text, "The name that documents carry.", "My business"),
    Setting(
        "business.phone", values.text, "The phone that documents carry.", "", example='"0712345678"'
    ),
    Setting(
        "business.email",
        values.text,
        "The e-mail address that documents carry.",
        "",
        example='"accounts@example.co.ke"',
    ),
    Setting(
        "business.address",
        values.texts,
        "The address that documents carry, a text for each line.",
        (),
        form="list",
        example='["Moi Avenue 12", "P.O. Box 1234-00100 Nairobi"]',
    ),
    Setting(
        "business.tax_number",
        values.text,
        "The tax number (KRA PIN) that documents carry.",
        "",
        example='"P051234567X"',
    ),
    Setting(
        "business.logo",
        values.path,
        "The logo on documents: a PNG, JPEG or SVG file of at most 1 MiB.",
        example='"logo.png"',
    ),
    Setting(
        "business.pay_note",
        values.text,
        "One more line on documents under how to pay.",
        "",
        example='"Cheques: payable to Example Ltd"',
    ),
)

BY_NAME = {setting.name: setting for setting in SETTINGS}
SECTIONS = tuple(dict.fromkeys(setting.name.partition(".")[0] for setting in SETTINGS))
