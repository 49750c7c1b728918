"""How much two names are like each other. The measure is rapidfuzz's; it never decides."""

from __future__ import annotations

import re
from typing import NamedTuple

_WORD = re.compile(r"[^\W\d_]{2,}")
_STEM, _SHORTEST = 4, 3
_MOST_STEMS = 2


class Likeness(NamedTuple):
    """``percent``: 100 = the same words in any order; ``words``: how many both names have."""

    percent: int
    words: int


NOTHING = Likeness(0, 0)


def words_of(text: str | None) -> list[str]:
    """Return the words of a name in upper case; a masked word (``****``) is none."""
    return _WORD.findall((text or "").upper())


def full_name(text: str | None) -> str | None:
    """Return a name of two words or more as it is remembered, or None."""
    words = words_of(text)
    return " ".join(words) if len(words) > 1 else None


def likeness(ours: str, theirs: str | None) -> Likeness:
    """Compare two names; a word that only one of them has costs nothing."""
    mine, others = words_of(ours), words_of(theirs)
    if not mine or not others:
        return NOTHING
    from rapidfuzz import fuzz

    percent = int(fuzz.token_set_ratio(" ".join(mine), " ".join(others)))
    return Likeness(percent, min(len(set(mine)), len(set(others))))


def stems_of(text: str | None) -> list[str]:
    """Return how the longest words of a name begin: what to look for in names."""
    long = sorted((word for word in words_of(text) if len(word) >= _SHORTEST), key=len)
    return [word[:_STEM] for word in long[-_MOST_STEMS:]]
