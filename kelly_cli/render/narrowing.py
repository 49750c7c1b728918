"""Narrowing: the members of one JSON object that were asked for.

Imported only by commands that were asked for fewer fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kelly_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def check_names(names: Sequence[str], known: Sequence[str]) -> None:
    """Refuse what an object does not have.

    Raises:
        UsageError: there is no such field; the hint names the nearest.
    """
    for name in names:
        if name not in known:
            raise no_field(name, known)


def narrowed(each: Mapping[str, object], names: Sequence[str], *, checked: bool) -> dict[str, Any]:
    """Return the named members of an object, in that order; ``a.b`` is the ``b`` of ``a``.

    ``checked``: the names were checked against what such objects may have; what this one does not
    have is null.

    Raises:
        UsageError: there is no such field; the hint names the nearest.
    """
    found: dict[str, Any] = {}
    for name in names:
        path = _path(each, name)
        if path is None and not checked:
            raise no_field(name, list(_every(each)))
        *outer, last = path or (name,)
        place, inner = found, each
        for key in outer:
            place, inner = place.setdefault(key, {}), inner[key]  # type: ignore[assignment]
        place[last] = inner.get(last)
    return found


def no_field(name: str, known: Sequence[str]) -> UsageError:
    """Return the refusal of a field that is not there; the hint names the nearest."""
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), known, cutoff=0.6)
    told = f"Did you mean {', '.join(near)}? All: " if near else "Choose from: "
    return UsageError(f"--fields: there is no field {name!r}", hint=f"{told}{','.join(known)}")


def _path(each: Mapping[str, object], name: str) -> tuple[str, ...] | None:
    """Return the keys that lead to a member; one with dots in its own name is meant first."""
    if name in each:
        return (name,)
    outer, dot, rest = name.partition(".")
    held = each.get(outer)
    inner = _path(held, rest) if dot and isinstance(held, dict) else None
    return None if inner is None else (outer, *inner)


def _every(each: Mapping[str, object]) -> Iterator[str]:
    for key, held in each.items():
        yield key
        if isinstance(held, dict):
            yield from (f"{key}.{inner}" for inner in _every(held))
