"""Few facts in one whole number, so that the database sums by a key that is quickly compared.

SQLite sorts the rows that it sums: by five columns it takes three times as long as by one number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Fact(NamedTuple):
    """One fact of a row. ``sql``: a whole number from zero, the place of its value."""

    sql: str
    values: Sequence[Any]


def fact(column: str, *values: str) -> Fact:
    """Return the fact that a column of text holds one of these, as its CHECK says."""
    cases = " ".join(f"WHEN '{value}' THEN {place}" for place, value in enumerate(values))
    return Fact(f"CASE {column} {cases} END", values)


def yes_or_no(condition: str) -> Fact:
    """Return the fact that a condition holds."""
    return Fact(f"CASE WHEN {condition} THEN 1 ELSE 0 END", (False, True))


def key_of(facts: Sequence[Fact]) -> str:
    """Return all facts as one number, in SQL."""
    key = facts[0].sql
    for each in facts[1:]:
        key = f"({key}) * {len(each.values)} + {each.sql}"
    return f"CAST(0 AS BIGINT) + {key}"


def values_of(facts: Sequence[Fact], key: int) -> tuple[Any, ...]:
    """Return the values that a key stands for."""
    found = []
    for each in reversed(facts):
        key, place = divmod(key, len(each.values))
        found.append(each.values[place])
    return tuple(reversed(found))
