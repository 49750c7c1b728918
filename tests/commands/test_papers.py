"""kelly customer statement, invoice document and payment receipt, as an operator gives them."""

import csv
import io
import json

import pypdf
import pytest
from PIL import Image

BUSINESS = """
[business]
name = "Duka la Wanjikũ"
phone = "0712000000"
address = ["Moi Avenue 12", "Nairobi"]
tax_number = "P051234567X"
logo = "logo.png"
pay_note = "Cheques: to the office"
"""
AS_AT = ["customer", "statement", "CUST-001", "--as-at"]
SALE_RECEIPT, RECEIPT = "QGK12XYZ92", "QGK12XYZ91"


@pytest.fixture
def shop(kelly, tmp_path):
    """A business with its papers, one customer, an invoice half paid, and a sale."""
    (tmp_path / "kelly.toml").write_text(BUSINESS, encoding="utf-8")
    Image.new("RGB", (60, 20), "green").save(tmp_path / "logo.png")
    kelly("customer", "create", "Mũthoni Kĩmani", "--phone", "0712345678")
    bill = ["--customer", "CUST-001", "--amount", "5000.50", "--description", "Rent"]
    kelly("invoice", "create", *bill, "--date", "2026-02-01", "--due", "2026-02-05")
    kelly("pos", "create", "--item", "P1,Maandazi,6,10", "--date", "2026-02-03")
    pay(kelly, RECEIPT, "2000.00", "INV-20260201-0001")
    pay(kelly, SALE_RECEIPT, "60.00", "POS-20260203-0001")
    return kelly


def pay(kelly, receipt, amount, reference):
    body = {
        "TransactionType": "Pay Bill",
        "TransID": receipt,
        "TransTime": "20260203143022",
        "TransAmount": amount,
        "BusinessShortCode": "174379",
        "BillRefNumber": reference,
        "MSISDN": "2547 ***** 149",
        "FirstName": "JANE",
    }
    assert kelly("webhook", "ingest", "-", stdin=json.dumps(body)).code == 0


def pdf_words(file):
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(file).pages)


def test_a_statement_is_a_table_with_its_balance_and_how_to_pay(shop):
    said = shop("customer", "statement", "cust001").out
    assert "2026-02-01\tINV-20260201-0001\tRent\t5,000.50\t\t5,000.50\n" in said
    assert f"2026-02-03\t{RECEIPT}\tM-PESA payment, JANE\t\t2,000.00\t3,000.50\n" in said
    assert "To pay\t3,000.50\n" in said
    assert "5. Enter the account number: CUST-001\n" in said
    assert "Cheques: to the office" in said


def test_a_statement_as_json_names_every_entry(shop):
    told = shop("customer", "statement", "CUST-001", "--from", "2026-02-02", "--json").json
    assert (told["opening_balance"], told["closing_balance"]) == ("5000.50", "3000.50")
    assert told["entries"] == [
        {
            "date": "2026-02-03",
            "kind": "payment",
            "reference": RECEIPT,
            "description": "M-PESA payment, JANE",
            "change": "-2000.00",
            "balance": "3000.50",
        }
    ]
    assert told["pay_to"] == {"short_code": "174379", "account": "CUST-001", "kind": "paybill"}
    assert len(told["payment_steps"]) == 8
    assert told["balance"] == shop("customer", "show", "CUST-001", "--json").json["balance"]


def test_as_at_says_what_was_owed_on_that_day(shop):
    told = shop("customer", "statement", "CUST-001", "--as-at", "2026-02-02", "--json").json
    assert (told["balance"], told["closing_balance"]) == ("5000.50", "5000.50")
    assert [each["balance"] for each in told["open_invoices"]] == ["5000.50"]
    assert "you owe KES 5,000.50 on 2026-02-02" in told["text"]


def test_text_is_one_message_of_at_most_300_characters(shop):
    said = shop("customer", "statement", "CUST-001", "--text").out
    assert said.count("\n") == 1
    assert len(said) <= 301
    for words in ("KES 3,000.50", "Paybill 174379", "account CUST-001", "Mũthoni Kĩmani"):
        assert words in said


def test_csv_reads_back(shop):
    said = shop("customer", "statement", "CUST-001", "--csv").out
    rows = list(csv.DictReader(io.StringIO(said)))
    assert [(row["reference"], row["change"], row["balance"]) for row in rows] == [
        ("INV-20260201-0001", "5000.50", "5000.50"),
        (RECEIPT, "-2000.00", "3000.50"),
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["customer", "statement", "CUST-001"],
        ["invoice", "document", "INV-20260201-0001"],
        ["payment", "receipt", RECEIPT],
    ],
)
def test_every_paper_is_a_page_and_a_pdf_and_the_same_twice(shop, tmp_path, words):
    ran = shop(*words, "--html", "a.html", "--pdf", "a.pdf")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "Wrote a.html\nWrote a.pdf\n"
    told = shop(*words, "--html", "b.html", "--pdf", "b.pdf", "--json")
    assert told.json["files"] == {"html": "b.html", "pdf": "b.pdf"}
    for form in ("html", "pdf"):
        first, second = ((tmp_path / f"{name}.{form}").read_bytes() for name in "ab")
        assert first == second
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    for text in (page, pdf_words(tmp_path / "a.pdf")):
        for said in ("Duka la Wanjikũ", "Moi Avenue 12", "Mũthoni Kĩmani", "P051234567X"):
            assert said in text
    assert "data:image/png;base64," in page
    piped = shop(*words, "--html", "-")
    assert piped.out == page


def test_an_invoice_says_what_is_paid_and_owed_and_how_to_pay_it(shop):
    told = shop("invoice", "document", "inv202602010001", "--json").json
    assert (told["amount_paid"], told["balance"]) == ("2000.00", "3000.50")
    assert [each["mpesa_receipt_number"] for each in told["payments"]] == [RECEIPT]
    assert told["payment_steps"][4:6] == [
        "Enter the account number: INV-20260201-0001",
        "Enter the amount: 3000.50 (M-Pesa takes whole shillings: 3001)",
    ]
    assert told["qr_words"] == "M-PESA Pay Bill 174379\nAccount INV-20260201-0001\nAmount KES 3001"


def test_a_paid_invoice_and_a_void_one_ask_for_no_money(shop):
    pay(shop, "QGK12XYZ93", "3000.50", "INV-20260201-0001")
    paid = shop("invoice", "document", "INV-20260201-0001").out
    assert "Invoice INV-20260201-0001  PAID\n" in paid
    assert "How to pay" not in paid
    shop("invoice", "void", "INV-20260201-0001", "--reason", "typo", "--yes")
    void = shop("invoice", "document", "INV-20260201-0001").out
    assert "VOID\n" in void
    assert "nothing is owed on it" in void
    assert "How to pay" not in void


def test_a_till_strip_has_the_items_of_the_sale(shop, tmp_path):
    said = shop("payment", "receipt", SALE_RECEIPT.lower(), "--till").out
    assert f"\nMaandazi\n{'  6 x 10.00':<37}60.00\n" in said
    assert max(map(len, said.splitlines())) <= 42
    assert shop("payment", "receipt", SALE_RECEIPT, "--till", "--pdf", "s.pdf").code == 0
    (page,) = pypdf.PdfReader(tmp_path / "s.pdf").pages
    assert round(float(page.mediabox.width)) == 227
    assert "Maandazi" in page.extract_text()


def test_a_reversed_payment_says_so(shop):
    shop("payment", "reverse", RECEIPT, "--done-in-portal", "--reason", "twice", "--yes")
    said = shop("payment", "receipt", RECEIPT).out
    assert f"Receipt {RECEIPT}  REVERSED\n" in said
    assert "went back" in said


@pytest.mark.parametrize(
    ("words", "about"),
    [
        ([*AS_AT, "2026-02-03", "--to", "2026-02-04"], "--to"),
        ([*AS_AT, "2026-02-03", "--from", "2026-02-04"], "--from"),
        (["customer", "statement", "CUST-001", "--text", "--csv"], "--csv"),
        (["customer", "statement", "CUST-001", "--text", "--pdf", "x.pdf"], "--text"),
        (["customer", "statement", "CUST-001", "--csv", "--json"], "--json"),
        (["customer", "statement", "CUST-001", "--from", "soon"], "soon"),
        (["invoice", "document", "INV-20260201-0001", "--html", "-", "--pdf", "-"], "stdout"),
        (["invoice", "document", "INV-20260201-0001", "--html", "-", "--json"], "stdout"),
        (["payment", "receipt", RECEIPT, "--till", "--html", "x.html"], "--till"),
    ],
)  # fmt: skip
def test_what_cannot_be_both_is_a_usage_error(shop, words, about):
    ran = shop(*words)
    assert (ran.code, ran.out) == (2, "")
    assert about in ran.err


@pytest.mark.parametrize("name", ["missing.png", "kelly.toml"])
def test_a_missing_or_broken_logo_stops_before_anything_is_written(shop, tmp_path, name):
    toml = BUSINESS.replace("logo.png", name)
    (tmp_path / "kelly.toml").write_text(toml, encoding="utf-8")
    ran = shop("invoice", "document", "INV-20260201-0001", "--pdf", "i.pdf", "--json")
    assert (ran.code, ran.out, ran.error["code"]) == (1, "", "bad_logo")
    assert name in ran.error["message"]
    assert not (tmp_path / "i.pdf").exists()


def test_another_short_code_is_named_and_a_strange_one_refused(shop):
    ran = shop("customer", "statement", "CUST-001", "--short-code", "999999", "--json")
    assert ran.error["code"] == "unknown_short_code"
