"""hledger and beancount read what kelly writes, and both agree with the books to the cent."""

import csv
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from kelly_cli.core import ledger as rules
from kelly_cli.core.ledger import Entry
from kelly_cli.core.money import kes
from kelly_cli.render.harmless import read_csv_cell, unescaped
from kelly_cli.render.journal_table import csv_lines, entry_json, json_lines, xlsx_pieces
from kelly_cli.render.journal_text import WRITERS, beancount_lines, beancount_name, hledger_lines
from kelly_cli.services import ledger
from kelly_cli.store.customer_rows import list_customers
from kelly_cli.store.scratch import scratch

ROOT = Path(__file__).resolve().parents[1]
EVENTS = int(os.environ.get("KELLY_TEST_LEDGER_EVENTS", "20000"))
HLEDGER = shutil.which("hledger")
needs_hledger = pytest.mark.skipif(HLEDGER is None, reason="hledger is not installed")

_SPEC = importlib.util.spec_from_file_location("ledger_shop", ROOT / "services" / "ledger_shop.py")
ledger_shop = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(ledger_shop)


class Year:
    """A shop's year: what kelly holds it for, and its exports as files."""

    def __init__(self, books, folder):
        shop = ledger_shop.Shop(books, seed=20_000).run(EVENTS)
        self.events, self.said_cents = shop.events, shop.statement()
        self.folder, self.balances = folder, ledger.list_balances(books, ledger.Days())
        self.held = {each.account: each.closing_cents for each in self.balances}
        with books.reading() as connection:
            self.customers = list_customers(connection, search=None, owing=False, limit=10**6)
        days = [None, shop.now.date().replace(day=1)]
        for form in WRITERS:
            for number, first in enumerate(days):
                with ledger.exporting(books, ledger.Days(first)) as found:
                    text = "".join(WRITERS[form](found.opening, found.entries, first=first))
                (folder / f"{number}.{form}").write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    with scratch() as books, books.trial():
        yield Year(books, tmp_path_factory.mktemp("year"))


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def cents(text):
    return int(Decimal(text.replace(",", "")) * 100)


def hledger_balances(file):
    told = run(HLEDGER, "-f", file, "balance", "--flat", "--empty", "-N", "-O", "csv")
    rows = list(csv.reader(io.StringIO(told)))[1:]
    return {name: cents(amount.removesuffix(" KES")) for name, amount in rows}


def beancount_balances(file):
    from beancount import loader
    from beancount.core import realization

    entries, errors, _ = loader.load_file(str(file))
    assert errors == []
    real = realization.realize(entries)
    found = {}
    for each in realization.iter_children(real, leaf_only=True):
        position = each.balance.get_only_position()
        found[each.account] = cents(str(position.units.number)) if position else 0
    return found


def test_the_year_is_a_year_of_every_kind(year):
    assert year.events >= EVENTS
    assert year.held["assets:mpesa"] == year.said_cents
    assert sum(year.held.values()) == 0


@needs_hledger
@pytest.mark.parametrize("number", [0, 1])
def test_hledger_agrees_with_kelly_on_every_account(year, number):
    file = year.folder / f"{number}.hledger"
    run(HLEDGER, "-f", file, "check", "--strict", "ordereddates")
    held = hledger_balances(file)
    assert {n: c for n, c in held.items() if c} == {n: c for n, c in year.held.items() if c}
    _people_agree(year, lambda name: held.get(name, 0))


@pytest.mark.parametrize("number", [0, 1])
def test_beancount_agrees_with_kelly_on_every_account(year, number):
    pytest.importorskip("beancount", reason="beancount is not installed")
    file = year.folder / f"{number}.beancount"
    checker = Path(sys.executable).with_name("bean-check")
    if checker.exists() and number == 1:
        run(checker, "--no-cache", file)
    held = beancount_balances(file)
    wanted = {beancount_name(n): c for n, c in year.held.items() if c}
    assert {n: c for n, c in held.items() if c} == wanted
    _people_agree(year, lambda name: held.get(beancount_name(name), 0))


def _people_agree(year, held):
    for customer in year.customers:
        owed = held(rules.receivable(customer.customer_id))
        credit = held(rules.credit_of(customer.customer_id))
        assert (owed, -credit) == (customer.owed_cents, customer.credit_cents)
    assert held("assets:mpesa") == year.said_cents


# What the files look like, and that nothing from outside means anything in them

AT = datetime(2026, 2, 3, 14, 5, 9)
ONE = Entry(
    AT, 0, ("QGK1", "INV-20260203-0001"), "assets:mpesa", "income:sales", 123_450, "sale", "a; b|c"
)


def hostile(count=300):
    """Entries whose words and documents were made to be read as something else."""
    words = [*ledger_shop.HOSTILE, "x" * 500, "\u2028\x85\x00", "; date:2020-01-01", "'=1", '"']
    for number in range(count):
        text = words[number % len(words)] * (1 + number % 3) + f" {number}"
        name = (f"R{number} {text}"[:40], 'INV-1)|;"^#')
        yield Entry(AT, 0, name, "assets:mpesa", "income:sales", number + 1, "payment", text)


def test_the_hledger_file_reads_like_a_journal():
    assert "".join(hledger_lines({}, [ONE])) == (
        "commodity 1,000.00 KES\n\n"
        "account assets:mpesa\n"
        "account income:sales\n"
        "2026-02-03 * (QGK1) sale INV-20260203-0001 | a, b/c\n"
        "    assets:mpesa  1234.50 KES\n"
        "    income:sales  -1234.50 KES\n\n"
        "2026-02-03 * as kelly has it\n"
        "    assets:mpesa  0.00 KES = 1234.50 KES\n"
        "    income:sales  0.00 KES = -1234.50 KES\n\n"
    )


def test_the_beancount_file_reads_like_a_ledger():
    assert "".join(beancount_lines({}, [ONE])) == (
        'option "title" "kelly"\noption "operating_currency" "KES"\n\n'
        "2026-02-03 open Assets:Mpesa KES\n"
        "2026-02-03 open Income:Sales KES\n"
        '2026-02-03 * "sale: a; b|c" ^QGK1 ^INV-20260203-0001\n'
        "  Assets:Mpesa  1234.50 KES\n"
        "  Income:Sales  -1234.50 KES\n\n"
        "2026-02-04 balance Assets:Mpesa  1234.50 KES\n"
        "2026-02-04 balance Income:Sales  -1234.50 KES\n"
    )


@needs_hledger
def test_hostile_words_mean_nothing_to_hledger(tmp_path):
    file = tmp_path / "hostile.journal"
    file.write_text("".join(hledger_lines({}, hostile())), encoding="utf-8")
    run(HLEDGER, "-f", file, "check", "--strict", "ordereddates")
    assert hledger_balances(file)["assets:mpesa"] == sum(range(301))


def test_hostile_words_mean_nothing_to_beancount(tmp_path):
    pytest.importorskip("beancount", reason="beancount is not installed")
    file = tmp_path / "hostile.beancount"
    file.write_text("".join(beancount_lines({}, hostile())), encoding="utf-8")
    assert beancount_balances(file)["Assets:Mpesa"] == sum(range(301))


@pytest.mark.parametrize("form", list(WRITERS))
def test_no_control_character_leaves(form):
    text = "".join(WRITERS[form]({}, hostile()))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800-\udfff]", text)


def test_csv_holds_no_formula_and_gives_everything_back():
    entries = list(hostile())
    rows = list(csv.DictReader(io.StringIO("".join(csv_lines(entries)), newline="")))
    assert len(rows) == 300
    for row, each in zip(rows, entries, strict=True):
        assert not row["text"].startswith(("=", "+", "-", "@", "\t"))
        assert read_csv_cell(row["text"]) == each.text
        assert read_csv_cell(row["documents"]) == " ".join(each.documents)
        assert row["amount"] == kes(each.amount_cents)


def test_json_is_one_document_that_gives_everything_back():
    entries = list(hostile())
    assert json.loads("".join(json_lines(entries))) == [entry_json(each) for each in entries]
    assert json.loads("".join(json_lines([]))) == []


def test_xlsx_goes_on_in_the_next_sheet_and_has_numbers_and_dates():
    pieces = b"".join(xlsx_pieces(hostile(25), most_rows=11))
    book = CalamineWorkbook.from_filelike(io.BytesIO(pieces))
    assert book.sheet_names == ["journal", "journal 2", "journal 3"]
    rows = [row for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python()]
    rows = [row for row in rows if row[0] != "at"]
    assert [row[3] for row in rows] == [(number + 1) / 100 for number in range(25)]
    assert all(row[0] == AT for row in rows)
    assert [unescaped(row[6]) for row in rows] == [each.text for each in hostile(25)]
    sheets = zipfile.ZipFile(io.BytesIO(pieces))
    assert not any(b"<f>" in sheets.read(name) for name in sheets.namelist())
    assert pieces == b"".join(xlsx_pieces(hostile(25), most_rows=11))
