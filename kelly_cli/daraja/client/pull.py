"""The answer of a pull, read: the inner lists flattened, the ways of saying "nothing" told apart.

``Response`` is a list in a list, or the text ``"[[]]"``; its key may be ``Transaction``. 1001 is
what a quiet day, a short code that was never registered, and an app that may not pull all answer,
so it is passed on as "nothing", not as "none". Source: daraja-facts 6.8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.daraja.client.shapes import PullPage
from kelly_cli.daraja.strict_json import NotOneObjectError, parse_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kelly_cli.daraja.client.replies import Reading

_DONE, _NOTHING = "1000", "1001"
_FAILED_WORDS = "failed to retrieve transactions"
_LISTS = ("response", "transaction", "transactions")


def pulled(reading: Reading) -> bool:
    """Tell whether this answers the question, if only by "nothing"."""
    if says_nothing(reading):
        return True
    return not reading.wrong and (reading.code == _DONE or reading.zero)


def says_nothing(reading: Reading) -> bool:
    """Tell whether Safaricom found nothing, or says so for reasons of its own."""
    return reading.code == _NOTHING or _FAILED_WORDS in reading.message.lower()


def registered(reading: Reading) -> bool:
    """Tell whether registering for pulls worked: 1000."""
    return not reading.wrong and (reading.code == _DONE or reading.zero)


def registered_before(reading: Reading) -> bool:
    """Tell whether the short code was registered for pulls already: 1001."""
    return not reading.wrong and reading.code == _NOTHING


def page_of(reading: Reading) -> PullPage | None:
    """Return the page; None: it holds something that is neither record nor list."""
    held = next(
        (value for key, value in reading.members.items() if key.strip().lower() in _LISTS), None
    )
    try:
        records = tuple(_flat(_opened(held)))
    except NotOneObjectError:
        return None
    nothing = not records and says_nothing(reading)
    return PullPage(records, reading.code, reading.message, nothing, reading.reply)


def _opened(held: object) -> object:
    """Open a list that came as text."""
    if not isinstance(held, str) or not held.strip():
        return held
    return parse_object(f'{{"held": {held}}}'.encode("utf-8", "replace"))["held"]


def _flat(held: object) -> Iterator[dict[str, object]]:
    if isinstance(held, dict):
        yield {key.strip(): value for key, value in held.items()}
    elif isinstance(held, list):
        for inner in held:
            yield from _flat(inner)
    elif held is not None and held != "":
        raise NotOneObjectError("holds something that is no record")
