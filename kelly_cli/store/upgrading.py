"""From an older schema to the newest, in one unit of work under the writers' turn.

Going back is not a revision: it is the backup that was taken before. Only this module and the
migrations import alembic, which costs 230 ms: nothing else may import this module on its way up.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from kelly_cli.errors import SchemaTooNewError
from kelly_cli.store import migrations
from kelly_cli.store.schema import revision_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from kelly_cli.store.database import Database

REVISIONS = str(Path(migrations.__path__[0]) / "versions")


class Upgraded(NamedTuple):
    """The schema before and after. ``before`` None = there was no database."""

    before: str | None
    after: str


def upgrade(
    database: Database,
    *,
    first: Callable[[str], object],
) -> Upgraded:
    """Bring the database to the newest revision, all of it or none.

    ``first(revision)`` runs before the first change, while no other process can write: the place
    for a backup. It is not called when there is nothing to change or to lose.

    Raises:
        SchemaTooNewError: the database is ahead of every revision known here.
    """
    config = _config()
    scripts = ScriptDirectory.from_config(config)
    newest = scripts.get_current_head() or ""
    with database.reshaping() as connection:
        before = revision_of(connection)
        if before == newest:
            return Upgraded(before, newest)
        if before is not None:
            _refuse_unknown(before, scripts, newest)
            first(before)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return Upgraded(before, newest)


def _refuse_unknown(revision: str, scripts: ScriptDirectory, newest: str) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    if revision not in known:
        raise SchemaTooNewError(
            f"the database has schema {revision}, which this kelly (schema {newest}) does not know",
            hint="Use the newer kelly; nothing was written",
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "kelly_cli.store:migrations")
    config.set_main_option("path_separator", "newline")
    # A percent sign in a path is not an interpolation.
    config.set_main_option("version_locations", REVISIONS.replace("%", "%%"))
    return config
