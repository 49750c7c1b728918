"""Books of an older schema, made from books of today's, for the proof of upgrades.

With more than one revision: the oldest one's tables, and the rows of today's books in the columns
that both have. While there is only one: a revision 0000 made up here, that had a column and a table
more, in a folder of revisions that stands in the place of kelly's.
"""

import textwrap

from crash_stage import Command

MADE_UP = [
    "ALTER TABLE customers ADD COLUMN older_note TEXT",
    "UPDATE customers SET older_note = name",
    "CREATE TABLE older_notes (id INTEGER PRIMARY KEY, note TEXT)",
    "INSERT INTO older_notes SELECT id, mpesa_receipt_number FROM payments",
    "UPDATE alembic_version SET version_num = '0000'",
]
NEXT = """
    from alembic import op

    revision, down_revision, branch_labels, depends_on = "{number}", "0000", None, None


    def upgrade():
        op.execute("ALTER TABLE customers DROP COLUMN older_note")
        op.execute("DROP TABLE older_notes")
"""
OLDEST = """
    revision, down_revision, branch_labels, depends_on = "0000", None, None, None


    def upgrade():
        pass
"""


def make_older(place):
    """Keep the books once more as ``older``; return the folder of revisions, None = kelly's own."""
    from alembic.script import ScriptDirectory

    from kelly_cli.store import upgrading

    scripts = ScriptDirectory.from_config(upgrading._config())
    names = sorted(script.revision for script in scripts.walk_revisions())
    if len(names) > 1:
        _as_they_were(place, names[0])
        return None
    folder, _ = place.fresh("books")
    place.change(folder, MADE_UP)
    place.keep("older", folder)
    revisions = place.folder / "revisions"
    revisions.mkdir()
    (revisions / "0000_older.py").write_text(textwrap.dedent(OLDEST))
    (revisions / "0001_next.py").write_text(textwrap.dedent(NEXT.format(number=names[0])))
    return str(revisions)


def _as_they_were(place, revision):
    folder, url = place.new("older")
    command = Command(lambda: empty_books(url, revision), url, folder)
    if command.go() != 0:
        raise RuntimeError((folder / "said.err").read_text())
    place.fill_from("books", folder)
    place.keep("older", folder)


def empty_books(url, revision):
    """Make books of a revision with its own tables and no rows."""
    from alembic import command

    from kelly_cli.store import upgrading
    from kelly_cli.store.database import Database
    from kelly_cli.store.schema import use_wal

    database = Database(url)
    if database.is_sqlite:
        with database.alone() as raw:
            use_wal(raw, database.shown())
    with database.reshaping() as connection:
        config = upgrading._config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    database.close()
