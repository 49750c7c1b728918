"""Which SQLite this Python brings, and whether PostgreSQL can be spoken to."""

from __future__ import annotations

import sqlite3
from importlib.util import find_spec


def database_versions() -> str:
    """Name them for people."""
    postgres = "PostgreSQL too" if find_spec("psycopg") else "no PostgreSQL (pip install psycopg)"
    return f"SQLite {sqlite3.sqlite_version}, {postgres}"
