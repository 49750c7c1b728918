"""300 hostile names through every command that prints them, on a terminal, piped and exported."""

import contextlib
import csv
import io
import random
import re

import pytest
from python_calamine import load_workbook

from kelly_cli.errors import KellyError
from kelly_cli.render import read_csv_cell
from kelly_cli.render.xlsx import read_xlsx_cell

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
LISTS = (
    "customer list",
    "invoice list",
    "payment list",
    "suspense list",
    "credit list",
    "webhook list",
    "audit list",
    "customer alias list",
    "pos list",
    "product list",
    "ledger journal",
    "report customers",
    "report products",
    "report aging",
)
OTHERS = (
    "customer show CUST-001",
    "invoice show INV-20260203-0001",
    "payment show TC31AAA000",
    "payment explain TC31AAA001",
    "suspense suggest TC31AAA002",
    "webhook show 1",
    "webhook show 7",
    "webhook show 40",
    "report daily --date 2026-02-03",
    "status",
    "recon status",
    "customer statement CUST-001",
    "customer statement CUST-001 --text",
    "payment receipt TC31AAA000 --till",
    "remind --dry-run --overdue-days 0",
    "ledger balances",
    "export --format csv",
    "export --format json",
    "export --format hledger",
    "export --format beancount",
)
WITHOUT_JSON = ("export", "customer statement CUST-001 --text", "payment receipt")
PAGES = (
    "report customers",
    "report products",
    "report aging",
    "report daily --date 2026-02-03",
    "customer statement CUST-001",
    "invoice document INV-20260203-0001",
    "payment receipt TC31AAA000",
)
MOST = ("--limit", "1000")


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
    return kelly


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
    for line in (*LISTS, *OTHERS):
        words = (*line.split(), *(MOST if line in LISTS else ()))
        for width in (80, 120):
            code, *streams = books.on_terminal(shop, monkeypatch, width, *words)
            assert code == 0, (line, streams[1])
            for shown in streams:
                assert not FORBIDDEN.search(looked_at(shown, terminal=True, books=books)), line
        forms = () if line.startswith(WITHOUT_JSON) else (("--json",),)
        for form in ((), *forms, *((("--csv",),) if line in LISTS else ())):
            ran = shop(*words, *form)
            assert ran.code == 0, (line, ran.err)
            for shown in (ran.out, ran.err):
                assert not FORBIDDEN.search(looked_at(shown, terminal=False, books=books)), line


def test_every_exported_list_reads_back_as_its_json(shop, tmp_path):
    for line in LISTS:
        words = (*line.split(), *MOST)
        objects = shop(*words, "--json").json
        if isinstance(objects, dict):  # a report: its list is one of its members
            objects = next(each for each in objects.values() if isinstance(each, list))
        rows = list(csv.reader(io.StringIO(shop(*words, "--csv").out, newline="")))
        file = tmp_path / f"{line}.xlsx"
        assert shop(*words, "-o", file).code == 0
        pages = load_workbook(str(file)).get_sheet_by_index(0).to_python()
        assert rows[0] == pages[0]
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

    for line in LISTS:
        file = tmp_path / f"{line}.xlsx"
        assert shop(*line.split(), *MOST, "-o", file).code == 0
        with zipfile.ZipFile(file) as parts:
            for name in parts.namelist():
                text = parts.read(name).decode()
                found = re.search(r"<f[ >/]|<hyperlink[ >]|relationships/hyperlink", text)
                assert not found, (line, name)


def test_no_page_holds_a_tag_or_a_control_character_that_came_in(shop, tmp_path):
    for line in PAGES:
        file = tmp_path / "page.html"
        assert shop(*line.split(), "--html", file).code == 0, line
        text = file.read_text(encoding="utf-8")
        assert "<script>alert" not in text, line
        assert not FORBIDDEN.search(text), line


def test_every_paper_is_drawn_whatever_the_names_are(shop, tmp_path):
    for line in PAGES[-3:]:
        file = tmp_path / "paper.pdf"
        assert shop(*line.split(), "--pdf", file).code == 0, line
        assert file.read_bytes().startswith(b"%PDF-"), line
