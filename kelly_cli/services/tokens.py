"""Secret path tokens: hard to guess, easy to type, and never refused by Safaricom."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING

from kelly_cli.daraja.urls import forbidden_word

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN_BYTES = 20


def new_token(random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """Return a fresh token of 160 bits: 32 small letters and digits, no forbidden word in it."""
    while True:
        token = base64.b32encode(random_bytes(TOKEN_BYTES)).decode("ascii").lower()
        if not forbidden_word(token):
            return token
