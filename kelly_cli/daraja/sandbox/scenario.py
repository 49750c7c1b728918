"""Scenarios: how the pretend Safaricom behaves, read from TOML with errors that name the place.

A scenario is weather (``[deliveries]``, ``[prompts]``, ``[[answers]]``, ...) and, in ``[payers]``,
what is paid when it is played. What a file does not name is as on a good day.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from kelly_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HERE = Path(__file__).parent / "scenarios"
MAX_BYTES = 1024 * 1024
MOST_PAYMENTS = 100_000
MOST_SHILLINGS = 250_000
"""The most that one payment can be. Source: daraja-facts 9.1."""

_T = TypeVar("_T")


class _WrongError(ValueError):
    """A value is not what its place takes; says what it takes."""


def _whole(default: int, low: int, high: int) -> Any:
    def read(value: object) -> int:
        if type(value) is not int or not low <= value <= high:
            raise _WrongError(f"a whole number from {low} to {high}")
        return value

    return field(default=default, metadata={"read": read})


def _number(default: float, high: float) -> Any:
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= high:
            raise _WrongError(f"a number from 0 to {high:g}")
        return value

    return field(default=default, metadata={"read": read})


def _flag(default: bool) -> Any:  # noqa: FBT001 - it is the flag
    def read(value: object) -> bool:
        if not isinstance(value, bool):
            raise _WrongError("true or false")
        return value

    return field(default=default, metadata={"read": read})


def _word(default: str, *others: str) -> Any:
    words = (default, *others)

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise _WrongError("one of " + ", ".join(word or '""' for word in words))
        return value

    return field(default=default, metadata={"read": read})


def _text(default: str) -> Any:
    def read(value: object) -> str:
        if not isinstance(value, str):
            raise _WrongError("a text")
        return value

    return field(default=default, metadata={"read": read})


def _texts(*default: str) -> Any:
    def read(value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not value or any(type(each) is not str for each in value):
            raise _WrongError("a list of texts, at least one")
        return tuple(value)

    return field(default=default, metadata={"read": read})


def _pair(default: tuple[int, ...], high: int, *, falling: bool = False) -> Any:
    takes = f"two whole numbers up to {high}, the {'larger' if falling else 'smaller'} one first"

    def read(value: object) -> tuple[int, ...]:
        pair = value if isinstance(value, list) and len(value) == 2 else [None]  # noqa: PLR2004
        good = all(type(each) is int and 0 <= each <= high for each in pair)
        if not good or pair != sorted(pair, reverse=falling):
            raise _WrongError(takes)
        return tuple(pair)

    return field(default=default, metadata={"read": read})


@dataclass(frozen=True, slots=True, kw_only=True)
class Payers:
    """What is paid when the scenario is played."""

    count: int = _whole(0, 0, MOST_PAYMENTS)
    shillings: tuple[int, ...] = _pair((10, 5000), MOST_SHILLINGS)
    """The smallest and the largest amount."""
    references: tuple[str, ...] = _texts("CUST-001", "CUST-002", "jane")
    till: bool = _flag(default=False)
    hours: float = _number(0, 48)
    """Paid within so many hours before now; 0 = now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """What becomes of the callbacks of payments."""

    validation: bool = _flag(default=True)
    """Whether the registered URL is asked first."""
    turns_away: bool = _flag(default=False)
    """The payer turns away after the validation: no money moves."""
    lost_percent: float = _number(0, 100)
    late_percent: float = _number(0, 100)
    """Comes after all others."""
    duplicate_percent: float = _number(0, 100)
    copies: int = _whole(2, 2, 20)
    """How often a duplicate comes in all."""
    order: str = _word("paid", "reversed", "mixed")
    blackout_hours: tuple[int, ...] = _pair((), 48, falling=True)
    """What was paid between so many hours ago and so many is never delivered."""
    garbage: int = _whole(0, 0, 1000)
    """Bodies that are no callbacks, between the others."""
    msisdn: str = _word("registered", "plain", "masked-hash")
    """The payer's number; ``registered``: hashed for v1, masked for v2."""
    names: str = _word("first", "all")
    """``first`` as in production, ``all`` as in Safaricom's sandbox."""
    at_once: int = _whole(1, 1, 64)
    delay_s: float = _number(0, 60)
    """Before the confirmation of a single payment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """What payers do when they are asked for their PIN."""

    outcome: str = _word("paid", "cancelled", "timeout", "wrong-pin", "no-money")
    delay_s: float = _number(0.3, 300)
    callback: bool = _flag(default=True)
    twin: bool = _flag(default=True)
    """The confirmation that comes beside the callback of a paid one."""
    twin_first: bool = _flag(default=False)
    callback_first: bool = _flag(default=False)
    """The callback overtakes the answer to the request."""
    pending: str = _word("500", "4999")
    """How a query says that it is still being processed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What becomes of status, balance and reversal requests."""

    outcome: str = _word("done", "failed", "timeout", "none")
    delay_s: float = _number(0.1, 300)
    lone_parameter: bool = _flag(default=False)
    """A list of one is sent as the one object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """How access tokens die."""

    older_die: bool = _flag(default=False)
    """A new token ends the one before."""
    uses: int = _whole(0, 0, 10**6)
    """How many requests one is good for; 0 = any number."""
    lifetime_s: int = _whole(3599, 1, 3599)
    as_text: bool = _flag(default=True)
    """``"3599"``, as in captures, instead of the portal's 3599."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """How URLs are registered."""

    once: bool = _flag(default=False)
    says: str = _word("error", "quiet", "envelope", "vpn")
    """The shape of "already registered". Source: daraja-facts 2.3."""
    product: str = _word("both", "v1", "v2")
    """The version that the app was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """How missed payments are served."""

    page: int = _whole(100, 1, 10_000)
    zone: str = _word("nairobi", "utc")
    """What the ``Z`` of a ``trxDate`` really is."""
    settlements: int = _whole(0, 0, 100)
    """Rows that are no payments, before the payments."""
    repeats: bool = _flag(default=False)
    """The last page comes again and again, instead of an empty one."""
    nothing: str = _word("code", "error")
    """How it says that there is nothing: 1001, or HTTP 500."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What requests get instead of their answer."""

    path: str = _text("/")
    """What the path starts with."""
    times: int = _whole(1, 1, 10**6)
    says: str = _word(
        "waf",
        "spike-arrest",
        "busy",
        "quota",
        "empty",
        "envelope",
        "token",
        "redirect",
        "long",
        "cut",
    )
    status: int = _whole(0, 0, 599)
    """0 = the usual one."""
    delay_s: float = _number(0, 300)
    done: bool = _flag(default=False)
    """The request is carried out all the same: only its answer is lost."""


class Scenario(NamedTuple):
    """How the pretend Safaricom behaves. ``name``: as it was asked for."""

    name: str = "good-day"
    about: str = ""
    payers: Payers = Payers()
    deliveries: Deliveries = Deliveries()
    prompts: Prompts = Prompts()
    results: Results = Results()
    tokens: Tokens = Tokens()
    registration: Registration = Registration()
    pull: Pull = Pull()
    answers: tuple[Answer, ...] = ()


_TABLES: dict[str, type] = {
    "payers": Payers,
    "deliveries": Deliveries,
    "prompts": Prompts,
    "results": Results,
    "tokens": Tokens,
    "registration": Registration,
    "pull": Pull,
}


def names() -> list[str]:
    """Return the names of the scenarios that kelly brings along."""
    return sorted(path.stem for path in HERE.glob("*.toml"))


def load_named(name: str, changes: Mapping[str, object] | None = None) -> Scenario:
    """Return one of kelly's own scenarios, with changes: table → key → value.

    Raises:
        ConfigError: ``scenario_not_found``; ``bad_scenario``: the changes do not fit.
    """
    if name not in names():
        near = get_close_matches(name, names(), 1)
        raise ConfigError(
            f"there is no scenario {name!r}",
            hint=f"Did you mean {near[0]}?" if near else f"Choose one of: {', '.join(names())}",
            code="scenario_not_found",
        )
    document = tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))
    return read(_merged(document, changes or {}), name)


def load(asked: str) -> Scenario:
    """Return a scenario by its name or by the path of its file.

    Raises:
        ConfigError: ``scenario_not_found``, ``bad_scenario``.
    """
    path = Path(asked)
    if asked in names() or not (path.suffix or path.is_file()):
        return load_named(asked)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"cannot read the scenario {asked}: {error.strerror}",
            hint=f"Name a TOML file, or one of: {', '.join(names())}",
            code="scenario_not_found",
        ) from error
    if len(raw) > MAX_BYTES:
        raise _bad(asked, "is larger than 1 MiB")
    try:
        document = tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _bad(asked, f"is not TOML: {error}") from None
    return read(document, asked)


def read(document: Mapping[str, object], source: str) -> Scenario:
    """Return the scenario that a TOML document describes. ``source`` names it in errors.

    Raises:
        ConfigError: ``bad_scenario``.
    """
    known = ["about", "answers", *_TABLES]
    for key in document:
        if key not in known:
            raise _unknown(source, key, known)
    about = document.get("about", "")
    if not isinstance(about, str):
        raise _bad(source, f"about = {about!r}, and it takes a text")
    tables: dict[str, Any] = {
        name: _table(made, document.get(name, {}), source, name) for name, made in _TABLES.items()
    }
    listed = document.get("answers", [])
    if not isinstance(listed, list):
        raise _bad(source, "answers is a list of tables: write [[answers]]")
    answers = [_table(Answer, each, source, f"answers[{n}]") for n, each in enumerate(listed)]
    return Scenario(source, about, **tables, answers=tuple(answers))


def _table(made: Callable[..., _T], given: object, source: str, name: str) -> _T:
    if not isinstance(given, dict):
        raise _bad(source, f"{name} is a table: write [{name}]")
    known: dict[str, Any] = {each.name: each for each in fields(made)}  # type: ignore[arg-type]
    values = {}
    for key, value in given.items():
        if key not in known:
            raise _unknown(source, f"{name}.{key}", [f"{name}.{each}" for each in known])
        try:
            values[key] = known[key].metadata["read"](value)
        except _WrongError as wrong:
            raise _bad(source, f"{name}.{key} = {value!r}, and it takes {wrong}") from None
    return made(**values)


def _merged(document: dict[str, Any], changes: Mapping[str, object]) -> dict[str, Any]:
    merged = dict(document)
    for key, value in changes.items():
        inner = merged.get(key)
        both = isinstance(inner, dict) and isinstance(value, dict)
        merged[key] = {**inner, **value} if both else value  # type: ignore[dict-item]
    return merged


def _unknown(source: str, key: str, known: list[str]) -> ConfigError:
    near = get_close_matches(key, known, 1)
    return _bad(source, f"{key} is not known" + (f": did you mean {near[0]}?" if near else ""))


def _bad(source: str, what: str) -> ConfigError:
    return ConfigError(
        f"scenario {source}: {what}",
        hint=f"Begin with a copy of one of kelly's own, in {HERE}",
        code="bad_scenario",
    )
