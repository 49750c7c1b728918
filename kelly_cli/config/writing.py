"""Changing one setting in kelly.toml, with its comments and its order kept.

Promise: name and value are checked before anything is written; the file is whole at every moment
and keeps its mode; nothing else in it changes. Secrets are refused.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kelly_cli.config.loading import check
from kelly_cli.config.model import mask
from kelly_cli.config.sources import Given, read_text, read_toml, refuse_unknown_name, split
from kelly_cli.errors import ConfigError

if TYPE_CHECKING:
    from kelly_cli.config.table import Setting

_SQLITE = "sqlite:///"


def set_value(path: Path, name: str, value: str, cwd: Path, *, keep_database: str = "") -> None:
    """Write one setting into the kelly.toml at ``path``, which is made when missing.

    A relative path in ``value`` starts in ``cwd``. ``keep_database`` is the URL of the books in
    use: a new file names them when they exist, because the default place is beside kelly.toml.

    Raises:
        ConfigError: unknown name, secret, wrong value, or a file that cannot be read or written.
    """
    setting = refuse_unknown_name(name)
    raw = _raw(setting, value, path.absolute().parent, cwd.absolute())
    exists = path.exists()
    before = read_toml(path) if exists else {}
    if _has_tables(before, name):
        raise ConfigError(
            f"{name} in {path} is written as tables, which a list would lose",
            hint=f"Edit {path} by hand",
        )
    changes = {name: raw}
    if not exists and stands(keep_database):
        changes = {"database.url": keep_database} | changes

    text = _edited(read_text(path) if exists else "", changes)
    if not _is_just(text, before, changes):
        raise ConfigError(
            f"{path} is laid out in a way that {name} cannot be set in safely",
            hint=f"Edit {path} by hand",
        )
    _replace(path.resolve(), text)


def _raw(setting: Setting, value: str, folder: Path, cwd: Path) -> object:
    """Return the value as TOML is to hold it."""
    variable = setting.names[0]
    if setting.secret or mask(value) != value:
        raise ConfigError(
            f"{setting.name} {'is' if setting.secret else 'with a password is'} a secret, "
            "and secrets do not belong in kelly.toml",
            hint=f"Put {variable}=... into {folder / '.env'} (mode 0600) or into the environment",
            code="secret_in_config",
        )
    given = split(value) if setting.form == "list" else value
    checked = check(setting, Given(given, "new value", cwd))
    if setting.form == "whole":
        return checked
    if setting.name == "database.url" and str(checked).startswith(_SQLITE) and cwd != folder:
        return checked
    return given.strip() if isinstance(given, str) else given


def _has_tables(document: dict[str, Any], name: str) -> bool:
    section, _, key = name.partition(".")
    body = document.get(section)
    value = body.get(key) if isinstance(body, dict) else None
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def stands(url: str) -> bool:
    """Tell whether the URL is that of a SQLite file which exists."""
    from urllib.parse import unquote

    return url.startswith(_SQLITE) and Path(unquote(url.removeprefix(_SQLITE))).exists()


def _edited(text: str, changes: dict[str, object]) -> str:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    with contextlib.suppress(TOMLKitError, TypeError, AttributeError):
        document: Any = tomlkit.parse(text)
        for name, raw in changes.items():
            section, _, key = name.partition(".")
            if section not in document:
                document[section] = tomlkit.table()
            document[section][key] = raw
        return tomlkit.dumps(document)
    return ""


def _is_just(text: str, before: dict[str, Any], changes: dict[str, object]) -> bool:
    """Tell whether the text says what stood before and the changes, and nothing else."""
    import tomllib

    expected = {section: dict(body) for section, body in before.items() if isinstance(body, dict)}
    for name, raw in changes.items():
        section, _, key = name.partition(".")
        expected.setdefault(section, {})[key] = raw
    try:
        return tomllib.loads(text) == before | expected
    except tomllib.TOMLDecodeError:
        return False


def _replace(path: Path, text: str) -> None:
    """Put the text in the file's place in one step, on the disk before the name changes."""
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        mode = path.stat().st_mode & 0o7777 if path.exists() else None
        with new.open("x", encoding="utf-8", newline="") as file:
            if mode is not None:
                new.chmod(mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as refusal:
        new.unlink(missing_ok=True)
        raise ConfigError(
            f"{path} cannot be written: {refusal.strerror}",
            hint="Check that the folder is there and that you may write in it",
        ) from None
