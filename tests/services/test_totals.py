"""Damaged totals are made again from the payments, whatever the damage was."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from kelly_cli.services import auditing, totals
from kelly_cli.services.auditing import AuditQuery
from kelly_cli.services.checking import check

HERE = Path(__file__).resolve().parent
DAMAGES = {
    "a cent more": "UPDATE hour_totals SET amount_cents = amount_cents + 1 WHERE hour < 12",
    "one fewer": "UPDATE hour_totals SET payments = payments - 1 WHERE status = 'COMPLETED'",
    "all lost": "DELETE FROM hour_totals",
    "an hour made up": "INSERT INTO hour_totals VALUES ('2026-01-05', 3, '', 'COMPLETED', 1, 100)",
    "another hour": "UPDATE hour_totals SET hour = hour + 24",
    "another status": "UPDATE hour_totals SET status = 'VOID' WHERE status = 'UNMATCHED'",
    "another code": "UPDATE hour_totals SET short_code = 'x' || short_code WHERE short_code <> ''",
}


def story_of(database, seed):
    path = HERE.parent / "store" / "checks_story.py"
    spec = importlib.util.spec_from_file_location("checks_story", path)
    module = sys.modules.setdefault("checks_story", importlib.util.module_from_spec(spec))
    if not hasattr(module, "Story"):
        spec.loader.exec_module(module)
    return module.Story(database, seed)


def rows(database, table):
    with database.reading() as connection:
        found = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
    return sorted(map(repr, found))


def audited(database):
    with database.reading() as connection:
        return connection.exec_driver_sql(
            "SELECT subject, reason, before, after FROM audit WHERE action = 'db.rebuild-totals'"
        ).all()


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_is_mended_in_one_audited_unit_of_work(database, hand, damage):
    story = story_of(database, 3).every_kind().days(3)
    hand = hand._replace(at=story.now)
    # Rows that came to nothing may be left standing; they go.
    sound = [row for row in rows(database, "hour_totals") if ", 0, 0)" not in row]
    payments = rows(database, "payments")
    with database.writing() as connection:
        connection.exec_driver_sql(DAMAGES[damage])
    assert check(database, now=story.now).counts["I-38"]
    wrong = totals.differing(database)
    assert wrong
    assert totals.rebuild(database, hand) == wrong
    assert check(database, now=story.now).violations == []
    assert rows(database, "hour_totals") == sound
    assert rows(database, "payments") == payments
    [(subject, reason, before, after)] = audited(database)
    assert (subject, reason) == ("hour_totals", hand.reason)
    assert json.loads(before)["totals"] == json.loads(after)["totals"] == len(wrong)
    assert json.loads(before) == {
        "totals": len(wrong),
        "payments": sum(each.kept for each in wrong),
        "amount_cents": sum(each.kept_cents for each in wrong),
    }


def test_sound_totals_are_left_alone(database, hand):
    story_of(database, 3).every_kind().days(2)
    before = rows(database, "hour_totals"), rows(database, "audit")
    assert totals.differing(database) == totals.rebuild(database, hand) == []
    assert (rows(database, "hour_totals"), rows(database, "audit")) == before


def test_looking_changes_nothing(database):
    story_of(database, 3).every_kind().days(2)
    with database.writing() as connection:
        connection.exec_driver_sql(DAMAGES["all lost"])
    before = rows(database, "hour_totals"), rows(database, "audit")
    assert totals.differing(database)
    assert (rows(database, "hour_totals"), rows(database, "audit")) == before


def test_what_comes_afterwards_is_counted_on_top(books, hand):
    books.customer()
    books.pay("QGK12XYZ91", 5, "CUST-001")
    with books.database.writing() as connection:
        connection.exec_driver_sql(DAMAGES["another hour"])
    assert len(totals.rebuild(books.database, hand)) == 2
    books.pay("QGK12XYZ92", 7, "CUST-001")
    assert totals.differing(books.database) == []
    assert auditing.list_actions(books.database, AuditQuery(), limit=1)[0].action == totals.ACTION
