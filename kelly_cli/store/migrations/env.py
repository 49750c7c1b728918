"""What alembic runs around the revisions: on the connection it is handed, inside its unit of work.

There is no alembic.ini and no URL here: store/upgrading.py hands both the connection and the turn.
"""

from alembic import context

from kelly_cli.store.tables import metadata_for

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata_for(connection.dialect.name),
    # SQLite cannot change a column in place: the table is made anew and copied.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
