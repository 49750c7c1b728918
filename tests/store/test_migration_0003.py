"""0002 to 0003 and on, on books that the released 0002 keeps: invoices of every kind."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from kelly_cli.services import checking
from kelly_cli.store import upgrading
from kelly_cli.store.audit_rows import GENESIS, Hand, chain_hash
from kelly_cli.store.tables import SCHEMA_REVISION, AuditRow, Base

NEW = {
    "day_closes",
    "hour_totals",
    "import_rows",
    "imports",
    "invoice_adjustments",
    "payer_aliases",
    "payment_claims",
    "payment_flags",
    "products",
    "reminders",
    "statement_movements",
    "statements",
    "stock_moves",
}
ADDED = {"adjusted_cents", "log_mark", "catalogue_id", "cost_cents"}
MORE = """
INSERT INTO invoices (id, invoice_id, customer_id, amount_cents, amount_paid_cents, description,
  issued_on, number, due_on, on_hold, voided_at, created_at) VALUES
  (6, 'INV-20261124-0001', 1, 70000, 0, 'void', '2026-11-24', 1, NULL, false,
   '2026-11-24 09:00:00.000000', '2026-11-24 08:00:00.000000'),
  (7, 'INV-20261124-0002', 1, 70000, 0, 'held', '2026-11-24', 2, '2026-12-01', true, NULL,
   '2026-11-24 08:00:00.000000'),
  (9, 'INV-20261124-0003', NULL, 70000, 0, NULL, '2026-11-24', 3, NULL, false, NULL,
   '2026-11-24 08:00:00.000000');
INSERT INTO reference_keys (key, invoice_id) VALUES
  ('INV202611240001', 6), ('INV202611240002', 7), ('INV202611240003', 9);
INSERT INTO counters (name, value) VALUES ('INV-20261124', 3);
INSERT INTO payment_prompts (phone, amount_cents, invoice_id, environment, state, actor, created_at,
  updated_at) VALUES ('254708374149', 70000, 7, 'local', 'pending', 'ann',
  '2026-11-24 08:00:00.000000', '2026-11-24 08:00:00.000000');
INSERT INTO pulls (environment, short_code, from_at, to_at, state, records, added, created_at)
  VALUES ('local', '174379', '2026-11-24 00:00:00.000000', '2026-11-24 12:00:00.000000', 'ok', 2, 1,
  '2026-11-24 12:00:00.000000');
INSERT INTO mpesa_registrations (environment, short_code, api, confirmation_url, outcome, actor,
  created_at) VALUES ('local', '174379', 'v2', 'https://example.com/c2b', 'accepted', 'ann',
  '2026-11-24 08:00:00.000000');
INSERT INTO daraja_requests (kind, environment, short_code, receipt, payment_id, amount_cents,
  actor, state, created_at, updated_at) VALUES ('status', 'local', '174379', 'QGK12XYZ9', 1, 500000,
  'ann', 'accepted', '2026-11-24 08:00:00.000000', '2026-11-24 08:00:00.000000');
"""
HAND = Hand("ann", datetime(2026, 11, 24, 9, tzinfo=UTC), "as told")
BY_HAND = [
    ("invoice.create", "INV-20261124-0001"),
    ("invoice.create", "INV-20261124-0002"),
    ("invoice.create", "INV-20261124-0003"),
    ("invoice.void", "INV-20261124-0001"),
    ("invoice.hold", "INV-20261124-0002"),
]


def as_0002_did(connection, action, subject):
    """Write an audit row as 0002 kept them."""
    last = connection.exec_driver_sql("SELECT hash FROM audit ORDER BY id DESC LIMIT 1").scalar()
    row = {"at": HAND.at, "actor": HAND.actor, "action": action, "subject": subject}
    row |= {"reason": HAND.reason, "before": None, "after": None, "previous_hash": last or GENESIS}
    connection.execute(insert(AuditRow).values(**row, hash=chain_hash(row)))


@pytest.fixture
def books(released):
    """Books of 0002, as its own statements made and changed them."""
    with released.reshaping() as connection:
        name = f"0002_mpesa.{connection.dialect.name}.sql"
        text = (Path(upgrading.REVISIONS) / name).read_text(encoding="utf-8")
        for statement in filter(str.strip, text.split(";\n")):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0002'")
        for statement in filter(str.strip, MORE.split(";\n")):
            connection.exec_driver_sql(statement)
        for action, subject in BY_HAND:
            as_0002_did(connection, action, subject)
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
    assert upgraded(books) == ("0002", SCHEMA_REVISION)
    assert (spelled(books), order(books)) == fresh


def test_an_upgrade_keeps_every_row_and_what_is_computed(books):
    before = everything(books)
    statuses = [row["status"] for row in before["invoices"]]
    assert statuses == ["PAID"] * 5 + ["VOID", "UNPAID", "UNPAID"]
    called = []
    upgraded(books, called.append)
    assert called == ["0002"]
    assert everything(books) == before


def test_nothing_is_adjusted_yet(books):
    upgraded(books)
    with books.reading() as connection:
        adjusted = connection.exec_driver_sql("SELECT sum(adjusted_cents) FROM invoices")
        assert int(adjusted.scalar_one()) == 0


def test_all_that_points_at_an_invoice_still_does(books):
    upgraded(books)
    with pytest.raises(IntegrityError), books.writing() as connection:
        connection.exec_driver_sql("DELETE FROM invoices WHERE id = 1")
    with pytest.raises(IntegrityError), books.writing() as connection:
        connection.exec_driver_sql("DELETE FROM invoices WHERE id = 7")


def test_upgraded_books_pass_every_check(books):
    upgraded(books)
    found = checking.check(books, now=datetime(2026, 12, 31, tzinfo=UTC))
    assert found.violations == []


def test_upgraded_books_count_on(books):
    upgraded(books)
    with books.writing() as connection:
        if not books.is_sqlite:
            connection.exec_driver_sql("SELECT setval('invoices_id_seq', 9)")
        row = connection.exec_driver_sql(
            "INSERT INTO invoices (invoice_id, amount_cents, issued_on, number, created_at, "
            "adjusted_cents) VALUES ('INV-20261124-0004', 100, '2026-11-24', 4, '2026-11-24', 100) "
            "RETURNING id, status"
        ).one()
    assert tuple(row) == (10, "PAID")


def test_a_second_upgrade_changes_nothing(books, spelled):
    upgraded(books)
    before = spelled(books), everything(books)
    assert upgraded(books) == (SCHEMA_REVISION, SCHEMA_REVISION)
    assert (spelled(books), everything(books)) == before


def test_a_migration_that_stops_half_way_leaves_0002(books, spelled, monkeypatch):
    before = spelled(books), everything(books)
    real = upgrading.command.upgrade

    def fail(config, revision):
        real(config, revision)
        raise OSError("disk full")

    monkeypatch.setattr(upgrading.command, "upgrade", fail)
    with pytest.raises(OSError, match="disk full"):
        upgraded(books)
    assert (spelled(books), everything(books)) == before
