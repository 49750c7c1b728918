"""One road from the sources to the frozen configuration: find, read, first wins, check, freeze.

Promise: flag, environment, .env, kelly.toml, default, in this order, for every setting alike;
nothing is written and ``os.environ`` is not touched. Source: contract section 2.
"""

from __future__ import annotations

from collections import ChainMap
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kelly_cli.config.model import (
    MASK,
    Alerts,
    Business,
    Config,
    Credentials,
    Database,
    Mpesa,
    SettingValue,
    ShortCode,
    Webhook,
    mask,
)
from kelly_cli.config.sources import (
    Given,
    Names,
    find_files,
    from_names,
    from_toml,
    read_dotenv,
    strange_names,
)
from kelly_cli.config.table import CREDENTIALS, NOT_SETTINGS, SETTINGS, Setting, code_settings
from kelly_cli.config.values import for_people
from kelly_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_DEFAULT = "default"


def load(
    *, config_file: Path | None, db: str | None, environ: Mapping[str, str], cwd: Path
) -> Config:
    """Settle every setting from the flags, the environment and the files.

    ``config_file`` and ``db`` are the flags ``--config`` and ``--db`` (None = not given).

    Raises:
        ConfigError: a file, a name or a value is wrong; the message says which and where.
    """
    cwd = cwd.absolute()
    files = find_files(config_file, environ, cwd)
    named = [Names(environ, "environment ", cwd, plain=NOT_SETTINGS)]
    if files.dotenv:
        label = f".env {files.dotenv}:"
        named.append(Names(read_dotenv(files.dotenv), label, files.dotenv.parent))
    flags = {} if db is None else {"database.url": Given(db, "flag --db", cwd)}
    toml = from_toml(files.kelly_toml)

    given = ChainMap(flags, *(from_names(names, SETTINGS) for names in named), toml)
    settled, origins = _settle(SETTINGS, given, cwd)
    settled["database.url"] = settled["database.url"] or _default_database(files.kelly_toml)
    ours = _our_codes(settled)
    own_rows = code_settings(listed.code for listed in ours)
    own_given = ChainMap(*(from_names(names, own_rows) for names in named))
    own, own_origins = _settle(own_rows, own_given, cwd)

    codes = tuple(listed.code for listed in ours)
    rows = (*SETTINGS, *own_rows)
    warnings = [warning for names in named for warning in strange_names(names, rows, codes)]
    shown = _shown(SETTINGS, settled | {"mpesa.short_codes": ours}, origins)
    shown += _shown([row for row in own_rows if own[row.name]], own, own_origins)
    return Config(
        database=Database(settled["database.url"], origins["database.url"] != _DEFAULT),
        mpesa=_mpesa(settled, own, ours),
        webhook=Webhook(**_section("webhook", settled)),
        alerts=Alerts(**_section("alerts", settled)),
        business=Business(**_section("business", settled)),
        files=files,
        warnings=tuple(warnings),
        origins=MappingProxyType({row.name: row.origin for row in shown}),
        shown=tuple(shown),
    )


def check(setting: Setting, given: Given) -> Any:
    """Return the checked value.

    Raises:
        ConfigError: names the setting, its origin, the value (masked) and what is expected.
    """
    try:
        return setting.parse(given.value, given.folder)
    except ValueError as refusal:
        expected, *fix = refusal.args
        value = MASK if setting.secret else mask(repr(given.value))
        raise ConfigError(
            f"{setting.name} ({given.origin}) is {value}: expected {expected}",
            hint=fix[0] if fix else "Correct the value there, or remove it for the default",
        ) from None


def _settle(
    settings: Iterable[Setting], given: Mapping[str, Given], cwd: Path
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return values and origins, in the table's order, because defaults look at earlier values."""
    values: dict[str, Any] = {}
    origins = {}
    for setting in settings:
        first = given.get(setting.name)
        if first is None:
            default = setting.default_among(values)
            first = Given(default, _DEFAULT, cwd)
        nothing = first.origin == _DEFAULT and first.value in (None, "")
        values[setting.name] = first.value if nothing else check(setting, first)
        origins[setting.name] = first.origin
    return values, origins


def _default_database(kelly_toml: Path | None) -> str:
    if kelly_toml:
        folder = kelly_toml.parent
    else:
        from platformdirs import user_data_path

        folder = user_data_path("kelly", appauthor=False)
    row = SETTINGS[0]
    return str(check(row, Given("kelly.db", _DEFAULT, folder)))


def _our_codes(settled: Mapping[str, Any]) -> tuple[ShortCode, ...]:
    """Return all our codes with their environment, the main one first."""
    main = settled["mpesa.short_code"]
    listed = {code.code: code for code in settled["mpesa.short_codes"]}
    ordered = {main: listed.get(main, ShortCode(main)), **listed}
    environment = settled["mpesa.environment"]
    return tuple(
        replace(code, environment=code.environment or environment) for code in ordered.values()
    )


def _mpesa(
    settled: Mapping[str, Any], own: Mapping[str, Any], ours: tuple[ShortCode, ...]
) -> Mpesa:
    keys = {
        code.code: Credentials(
            **{
                key: own[f"mpesa.{code.code}.{key}"] or settled[f"mpesa.{key}"]
                for key in CREDENTIALS
            }
        )
        for code in ours
    }
    section = {
        key: value for key, value in _section("mpesa", settled).items() if key not in CREDENTIALS
    }
    return Mpesa(**section | {"short_codes": ours}, keys=MappingProxyType(keys))


def _section(name: str, settled: Mapping[str, Any]) -> dict[str, Any]:
    """Return one section's keys and values, as the fields of its class."""
    return {
        full.removeprefix(f"{name}."): value
        for full, value in settled.items()
        if full.startswith(f"{name}.")
    }


def _shown(
    settings: Iterable[Setting], values: Mapping[str, Any], origins: Mapping[str, str]
) -> list[SettingValue]:
    return [
        SettingValue(row.name, for_people(values[row.name]), origins[row.name], row.secret)
        for row in settings
    ]
