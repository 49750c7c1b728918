"""5,000 customers and many payments: right, and no question that grows faster than its answer.

What is asserted is SQLite's own steps and the number of statements: no clock.
"""

import importlib.util
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from kelly_cli.core.refs import dated_id, fold
from kelly_cli.services import customers, reminding
from kelly_cli.services.aging import make_aging
from kelly_cli.services.board import Boards
from kelly_cli.services.reminding import Terms
from kelly_cli.store import hour_total_rows
from kelly_cli.store.audit_rows import Hand
from kelly_cli.store.tables import Customer, Invoice, Payment, ReferenceKey, ShortCode

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NOW = datetime(2026, 2, 3, 12, tzinfo=UTC)
TODAY = date(2026, 2, 3)
HAND = Hand("tester", NOW, "a test")
FEW, MANY = 500, 5_000
PROPORTIONAL = 1.5 * MANY / FEW
"""Ten times the rows may cost ten times as much, and half as much again for deeper indexes."""


def steps():
    name = "steps"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture
def fill(database):
    """Give the books so many customers; each owes two invoices and some have credit."""

    def filled(first, last):
        numbers = range(first, last + 1)
        with database.writing() as connection:
            people = [
                {
                    "id": n,
                    "customer_id": f"CUST-{n:03d}",
                    "name": f"Mũthoni {n}",
                    "phone": f"2547{n:08d}",
                    "created_at": NOW,
                }
                for n in numbers
            ]
            connection.execute(insert(Customer), people)
            keys = [
                {"key": fold(each["customer_id"]), "customer_id": each["id"]} for each in people
            ]
            connection.execute(insert(ReferenceKey), keys)
            bills = [
                {
                    "id": 2 * n + more,
                    "invoice_id": dated_id("INV", TODAY, 2 * n + more),
                    "customer_id": n,
                    "amount_cents": owed(n),
                    "issued_on": TODAY - timedelta(days=60),
                    "due_on": TODAY - timedelta(days=40 * more - 10),
                    "number": 2 * n + more,
                    "created_at": NOW,
                }
                for n in numbers
                for more in (0, 1)
            ]
            connection.execute(insert(Invoice), bills)
            pay(connection, [n for n in numbers if n % 10 == 0], first=last * 10)

    return filled


def owed(number):
    return 1_000_00 + number


def pay(connection, payers, *, first, at=NOW, allocated=0):
    """Write payments of a shilling, and count them as the one road does."""
    connection.execute(
        insert(ShortCode).prefix_with("OR IGNORE"),
        [{"code": "174379", "kind": "paybill", "environment": "local", "created_at": NOW}],
    )
    wall = at.replace(tzinfo=None)
    connection.execute(
        insert(Payment),
        [
            {
                "id": first + place,
                "mpesa_receipt_number": f"R{first + place:09d}",
                "channel": "c2b",
                "short_code": "174379",
                "amount_cents": 100,
                "allocated_cents": allocated,
                "transaction_date": wall - timedelta(minutes=place % 600),
                "customer_id": payer,
                "verified_by": "callback",
                "created_at": NOW,
            }
            for place, payer in enumerate(payers)
        ],
    )
    hour_total_rows.added(
        connection,
        [
            (wall - timedelta(minutes=place % 600), "174379", "COMPLETED", 100)
            for place in range(len(payers))
        ],
    )


def cost_of(database, ask):
    ask(database)
    with steps().counted(database) as cost:
        answer = ask(database)
    return cost, answer


def plan(database):
    return reminding.plan(database, Terms(), TODAY)


def aging(database):
    return make_aging(database, today=TODAY)


def aging_before(database):
    return make_aging(database, today=TODAY, as_at=TODAY - timedelta(days=5))


def everybody(database):
    return customers.list_customers(database, limit=MANY)


def owing(database):
    return customers.list_customers(database, owing=True, search="2547", limit=MANY)


class Page:
    """A live page: it remembers between two looks what changes slowly."""

    def __init__(self):
        self.boards = None

    def __call__(self, database):
        self.boards = self.boards or Boards(database)
        return self.boards.look(NOW)


@pytest.mark.parametrize("ask", [plan, aging, aging_before, everybody, owing, Page()])
def test_ten_times_the_customers_cost_ten_times_as_much(database, fill, ask):
    fill(1, FEW)
    few, _ = cost_of(database, ask)
    fill(FEW + 1, MANY)
    many, _ = cost_of(database, ask)
    assert many.statements == few.statements < 20
    assert 0 < many.steps < PROPORTIONAL * few.steps


def test_the_answers_for_5000_customers_are_right(database, fill):
    fill(1, MANY)
    found = plan(database)
    assert [each.row for each in found.due] == list(range(1, MANY + 1))
    credit = dict.fromkeys(range(10, MANY + 1, 10), 100)
    assert all(
        each.owed_cents == 2 * owed(each.row) - credit.get(each.row, 0) for each in found.due
    )
    assert all(len(each.invoices) == 1 for each in found.due)
    total = sum(2 * owed(n) for n in range(1, MANY + 1))
    told = aging(database)
    assert len(told.debtors) == MANY
    assert (told.total.owed_cents, told.credit_cents) == (total, 100 * len(credit))
    assert aging_before(database).total.owed_cents == total
    listed = everybody(database)
    assert [each.customer_id for each in listed][:3] == ["CUST-001", "CUST-002", "CUST-003"]
    assert len(listed) == MANY
    assert sum(each.balance_cents for each in listed) == total - 100 * len(credit)
    seen = Boards(database).look(NOW)
    assert (seen.owed.invoices, seen.owed.cents) == (2 * MANY, total)
    assert seen.owed.overdue == MANY
    assert seen.money == (len(credit), 100 * len(credit))


def remind(database, count):
    """Remind so many by hand, and send to as many more; return what each of both cost."""
    few = Terms(again_after=0)
    with steps().counted(database) as by_hand:
        made, _ = reminding.make_ready(database, HAND, few, lambda due: due.customer_id)
    assert len(made) == count
    found = reminding.plan(database, few, TODAY)
    told = []
    with steps().counted(database) as by_wire:
        sent = reminding.send(
            database,
            HAND,
            few,
            found,
            compose=lambda due: due.customer_id,
            deliver=lambda due, _: told.append(due.customer_id),
            clock=lambda: NOW,
        )
        assert {each.state for each in sent} == {"sent"}
    assert len(told) == len(set(told)) == count
    return by_hand, by_wire


def test_reminding_ten_times_as_many_costs_ten_times_as_much(database, fill):
    fill(1, 40)
    few = remind(database, 40)
    fill(41, 400)
    many = remind(database, 400)
    for some, all_of_them in zip(few, many, strict=True):
        assert all_of_them.statements < 11 * some.statements
        assert all_of_them.steps < PROPORTIONAL * some.steps


def test_the_live_page_costs_the_same_however_many_payments_there_are(database, fill):
    fill(1, 20)
    page = Page()
    few, seen = cost_of(database, page)
    with database.writing() as connection:
        for day in range(40):
            at = NOW - timedelta(days=day)
            payers = [n % 20 + 1 for n in range(500)]
            pay(connection, payers, first=10_000 + day * 1000, at=at, allocated=100)
    with steps().counted(database) as first:
        Boards(database).look(NOW)
    many, now = cost_of(database, page)
    assert now.money[0] == seen.money[0] + 500
    assert many.statements == few.statements
    assert many.steps < few.steps + 3_000
    assert first.steps < few.steps + 20_000
