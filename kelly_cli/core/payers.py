"""Who paid, as far as M-Pesa says: a phone, its hash, a masked hash, or a masked phone.

These are different kinds and never become each other. A phone that we hold can be held against any
of them; a mask only narrows. Nothing here finds a phone that we do not hold.
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from typing import NamedTuple

from kelly_cli.core.refs import parse_phone

STAR = "*"

_HEAD, _TAIL = 34, 25
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MASKED_HASH = re.compile(r"([0-9a-f]{34})[*\u2022]+([0-9a-f]{25})", re.ASCII)
_MASKED = re.compile(r"\+?(254|0)?([17]\d{0,3})[*\u2022]+(\d{3,4})", re.ASCII)


class Kind(StrEnum):
    """What is known of a payer's phone."""

    PHONE = "phone"
    HASH = "hash"
    MASKED_HASH = "masked_hash"
    MASKED = "masked"


class Payer(NamedTuple):
    """A payer's phone as far as it is known.

    ``value``: ``254712345678``, 64 hex digits, or what is left before and behind one star
    (``2547*149``): that many digits at least are the same in every writing.
    """

    kind: Kind
    value: str

    @property
    def sure(self) -> bool:
        """Tell whether it is one phone and no other."""
        return self.kind != Kind.MASKED

    @property
    def ends(self) -> tuple[str, str]:
        """What stands before and behind what is hidden."""
        head, _, tail = self.value.partition(STAR)
        return head, tail


def payer_of(text: str | None) -> Payer | None:
    """Read an MSISDN as M-Pesa writes it; None = it says nothing.

    >>> payer_of("2547 ***** 149").value
    '2547*149'
    """
    plain = "".join((text or "").split()).lower()
    if _HASH.fullmatch(plain):
        return Payer(Kind.HASH, plain)
    if found := _MASKED_HASH.fullmatch(plain):
        return Payer(Kind.MASKED_HASH, f"{found[1]}{STAR}{found[2]}")
    if found := _MASKED.fullmatch(plain):
        return Payer(Kind.MASKED, f"254{found[2][0]}{STAR}{found[3][-3:]}")
    try:
        return Payer(Kind.PHONE, parse_phone(plain))
    except ValueError:
        return None


def hash_of(phone: str) -> str:
    """Return the hash that M-Pesa sends for a phone (``254705912645``): plain SHA-256."""
    return hashlib.sha256(phone.encode("ascii")).hexdigest()


def forms_of(payer: Payer) -> list[Payer]:
    """Return every kind that this one can be turned into, itself first.

    A phone has all four; a hash can be masked; what is masked is only itself.
    """
    kind, value = payer
    forms = [payer]
    if kind == Kind.PHONE:
        forms.append(Payer(Kind.MASKED, f"{value[:4]}{STAR}{value[-3:]}"))
        forms.append(Payer(Kind.HASH, hash_of(value)))
        value, kind = forms[-1].value, Kind.HASH
    if kind == Kind.HASH:
        forms.append(Payer(Kind.MASKED_HASH, f"{value[:_HEAD]}{STAR}{value[-_TAIL:]}"))
    return forms


def fits(payer: Payer, phone: str) -> bool:
    """Tell whether a phone that we hold can be the payer's."""
    if payer.kind == Kind.PHONE:
        return payer.value == phone
    if payer.kind == Kind.HASH:
        return payer.value == hash_of(phone)
    if payer.kind == Kind.MASKED_HASH:
        phone = hash_of(phone)
    head, tail = payer.ends
    return phone.startswith(head) and phone.endswith(tail)
