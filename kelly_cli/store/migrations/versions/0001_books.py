"""The books as they were first released: every table, as each database spells it."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table, constraint and index."""
    connection = op.get_bind()
    statements = Path(__file__).with_name(f"0001_books.{connection.dialect.name}.sql")
    for statement in statements.read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            connection.exec_driver_sql(statement)
