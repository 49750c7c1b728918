"""Where kelly keeps things that are not settings: beside the books, or in the user's folders.

Promise: the same books have the same place, whoever asks, and no two books share one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kelly_cli.config.model import Config


def spool_folder(config: Config, *, path: str | None, shown: str) -> Path:
    """Return the folder of the spool of these books.

    ``path``: the file of a SQLite database, None for PostgreSQL; ``shown``: the database's name
    without a password.
    """
    chosen = config.webhook.spool_folder
    if path is not None and chosen is None:
        # The real path: two names of one file must meet at one spool.
        real = Path(path).resolve()
        return real.with_name(f"{real.name}.spool")
    if chosen is None:
        from platformdirs import user_data_path

        chosen = user_data_path("kelly", appauthor=False) / "spool"
    from hashlib import sha256

    name = shown if path is None else str(Path(path).resolve())
    return chosen / sha256(name.encode()).hexdigest()[:16]


def token_folder() -> Path:
    """Return the folder where this user's programs share Safaricom's access tokens."""
    from platformdirs import user_state_path

    return user_state_path("kelly", appauthor=False) / "tokens"
