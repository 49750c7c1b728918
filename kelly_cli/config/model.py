"""The frozen configuration, and the type that keeps secrets from being printed.

Promise: nothing here shows a secret by ``repr``, ``str`` or :meth:`Config.settings`; only
:meth:`Secret.reveal` does. Knows no file, no environment and no default.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from kelly_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Network, IPv6Network
    from pathlib import Path

MASK = "********"
"""What stands for a secret: always eight stars, so that its length does not show."""

_IN_AUTHORITY = r"(?s)(?<=://)([^:/]*):.*@"
_IN_QUERY = r"(?i)([?&](?:ssl)?password=)[^&]*"


def mask(text: str) -> str:
    """Return the text with the password of a URL in it replaced by stars.

    Where the end of a password is unclear, more is hidden rather than less.

    >>> mask("postgresql://ann:pa/ss@host/books")
    'postgresql://ann:********@host/books'
    """
    if "://" not in text:
        return text
    return re.sub(_IN_QUERY, rf"\1{MASK}", re.sub(_IN_AUTHORITY, rf"\1:{MASK}@", text))


class Secret:
    """A text that prints as stars. Equality takes the same time wherever the texts differ."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text itself: only for the place that must send or compare it."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac

        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))


@dataclass(frozen=True, slots=True)
class Database:
    """Where the books are."""

    url: str = field(repr=False)
    """``sqlite:////absolute/path`` or ``postgresql://...``; may hold a password."""
    explicit: bool
    """False: nobody named it, the default place was taken."""


@dataclass(frozen=True, slots=True)
class ShortCode:
    """One paybill, till or store number of ours."""

    code: str
    kind: str = "paybill"
    """``paybill``, ``till`` or ``store``."""
    name: str = ""
    environment: str = ""
    """``local``, ``sandbox`` or ``production``; "" only while the file is being read."""
    under: str = ""
    """The till or head office whose money comes under this store number too; "" = none."""

    def __str__(self) -> str:
        """Return it for people: ``600000 till (Shop, sandbox)``."""
        about = ", ".join(filter(None, (self.name, self.environment)))
        return f"{self.code} {self.kind}" + (f" ({about})" if about else "")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What Safaricom gave for one short code. None = not set."""

    consumer_key: Secret | None = None
    consumer_secret: Secret | None = None
    passkey: Secret | None = None
    initiator_name: Secret | None = None
    initiator_password: Secret | None = None


@dataclass(frozen=True, slots=True)
class Mpesa:
    """How to speak with M-Pesa, and which short codes are ours."""

    environment: str
    base_url: str
    """Without a slash at the end."""
    short_code: str
    """The main one."""
    api: Literal["v1", "v2"]
    """The version of the C2B product that the app has."""
    short_codes: tuple[ShortCode, ...]
    """All of ours, the main one first; no code twice."""
    certificate: Path | None
    """M-Pesa's certificate, absolute; None = not set."""
    keys: Mapping[str, Credentials]
    """By short code; see :meth:`credentials`."""

    @property
    def our_codes(self) -> frozenset[str]:
        """Return the short codes whose money is ours, as text."""
        return frozenset(listed.code for listed in self.short_codes)

    def credentials(self, code: str = "") -> Credentials:
        """Return the credentials of one of our short codes ("" = the main one).

        Raises:
            ConfigError: the code is not ours.
        """
        try:
            return self.keys[code or self.short_code]
        except KeyError:
            raise ConfigError(
                f"{code} is not one of our short codes ({', '.join(sorted(self.keys))})",
                hint="Add it as [[mpesa.short_codes]] in kelly.toml, or to KELLY_MPESA_SHORT_CODES",
                code="unknown_short_code",
            ) from None


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where the listener stands and whom it lets in."""

    host: str
    port: int
    """0 = the system chooses."""
    public_url: str | None
    """Without a slash at the end; None = not known."""
    allowed_ips: tuple[IPv4Network | IPv6Network, ...]
    """Empty = any address; then a token is needed off loopback."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    """Empty = ``X-Forwarded-For`` is ignored."""
    token: Secret | None
    max_body_bytes: int
    validation: str
    """``off``, ``warn`` or ``strict``."""
    spool_folder: Path | None
    """Absolute; None = beside a SQLite database, else in the user's data folder."""


@dataclass(frozen=True, slots=True)
class Alerts:
    """Whom the listener tells when something is wrong."""

    urls: Secret | None
    """Apprise URLs, separated by commas; None = nobody."""
    repeat_minutes: int


@dataclass(frozen=True, slots=True)
class Business:
    """How the business calls itself on documents."""

    name: str
    phone: str
    """As it is to be printed; "" = none, as with the other texts."""
    email: str = ""
    address: tuple[str, ...] = ()
    """A text for each line."""
    tax_number: str = ""
    logo: Path | None = None
    """Absolute; None = documents carry none."""
    pay_note: str = ""


class Files(NamedTuple):
    """The files that were read. None = there is none."""

    kelly_toml: Path | None
    dotenv: Path | None


class SettingValue(NamedTuple):
    """One line of ``kelly config list``."""

    name: str
    value_for_people: str
    """Secrets and passwords in URLs are stars."""
    origin: str
    secret: bool


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that was settled, and from where."""

    database: Database
    mpesa: Mpesa
    webhook: Webhook
    alerts: Alerts
    business: Business
    files: Files
    warnings: tuple[str, ...]
    """Names that look like settings and are none: for stderr, never a reason to stop."""
    origins: Mapping[str, str]
    """``section.key`` to where its value came from: ``default``, ``flag --db``, ..."""
    shown: tuple[SettingValue, ...] = field(repr=False)

    def settings(self) -> list[SettingValue]:
        """Return every setting with its value for people and its origin, in the file's order."""
        return list(self.shown)
