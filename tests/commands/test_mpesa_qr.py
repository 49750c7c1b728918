"""kelly mpesa qr: what it holds, who drew it, and where it goes."""

import base64

import pytest

PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path}/books.db"


@pytest.fixture
def shop(kelly, at, safaricom):
    at("local")
    members = {"ResponseCode": "00", "ResponseDescription": "ok", "RequestID": "1"}
    safaricom.answer = (200, {**members, "QRCode": base64.b64encode(PNG).decode()})
    kelly("customer", "create", "Ann")
    day = ("--date", "2024-02-03")
    kelly("invoice", "create", "--customer", "CUST-001", "--amount", "500", *day)
    kelly("pos", "create", "--item", "P,Coke,1,50.50", *day)
    return kelly


INVOICE = ("mpesa", "qr", "--invoice", "INV-20240203-0001")
SALE = ("mpesa", "qr", "--sale", "pos-20240203-0001")


def test_a_png_is_safaricoms(shop, safaricom, tmp_path):
    ran = shop(*INVOICE, "-o", tmp_path / "pay.png", "--json")
    assert ran.code == 0, ran.err
    assert (tmp_path / "pay.png").read_bytes() == PNG
    assert (ran.json["drawn_by"], ran.json["words"]) == ("safaricom", None)
    (body,) = safaricom.asked("qrcode")
    assert (body["RefNo"], str(body["Amount"]), body["TrxCode"]) == ("I2402030001", "500", "PB")
    assert body["CPI"] == "600123"


def test_an_svg_and_a_terminal_are_drawn_here_and_nobody_is_asked(shop, safaricom, tmp_path):
    ran = shop(*INVOICE, "-o", tmp_path / "pay.svg", "--json")
    words = "M-PESA Pay Bill 600123\nAccount I2402030001\nAmount KES 500"
    assert (ran.json["drawn_by"], ran.json["words"]) == ("kelly", words)
    assert "Account I2402030001" in (tmp_path / "pay.svg").read_text()
    ran = shop(*INVOICE)
    assert (ran.code, ran.out.count("\n") > 15) == (0, True)
    assert safaricom.requests == []


def test_cents_leave_the_amount_to_the_payer(shop, safaricom, tmp_path):
    ran = shop(*SALE, "--json")
    assert ran.json["amount"] is None
    assert "Amount" not in ran.json["words"]
    assert "cents" in ran.err


def test_a_file_is_not_written_over_unasked(shop, tmp_path):
    (tmp_path / "pay.svg").write_text("precious")
    ran = shop(*INVOICE, "-o", tmp_path / "pay.svg", "--json")
    assert ran.error["code"] == "confirmation_needed"
    assert (tmp_path / "pay.svg").read_text() == "precious"
    assert shop(*INVOICE, "-o", tmp_path / "pay.svg", "--yes").code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("mpesa", "qr"), "usage"),
        ((*INVOICE, "--sale", "POS-20240203-0001"), "usage"),
        ((*INVOICE, "-o", "pay.gif"), "usage"),
        ((*INVOICE, "-o", "no/such/folder/pay.svg"), "file_not_writable"),
        (("mpesa", "qr", "--invoice", "INV-20240203-0009"), "invoice_not_found"),
    ],
)
def test_what_cannot_be_drawn(shop, safaricom, words, code):
    assert shop(*words, "--json").error["code"] == code
    assert safaricom.requests == []
