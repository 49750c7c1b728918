"""The figures of the live page: what the payments say, and at the price of no payment."""

import importlib.util
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kelly_cli.core.times import nairobi_day
from kelly_cli.services.board import PARTLY_FOR, Boards
from kelly_cli.services.morning import morning
from kelly_cli.store import status_rows

HERE = Path(__file__).resolve().parent
NOW = datetime(2026, 2, 3, 12, tzinfo=UTC)


def story_of(database, seed):
    path = HERE.parent / "store" / "checks_story.py"
    spec = importlib.util.spec_from_file_location("checks_story", path)
    module = sys.modules.setdefault("checks_story", importlib.util.module_from_spec(spec))
    if not hasattr(module, "Story"):
        spec.loader.exec_module(module)
    return module.Story(database, seed)


def payments_of(database):
    with database.reading() as connection:
        return connection.exec_driver_sql(
            "SELECT transaction_date, short_code, status, customer_id, amount_cents, "
            "allocated_cents FROM payments"
        ).all()


def moment(value):
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


@pytest.mark.parametrize("seed", [1, 4])
@pytest.mark.parametrize("codes", [None, ("174379",), ("600000",)])
def test_the_board_says_what_the_payments_say(database, seed, codes):
    story = story_of(database, seed).every_kind().days(10).unsettled()
    rows = [
        (moment(paid_at), code, *rest)
        for paid_at, code, *rest in payments_of(database)
        if codes is None or code in codes
    ]
    free = [row for row in rows if row[2] != "REVERSED" and row[3] is None and row[4] > row[5]]
    for back in range(4):
        now = story.now - timedelta(days=back)
        board, counts, cents = Boards(database).look(now, codes), Counter(), Counter()
        for paid_at, _, status, _, amount, _ in rows:
            if paid_at.date() == nairobi_day(now) and status != "REVERSED":
                counts[paid_at.hour] += 1
                cents[paid_at.hour] += amount
        assert board.hours == tuple((counts[hour], cents[hour]) for hour in range(24))
        assert board.unplaced.payments == len(free)
        assert board.unplaced.cents == sum(row[4] - row[5] for row in free)
        assert board.unplaced.oldest_at == min((row[0] for row in free), default=None)
        assert morning(database, now, codes).unplaced == board.unplaced


def test_money_that_is_placed_in_part_waits_with_the_rest(books):
    books.customer()
    books.invoice(30)
    sale = books.sale(30)
    books.pay("QGK12XYZ91", 100, sale)
    books.pay("QGK12XYZ92", 7, "nobody")
    board = Boards(books.database)
    found = board.look(NOW).unplaced
    assert (found.payments, found.cents) == (2, 77_00)
    assert board.look(NOW, ("174379",)).unplaced == found
    assert board.look(NOW, ("600000",)).unplaced == (0, 0, None)


def test_what_is_placed_in_part_is_read_when_its_number_changes_or_in_a_while(books, monkeypatch):
    asked = []
    real = status_rows.list_partly_placed
    monkeypatch.setattr(
        status_rows, "list_partly_placed", lambda connection: asked.append(1) or real(connection)
    )
    board = Boards(books.database)
    board.look(NOW)
    assert asked == []
    books.pay("QGK12XYZ91", 100, books.sale(30))
    for seconds in (0, 1, PARTLY_FOR.seconds - 1):
        assert board.look(NOW + timedelta(seconds=seconds)).unplaced.cents == 70_00
    assert len(asked) == 1
    board.look(NOW + PARTLY_FOR)
    assert len(asked) == 2
    books.pay("QGK12XYZ92", 50, books.sale(30))
    assert board.look(NOW + PARTLY_FOR).unplaced.cents == 90_00
    assert len(asked) == 3
    board.forget()
    board.look(NOW + PARTLY_FOR)
    assert len(asked) == 4
