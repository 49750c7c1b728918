"""Phones that may not be seen whole: the first four digits and the last three are left.

What is masked matches nothing any more: the dots are not ASCII (contract section 3). Masking twice
is masking once.
"""

from __future__ import annotations

import re

from kelly_cli.core.refs import fold, phone_of

DOTS = "\u2022" * 5

_BETWEEN = "[^0-9A-Za-z\u2022,:'\"\n]?"
_PHONE_IN_TEXT = re.compile(
    rf"(?<![0-9\u2022])(?:\+?254{_BETWEEN}|0{_BETWEEN})?[17](?:{_BETWEEN}[0-9]){{8}}(?![0-9])"
)
_PROMPT_ID = re.compile(r"(ws_CO_[0-9]{8,17})([17][0-9]{8})", re.ASCII)


def mask_phone(phone: str, *, dots: str = DOTS) -> str:
    """Mask a phone.

    >>> mask_phone("254712345678")
    '2547•••••678'
    """
    return f"{phone[:4]}{dots}{phone[-3:]}"


def mask_phones(text: str, *, dots: str = DOTS) -> str:
    """Mask every phone in a text, in whatever form it is written, within a word too.

    >>> mask_phones("paid by 0712 345 149", dots="*****")
    'paid by 2547*****149'
    """
    return _PHONE_IN_TEXT.sub(lambda found: _masked(found, dots), text)


def mask_reference(reference: str) -> str:
    """Mask a reference that is a phone, or holds one; any other stays as it was typed."""
    phone = phone_of(fold(reference) or "")
    return mask_phone(phone) if phone else mask_phones(reference)


def mask_prompt_id(checkout_request_id: str) -> str:
    """Mask the phone that the id of a payment prompt may end with."""
    found = _PROMPT_ID.fullmatch(checkout_request_id)
    return f"{found[1]}{DOTS}{found[2][-3:]}" if found else checkout_request_id


def _masked(found: re.Match[str], dots: str) -> str:
    digits = re.sub(r"\D", "", found[0])
    return mask_phone(f"254{digits[-9:]}", dots=dots)
