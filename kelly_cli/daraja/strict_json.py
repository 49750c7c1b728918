"""Strict JSON: bytes become one object exactly as RFC 8259 and contract section 7 say, or nothing.

Every number stays the text it was written as (``NumberText``), so no amount ever becomes binary
floating point and a number of a million digits costs no more than its bytes. Knows nothing of
payments.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import NoReturn

MAX_NESTING = 32
"""The outermost object is level 1; level 33 is refused."""

SHOWN = 80
"""An error shows at most so many characters of what came."""

_BOM = "\ufeff"
_SPACE = " \t\r\n"
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_WORDS = {None: "null", True: "true", False: "false"}


class NotOneObjectError(ValueError):
    """The bytes are not exactly one JSON object; the message says why, without a subject."""


class NumberText(str):
    """The literal text of a JSON number, told from a JSON string by its type alone."""

    __slots__ = ()

    __repr__ = str.__str__


def shown(value: object) -> str:
    """Write what came so that an error may carry it: one line, printable, up to 80 characters.

    Text stands in quotes with everything unprintable escaped, a number stands as it was written.
    """
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, str):
        value = value[: SHOWN + 1] if type(value) is str else NumberText(value[: SHOWN + 1])
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def parse_object(raw: bytes) -> dict[str, object]:
    """Read exactly one JSON object (contract section 7, row "body").

    Members are ``str``, ``NumberText``, ``bool``, ``None``, ``list`` and ``dict``.

    Raises:
        NotOneObjectError: anything else than one object of RFC 8259 in UTF-8, a member twice, or
            nesting past 32.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise NotOneObjectError(f"is not UTF-8 (byte {error.start})") from None
    start = 0 if text[:1] == "{" else _start_of_object(text)
    if ("[" in text or text.rfind("{") > start) and (
        text.count("[") + text.count("{") > MAX_NESTING
    ):
        _refuse_deep_nesting(raw)
    try:
        members, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise NotOneObjectError(f"is not JSON: {error.msg} (character {error.pos})") from None
    except RecursionError:
        raise NotOneObjectError("is nested too deeply") from None
    if end != len(text) and text[end:].strip(_SPACE):
        raise NotOneObjectError(f"goes on after its JSON object (character {end})")
    return members  # type: ignore[no-any-return]  # it starts with "{", so it is an object


def _start_of_object(text: str) -> int:
    """Return where the object starts: after a byte-order mark and white space."""
    inside = text.removeprefix(_BOM).lstrip(_SPACE)
    start = len(text) - len(inside)
    if start == len(text):
        raise NotOneObjectError("is empty")
    if text[start] != "{":
        raise NotOneObjectError(f"is not a JSON object: it starts with {shown(text[start])}")
    return start


def _refuse_deep_nesting(raw: bytes) -> None:
    """Count levels outside strings; a body that is no JSON at all is left to the decoder."""
    level = 0
    for bracket in _STRING.sub(b"", raw).translate(None, _NOT_BRACKETS):
        level += 1 if bracket in b"[{" else -1
        if level > MAX_NESTING:
            raise NotOneObjectError(f"is nested deeper than {MAX_NESTING} levels")


def _members_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise NotOneObjectError(f"has the member {shown(name)} twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise NotOneObjectError(f"is not JSON: it holds {name}")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members_once,
    parse_float=NumberText,
    parse_int=NumberText,
    parse_constant=_refuse_constant,
)
