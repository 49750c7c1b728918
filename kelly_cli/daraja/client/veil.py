"""The veil: what may not be seen is replaced by stars wherever it turns up in an answer.

A server may send back what it was sent: in an error, in a page, with its slashes escaped.
"""

from __future__ import annotations

import html
import json
from urllib.parse import quote

STARS = "********"
_SHORTEST = 4
"""Shorter texts are no secrets, and would tear holes into every answer."""


class Veil:
    """The secrets of one client, and the way to hide them."""

    def __init__(self) -> None:
        self._forms: list[str] = []

    def __repr__(self) -> str:
        return f"<Veil over {len(self._forms)}>"

    def keep(self, *secrets: str) -> None:
        """Hide these from now on, however they are written."""
        forms = set(self._forms)
        for secret in secrets:
            if len(secret) >= _SHORTEST:
                written = json.dumps(secret)[1:-1]
                forms |= {
                    secret,
                    written,
                    written.replace("/", "\\/"),
                    quote(secret, safe=""),
                    quote(secret),
                    html.escape(secret),
                }
        # The longest first: a secret may hold another one.
        self._forms = sorted(forms, key=len, reverse=True)

    def hide(self, text: str) -> str:
        """Return the text with every secret in it replaced."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, STARS)
        return text

    def hide_in(self, value: object) -> object:
        """Return a JSON value with every secret in it replaced."""
        if isinstance(value, dict):
            return {self.hide(str(key)): self.hide_in(held) for key, held in value.items()}
        if isinstance(value, list):
            return [self.hide_in(held) for held in value]
        if isinstance(value, str):
            hidden = self.hide(value)
            # Unchanged: the number's own type stays.
            return value if hidden == value else hidden
        return value
