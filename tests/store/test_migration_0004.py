"""0003 to 0004, on books that the released 0003 keeps: lines of sales, imports, and all around."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from kelly_cli.services import checking
from kelly_cli.store import upgrading
from kelly_cli.store.tables import SCHEMA_REVISION, Base

NEW = {"hour_totals", "products", "reminders", "stock_moves"}
ADDED = {"catalogue_id", "cost_cents"}
BEFORE = ("0002_mpesa", "0003_desk")
MORE = """
INSERT INTO imports (id, kind, file_name, sha256, row_count, actor, created_at, undone_at) VALUES
  (3, 'customers', 'ann.csv', 'a', 1, 'ann', '2026-11-24 08:00:00.000000', NULL),
  (4, 'invoices', 'open.csv', 'b', 1, 'ann', '2026-11-24 08:00:00.000000',
   '2026-11-24 09:00:00.000000');
INSERT INTO import_rows (import_id, line, verdict, subject, error) VALUES
  (3, 2, 'added', 'CUST-001', NULL), (4, 2, 'refused', NULL, 'no such customer');
INSERT INTO payment_flags (payment_id, flag, detail, created_at) VALUES
  (1, 'late', 'too late', '2026-11-24 08:00:00.000000');
"""


@pytest.fixture
def books(released):
    """Books of 0003, as the statements of each release made and changed them."""
    with released.reshaping() as connection:
        for revision in BEFORE:
            name = f"{revision}.{connection.dialect.name}.sql"
            whole = (Path(upgrading.REVISIONS) / name).read_text(encoding="utf-8")
            for statement in filter(str.strip, whole.split(";\n")):
                connection.exec_driver_sql(statement)
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0003'")
        for statement in filter(str.strip, MORE.split(";\n")):
            connection.exec_driver_sql(statement)
    return released


def everything(database):
    """Every row of every table that was there before, in the order of its first column."""
    found = {}
    with database.reading() as connection:
        for table in sorted(set(Base.metadata.tables) - NEW):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1")
            found[table] = [
                {name: value for name, value in row.items() if name not in ADDED}
                for row in rows.mappings()
            ]
    return found


def upgraded(database, first=lambda _revision: None):
    return upgrading.upgrade(database, first=first)


def test_upgraded_books_are_spelled_like_fresh_ones(books, fresh, spelled, order):
    assert upgraded(books) == ("0003", SCHEMA_REVISION)
    assert (spelled(books), order(books)) == fresh


def test_an_upgrade_keeps_every_row(books):
    before = everything(books)
    assert before["pos_items"]
    assert [row["kind"] for row in before["imports"]] == ["customers", "invoices"]
    called = []
    upgraded(books, called.append)
    assert called == ["0003"]
    assert everything(books) == before


def test_lines_of_before_are_of_no_product(books):
    upgraded(books)
    with books.reading() as connection:
        found = connection.execute(
            text("SELECT DISTINCT catalogue_id, cost_cents FROM pos_items")
        ).all()
    assert [tuple(row) for row in found] == [(None, None)]


def test_all_that_points_at_an_import_still_does(books):
    upgraded(books)
    with pytest.raises(IntegrityError), books.writing() as connection:
        connection.exec_driver_sql("DELETE FROM imports WHERE id = 3")


def test_upgraded_books_pass_every_check(books):
    upgraded(books)
    found = checking.check(books, now=datetime(2026, 12, 31, tzinfo=UTC))
    # No hand is on record for the imports of this story.
    assert [each for each in found.violations if each.invariant != "I-30"] == []


def test_upgraded_books_count_on(books):
    upgraded(books)
    with books.writing() as connection:
        if not books.is_sqlite:
            connection.exec_driver_sql("SELECT setval('imports_id_seq', 4)")
        row = connection.exec_driver_sql(
            "INSERT INTO imports (kind, file_name, sha256, row_count, actor, created_at) VALUES "
            "('products', 'goods.csv', 'c', 1, 'ann', '2026-11-24') RETURNING id"
        ).scalar_one()
        line = connection.exec_driver_sql(
            "INSERT INTO pos_items (sale_id, line, product_id, product_name, quantity, "
            "unit_price_cents) SELECT sale_id, max(line) + 1, 'X', 'X', 1, 0 FROM pos_items "
            "GROUP BY sale_id ORDER BY sale_id LIMIT 1 RETURNING id"
        ).scalar_one()
        last = connection.exec_driver_sql("SELECT max(id) FROM pos_items").scalar_one()
    assert (row, line) == (5, last)


def test_a_second_upgrade_changes_nothing(books, spelled):
    upgraded(books)
    before = spelled(books), everything(books)
    assert upgraded(books) == (SCHEMA_REVISION, SCHEMA_REVISION)
    assert (spelled(books), everything(books)) == before


def test_a_migration_that_stops_half_way_leaves_0003(books, spelled, monkeypatch):
    before = spelled(books), everything(books)
    real = upgrading.command.upgrade

    def fail(config, revision):
        real(config, revision)
        raise OSError("disk full")

    monkeypatch.setattr(upgrading.command, "upgrade", fail)
    with pytest.raises(OSError, match="disk full"):
        upgraded(books)
    assert (spelled(books), everything(books)) == before
