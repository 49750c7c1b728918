"""Readers of single values: a text or TOML value in, a checked value out.

Promise: a reader refuses by ``ValueError(expected)`` or ``ValueError(expected, fix)``, in words
that follow "expected"; it never repairs by guessing. Knows no setting's name and no origin.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kelly_cli.config.model import MASK, Secret, ShortCode, mask

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Network, IPv6Network
    from pathlib import Path

ENVIRONMENTS = ("local", "sandbox", "production")
KINDS = ("paybill", "till", "store")
SHORT_CODE_KEYS = ("code", "kind", "name", "environment", "under")

_HOST = r"(?a)[\w.:-]+"
_SEGMENT = r"(?!\.{1,2}$)[A-Za-z0-9._~-]{1,128}"
_WEB = r"(?ai)https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?(?:/[^\s?#@\\]*)?"
_SQLITE = ("sqlite://", "sqlite+pysqlite://")
_POSTGRES = ("postgresql://", "postgresql+psycopg://")
_IN_URL = str.maketrans({"%": "%25", "?": "%3F"})


def text(value: object, _folder: Path) -> str:
    """Read a text of at least one visible character, without spaces around it."""
    trimmed = value.strip() if isinstance(value, str) else ""
    if not trimmed or not trimmed.isprintable():
        raise ValueError("a text in quotes, without control characters")
    return trimmed


def texts(value: object, folder: Path) -> tuple[str, ...]:
    """Read a list of texts."""
    if not isinstance(value, (list, tuple)):
        raise ValueError("a list of texts in quotes")  # noqa: TRY004 (readers refuse in one way)
    return tuple(text(entry, folder) for entry in value)


def whole(low: int, high: int) -> Callable[[object, Path], int]:
    """Make a reader of whole numbers from ``low`` to ``high``, both allowed."""

    def read(value: object, _folder: Path) -> int:
        typed = str(value).strip() if not isinstance(value, bool) else ""
        if not _digits(typed, 1, 18) or not low <= int(typed) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(typed)

    return read


def _digits(typed: str, fewest: int, most: int) -> bool:
    return typed.isascii() and typed.isdecimal() and fewest <= len(typed) <= most


def one_of(*names: str) -> Callable[[object, Path], str]:
    """Make a reader of one word out of several, in any case."""

    def read(value: object, _folder: Path) -> str:
        word = value.strip().lower() if isinstance(value, str) else ""
        if word not in names:
            raise ValueError(f"one of {', '.join(names)}")
        return word

    return read


def host(value: object, folder: Path) -> str:
    """Read the name or address to listen on."""
    name = text(value, folder)
    if not re.fullmatch(_HOST, name):
        raise ValueError("an address such as 127.0.0.1 or ::1, or a host name")
    return name


def web_url(value: object, folder: Path) -> str:
    """Read an http or https URL and drop the slash at its end."""
    url = text(value, folder)
    if not re.fullmatch(_WEB, url):
        raise ValueError("an http or https URL without user name, password, ? and #")
    return url.rstrip("/")


def networks(value: object, _folder: Path) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read a list of addresses and CIDR ranges; a bare address is a range of one."""
    from ipaddress import ip_network

    expected = "a list of addresses and CIDR ranges, such as 196.201.214.200 or 10.0.0.0/8"
    if not isinstance(value, (list, tuple)):
        raise ValueError(expected)  # noqa: TRY004 (readers refuse in one way)
    ranges = []
    for entry in value:
        try:
            ranges.append(ip_network(entry if isinstance(entry, str) else ""))
        except ValueError:
            raise ValueError(expected, f"This entry is neither: {entry!r}{_meant(entry)}") from None
    return tuple(ranges)


def _meant(entry: object) -> str:
    """Name the range of an address with host bits (``10.0.0.1/8``), or nothing."""
    from ipaddress import ip_network

    try:
        return f"; the range is {ip_network(str(entry), strict=False)}"
    except ValueError:
        return ""


def short_code(value: object, _folder: Path) -> str:
    """Read a short code; a whole number becomes text."""
    code = str(value).strip() if isinstance(value, (str, int)) else ""
    if not _digits(code, 4, 12):
        raise ValueError(
            "4 to 12 digits", 'Write it in quotes ("012345"): a number would lose leading zeros'
        )
    return code


def short_codes(value: object, folder: Path) -> tuple[ShortCode, ...]:
    """Read a list of codes, or of tables with code, kind, name, environment and under."""
    if not isinstance(value, (list, tuple)):
        raise ValueError("tables [[mpesa.short_codes]] or a list of codes")  # noqa: TRY004
    codes = tuple(_listed(item, folder) for item in value)
    for place, listed in enumerate(codes):
        if listed.code in {earlier.code for earlier in codes[:place]}:
            raise ValueError("each code once", f"{listed.code} stands there twice: remove one")
    return codes


_CODE_READERS: dict[str, Callable[[object, Any], str]] = {
    "code": short_code,
    "kind": one_of(*KINDS),
    "name": text,
    "environment": one_of(*ENVIRONMENTS),
    "under": short_code,
}


def _listed(item: object, folder: Path) -> ShortCode:
    facts = item if isinstance(item, dict) else {"code": item}
    if "code" not in facts:
        raise ValueError('tables with a code, such as code = "600000"')
    read = {}
    for key, value in facts.items():
        try:
            read[key] = _CODE_READERS[key](value, folder)
        except ValueError as refusal:
            expected, *fix = refusal.args
            raise ValueError(f"{expected} as {key}, not {value!r}", *fix) from None
    return ShortCode(**read)


def secret(value: object, _folder: Path) -> Secret:
    """Read a secret: one line of visible characters, kept as it is."""
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError("one line without control characters")
    return Secret(value)


def token(value: object, _folder: Path) -> Secret:
    """Read the secret segment of the callback paths: letters and digits that a URL keeps."""
    if not isinstance(value, str) or not re.fullmatch(_SEGMENT, value):
        raise ValueError("up to 128 letters, digits, dots, dashes and underscores")
    return Secret(value)


def database_url(value: object, folder: Path) -> str:
    """Read a database URL or the path of a SQLite file; relative paths start in ``folder``."""
    given = text(value, folder)
    if given.startswith("postgres://"):
        fixed = mask(given.replace("postgres://", "postgresql://", 1))
        raise ValueError("postgresql:// at its beginning, not postgres://", f"Write {fixed}")
    if given.startswith(_POSTGRES):
        return given
    scheme, mark, rest = given.partition("://")
    if mark and not given.startswith(_SQLITE):
        raise ValueError(
            "a path, sqlite:///FILE or postgresql://USER@HOST/NAME",
            f"kelly keeps books in SQLite and PostgreSQL, not in {scheme}",
        )
    return _sqlite_url(_sqlite_path(rest) if mark else given.translate(_IN_URL), folder)


def _sqlite_path(rest: str) -> str:
    """Return the path of ``sqlite:///path``, given what follows the two slashes."""
    path = rest.removeprefix("/")
    if "?" in rest or path == rest or not path:
        raise ValueError("sqlite:///FILE, or sqlite:////FOLDER/FILE, without options")
    return path


def _sqlite_url(path: str, folder: Path) -> str:
    from pathlib import Path

    if path == ":memory:":
        raise ValueError("a file", "Books in memory are gone when the command ends: name a file")
    try:
        wanted = Path(path).expanduser()
    except RuntimeError as unknown:
        raise ValueError("a path that can be found", f"{unknown}") from None
    start = folder.absolute().as_posix().translate(_IN_URL)
    return f"sqlite:///{(Path(start) / wanted).as_posix()}"


def path(value: object, start: Path) -> Path:
    """Read the path of a file or folder; relative ones start in ``start``."""
    from pathlib import Path

    try:
        wanted = Path(text(value, start)).expanduser()
    except RuntimeError as unknown:
        raise ValueError("a path that can be found", f"{unknown}") from None
    return start.absolute() / wanted


def for_people(value: object) -> str:
    """Return a read value as people may see it: no secret, no password."""
    if value is None or value == "":
        return "not set"
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, tuple):
        return ", ".join(str(entry) for entry in value) or "none"
    return mask(str(value))
