"""The head of the migrations (a test holds it to the scripts: importing alembic costs 230 ms)."""

SCHEMA_REVISION = "0005"
