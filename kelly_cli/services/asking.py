"""One look at an HTTP server, for `kelly doctor`: does it answer, and what time is it there.

A look is short, changes nothing and follows no redirect.
"""

from __future__ import annotations

from contextlib import closing
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from datetime import datetime

LOOK_S = 5.0


class Seen(NamedTuple):
    """What a server answered. ``date``: its own clock, aware; None = it did not say."""

    status: int
    date: datetime | None


def look_at(url: str) -> Seen:
    """Ask for a URL with GET and return what was seen.

    Raises:
        OSError: no answer (a certificate that is refused, too); the text says why.
    """
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    host = parts.hostname or ""
    with closing(kind(host, parts.port, timeout=LOOK_S)) as connection:
        try:
            connection.request("GET", parts.path or "/", headers={"Connection": "close"})
            answer = connection.getresponse()
        except HTTPException as error:
            raise OSError(f"{type(error).__name__}: what came is no HTTP") from error
        return Seen(answer.status, _date(answer.getheader("Date")))


def _date(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else None
