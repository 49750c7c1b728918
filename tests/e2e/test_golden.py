"""What people see, to the byte: terminal at 80 and 120 columns, piped, CSV, JSON, pages' text.

A change of words or columns shows in the folder ``golden``. Renew it, and read the difference:
``KELLY_RENEW_GOLDEN=1 python -m pytest tests/e2e/test_golden.py && git diff tests/e2e/golden``.
"""

import os
import re
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
import time_machine

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
RENEW = bool(os.environ.get("KELLY_RENEW_GOLDEN"))

LISTS = (
    "customer list",
    "customer alias list",
    "invoice list",
    "pos list",
    "payment list",
    "suspense list",
    "suspense suggest TB31AAAA04",
    "credit list",
    "webhook list",
    "audit list --limit 3",
    "day list",
    "import list",
    "recon status",
    "recon gaps",
    "mpesa urls list",
    "mpesa requests",
    "mpesa prompt list",
    "mpesa codes --limit 3",
    "webhook quarantine list",
    "ledger balances",
    "ledger journal",
    "product list",
    "remind list",
    "report daily --days 3",
    "report aging",
    "report products",
    "report weekly --weeks 2",
    "report monthly --months 2",
    "report webhooks --days 3",
    "report customers",
    "report fees",
    "report unproved --days 3",
)
OTHERS = (
    "status",
    "customer statement CUST-003",
    "customer statement CUST-003 --text",
    "invoice document INV-20260203-0002",
    "pos document POS-20260203-0003",
    "pos document POS-20260203-0003 --till",
    "payment receipt TB31AAAA01",
    "payment receipt TB31AAAA01 --till",
    "product show PROD-001",
    "remind --dry-run --overdue-days 0",
    "day show",
    "customer show CUST-001",
    "invoice show INV-20260203-0001",
    "pos show POS-20260203-0001",
    "payment show TB31AAAA01",
    "payment explain TB31AAAA02",
    "webhook show 5",
    "report daily",
)
PAGES = (
    "customer statement CUST-003",
    "invoice document INV-20260203-0002",
    "payment receipt TB31AAAA01",
    "pos document POS-20260203-0003",
    "report daily",
    "report daily --days 3",
    "report weekly --weeks 2",
    "report monthly --months 2",
    "report aging",
    "report webhooks --days 3",
    "report customers",
    "report products",
    "report fees",
    "report unproved --days 3",
)
DASHBOARD = "page-dashboard"
OF_THE_PAGE = {
    "business": "Duka", "environment": "local", "code": "", "places": [], "mixed": False,
    "notice": "", "notice_more": "",
}  # fmt: skip
MORE = (
    ("product", "create", "PROD-001", "Mũgate", "--price", "65", "--cost", "50", "--stock", "10"),
    ("pos", "create", "--item", "PROD-001:2"),
    ("day", "close", "--cash", "150", "--date", "2026-02-03"),
)
"""Beside the shop of other tests: a sale that is due, of the catalogue, and a closed day."""


@pytest.fixture
def shop(kelly, books, monkeypatch):
    """The shop's books, its clock standing at noon, and the same person at the keyboard."""
    monkeypatch.setenv("LOGNAME", "wambui")
    with time_machine.travel(books.NOON, tick=False):
        books.open_shop(kelly)
        for words in MORE:
            assert kelly(*words).code == 0, words
        yield kelly


def section(title, code, out, err):
    told = "".join(f"2> {line}\n" for line in err.splitlines())
    ended = f"exit {code}\n" if code else ""
    shown = f"=== {title}\n{out}{told}{ended}\n".replace("\x1b", "\\e")
    return re.sub(r'(?<="folder": ")/[^"]*', "SPOOL", shown)


def seen(kelly, books, monkeypatch, words, *, is_list):
    parts = []
    for width in (80, 120):
        told = books.on_terminal(kelly, monkeypatch, width, *words)
        parts.append(section(f"terminal, {width} columns", *told))
    json = () if "--text" in words else (("JSON", "--json"),)  # one or the other
    forms = (("piped",), *((("CSV", "--csv"),) if is_list else ()), *json)
    for title, *options in forms:
        ran = kelly(*words, *options)
        parts.append(section(title, ran.code, ran.out, ran.err))
    shown = "".join(parts)
    assert "exit " not in shown, shown  # no picture of a failure is kept
    return shown


class Page(HTMLParser):
    """The words of a page, a line for each piece of text."""

    def __init__(self):
        super().__init__()
        self.words, self.unseen = [], 0

    def handle_starttag(self, tag, attrs):
        self.unseen += tag in {"style", "script", "svg"}

    def handle_endtag(self, tag):
        self.unseen -= tag in {"style", "script", "svg"}

    def handle_data(self, data):
        if not self.unseen and data.strip():
            self.words.append(" ".join(data.split()))


def test_the_words_of_pages_stay_as_they_are(shop, tmp_path):
    wrong = []
    for line in PAGES:
        page, file = tmp_path / "page.html", Page()
        ran = shop(*line.split(), "--html", page)
        assert ran.code == 0, (line, ran.err)
        file.feed(page.read_text(encoding="utf-8"))
        wrong += differs(f"page-{name_of(line)}", "\n".join((*file.words, "")))
        page.unlink()
    assert wrong == []


def test_the_words_of_the_live_page_stay_as_they_are(shop, database, books):
    from kelly_cli.commands.board_words import words_of
    from kelly_cli.render.board import draw_live
    from kelly_cli.services.board import Boards

    board, page = Boards(database).look(datetime.fromisoformat(books.NOON)), Page()
    page.feed(draw_live(**words_of(board, 2), **OF_THE_PAGE))
    assert differs(DASHBOARD, "\n".join((*page.words, ""))) == []


def name_of(line):
    """Return the name of a command's golden file: its words, and what tells it from others."""
    words = [word for word in line.replace("--", "").split() if word.islower() or word.isdigit()]
    return "-".join(words)


def differs(name, shown):
    """Tell what is not as its golden file has it; renewing writes the file instead."""
    file = GOLDEN / f"{name}.txt"
    if RENEW:
        file.write_text(shown, encoding="utf-8", newline="\n")
    elif not file.exists() or file.read_text(encoding="utf-8") != shown:
        return [name]
    return []


def test_what_people_see_stays_as_it_is(shop, books, monkeypatch):
    wrong = []
    for line in (*LISTS, *OTHERS):
        shown = seen(shop, books, monkeypatch, line.split(), is_list=line in LISTS)
        wrong += differs(name_of(line), shown)
    assert wrong == []


def test_no_line_is_wider_than_the_terminal(shop, books, monkeypatch):
    from rich.cells import cell_len

    for line in (*LISTS, *OTHERS):
        for width in (80, 120):
            _, out, _ = books.on_terminal(shop, monkeypatch, width, *line.split())
            plain = books.OWN_STYLES.sub("", out)
            # Ids, addresses and hashes stay whole whatever the width: only tables must fit.
            if "─" in plain:
                assert max(map(cell_len, plain.splitlines())) <= width, (line, width)


def test_every_golden_file_is_looked_at():
    named = (
        {name_of(line) for line in (*LISTS, *OTHERS)}
        | {f"page-{name_of(line)}" for line in PAGES}
        | {DASHBOARD}
    )
    assert {file.stem for file in GOLDEN.iterdir()} == named
