"""0001 to 0002 and on, on books that the released 0001 wrote (``books_0001.json``)."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kelly_cli.services import checking
from kelly_cli.store import upgrading
from kelly_cli.store.tables import SCHEMA_REVISION

ROWS = json.loads(Path(__file__).with_name("books_0001.json").read_text(encoding="utf-8"))


def everything(database):
    """Every row of every table of 0001, by the columns that it had."""
    with database.reading() as connection:
        return {
            table: [
                tuple(row)
                for row in connection.exec_driver_sql(
                    f"SELECT {', '.join(chr(34) + name + chr(34) for name in held['columns'])} "
                    f"FROM {table} ORDER BY 1"
                )
            ]
            for table, held in ROWS.items()
        }


def upgraded(database, first=lambda _revision: None):
    return upgrading.upgrade(database, first=first)


def test_upgraded_books_are_spelled_like_fresh_ones(released, fresh, spelled, order):
    assert upgraded(released) == ("0001", SCHEMA_REVISION)
    assert (spelled(released), order(released)) == fresh


def test_an_upgrade_keeps_every_row(released):
    before = everything(released)
    assert all(before.values())
    called = []
    upgraded(released, called.append)
    assert called == ["0001"]
    assert everything(released) == before


def test_a_prompt_of_before_is_paid_when_a_payment_names_it_and_else_unknown(released):
    upgraded(released)
    with released.reading() as connection:
        found = connection.exec_driver_sql(
            "SELECT p.checkout_request_id, p.state, p.environment, p.actor, p.reference, "
            "m.mpesa_receipt_number, p.result_code, l.trans_id FROM payment_prompts p "
            "LEFT JOIN payments m ON m.id = p.payment_id "
            "LEFT JOIN webhook_logs l ON l.id = p.log_id ORDER BY p.id"
        ).all()
        same = connection.exec_driver_sql(
            "SELECT count(*) FROM payment_prompts WHERE updated_at < created_at"
        ).scalar_one()
    nothing = (None, None, None)
    assert [tuple(row) for row in found] == [
        ("ws_CO_0001", "paid", "local", "unknown", None, "UB40000001", "0", "UB40000001"),
        ("ws_CO_0002", "unknown", "local", "unknown", None, *nothing),
        ("ws_CO_0003", "unknown", "local", "unknown", None, *nothing),
    ]
    assert same == 0


def test_upgraded_books_pass_every_check(released):
    upgraded(released)
    found = checking.check(released, now=datetime(2026, 12, 31, tzinfo=UTC))
    assert found.violations == []


def test_upgraded_books_count_on(released):
    upgraded(released)
    with released.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO payment_prompts (phone, amount_cents, environment, state, actor, "
            "created_at, updated_at) VALUES ('254708374149', 100, 'local', 'intended', 'x', "
            "'2026-02-04', '2026-02-04')"
        )
        rows = connection.exec_driver_sql("SELECT id FROM payment_prompts ORDER BY id").all()
    assert [row for (row,) in rows] == [1, 2, 3, 4]


def test_a_second_upgrade_changes_nothing(released, spelled):
    upgraded(released)
    before = spelled(released), everything(released)
    assert upgraded(released) == (SCHEMA_REVISION, SCHEMA_REVISION)
    assert (spelled(released), everything(released)) == before


def test_a_migration_that_stops_half_way_leaves_0001(released, spelled, monkeypatch):
    before = spelled(released), everything(released)
    real = upgrading.command.upgrade

    def fail(config, revision):
        real(config, revision)
        raise OSError("disk full")

    monkeypatch.setattr(upgrading.command, "upgrade", fail)
    with pytest.raises(OSError, match="disk full"):
        upgraded(released)
    assert (spelled(released), everything(released)) == before
