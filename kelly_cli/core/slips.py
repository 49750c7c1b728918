"""What a payer may have meant: every reference that a usual slip turns into what was typed.

A list of guesses to look up, each with points and its reason in plain words. Nothing here is ever
used to match: matching is exact (``matching.py``).
"""

from __future__ import annotations

import string
import unicodedata
from itertools import pairwise, product
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.refs import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 24
"""Longer texts are no slip of a reference, which has 20 signs at most."""

# Points: how much a slip says for itself. The best reading of a reference counts, once.
EXACT = 75
"""It was not in the books when the money came."""
SAME = 60
LOOKALIKE = 58
SWAPPED = 52
DOUBLED = 50
KEYPAD = 47
MISSING = 44
EXTRA = 44
OTHER_SIGN = 40
EACH_FURTHER = 2
"""What each further look-alike in one reference costs."""

_MOST_UNSURE = 8
"""Signs with a look-alike that are tried together (2 to the power of them)."""

_TWINS = ("O0", "Q0", "D0", "I1", "L1", "IL", "S5", "B8", "Z2", "G6")
LOOKALIKES = frozenset(pair for a, b in map(tuple, _TWINS) for pair in ((a, b), (b, a)))
TO_DIGITS = str.maketrans("OQDILSBZG", "000115826")
_FIRST_TWIN = {"O": "0", "0": "O", "I": "1", "1": "I", "S": "5", "5": "S", "B": "8", "8": "B"} | {
    "L": "1",
    "Z": "2",
    "G": "6",
}
_ROWS = (
    *("QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM", "1234567890"),
    *("123", "456", "789", "147", "258", "369", "80"),
)
"""The keys of a keyboard and of a phone, as far as they lie in a line."""
NEIGHBOURS = frozenset(pair for row in _ROWS for a, b in pairwise(row) for pair in ((a, b), (b, a)))
SIGNS = string.ascii_uppercase + string.digits


_SWAPPED = "two neighbours swapped: {wrong} for {meant}"
_MISSING = "one sign is missing: {meant}"
_TWICE = "one sign is typed twice: {wrong}"
_EXTRA = "one sign too many: {wrong}"
_LOOKALIKE = "look-alike signs: {wrong} for {meant}"
_KEYPAD = "neighbours on the keys: {wrong} for {meant}"
_OTHER = "one other sign: {wrong} for {meant}"


class Reading(NamedTuple):
    """One reference that may have been meant, how likely, and what the slip was.

    ``told``: the slip in plain words; ``wrong`` and ``meant`` are put into it.
    """

    key: str
    points: int
    told: str
    wrong: str = ""
    meant: str = ""

    @property
    def reason(self) -> str:
        """The slip in plain words."""
        return self.told.replace("{wrong}", self.wrong).replace("{meant}", self.meant)


def loosely_folded(text: str) -> str:
    """Fold a reference even where it holds signs that match nothing: they are left out.

    >>> loosely_folded("INV\u2013202602030001\u00e9")
    'INV202602030001E'
    """
    exact = fold(text)
    if exact is not None:
        return exact
    plain = unicodedata.normalize("NFKD", text).upper()
    return "".join(sign for sign in plain if sign in SIGNS)


def one_slip(typed: str, signs: str = SIGNS) -> Iterator[Reading]:
    """Give every text out of which one slip makes what was typed. ``signs``: what it can hold."""
    yield from _swapped(typed)
    yield from _left_out(typed, signs)
    yield from _put_in(typed)
    yield from _mistaken(typed, signs)


def lookalikes(typed: str) -> Iterator[Reading]:
    """Give what was typed with any of its look-alikes exchanged (O and 0, I and 1, ...)."""
    unsure = [at for at, sign in enumerate(typed) if sign in _FIRST_TWIN]
    if len(unsure) > _MOST_UNSURE:
        return
    for chosen in product((False, True), repeat=len(unsure)):
        places = [at for at, exchanged in zip(unsure, chosen, strict=True) if exchanged]
        if not places:
            continue
        meant = list(typed)
        for at in places:
            meant[at] = _FIRST_TWIN[typed[at]]
        told = ", ".join(dict.fromkeys(f"{typed[at]} for {meant[at]}" for at in places))
        points = LOOKALIKE - EACH_FURTHER * (len(places) - 1)
        yield Reading("".join(meant), points, f"look-alike signs: {told}")


def _swapped(typed: str) -> Iterator[Reading]:
    for at, (left, right) in enumerate(pairwise(typed)):
        if left != right:
            meant = typed[:at] + right + left + typed[at + 2 :]
            yield Reading(meant, SWAPPED, _SWAPPED, left + right, right + left)


def _left_out(typed: str, signs: str) -> Iterator[Reading]:
    for at in range(len(typed) + 1):
        beside = typed[max(at - 1, 0) : at + 1]
        for sign in signs:
            meant = typed[:at] + sign + typed[at:]
            points = DOUBLED if sign in beside else MISSING
            yield Reading(meant, points, _MISSING, "", sign)


def _put_in(typed: str) -> Iterator[Reading]:
    for at, sign in enumerate(typed):
        twice = sign in typed[max(at - 1, 0) : at] + typed[at + 1 : at + 2]
        meant = typed[:at] + typed[at + 1 :]
        if twice:
            yield Reading(meant, DOUBLED, _TWICE, sign)
        else:
            yield Reading(meant, EXTRA, _EXTRA, sign)


def _mistaken(typed: str, signs: str) -> Iterator[Reading]:
    for at, wrong in enumerate(typed):
        for sign in signs:
            if sign == wrong:
                continue
            meant = typed[:at] + sign + typed[at + 1 :]
            if (wrong, sign) in LOOKALIKES:
                yield Reading(meant, LOOKALIKE, _LOOKALIKE, wrong, sign)
            elif (wrong, sign) in NEIGHBOURS:
                yield Reading(meant, KEYPAD, _KEYPAD, wrong, sign)
            else:
                yield Reading(meant, OTHER_SIGN, _OTHER, wrong, sign)
