"""What a driver says went wrong, in kelly's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.errors import DatabaseBusyError, StorageError

if TYPE_CHECKING:
    from sqlalchemy.exc import DBAPIError

_LOCK_NOT_AVAILABLE = "55P03"


def translated(error: DBAPIError, shown: str) -> Exception:
    """Return what to raise for a driver's error; ``shown``: the database as people may see it."""
    if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
        return translated_text("database is locked", shown)
    if type(error).__name__ in {"OperationalError", "DatabaseError", "InterfaceError"}:
        return translated_text(str(error.orig), shown)
    return error


def translated_text(text: str, shown: str) -> StorageError:
    """Return the error for a driver's words."""
    first_line = (text.strip().splitlines() or ["unknown error"])[0]
    if "locked" in first_line or "busy" in first_line:
        return DatabaseBusyError(
            f"another program holds the database {shown}",
            hint="Close it (a database browser, a backup tool), then try again",
        )
    if "malformed" in first_line or "not a database" in first_line:
        return StorageError(
            f"the database {shown} is damaged, or something else than a database: {first_line}",
            hint="Look at its name; if it is yours, restore the last backup: kelly db restore FILE",
            code="database_damaged",
        )
    return StorageError(f"the database {shown} cannot be used: {first_line}")
