"""The guide's four scenarios and FIFO, through every door, on both databases."""

import pytest

DOORS = ["ingest", "/c2b/confirmation", "/api/webhooks/mpesa"]


@pytest.fixture(params=DOORS)
def pay(request, kelly, serve, callback):
    """Send one confirmation through a door of this installation."""
    kelly("customer", "create", "Test Customer", "--id", "CUST-TEST-001", "--phone", "254712345678")
    if request.param == "ingest":

        def send(receipt, amount, reference):
            body = callback(receipt, amount, reference)
            assert kelly("webhook", "ingest", "-", stdin=body).code == 0

        return send
    listener = serve()

    def post(receipt, amount, reference):
        answer = listener.post(request.param, callback(receipt, amount, reference))
        assert (answer.status, answer.body) == (200, b'{"ResultCode": 0, "ResultDesc": "Accepted"}')

    return post


@pytest.fixture
def invoice(kelly):
    def create(amount, *more):
        arguments = ("--customer", "CUST-TEST-001", "--amount", amount, *more, "--json")
        return kelly("invoice", "create", *arguments).json["invoice_id"]

    return create


def test_an_invoice_is_paid_in_full(pay, invoice, kelly):
    number = invoice("5000", "--description", "Test Invoice")
    pay("QGK12XYZ91", "5000.00", number)
    shown = kelly("invoice", "show", number, "--json").json
    assert (shown["status"], shown["balance"]) == ("PAID", "0.00")
    assert kelly("customer", "show", "CUST-TEST-001", "--json").json["balance"] == "0.00"


def test_part_of_an_invoice_is_paid(pay, invoice, kelly):
    number = invoice("10000")
    pay("QGK12XYZ91", "3000.00", number)
    shown = kelly("invoice", "show", number, "--json").json
    found = (shown["status"], shown["amount_paid"], shown["balance"])
    assert found == ("PARTIALLY_PAID", "3000.00", "7000.00")


def test_too_much_for_an_invoice_is_credit(pay, invoice, kelly):
    number = invoice("5000")
    pay("QGK12XYZ91", "7000.00", number)
    assert kelly("invoice", "show", number, "--json").json["status"] == "PAID"
    assert kelly("customer", "show", "CUST-TEST-001", "--json").json["balance"] == "-2000.00"


def test_a_sale_is_paid_and_gets_its_invoice(pay, kelly):
    sale = kelly("pos", "create", "--item", "PROD-001,Coca Cola,2,50", "--json").json
    assert (sale["status"], sale["total"], sale["invoice_id"]) == ("PENDING", "100.00", None)
    pay("QGK12XYZ91", "100.00", sale["pos_id"])
    paid = kelly("pos", "show", sale["pos_id"], "--json").json
    assert paid["status"] == "PAID"
    assert kelly("invoice", "show", paid["invoice_id"], "--json").json["status"] == "PAID"


def test_money_on_account_pays_the_oldest_first_and_the_rest_is_credit(pay, invoice, kelly):
    late = invoice("100", "--date", "2026-02-03")
    early = invoice("200", "--date", "2026-01-31")
    pay("QGK12XYZ91", "250.00", "CUST-TEST-001")
    shown = [kelly("invoice", "show", number, "--json").json for number in (early, late)]
    assert [one["amount_paid"] for one in shown] == ["200.00", "50.00"]
    pay("QGK12XYZ92", "80.00", "0712345678")
    assert kelly("customer", "show", "CUST-TEST-001", "--json").json["balance"] == "-30.00"
    assert kelly("db", "check", "--json").json["ok"]
