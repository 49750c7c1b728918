"""The text of kelly.toml.example, made from the table of settings.

Promise: every setting stands there once, commented out, with its default and one line about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kelly_cli.config.table import SECTIONS, SETTINGS, Setting

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = """\
# kelly.toml: the settings of kelly, each with its default. Remove the # before a line to change it.
#
# Order, first wins: flag, environment, .env beside this file, this file, default.
# Every setting is also KELLY_SECTION_KEY in the environment (lists separated by commas).
# Relative paths start in this file's folder. Text stands in quotes.
"""
_SECRETS = """\
# Secrets never stand here: this file may be shared. They are read from the environment, from .env
# beside this file (chmod 600), or from the file that NAME_FILE points to. One short code's own
# credentials carry its digits: MPESA_600000_CONSUMER_KEY. A database URL with a password counts as
# a secret too: KELLY_DATABASE_URL.
#"""


def example_text() -> str:
    """Return the commented example of kelly.toml."""
    return "\n".join([_HEAD, *_sections(), *_secrets(), ""])


def _sections() -> Iterator[str]:
    settled: dict[str, Any] = {}
    for section in SECTIONS:
        rows = [row for row in SETTINGS if row.name.startswith(f"{section}.") and not row.secret]
        yield f"[{section}]"
        for row in rows:
            settled[row.name] = row.default_among(settled)
            yield f"# {row.about}"
            yield from _lines(row, settled)
        yield ""


def _lines(row: Setting, settled: dict[str, Any]) -> Iterator[str]:
    key = row.name.partition(".")[2]
    value = settled[row.name]
    if row.name == "mpesa.short_codes":
        yield "#[[mpesa.short_codes]]"
        yield f'#code = "{settled["mpesa.short_code"]}"'
        yield '#kind = "paybill"'
        yield f'#environment = "{settled["mpesa.environment"]}"'
    elif row.example:
        yield f"#{key} = {row.example}"
    else:
        yield f"#{key} = {_toml(value)}"


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(entry) for entry in value)}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _secrets() -> Iterator[str]:
    yield _SECRETS
    for row in SETTINGS:
        if row.secret:
            yield f"# {row.names[0]}: {row.about}"
