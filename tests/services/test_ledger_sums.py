"""What the database sums is what the journal makes, to the cent, for any days."""

import importlib.util
import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kelly_cli.services import checking, ledger
from kelly_cli.store.ledger_documents import ALWAYS, Span
from kelly_cli.store.ledger_rows import read_journal
from kelly_cli.store.ledger_sums import Turnover, sum_journal
from kelly_cli.store.scratch import scratch

_SPEC = importlib.util.spec_from_file_location(
    "ledger_shop", Path(__file__).with_name("ledger_shop.py")
)
ledger_shop = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(ledger_shop)
KINDS = {
    "allocation", "charge", "cost", "credit_note", "handover", "opening", "other", "payment",
    "revaluation", "reversal", "revival", "sale", "settlement", "stock", "void", "withdrawal",
}  # fmt: skip


def turnover(entries):
    """Sum the journal's entries one by one."""
    debits, credits_ = {}, {}
    for each in entries:
        debits[each.debit] = debits.get(each.debit, 0) + each.amount_cents
        credits_[each.credit] = credits_.get(each.credit, 0) + each.amount_cents
    return Turnover(debits, credits_)


def compare(connection, entries, seed):
    """Hold the sums of all days, of some days by chance and of odd moments against the journal."""
    chance = random.Random(seed)
    moments = sorted({each.at for each in entries})
    midnights = sorted({datetime.combine(each, datetime.min.time()) for each in moments})
    spans = [ALWAYS, Span(midnights[len(midnights) // 2]), Span(None, midnights[-1])]
    for _ in range(12):
        start, end = sorted(chance.choices(midnights + moments, k=2))
        spans.append(Span(start, end + timedelta(microseconds=1)))
    for span in spans:
        found = sum_journal(connection, span)
        before = [each for each in entries if span.start and each.at < span.start]
        assert found.before == turnover(before), span
        assert found.within == turnover(each for each in entries if span.holds(each.at)), span


@pytest.mark.parametrize("seed", [21, 22, 23])
def test_sums_equal_the_journal_whatever_happens(seed):
    with scratch() as books, books.trial() as connection:
        shop = ledger_shop.Shop(books, seed, callbacks=8).run(1_500)
        shop.statement(opening_cents=70_000)
        entries = list(read_journal(connection))
        assert {each.kind for each in entries} >= KINDS
        compare(connection, entries, seed)
        opening = shop.now.date() - timedelta(days=3)
        with ledger.exporting(books, ledger.Days(opening)) as found:
            listed = ledger.list_balances(books, ledger.Days(opening))
            assert found.opening == {
                each.account: each.opening_cents for each in listed if each.opening_cents
            }


def test_sums_equal_the_journal_on_both_databases(database):
    shop = ledger_shop.Shop(database, 24, callbacks=8).run(250)
    shop.statement()
    with database.reading() as connection:
        compare(connection, list(read_journal(connection)), 24)
    assert checking.check(database, now=shop.now).violations == []


def test_an_account_of_any_days_opens_where_it_stood(database):
    shop = ledger_shop.Shop(database, 25, callbacks=8).run(120)
    with database.reading() as connection:
        entries = list(read_journal(connection))
    days = sorted({each.at.date() for each in entries})
    first, last, today = days[len(days) // 3], days[-2], shop.now.date()
    for code in ("assets:mpesa", "liabilities:unapplied", "assets", "expenses"):
        for limit in (3, 10_000):
            asked = ledger.Days(first, last)
            sheet = ledger.show_account(database, code, asked, limit=limit, today=today)
            whole = _lines([each for each in entries if each.at.date() <= last], code)
            shown = [line for line in whole if line[0].at.date() >= first][-limit:]
            assert [line.entry for line in sheet.lines] == [line[0] for line in shown]
            assert [line.balance_cents for line in sheet.lines] == [line[1] for line in shown]
            before = len(whole) - len(shown)
            assert sheet.opening_cents == (whole[before - 1][1] if before else 0)
            assert sheet.closing_cents == (whole[-1][1] if whole else 0)


def _lines(entries, code):
    """Return (entry, balance after it) of an account and all under it."""
    found, balance = [], 0
    for each in entries:
        debit = f"{each.debit}:".startswith(f"{code}:")
        credit = f"{each.credit}:".startswith(f"{code}:")
        if debit or credit:
            balance += each.amount_cents * (debit - credit)
            found.append((each, balance))
    return found
