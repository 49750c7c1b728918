"""The catalogue: products, their moves, what each line of a sale cost; and reminders."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give the lines of sales their product and its cost, and make the new tables."""
    connection = op.get_bind()
    # SQLite cannot add or change a CHECK: the lines of sales and the imports move out and back
    # under the same ids and the same name. (Foreign keys are asleep meanwhile, and are checked
    # before anything is kept.)
    statements = Path(__file__).with_name(f"0004_looks.{connection.dialect.name}.sql")
    for statement in statements.read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            connection.exec_driver_sql(statement)
