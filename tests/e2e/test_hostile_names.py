"""300 hostile names through every command that prints them, on a terminal, piped and exported."""

import contextlib
import csv
import io
import os
import pty
import random
import re
import signal
import subprocess
import sys

import pytest
from python_calamine import load_workbook

from kelly_cli.errors import KellyError
from kelly_cli.render import read_csv_cell
from kelly_cli.render.xlsx import read_xlsx_cell
from kelly_cli.services.quarantine import Quarantine, Stranger

SEED = 20260203
PIECES = [
    "[red]", "[/red]", "[/x]", "[link=http://x]", "\\[", "\\u0041", "\\", ":smile:", "{0}", "%s",
    "\x1b[5m", "\x1b[2J", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\", "\x9b5m", "\x9d0;x\x9c",
    "\x00", "\x07", "\x08\x08", "\x7f", "\x0b", "\x0c", "\n", "\r\n", "\r", "\t", "\x85",
    "\u2028", "\u202e", "\u2066", "\u061c", "\u200b", "\u200d", "\ufeff", "\ud800", "\udfff",
    "\U000e0041", "\u3164", "\u00ad", "李小龍", "WANJIKŨ", "👩\u200d👧", "ﷺ", "e\u0301",
    "=1+1", "+1", "-1", "@SUM(A1)", "\uff1d1", "'=1", '=HYPERLINK("http://x")', "http://x.example",
    ",", ";", '"', "'", "<script>alert(1)</script>", "&amp;", "_x0041_", "5000.00", "-5", "true",
    "2026-02-03", " ", "x" * 200,
]  # fmt: skip
FORBIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
    "\u00ad\u3164\U000e0000-\U000e007f]"
)
LIVE = re.compile(r"\s*[=+@\uff1d\uff0b\uff20]|\s*-(?!\d+(\.\d+)?$)")
ARGUMENTS = {
    "suspense suggest": "TC31AAA002",
    "ledger account": "assets:mpesa",
    "report daily": "--days 1 --date 2026-02-03",
}
"""What a list is given, where it asks for something."""

READ = {
    "customer show": ["CUST-001"],
    "customer statement": ["CUST-001", "CUST-001 --text", "CUST-001 --csv"],
    "invoice show": ["INV-20260203-0001"],
    "invoice document": ["INV-20260203-0001"],
    "pos show": ["POS-20260203-0001"],
    "pos document": ["POS-20260203-0002", "POS-20260203-0002 --till"],
    "product show": ["P-0"],
    "payment show": ["TC31AAA000", "TC31AAA040"],
    "payment explain": ["TC31AAA001"],
    "payment receipt": ["TC31AAA000", "TC31AAA000 --till", "TC31AAA017 --till"],
    "payment verify": ["TC31AAA001 --amount 100"],
    "webhook show": ["1", "7", "40"],
    "webhook quarantine show": ["1"],
    "report daily": ["--date 2026-02-03"],
    "status": [""],
    "day show": ["--date 2026-02-03"],
    "import show": ["1"],
    "audit verify": [""],
    "db check": [""],
    "export": ["--format csv", "--format json", "--format hledger", "--format beancount"],
}
TRIED = {
    "customer merge": ["CUST-002 CUST-003 --reason =1+1"],
    "customer alias add": ["CUST-002 --phone 0733000111"],
    "invoice hold": ["INV-20260203-0004 --reason =1+1"],
    "invoice release": ["INV-20260203-0003 --reason =1+1"],
    "invoice writeoff": ["INV-20260203-0004 --max 5 --reason =1+1"],
    "invoice credit-note": ["INV-20260203-0004 --amount 0.50 --reason =1+1"],
    "invoice void": ["INV-20260203-0005 --reason =1+1"],
    "pos void": ["POS-20260203-0003 --reason =1+1"],
    "product edit": ["P-0 --price 100"],
    "product receive": ["P-0 --quantity 3"],
    "product retire": ["P-0 --reason =1+1"],
    "payment allocate": ["TC31AAA003 --to INV-20260203-0006 --reason =1+1"],
    "payment record": ["--method cash --amount 5 --customer CUST-001 --payer =1+1"],
    "suspense note": ["TC31AAA004 =1+1"],
    "suspense assign": ["TC31AAA005 --to CUST-002"],
    "day close": ["--cash 0 --date 2026-02-02"],
    "remind": ["--overdue-days 0"],
    "reprocess": [""],
}
"""What changes something, tried dry on names that came from outside."""

ELSEWHERE = {
    "what it prints is what was typed or made in the same moment": {
        "customer create", "customer edit", "customer unmerge", "customer alias remove",
        "invoice create", "pos create", "product create", "product import", "import customers",
        "import invoices", "import undo", "payment unallocate", "payment reverse",
        "payment unclaim", "remind cancel", "webhook dismiss", "webhook quarantine release",
        "webhook quarantine drop", "webhook ingest", "pos match",
    },
    "nothing that came from outside is in it": {
        "config path", "config set", "db backup", "db purge", "db restore", "db upgrade",
        "db rebuild-totals", "demo", "doctor", "init", "support", "dashboard", "webhook service",
        "webhook token", "webhook trigger", "mpesa sandbox", "mpesa token",
    },
    "it needs Safaricom: tests/commands/test_mpesa_*.py": {
        "mpesa register", "mpesa simulate", "mpesa status", "mpesa balance", "mpesa reverse",
        "mpesa prompt", "mpesa prompt query", "mpesa pull", "mpesa pull register", "mpesa qr",
        "mpesa urls check", "recon pull", "webhook replay",
    },
    "tests/services/statements": {"recon statement"},
    "it streams: below, and tests/listener/test_logs.py": {"webhook tail", "webhook serve"},
}  # fmt: skip
WITHOUT_JSON = ("export", "customer statement CUST-001 --text", "customer statement CUST-001 --csv")
PAPERS = (
    "customer statement CUST-001",
    "invoice document INV-20260203-0001",
    "pos document POS-20260203-0002",
    "payment receipt TC31AAA000",
)
MOST = ("--limit", "1000")
CODES = {"payment verify": {1}, "db check": {0, 1}}
"""Exit codes besides 0 that answer."""


def walked():
    """Return every command by its words; a hidden one is another name of one that is seen."""
    from kelly_cli.main import COMMANDS, _loaded

    found = {}

    def walk(words, command):
        inner = getattr(command, "commands", None)
        if inner is None or command.invoke_without_command:
            found[words] = command
        for name, each in (inner or {}).items():
            if not each.hidden:
                walk(f"{words} {name}", each)

    for name in COMMANDS:
        walk(name, _loaded(name))
    return found


def lists():
    """Return the command line of every list, and of every report with a page."""
    from kelly_cli.commands.listing import Listing, ListingGroup

    listed, paged = {}, []
    for words, command in walked().items():
        if isinstance(command, Listing | ListingGroup):
            names = {param.name for param in command.params}
            line = f"{words} {ARGUMENTS.get(words, '')}".split()
            listed[" ".join(line)] = (*line, *(MOST if "limit" in names else ()))
            paged += [" ".join(line)] * ("html" in names)
    return listed, paged


LISTS, PAGES = lists()
OTHERS = [f"{words} {more}".strip() for words, lines in READ.items() for more in lines]
DRY = [f"{words} {more} --dry-run" for words, lines in TRIED.items() for more in lines]


def test_every_command_is_looked_at():
    """A new command fails here until it is among those above."""
    from kelly_cli.commands.listing import Listing, ListingGroup

    every = walked()
    of_lists = {w for w, c in every.items() if isinstance(c, Listing | ListingGroup)}
    asides = [words for some in ELSEWHERE.values() for words in some]
    named = of_lists | {*READ, *TRIED, *asides}
    assert {words for words in every if words not in named} == set()
    assert {words for words in named if words not in every} == set()
    assert len(asides) == len(set(asides))
    assert not set(asides) & (of_lists | {*READ, *TRIED})
    assert {line for line in PAGES if not line.startswith("report ")} == set()


def hostile_names(count):
    chance = random.Random(SEED)
    mixed = ["".join(chance.choices(PIECES, k=chance.randint(2, 5))) for _ in range(count)]
    return (PIECES + mixed)[:count]


@pytest.fixture
def shop(kelly, database, hand, books):
    """Books in which every name that may come in has come in, by every way."""
    names = hostile_names(300)
    lines = [
        books.callback(f"TC31AAA{number:03d}", "100.00", name, FirstName=name, LastName=name)
        for number, name in enumerate(names)
    ]
    assert kelly("webhook", "ingest", "-", stdin="\n".join(lines)).code in {0, 3}
    taken = sum(written_by_hand(database, hand, number, name) for number, name in enumerate(names))
    assert taken > 100
    quarantine = Quarantine(database, frozenset({"174379"}), lambda: hand.at)
    quarantine.take([stranger(each) for each in (*lines[:20], *names[:20])])
    more_ways(kelly, [name for name in names if name.isprintable()][:60])
    return kelly


def stranger(body):
    raw = body.encode("utf-8", "surrogatepass")
    return Stranger("203.0.113.9", "/c2b/confirmation", "confirmation", raw, "address")


def more_ways(kelly, names):
    """Fill the lists that names reach by other ways: imports, reminders, closed days."""
    rows = io.StringIO()
    csv.writer(rows).writerows([("name",), *((name,) for name in names)])
    assert kelly("import", "customers", "-", stdin=rows.getvalue()).code in {0, 3}
    for words in (
        ("day", "close", "--cash", "0", "--date", "2026-02-03", "--reason", "=1+1"),
        ("customer", "edit", "CUST-001", "--phone", "0712345678"),
        (
            "invoice",
            "create",
            "--customer",
            "CUST-001",
            "--amount",
            "9",
            "--date",
            "2026-01-01",
            "--due",
            "2026-01-01",
        ),
        ("remind", "--overdue-days", "0"),
        ("product", "edit", "P-0", "--stock", "5", "--reason", "a test"),
        ("invoice", "hold", "INV-20260203-0003", "--reason", "a test"),
    ):
        assert kelly(*words).code in {0, 3}, words


def written_by_hand(database, hand, number, name):
    """Write a name wherever a person may write one; tell whether it was taken anywhere."""
    from kelly_cli.services import aliases, customers, invoices, products, sales, suspense
    from kelly_cli.services.products import NewProduct
    from kelly_cli.store.sale_rows import SaleItem

    receipt = f"TC31AAA{number:03d}"
    ways = (
        lambda: customers.create_customer(database, hand, name=name),
        lambda: products.create_product(database, hand, NewProduct(f"P-{number}", name, 100)),
        lambda: sales.create_sale(
            database,
            hand,
            items=[SaleItem(f"Q-{number}", name, 1, 100)],
            sold_on=hand.at.date(),
            customer_id="CUST-001",
        ),
        lambda: aliases.add_alias(database, hand, "CUST-001", "name", name),
        lambda: suspense.note(database, hand, receipt, name),
        lambda: invoices.create_invoice(
            database, hand, invoices.NewInvoice("CUST-001", 100, hand.at.date(), description=name)
        ),
    )
    taken = 0
    for write in ways if name.isprintable() else ways[:1]:  # as the command line refuses the others
        with contextlib.suppress(KellyError):
            write()
            taken += 1
    return taken > 0


def looked_at(shown, *, terminal, books):
    return books.OWN_STYLES.sub("", shown) if terminal else shown.replace("\t", "")


def test_no_control_character_reaches_a_stream(shop, books, monkeypatch):
    for line in (*LISTS, *OTHERS, *DRY):
        words = LISTS.get(line) or line.split()
        codes = {0} | next((some for each, some in CODES.items() if line.startswith(each)), set())
        for width in (80, 120) if line in LISTS else (100,):
            code, *streams = books.on_terminal(shop, monkeypatch, width, *words)
            assert code in codes, (line, streams[1])
            for shown in streams:
                assert not FORBIDDEN.search(looked_at(shown, terminal=True, books=books)), line
        forms = () if line.startswith(WITHOUT_JSON) else (("--json",),)
        for form in ((), *forms, *((("--csv",),) if line in LISTS else ())):
            ran = shop(*words, *form)
            assert ran.code in codes, (line, ran.err)
            for shown in (ran.out, ran.err):
                assert not FORBIDDEN.search(looked_at(shown, terminal=False, books=books)), line


def test_every_exported_list_reads_back_as_its_json(shop, tmp_path):
    for line, words in LISTS.items():
        objects = shop(*words, "--json").json
        if isinstance(objects, dict):  # a report: its list is one of its members
            objects = next(each for each in objects.values() if isinstance(each, list))
        rows = list(csv.reader(io.StringIO(shop(*words, "--csv").out, newline="")))
        file = tmp_path / "list.xlsx"
        assert shop(*words, "-o", file).code == 0
        pages = load_workbook(str(file)).get_sheet_by_index(0).to_python()
        assert rows[0] == pages[0]
        last = rows[0][-1]
        narrow = shop(*words, "--csv", "--fields", last).out
        assert next(csv.reader(io.StringIO(narrow))) == [last], line
        assert shop(*words, "--csv", "--fields", f"{last}x").code == 2, line
        assert len(rows) - 1 == len(objects) == len(pages) - 1, line
        for each, in_csv, in_xlsx in zip(objects, rows[1:], pages[1:], strict=True):
            texts = {
                key: (read_csv_cell(a), read_xlsx_cell(b) if isinstance(b, str) else None, a)
                for key, a, b in zip(rows[0], in_csv, in_xlsx, strict=True)
            }
            for key, value in each.items():
                if isinstance(value, str):
                    from_csv, from_xlsx, cell = texts[key]
                    assert from_csv == value, (line, key)
                    assert from_xlsx in {value, None}, (line, key)
                    assert not LIVE.match(cell), (line, key, cell)


def test_the_references_are_in_the_books_as_they_were_sent(shop):
    sent = dict(enumerate(hostile_names(300)))
    found = shop("payment", "list", *MOST, "--json").json
    kept = {int(each["mpesa_receipt_number"][7:]): each["bill_ref_number"] for each in found}
    same = [number for number, name in sent.items() if kept.get(number) == name]
    assert len(same) > 200


def test_no_spreadsheet_holds_a_formula_or_a_link(shop, tmp_path):
    import zipfile

    for line, words in LISTS.items():
        file = tmp_path / "list.xlsx"
        assert shop(*words, "-o", file).code == 0
        with zipfile.ZipFile(file) as parts:
            for name in parts.namelist():
                text = parts.read(name).decode()
                found = re.search(r"<f[ >/]|<hyperlink[ >]|relationships/hyperlink", text)
                assert not found, (line, name)


def test_no_page_holds_a_tag_or_a_control_character_that_came_in(shop, tmp_path):
    assert len(PAGES) > 8
    for line in (*PAGES, *PAPERS):
        file = tmp_path / "page.html"
        assert shop(*line.split(), "--html", file).code == 0, line
        text = file.read_text(encoding="utf-8")
        assert "<script>alert" not in text, line
        assert not FORBIDDEN.search(text), line


def test_every_paper_is_drawn_whatever_the_names_are(shop, tmp_path):
    for line in PAPERS:
        file = tmp_path / "paper.pdf"
        assert shop(*line.split(), "--pdf", file).code == 0, line
        assert file.read_bytes().startswith(b"%PDF-"), line


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_the_stream_of_callbacks_is_harmless_too(shop, database_url, environ, tmp_path, form):
    """On a terminal of its own, whole lines, one for each callback."""
    ours, theirs = pty.openpty()
    words = ("webhook", "tail", "--lines", "1000", *form)
    with (tmp_path / "tail.err").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "kelly_cli", *words],
            env={**environ, "KELLY_DATABASE_URL": database_url, "COLUMNS": "120"},
            cwd=tmp_path,
            stdout=theirs,
            stderr=err,
        )
    os.close(theirs)
    shown, logs = b"", len(shop("webhook", "list", *MOST, "--json").json)
    with contextlib.closing(os.fdopen(ours, "rb", buffering=0)) as screen:
        while shown.count(b"\n") < logs + len(form):
            shown += screen.read(65536)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) in {0, 130}, (tmp_path / "tail.err").read_text()
    text = shown.decode().replace("\r\n", "\n")
    assert not FORBIDDEN.search(re.sub("\x1b\\[(?:0|1|2|32|33)m", "", text))
    assert len(text.splitlines()) == logs + len(form)
