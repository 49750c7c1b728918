r"""Text from outside, made harmless for each sink: terminal and log, spreadsheet, JSON.

Harmful is what a terminal obeys or does not show: control characters (C0, DEL, C1), line and
paragraph separators, lone surrogates, and what Unicode calls default-ignorable: bidirectional
controls, zero-width characters, fillers, tags. The zero-width joiner is among them: it hides in a
name like the others, and terminals disagree about its width, so a family emoji comes apart into its
people. Only the variation selectors U+FE00 to U+FE0F stay, because ordinary emoji carry them.

This module knows no stream and no terminal.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

REPLACEMENT = "\ufffd"

_UNSEEN = (
    "\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_HARMFUL = re.compile(f"[\x00-\x1f{_UNSEEN}]")
_UNSEEN_IN_JSON = re.compile(f"[{_UNSEEN}]")

_FORMULA_SIGNS = r"=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
_FORMULA = re.compile(rf"'*(?:[\s\x00-\x1f{_UNSEEN}]*[{_FORMULA_SIGNS}]|[^\S\t\r\n]*[\t\r\n])")
_NUMBER = re.compile(r"'*-?\d+(?:\.\d+)?", re.ASCII)

_CODE = "u[0-9a-f]{4}|U00(?:0[0-9a-f]|10)[0-9a-f]{4}"
_TO_ESCAPE = re.compile(rf"(\\+)({_CODE})|(\\*)([\x00-\x1f{_UNSEEN}])")
_TO_ESCAPE_ASCII = re.compile(rf"(\\+)({_CODE})|(\\*)([\x00-\x1f\x7f]|[^\x00-\x7f])")
_ESCAPED = re.compile(rf"(\\+)({_CODE})")


def safe(text: str) -> str:
    """Return ``text`` with each harmful character shown as U+FFFD: one line, no commands.

    Source: contract section 7, last paragraph.
    """
    if text.isascii() and text.isprintable():
        return text
    return _HARMFUL.sub(REPLACEMENT, text)


def escaped(text: str, *, ascii_only: bool = False) -> str:
    r"""Return ``text`` as one line that a terminal may print and ``unescaped`` gives back whole.

    Each harmful character stands as ``\u001b`` or ``\U000e0041``; what already looks like that gets
    its backslashes doubled. All other text stays as it is.
    """
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return (_TO_ESCAPE_ASCII if ascii_only else _TO_ESCAPE).sub(_with_code, text)


def unescaped(text: str) -> str:
    """Return the original of a text that ``escaped`` wrote."""
    return _ESCAPED.sub(_without_code, text) if "\\" in text else text


def _with_code(found: re.Match[str]) -> str:
    before_code, code, before_sign, sign = found.groups()
    if code:
        return f"{before_code * 2}{code}"
    width = "u%04x" if sign <= "\uffff" else "U%08x"
    return f"{before_sign * 2}\\{width % ord(sign)}"


def _without_code(found: re.Match[str]) -> str:
    kept, stands_for_a_sign = divmod(len(found[1]), 2)
    return "\\" * kept + (chr(int(found[2][1:], 16)) if stands_for_a_sign else found[2])


def safe_csv_cell(value: str | int | None, *, ascii_only: bool = False) -> str:
    """Return the text of a CSV cell: one printable line that no spreadsheet takes for a formula.

    A text that starts like a formula (``= + - @``, also after blanks or in full-width forms) gets a
    leading ``'``; a plain number (``-2000.00``) does not. Harmful characters are ``escaped``.
    ``read_csv_cell`` gives the original back. Separators and quotes are the CSV writer's part.
    """
    text = "" if value is None else escaped(str(value), ascii_only=ascii_only)
    return f"'{text}" if _looks_live(text) else text


def read_csv_cell(text: str) -> str:
    """Return the original text of a cell that ``safe_csv_cell`` wrote."""
    return unescaped(text[1:] if text.startswith("'") and _looks_live(text) else text)


def _looks_live(text: str) -> bool:
    """Tell whether a text is a formula, or one behind quotes, which must survive a round trip."""
    return _FORMULA.match(text) is not None and _NUMBER.fullmatch(text) is None


def dump_json(document: object, *, ascii_only: bool = False) -> str:
    r"""Write a JSON document, indented, that is harmless on a terminal and parses back the same.

    Characters that JSON would leave as they are, but a terminal would obey or hide, stand as
    ``\uXXXX``. The last line has no line end.

    Raises:
        ValueError: NaN or Infinity, which JSON does not have.
    """
    return _dump(document, indent=2, ascii_only=ascii_only)


def dump_json_line(document: object, *, ascii_only: bool = False) -> str:
    """Write the same on one line, as JSON Lines and logs need it.

    Raises:
        ValueError: NaN or Infinity, which JSON does not have.
    """
    if document is None:
        return "null"
    if isinstance(document, str) and _stands_as_it_is(document, ascii_only):
        return f'"{document}"'
    return _dump(document, indent=None, ascii_only=ascii_only)


def _stands_as_it_is(text: str, ascii_only: bool) -> bool:  # noqa: FBT001 - passed on
    """Tell whether a text between quotes is its own JSON: most are, and a listener writes many."""
    if not text.isprintable() or '"' in text or "\\" in text:
        return False
    return text.isascii() or not (ascii_only or _UNSEEN_IN_JSON.search(text))


def _dump(document: object, *, indent: int | None, ascii_only: bool) -> str:
    text = _encoder(indent, ascii_only)(document)
    if text.isascii() and "\x7f" not in text:
        return text
    return _UNSEEN_IN_JSON.sub(_escaped, text)


@cache
def _encoder(indent: int | None, ascii_only: bool) -> Callable[[object], str]:  # noqa: FBT001 - a key of the cache
    return json.JSONEncoder(ensure_ascii=ascii_only, indent=indent, allow_nan=False).encode


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
