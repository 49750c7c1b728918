"""Where values are given: kelly.toml, .env, the environment, and the files that names point to.

Promise: each source becomes one flat mapping of ``section.key`` to what was given and where; a
file that cannot be read or understood is refused by name. Knows no order of sources.
Source: contract section 2.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.config.model import Files, mask
from kelly_cli.config.table import (
    BY_NAME,
    CREDENTIALS,
    NOT_SETTINGS,
    SECTIONS,
    SETTINGS,
    TEST_PREFIX,
    Setting,
)
from kelly_cli.config.values import SHORT_CODE_KEYS
from kelly_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_TOML_PLACE = r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)"
_CODE_VARIABLE = rf"(?a)MPESA_(\d+)_(?:{'|'.join(CREDENTIALS).upper()})(?:_FILE)?"
_SHORT_CODES = "mpesa.short_codes"
_KNOWN = frozenset({*BY_NAME, *(f"{_SHORT_CODES}.{key}" for key in SHORT_CODE_KEYS)})


class Given(NamedTuple):
    """A value as one source gave it."""

    value: object
    origin: str
    """For people: ``environment KELLY_WEBHOOK_PORT``."""
    folder: Path
    """Where its relative paths start."""


class Names(NamedTuple):
    """Names and texts from the environment or from a .env file."""

    texts: Mapping[str, str]
    label: str
    """The origin of a name, up to the name itself: ``environment ``, ``.env /path:``."""
    folder: Path
    plain: frozenset[str] = frozenset()
    """Names that this source may hold although they are no settings."""


# --- finding files ----------------------------------------------------------------------------


def find_files(config_file: Path | None, environ: Mapping[str, str], cwd: Path) -> Files:
    """Return the kelly.toml and the .env to read, without reading them.

    Raises:
        ConfigError: the file that ``--config`` or ``KELLY_CONFIG`` names is not there.
    """
    toml = _named_toml(config_file, environ, cwd) or _first_file(
        [cwd / "kelly.toml", *_user_toml(environ)]
    )
    beside = [toml.parent / ".env"] if toml else []
    return Files(toml, _first_file([*beside, cwd / ".env"]))


def _named_toml(config_file: Path | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    named = [("--config", str(config_file) if config_file is not None else "")]
    named.append(("KELLY_CONFIG", environ.get("KELLY_CONFIG", "").strip()))
    for origin, name in named:
        if name:
            path = cwd / name
            if not _is_file(path):
                raise ConfigError(
                    f"{origin} names {path}, and there is no such file",
                    hint="Correct the name, or write the file with `kelly init`",
                    code="config_not_found",
                )
            return path
    return None


def _user_toml(environ: Mapping[str, str]) -> Iterator[Path]:
    """Give the user's own kelly.toml; a relative XDG_CONFIG_HOME counts as none, as XDG says."""
    folder = Path(environ.get("XDG_CONFIG_HOME", ""))
    home = Path(environ.get("HOME") or environ.get("USERPROFILE", ""))
    if folder.is_absolute():
        yield folder / "kelly" / "kelly.toml"
    elif home.is_absolute():
        yield home / ".config" / "kelly" / "kelly.toml"


def _first_file(paths: Iterable[Path]) -> Path | None:
    return next(filter(_is_file, paths), None)


def _is_file(path: Path) -> bool:
    """Tell whether it is a file; a folder that may not be entered holds none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def read_text(path: Path, *, wanted_by: str = "") -> str:
    """Return a file's text, with or without a byte-order mark.

    Raises:
        ConfigError: it cannot be read or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as refusal:
        why = getattr(refusal, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(
            f"{path}{wanted_by and f' ({wanted_by})'} cannot be read: {why}",
            hint="Check that the file is there and that you may read it",
        ) from None


# --- kelly.toml -------------------------------------------------------------------------------


def read_toml(path: Path) -> dict[str, Any]:
    """Return the document of a TOML file.

    Raises:
        ConfigError: it cannot be read, or is no TOML: names file, line and column.
    """
    import tomllib

    text = read_text(path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        found = re.fullmatch(_TOML_PLACE, str(broken))
        what, line, column = found.groups() if found else (str(broken), None, None)
        end = text.split("\n")
        raise ConfigError(
            f"{path}, line {line or len(end)}, column {column or len(end[-1]) + 1}: {what}",
            hint='Text stands in quotes, and so does a number with leading zeros: "0712345678"',
            code="broken_toml",
        ) from None


def from_toml(path: Path | None) -> dict[str, Given]:
    """Return what kelly.toml gives. Empty text counts as not given.

    Refuses, in this order: broken TOML, a section that is none, secrets, unknown names.

    Raises:
        ConfigError: see above; unknown names have the code ``unknown_setting``.
    """
    if path is None:
        return {}
    document = read_toml(path)
    _refuse_non_sections(document, path)
    names = list(_dotted(document))
    _refuse_secrets(names, document, path)
    _refuse_unknown(names, path)

    origin = f"kelly.toml {path}"
    return {
        f"{section}.{key}": Given(value, origin, path.parent)
        for section, body in document.items()
        for key, value in body.items()
        if value != "" or BY_NAME[f"{section}.{key}"].form == "list"
    }


def _refuse_non_sections(document: dict[str, Any], path: Path) -> None:
    for section in SECTIONS:
        if not isinstance(document.get(section, {}), dict):
            raise ConfigError(
                f"{section} in {path} is no section",
                hint=f"Write [{section}] on a line of its own, and its settings below",
            )


def _dotted(document: dict[str, Any]) -> Iterator[str]:
    """Name everything in the document: ``section.key``, ``mpesa.short_codes.kind``."""
    for section, body in document.items():
        if not isinstance(body, dict) or (not body and section not in SECTIONS):
            yield section
            continue
        for key, value in body.items():
            items = value if isinstance(value, list) else [value]
            inner = dict.fromkeys(end for item in items if isinstance(item, dict) for end in item)
            yield from [f"{section}.{key}.{end}" for end in inner] or [f"{section}.{key}"]


def _refuse_secrets(names: Sequence[str], document: dict[str, Any], path: Path) -> None:
    for name in names:
        variable = _secret_variable(name)
        if variable:
            raise _secret_in_toml(name, variable, path)
    for section, body in document.items():
        for key, value in body.items() if isinstance(body, dict) else ():
            if isinstance(value, str) and mask(value) != value:
                name = f"{section}.{key}"
                variable = BY_NAME[name].names[0] if name in BY_NAME else "the environment"
                raise _secret_in_toml(name, variable, path, what="a password in its URL")


def _secret_variable(name: str) -> str:
    """Return where a secret belongs that was written as ``name``, or "" for other settings."""
    if name in _KNOWN and not (name in BY_NAME and BY_NAME[name].secret):
        return ""
    key = name.rpartition(".")[2].lower()
    if name.startswith(f"{_SHORT_CODES}.") and key in CREDENTIALS:
        return f"MPESA_CODE_{key.upper()} (with the short code for CODE)"
    for setting in SETTINGS:
        if setting.secret and key in {setting.name.partition(".")[2], setting.names[0].lower()}:
            return setting.names[0]
    return ""


def _secret_in_toml(name: str, variable: str, path: Path, what: str = "a secret") -> ConfigError:
    return ConfigError(
        f"{name} in {path} holds {what}, and secrets do not belong in kelly.toml",
        hint=f"Move it to {variable} in {path.parent / '.env'} (mode 0600) or in the environment",
        code="secret_in_config",
    )


def _refuse_unknown(names: Sequence[str], path: Path) -> None:
    unknown = [name for name in names if name not in _KNOWN]
    if unknown:
        told = "; ".join(f"{name}{_suggest(name, _KNOWN)}" for name in unknown)
        raise ConfigError(
            f"{path} holds what kelly does not know: {told}",
            hint="Correct or remove it; `kelly config list` shows every setting",
            code="unknown_setting",
        )


def refuse_unknown_name(name: str) -> Setting:
    """Return the setting of this name.

    Raises:
        ConfigError: there is none (code ``unknown_setting``).
    """
    if name not in BY_NAME:
        raise ConfigError(
            f"There is no setting {name}{_suggest(name, BY_NAME)}",
            hint="`kelly config list` shows every setting",
            code="unknown_setting",
        )
    return BY_NAME[name]


def _suggest(name: str, known: Iterable[str]) -> str:
    """Name the nearest known name, compared whole, else by its last part; "" when none is near."""
    from difflib import get_close_matches

    whole = sorted(known)
    ends = {candidate.rpartition(".")[2]: candidate for candidate in reversed(whole)}
    near = get_close_matches(name, whole, n=1) or [
        ends[end] for end in get_close_matches(name.rpartition(".")[2], ends, n=1)
    ]
    return f" (did you mean {near[0]}?)" if near else ""


# --- names and texts --------------------------------------------------------------------------


def read_dotenv(path: Path | None) -> dict[str, str]:
    """Return the names and texts of a .env file, taken literally (``${NAME}`` stays).

    Raises:
        ConfigError: it cannot be read, or a line of it cannot be understood.
    """
    return {} if path is None else parse_dotenv(read_text(path), str(path))


def parse_dotenv(text: str, label: str) -> dict[str, str]:
    """Return the names and texts of NAME=value lines; ``label`` says where they stand.

    Raises:
        ConfigError: a line cannot be understood; what it holds is not shown.
    """
    from io import StringIO

    from dotenv.parser import parse_stream

    bindings = list(parse_stream(StringIO(text)))
    for binding in bindings:
        if binding.error:
            raise ConfigError(
                f"{label}, line {binding.original.line}: this line cannot be understood",
                hint="Write NAME=value, and close every quote",
                code="broken_dotenv",
            )
    return {each.key: each.value for each in bindings if each.key and each.value is not None}


def from_names(names: Names, settings: Iterable[Setting]) -> dict[str, Given]:
    """Return what the environment or a .env gives. An empty text is not given, an empty list is.

    Raises:
        ConfigError: ``NAME`` and ``NAME_FILE`` are both given, or the file cannot be read.
    """
    found = ((setting.name, _given(names, setting)) for setting in settings)
    return {name: given for name, given in found if given}


def _given(names: Names, setting: Setting) -> Given | None:
    name, file_name = setting.names
    text = names.texts.get(name)
    pointed = names.texts.get(file_name, "").strip() if setting.from_file else ""
    if pointed:
        return _given_by_file(names, setting, names.folder / pointed, bool(text))
    if setting.form == "list" and text is not None:
        return Given(split(text), f"{names.label}{name}", names.folder)
    return Given(text, f"{names.label}{name}", names.folder) if text and text.strip() else None


def _given_by_file(names: Names, setting: Setting, path: Path, doubled: bool) -> Given:  # noqa: FBT001
    name, file_name = setting.names
    if doubled:
        raise ConfigError(
            f"{names.label}{name} and {file_name} are both set",
            hint=f"Keep one of them: {file_name} points to {path}",
        )
    origin = f"{names.label}{file_name}"
    text = read_text(path, wanted_by=origin).rstrip("\r\n")
    if not text.strip():
        raise ConfigError(
            f"{path} ({origin}) is empty", hint=f"Write the value into it, or unset {file_name}"
        )
    return Given(text, f"{origin} ({path})", path.parent)


def split(text: str) -> list[str]:
    """Return the entries of a list written with commas; blank text is the empty list."""
    return [entry.strip() for entry in text.split(",")] if text.strip() else []


def strange_names(names: Names, settings: Iterable[Setting], codes: Iterable[str]) -> list[str]:
    """Return a warning for each name that looks like a setting of kelly and is none."""
    known = {name for row in settings for name in row.names[: 1 + row.from_file]} | names.plain
    warnings = []
    for name in names.texts:
        if not name.startswith(("KELLY_", "MPESA_")):
            continue
        code = re.fullmatch(_CODE_VARIABLE, name)
        if code and code[1] not in codes:
            warnings.append(f"{names.label}{name}: {code[1]} is not among our short codes")
        elif name in NOT_SETTINGS - names.plain:
            warnings.append(f"{names.label}{name}: read from the environment only, not from here")
        elif name not in known and not name.startswith(("MPESA_", TEST_PREFIX)):
            warnings.append(f"{names.label}{name} is no setting of kelly{_suggest(name, known)}")
    return warnings
