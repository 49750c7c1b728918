"""Hand work: what is no longer owed, aliases, claims, flags, statements, closed days, imports."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give invoices their adjustments, and make the new tables."""
    connection = op.get_bind()
    # SQLite cannot change a generated column or a CHECK: the invoices move out and back under the
    # same ids and the same name, so that all that points at them still does. (Foreign keys are
    # asleep meanwhile, and are checked before anything is kept.)
    statements = Path(__file__).with_name(f"0003_desk.{connection.dialect.name}.sql")
    for statement in statements.read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            connection.exec_driver_sql(statement)
