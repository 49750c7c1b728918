"""Months of 20,000 lines, shuffled, split and overlapped: the books come out the same."""

import random
import time
from datetime import datetime, timedelta

import pytest

ROWS = 20_000
MONTH = datetime(2026, 1, 1)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def month(words, seed=1, rows=ROWS):
    """Lines of a month as a portal lists them: payments, charges, sweeps, reversals, failures."""
    _, paid, moved, row, _ = words
    chance, at, balance, lines, live = random.Random(seed), MONTH, 0, [], []
    step = timedelta(days=31) / (rows + 1)
    customers = [f"CUST-{number:03d}" for number in range(1, 21)]
    while len(lines) < rows:
        at += step
        what = chance.random()
        receipt = f"U{'A'}{_day(at)}{len(lines):07d}"
        if what < 0.04 and balance > 1000:
            lines.append(moved(receipt, balance, "Organization Settle to Bank", at, balance="0"))
            balance = 0
        elif what < 0.06 and live and balance >= live[-1][1]:
            back, amount = live.pop()
            balance -= amount
            lines.append(
                moved(receipt, amount, "Pay Bill Reversal", at, linked=back, balance=str(balance))
            )
        elif what < 0.1:
            lines.append(row(receipt, at, paid_in="55", status="Failed"))
        else:
            amount = chance.randint(1, 5000)
            balance += amount
            reference = chance.choice([*customers, "CUST 001", "nobody"])
            lines.append(paid(receipt, amount, reference, at, balance=str(balance)))
            live.append((receipt, amount))
            if what < 0.3 and balance > 5:
                balance -= 5
                lines.append(moved(receipt, 5, "Pay Bill Charge", at, balance=str(balance)))
    return lines[:rows]


def _day(at):
    return "123456789ABCDEFGHIJKLMNOPQRSTUV"[at.day - 1]


def split(lines, chance):
    """Cut lines into overlapping files, shuffled within and among each other."""
    cuts = sorted(chance.sample(range(1, len(lines)), 5))
    spans = zip([0, *cuts], [*cuts, len(lines)], strict=True)
    overlap = len(lines) // 12
    files = [lines[max(0, start - chance.randint(0, overlap)) : end] for start, end in spans]
    for file in files:
        chance.shuffle(file)
    chance.shuffle(files)
    return files


@pytest.fixture
def fresh_portal(tmp_path, notation, hand, portal_words):
    """Make portals of new businesses with twenty customers and some open invoices each."""
    from kelly_cli.services.inbox import Inbox, OurCode
    from kelly_cli.store.database import Database
    from kelly_cli.store.schema import open_for_writing

    opened = []

    def make():
        database = Database(f"sqlite:///{tmp_path}/books{len(opened)}.db")
        open_for_writing(database)
        opened.append(database)
        codes = [OurCode("174379", "paybill", None, "local")]
        books = notation(database, Inbox(database, codes, lambda: hand.at), hand)
        for number in range(1, 21):
            books.customer(f"CUST-{number:03d}")
            books.invoice(40_000, f"CUST-{number:03d}")
        return portal_words[0](books)

    yield make
    for database in opened:
        database.close()


def balances(portal):
    return {f"CUST-{n:03d}": portal.books.balance(f"CUST-{n:03d}") for n in range(1, 21)}


@pytest.mark.slow
def test_a_month_shuffled_split_and_overlapped_gives_the_same_books(fresh_portal, portal_words):
    lines, export = month(portal_words), portal_words[4]
    end = MONTH + timedelta(days=31, seconds=-1)
    whole = fresh_portal()
    whole.apply(whole.read(export(lines, start=MONTH, end=end)))
    pieces = fresh_portal()
    chance = random.Random(7)
    for number, part in enumerate(split(lines, chance)):
        file = pieces.read(export(part, start=MONTH, end=end), name=f"{number}.csv")
        for _ in range(chance.randint(1, 2)):
            pieces.apply(file)
    assert balances(pieces) == balances(whole)
    assert pieces.state() == whole.state()
    before = pieces.everything()
    pieces.apply(file)
    assert pieces.everything() == before
    pieces.check()
    whole.check()


@pytest.mark.slow
def test_a_month_is_read_and_compared_in_five_seconds(fresh_portal, portal_words):
    portal = fresh_portal()
    raw = portal_words[4](month(portal_words), start=MONTH, end=MONTH + timedelta(days=31))
    start = time.perf_counter()
    found = portal.read(raw)
    assert len(found.export.lines) + len(found.export.unfinished) == ROWS
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("seed", range(6))
def test_any_order_and_overlap_of_small_files_gives_the_same_books(
    fresh_portal, portal_words, seed
):
    lines, export = month(portal_words, seed, rows=120), portal_words[4]
    end = MONTH + timedelta(days=31, seconds=-1)
    states = []
    for turn in range(4):
        portal, chance = fresh_portal(), random.Random(seed * 10 + turn)
        parts = split(lines, chance) if turn else [lines]
        files = [
            portal.read(export(part, start=MONTH, end=end), name=f"{number}.csv")
            for number, part in enumerate(parts)
        ]
        if turn % 2:
            portal.apply(*files)
        else:
            for file in files:
                portal.apply(file)
        states.append((balances(portal), portal.state()))
        portal.check()
    assert states == [states[0]] * 4


def test_nothing_is_taken_in_from_a_foreign_short_code(fresh_portal, portal_words):
    from kelly_cli.errors import DomainError

    portal, export = fresh_portal(), portal_words[4]
    ours = month(portal_words, 3, rows=50)
    before = portal.everything()
    for code in ("174378", "17437", "1743790", "0174379", " ", "174379 600001"):
        with pytest.raises(DomainError):
            portal.read(export(ours, code=code))
    assert portal.everything() == before
