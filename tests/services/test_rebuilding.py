"""I-35 and I-34: the books can be made again from what was kept, and a difference is named."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from kelly_cli.services import (
    adjusting,
    allocating,
    customers,
    merging,
    purging,
    rebuilding,
    replaying,
    reversing,
)
from kelly_cli.services.retry_audit import ACTION

STORY = Path(__file__).parents[1] / "store" / "checks_story.py"
SOURCES = Path(__file__).parents[2] / "kelly_cli"


@pytest.fixture(scope="module")
def story():
    spec = importlib.util.spec_from_file_location("rebuilding_story", STORY)
    sys.modules["rebuilding_story"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Story


@pytest.fixture
def filled(story, database):
    """Books of every kind of event."""
    return story(database, seed=3).every_kind().days(40).unsettled()


def found(told):
    return rebuilding.rebuild(told.database, now=told.now).result.violations


def damage(told, *statements):
    with told.database.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_books_of_every_kind_of_event_are_made_again(filled):
    done = rebuilding.rebuild(filled.database, now=filled.now)
    assert done.result.violations == []
    assert done.result.counts == {"I-34": 0, "I-35": 0}
    assert done.callbacks > 100
    assert done.actions > 50


def test_a_rebuild_changes_nothing(filled):
    def everything():
        with filled.database.reading() as connection:
            return [
                tuple(connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY id"))
                for table in ("payments", "invoices", "allocations", "webhook_logs", "audit")
            ]

    before = everything()
    found(filled)
    assert everything() == before


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE payments SET pinned = NOT pinned WHERE id = 1", "pinned is"),
        ("UPDATE payments SET customer_id = NULL WHERE id = 4", "customer is None"),
        ("UPDATE invoices SET amount_cents = amount_cents + 100 WHERE id = 1", "amount is"),
        ("UPDATE invoices SET on_hold = TRUE WHERE id = 1", "on hold is 1"),
        ("DELETE FROM audit WHERE action = 'suspense.assign'", "customer is"),
    ],
)
def test_a_difference_is_named_by_its_subject(filled, statement, named):
    damage(filled, statement)
    told = found(filled)
    assert {violation.invariant for violation in told} >= {"I-35"}
    assert any(named in violation.detail for violation in told), told


def test_a_callback_that_took_effect_by_a_second_try_takes_effect_there_again(story, database):
    told = story(database)
    told.customer()
    late = told.pay("CUST-002", 100)
    assert not late.processed
    bill = told.invoice("CUST-001", 70)
    told.pay("CUST-002", 30)
    assert told.customer() == "CUST-002"
    told.reprocess()
    other = told.invoice("CUST-002", 120)
    told.pay(bill, 70)
    told.pay(other, 5)
    assert found(told) == []
    with database.reading() as connection:
        rows = connection.exec_driver_sql(f"SELECT subject FROM audit WHERE action = '{ACTION}'")
        assert [row[0] for row in rows] == ["2 callbacks"]


def test_hand_work_of_every_kind_is_done_again(story, database):
    told = story(database)
    ann, ben = told.customer("0712345678"), told.customer()
    paid, due = told.invoice(ann, 100), told.invoice(ben, 80)
    first, second = told.receipt(), told.receipt()
    told.pay(paid, 150, first)
    told.pay("NOBODY", 60, second)
    allocating.unallocate(database, told.hand(), first)
    allocating.allocate(database, told.hand(), first, [allocating.Share(paid, 5_000)], keep=True)
    allocating.allocate(database, told.hand(), second, [allocating.Share(due)])
    adjusting.hold(database, told.hand(), due)
    adjusting.release(database, told.hand(), due)
    customers.edit_customer(database, told.hand(), ben, phone="0722000000", name="Benjamin")
    told.pay("0722000000", 10)
    merging.merge_customers(database, told.hand(), ben, ann)
    told.pay(ben, 15)
    merging.unmerge_customer(database, told.hand(), ben)
    reversing.reverse_by_hand(database, told.hand(), second)
    assert found(told) == []


def test_purged_books_are_made_again(filled):
    hand = filled.hand()
    purging.purge(filled.database, hand, before=hand.at, age="0d")
    assert found(filled) == []


def test_an_action_that_nobody_can_do_again_is_named(filled):
    damage(filled, "UPDATE audit SET action = 'invoice.melt' WHERE action = 'invoice.void'")
    assert any("nobody knows how to do invoice.melt" in each.detail for each in found(filled))


def test_a_repeat_that_would_move_money_is_named(filled):
    damage(
        filled,
        "UPDATE payments SET mpesa_receipt_number = 'QGKLOST001' WHERE id = 1",
    )
    told = found(filled)
    assert ("I-35", "QGKLOST001") in {(each.invariant, each.subject) for each in told}


def test_every_action_of_people_is_done_again_or_moves_no_money():
    text = "".join(
        path.read_text()
        for folder in ("services", "store")
        for path in (SOURCES / folder).glob("*.py")
    )
    written = set(re.findall(r'"((?:[a-z]+\.)+[a-z_]+)",?\s*\n?\s*(?:[a-z_.()]+|f?"[^"]*"),', text))
    written = {each for each in written if each.split(".")[0] in NOUNS}
    known = {*replaying.REPLAYED, *replaying.WITHOUT_MONEY, ACTION}
    assert written <= known
    assert {"invoice.void", "payment.allocate", "suspense.assign", "customer.merge"} <= written


NOUNS = {each.split(".")[0] for each in (*replaying.REPLAYED, *replaying.WITHOUT_MONEY)}
