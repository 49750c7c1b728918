"""Short codes: the paybills, tills and store numbers that are or were ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.store import short_code_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kelly_cli.store.database import Database
    from kelly_cli.store.short_code_rows import KnownCode


def known(database: Database) -> Sequence[KnownCode]:
    """Return every short code that the books hold, by code."""
    with database.reading() as connection:
        return short_code_rows.list_codes(connection)
