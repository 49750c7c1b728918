"""One index of a customer's invoices by age, in place of two."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the indexes; no row is touched."""
    connection = op.get_bind()
    statements = Path(__file__).with_name(f"0005_age.{connection.dialect.name}.sql")
    for statement in statements.read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            connection.exec_driver_sql(statement)
