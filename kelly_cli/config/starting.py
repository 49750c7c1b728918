"""The first kelly.toml and the first .env, as text: what `kelly init` writes.

Promise: the settings that were chosen stand in the commented example, every other keeps its
default; no secret is in kelly.toml. Pure: nothing is read and nothing is written.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kelly_cli.config.example import example_text
from kelly_cli.config.table import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

_DOTENV_HEAD = """\
# The secrets of kelly, beside its kelly.toml. Keep this file to yourself: mode 0600, not in git.
# Remove the # before a name and put its value after the =.
"""


def starting_toml(chosen: Mapping[str, str]) -> str:
    """Return a kelly.toml in which these settings (``section.key``) are set, as texts."""
    lines, section, open_ = [], "", dict(chosen)
    for line in example_text().splitlines():
        section = line[1:-1] if line.startswith("[") else section
        name = f"{section}.{line[1:].partition(' = ')[0]}"
        if line.startswith("#") and name in open_:
            line = f"{name.partition('.')[2]} = {_toml(open_.pop(name))}"  # noqa: PLW2901
        lines.append(line)
    return "\n".join([*lines, ""])


def starting_dotenv(secrets: Mapping[str, str]) -> str:
    """Return a .env with these secrets by their variables; all others stand there as comments."""
    lines = [_DOTENV_HEAD]
    for row in SETTINGS:
        name = row.names[0]
        if row.secret or name in secrets:
            lines.append(f"# {row.about}")
            lines.append(f"{name}={_quoted(secrets[name])}" if name in secrets else f"#{name}=")
    return "\n".join([*lines, ""])


def _toml(value: str) -> str:
    """Write a text as TOML does; JSON's escapes are TOML's too."""
    return json.dumps(value, ensure_ascii=False)


def _quoted(value: str) -> str:
    """Write a value so that it reads back letter by letter."""
    plain = value.isascii() and value.isprintable() and not set(value) & set(" '\"\\#$`")
    return value if plain else "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
