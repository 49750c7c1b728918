"""Payment prompts, found: by number, by Safaricom's name for one, or all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.errors import NotFoundError
from kelly_cli.store import prompt_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection

    from kelly_cli.store.database import Database
    from kelly_cli.store.prompt_rows import PromptView

_MOST_DIGITS = 18


def list_prompts(
    database: Database,
    *,
    states: Sequence[str] = (),
    short_codes: Collection[str] | None = None,
    limit: int = 100,
) -> Sequence[PromptView]:
    """Return prompts, newest first. No ``states`` = all; ``short_codes`` None = all."""
    with database.reading() as connection:
        return prompt_rows.list_prompts(
            connection, states=states, short_codes=short_codes, limit=limit
        )


def find_prompt(database: Database, name: str) -> PromptView:
    """Return the prompt of a number, or of a CheckoutRequestID.

    Raises:
        NotFoundError: no such prompt.
    """
    text = name.strip()
    with database.reading() as connection:
        if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
            return get_prompt(connection, int(text))
        found = prompt_rows.find_by_checkout(connection, text)
        if found is None:
            raise _unknown(name)
        return found


def get_prompt(connection: Connection, row: int) -> PromptView:
    """Return the prompt of a row.

    Raises:
        NotFoundError: no such prompt.
    """
    found = prompt_rows.find(connection, row)
    if found is None:
        raise _unknown(str(row))
    return found


def _unknown(name: str) -> NotFoundError:
    return NotFoundError(
        f"no payment prompt is called {name!r}",
        hint="See what there is: kelly mpesa prompt list",
        code="prompt_not_found",
    )
