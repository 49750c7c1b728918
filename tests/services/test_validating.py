"""Each doubt about a payment that is not made yet, on books of both databases."""

import json

import pytest

from kelly_cli.services.validating import doubt_of

OURS = frozenset({"174379"})


def asked(reference, amount="100.00", short_code="174379"):
    return json.dumps(
        {
            "TransID": "RAA0000001",
            "TransAmount": amount,
            "BillRefNumber": reference,
            "BusinessShortCode": short_code,
        }
    ).encode()


@pytest.fixture
def judge(database):
    def code(raw):
        doubt = doubt_of(database, raw, ours=OURS)
        return None if doubt is None else doubt.code

    return code


def test_a_customer_and_an_invoice_are_known(judge, books):
    books.customer("CUST-001")
    invoice = books.invoice(100)
    assert judge(asked("cust 001")) is None
    assert judge(asked(invoice, amount="1")) is None


@pytest.mark.parametrize("reference", ["", "nobody", "ИНВ-1", None])
def test_an_unknown_account_is_doubted(judge, books, reference):
    assert judge(asked(reference)) == "C2B00012"


def test_a_foreign_short_code_comes_before_the_account(judge):
    assert judge(asked("nobody", short_code="600000")) == "C2B00015"


@pytest.mark.parametrize("raw", [b"", b"[]", b"\xff", b"{"])
def test_what_cannot_be_read_is_doubted(judge, raw):
    assert judge(raw) == "C2B00016"


def test_a_sale_wants_what_is_still_due(judge, books):
    sale = books.sale(100)
    assert judge(asked(sale)) is None
    assert judge(asked(sale, amount="99.99")) == "C2B00013"
    assert judge(asked(sale, amount="1e2")) == "C2B00013"
    books.pay("QGK12XYZ91", 30, sale)
    assert judge(asked(sale)) == "C2B00013"
    assert judge(asked(sale, amount="70")) is None


def test_a_closed_sale_is_doubted(judge, books, database, hand):
    from kelly_cli.services import sales

    paid, void = books.sale(100), books.sale(100)
    books.pay("QGK12XYZ91", 100, paid)
    sales.void_sale(database, hand, void)
    assert judge(asked(paid)) == judge(asked(void)) == "C2B00016"


def test_judging_writes_nothing(judge, books, database):
    judge(asked(books.sale(100)))
    for table in ("payments", "webhook_logs", "validation_requests"):
        assert books.one(f"SELECT count(*) FROM {table}") == (0,)
