"""kelly pos document: a slip for a sale that is due, paid in part, paid, or void."""

import json

import pypdf
import pytest

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SALE = "POS-20260203-0001"
BUSINESS = '[business]\nname = "Duka la Wanjikũ"\ntax_number = "P051234567X"\n'


@pytest.fixture
def shop(kelly, tmp_path):
    """A shop with a sale of 3 x 50 to nobody in particular."""
    (tmp_path / "kelly.toml").write_text(BUSINESS, encoding="utf-8")
    kelly("pos", "create", "--item", "P1,Maandazi ya ngano,3,50", "--date", "2026-02-03")
    return kelly


def pay(kelly, receipt, amount):
    body = {
        "TransID": receipt,
        "TransTime": "20260203143022",
        "TransAmount": amount,
        "BusinessShortCode": "174379",
        "BillRefNumber": SALE,
        "FirstName": "JANE",
    }
    assert kelly("webhook", "ingest", "-", stdin=json.dumps(body)).code == 0


def pdf(file):
    read = pypdf.PdfReader(file)
    words = "\n".join(page.extract_text() for page in read.pages)
    return read.pages[0].mediabox, words


def test_what_is_due_says_how_to_pay_it(shop):
    ran = shop("pos", "document", SALE.lower())
    assert ran.code == 0
    for words in ("Duka la Wanjikũ", "Maandazi ya ngano", "150.00", "How to pay:"):
        assert words in ran.out
    assert "Enter the business number: 174379" in ran.out
    assert f"Enter the account number: {SALE}" in ran.out
    assert "To pay\t150.00" in ran.out


def test_the_strip_is_42_columns_of_text_or_80_mm_of_pdf(shop, tmp_path):
    strip = shop("pos", "document", SALE, "--till").out
    assert max(map(len, strip.splitlines())) <= 42
    for words in ("3 x 50.00", "To pay", "How to pay", f"\n{SALE}\n"):
        assert words in strip
    file = tmp_path / "strip.pdf"
    assert shop("pos", "document", SALE, "--till", "--pdf", file).code == 0
    box, words = pdf(file)
    assert round(float(box.width) / 72 * 25.4) == 80
    assert "Maandazi ya ngano" in words
    assert "Step" not in words
    assert SALE in words
    first = file.read_bytes()
    shop("pos", "document", SALE, "--till", "--pdf", file)
    assert file.read_bytes() == first


def test_json_has_the_sale_what_paid_it_and_the_code(shop):
    told = shop("pos", "document", SALE, "--json").json
    assert (told["pos_id"], told["balance"], told["payments"]) == (SALE, "150.00", [])
    assert len(told["payment_steps"]) == 8
    assert told["qr_words"] == f"M-PESA Pay Bill 174379\nAccount {SALE}\nAmount KES 150"
    pay(shop, "QGK12XYZ91", "100.00")
    told = shop("pos", "document", SALE, "--json", "--fields", "balance,payments,status").json
    assert (told["balance"], told["status"]) == ("50.00", "PARTIALLY_PAID")
    assert told["payments"] == [
        {
            "mpesa_receipt_number": "QGK12XYZ91",
            "method": "mpesa",
            "transaction_date": "2026-02-03T14:30:22+03:00",
            "amount": "100.00",
        }
    ]


def test_a_part_that_was_paid_is_taken_off(shop, tmp_path):
    pay(shop, "QGK12XYZ91", "100.00")
    page = tmp_path / "sale.html"
    ran = shop("pos", "document", SALE, "--html", page, "--pdf", tmp_path / "sale.pdf")
    assert ran.code == 0
    text = page.read_text(encoding="utf-8")
    assert "QGK12XYZ91" in text
    assert "-100.00" in text or "−100.00" in text
    assert "Amount KES 50" in shop("pos", "document", SALE, "--json").json["qr_words"]
    assert "QGK12XYZ91" in pdf(tmp_path / "sale.pdf")[1]


def test_a_paid_or_void_sale_asks_for_nothing(shop):
    pay(shop, "QGK12XYZ91", "150.00")
    ran = shop("pos", "document", SALE)
    assert "PAID" in ran.out
    assert "How to pay" not in ran.out
    assert "Thank you." in ran.out
    shop("pos", "create", "--item", "P1,Chai,1,20", "--date", "2026-02-03")
    shop("pos", "void", "POS-20260203-0002", "--reason", "a mistake", "--yes")
    ran = shop("pos", "document", "POS-20260203-0002")
    assert "VOID" in ran.out
    assert "How to pay" not in ran.out
    assert "nothing is owed on it" in ran.out


def test_what_cannot_be_is_refused(shop, tmp_path):
    ran = shop("pos", "document", "POS-20260203-0099", "--json")
    assert (ran.code, ran.error["code"]) == (1, "sale_not_found")
    ran = shop("pos", "document", SALE, "--till", "--html", tmp_path / "a.html")
    assert (ran.code, list(tmp_path.glob("*.html"))) == (2, [])
    ran = shop("pos", "document", SALE, "--short-code", "999999", "--json")
    assert (ran.code, ran.error["code"]) == (1, "unknown_short_code")
