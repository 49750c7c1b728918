"""What Safaricom asks of a URL that it is to call: every rule, passed, warned or failed.

Pure: nothing is looked up and nothing is sent. Forbidden words and malformed URLs always stop a
registration; http, addresses of this machine and tunnels stop it in production, warn in the
sandbox and pass in local. Source: daraja-facts 2.2, contract section 4.
"""

from __future__ import annotations

import re
import string
import unicodedata
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

from kelly_cli.daraja import hosts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Level: TypeAlias = Literal["passed", "warned", "failed"]

FORBIDDEN = ("m-pesa", "mpesa", "safaricom", "exec", "exe", "cmd", "sql", "query")
"""Words that a URL must not hold, in any case and at any place. A longer one stands first."""
CONFIRMATION_PATH = "/c2b/confirmation"
VALIDATION_PATH = "/c2b/validation"

_SEVERITY: dict[str, Level] = {"local": "passed", "sandbox": "warned", "production": "failed"}
_DOUBT: dict[str, Level] = {"local": "passed", "sandbox": "warned", "production": "warned"}
_MIXED: dict[str, Level] = {"local": "warned", "sandbox": "warned", "production": "failed"}

_ALLOWED = frozenset(string.ascii_letters + string.digits + "-._~:/?#[]@!$&'()*+,;=%")
"""The characters of a URL (RFC 3986)."""
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_WRITTEN_APART = re.compile(r"m[^a-z0-9/]{1,3}pesa|s[._-]q[._-]l|c[._-]m[._-]d", re.ASCII)
_PLACEHOLDER = re.compile(
    r"your[-_.]?(?:domain|host|server|site|app|url|company|business)|change[-_]?me"
    r"|<[^>]*>|\{[^}]*\}|(?<=/)(?:TOKEN|HOST|DOMAIN|XXX+|\.\.\.)(?=/|$)"
)
_WORDS_OF_PLACEHOLDERS = re.IGNORECASE


class Check(NamedTuple):
    """One rule and how a URL, or a pair of them, stands to it."""

    rule: str
    level: Level
    detail: str

    @property
    def ok(self) -> bool:
        """Tell whether nothing is stopped by it; a warning stops nothing."""
        return self.level != "failed"


def check_pair(confirmation_url: str, validation_url: str, environment: str) -> list[Check]:
    """Check the two URLs of a registration: each by itself, then together."""
    checks = check_url(confirmation_url, environment, "confirmation ")
    checks += check_url(validation_url, environment, "validation ")
    checks += _together(confirmation_url, validation_url, environment)
    return checks


def check_url(url: str, environment: str, label: str = "") -> list[Check]:
    """Check one URL; ``label`` stands before the name of each rule.

    Of a URL that cannot be taken apart only what can be said is said.
    """
    found = [_characters(url), _placeholder(url), _words(url), _apart(url, environment)]
    parts, form = _form(url)
    found.append(form)
    if parts is not None:
        found += _of_parts(parts, url, environment)
    return [check._replace(rule=f"{label}{check.rule}") for check in found]


def stops(checks: Iterable[Check]) -> list[Check]:
    """Return the checks that forbid a registration."""
    return [check for check in checks if not check.ok]


def forbidden_word(url: str) -> str:
    """Return the first forbidden word in a URL, however it is written there; "" = none."""
    texts = list(_readings(url))
    return next((word for word in FORBIDDEN if any(word in text for text in texts)), "")


def without_forbidden_path(url: str) -> str:
    """Return what to register instead of the path of older installations; "" = it is another.

    >>> without_forbidden_path("https://pay.acme.co.ke/api/webhooks/mpesa")
    'https://pay.acme.co.ke/c2b/confirmation'
    """
    base, path, rest = url.rstrip("/").partition("/api/webhooks/mpesa")
    return "" if not path or rest or forbidden_word(base) else f"{base}{CONFIRMATION_PATH}"


def _readings(url: str) -> Iterator[str]:
    """Give a URL as it is and as it reads each time that an escape (``%70``) is undone."""
    text, before = url, ""
    while text != before:
        yield unicodedata.normalize("NFKC", text).casefold()
        text, before = unquote(text, errors="replace"), text


def _characters(url: str) -> Check:
    rule = "plain characters"
    strange = next((sign for sign in url if sign not in _ALLOWED), "")
    if not url:
        return Check(rule, "failed", "there is no URL")
    if strange:
        what = "a space" if strange == " " else f"{strange!a}"
        return Check(rule, "failed", f"{url!a} holds {what}, which no URL may hold")
    if _ESCAPE.search(url):
        return Check(rule, "failed", f"{url} holds a % that begins no escape")
    undone = "".join(_readings(url))
    hidden = next((sign for sign in undone if sign.isspace() or not sign.isprintable()), "")
    if hidden or "<" in undone or ">" in undone:
        return Check(rule, "failed", f"{url} hides a space, an angle bracket or a control sign")
    return Check(rule, "passed", url)


def _placeholder(url: str) -> Check:
    rule = "no placeholder"
    found = _PLACEHOLDER.search(url) or re.search(
        _PLACEHOLDER.pattern.partition("|<")[0], url, _WORDS_OF_PLACEHOLDERS
    )
    if found:
        return Check(rule, "failed", f"{url!a} still holds {found[0]!a}: put in your own")
    return Check(rule, "passed", "all filled in")


def _words(url: str) -> Check:
    rule = "no forbidden word"
    word = forbidden_word(url)
    if word:
        return Check(
            rule, "failed", f"{url!a} has the word {word!r}, which Safaricom refuses anywhere in it"
        )
    return Check(rule, "passed", f"none of {', '.join(FORBIDDEN)}")


def _apart(url: str, environment: str) -> Check:
    rule = "no variant of a forbidden word"
    found = next(filter(None, map(_WRITTEN_APART.search, _readings(url))), None)
    if found and not forbidden_word(found[0]):
        return Check(rule, _DOUBT[environment], f"{url!a} has {found[0]!a}, which may be refused")
    return Check(rule, "passed", "none")


def _form(url: str) -> tuple[SplitResult | None, Check]:
    """Take a URL apart; None = it has no form of one."""
    rule = "form"
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError as refusal:
        return None, Check(rule, "failed", f"{url!a} is malformed: {refusal}")
    fault = ""
    if parts.scheme not in {"http", "https"}:
        fault = "does not begin with https://"
    elif not host:
        fault = "names no host"
    elif "@" in parts.netloc:
        fault = "holds a user name or password"
    elif port == 0 or parts.netloc.endswith(":"):
        fault = "names no port after the colon"
    elif "#" in url:
        fault = "holds a #, and what follows it is never sent"
    elif fault := hosts.fault_of_host(host):
        fault = f"names {host!a}, which {fault}"
    if fault:
        return None, Check(rule, "failed", f"{url!a} {fault}")
    return parts, Check(rule, "passed", f"{parts.scheme}://{parts.netloc}")


def _of_parts(parts: SplitResult, url: str, environment: str) -> Iterator[Check]:
    host = parts.hostname or ""
    hard, soft = _SEVERITY[environment], _DOUBT[environment]
    secure = parts.scheme == "https"
    about = "https://" if secure else "http://, which production refuses"
    yield Check("https", "passed" if secure else hard, about)
    near = hosts.why_not_public(host)
    yield Check("public address", hard if near else "passed", f"{host} {near}".strip())
    tunnel = hosts.tunnel_of(host)
    about = f"{host} belongs to {tunnel}, a public tunnel or tester" if tunnel else host
    yield Check("no tunnel", hard if tunnel else "passed", about)
    example = hosts.example_of(host)
    about = f"{host} is kept for examples" if example else host
    yield Check("a host of your own", soft if example else "passed", about)
    if "xn--" in host:
        yield Check("plain host name", soft, f"{host} stands for letters that are not ASCII")
    if "?" in url:
        yield Check("no options", soft, f"{url} holds a ?: the documented form has only a path")


def _together(confirmation: str, validation: str, environment: str) -> Iterator[Check]:
    mixed = _MIXED[environment]
    same = _canonical(confirmation) == _canonical(validation)
    told = "a validation request there would be taken for a payment"
    yield Check(
        "two URLs",
        mixed if same else "passed",
        f"both are {confirmation!a}: {told}" if same else "confirmation and validation differ",
    )
    swapped = confirmation.rstrip("/").endswith(VALIDATION_PATH) or validation.rstrip("/").endswith(
        CONFIRMATION_PATH
    )
    yield Check(
        "each in its place",
        mixed if swapped and not same else "passed",
        f"{confirmation!a} and {validation!a} are exchanged" if swapped and not same else "yes",
    )


def _canonical(url: str) -> str:
    """Return one text for all the ways to write one URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return url
    host = (parts.hostname or "").removesuffix(".")
    return f"{parts.scheme}://{host}:{port}{unquote(parts.path).rstrip('/')}?{parts.query}"
