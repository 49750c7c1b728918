"""What we ask of Safaricom: registrations, requests, pulls; prompts keep their whole story.

A prompt of before is paid when a payment names it. What became of the others was not kept: unknown.
"""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the new tables, and give every prompt its state."""
    connection = op.get_bind()
    # SQLite cannot take NOT NULL off a column: nothing points at prompts, so they move to a new
    # table under the old name, which is then spelled as in fresh books.
    statements = Path(__file__).with_name(f"0002_mpesa.{connection.dialect.name}.sql")
    for statement in statements.read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            connection.exec_driver_sql(statement)
