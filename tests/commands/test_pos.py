"""kelly pos, as people and scripts call it."""

import json
from datetime import UTC, datetime

import pytest
import time_machine

COLA = "PROD-001,Coca Cola,2,50"


@pytest.fixture
def pay(inbox):
    """Take one C2B confirmation by the one road; tell whether it was processed."""
    from kelly_cli.services.inbox import Delivery

    def take(receipt, amount, reference):
        body = {
            "TransID": receipt,
            "TransTime": "20260203143022",
            "TransAmount": f"{amount:.2f}",
            "BusinessShortCode": "174379",
            "BillRefNumber": reference,
        }
        (entry,) = inbox.take([Delivery(json.dumps(body).encode(), None, "file", receipt)])
        return entry.processed

    return take


def create(kelly, *more, item=COLA):
    made = kelly("pos", "create", "--item", item, "--date", "2026-02-03", *more, "--json")
    assert (made.code, made.err) == (0, "")
    return made.json


def show(kelly, pos_id="POS-20260203-0001"):
    return kelly("pos", "show", pos_id, "--json").json


def test_paying_a_sale_makes_its_invoice_and_clears_it(kelly, pay):
    made = create(kelly)
    assert (made["status"], made["invoice_id"]) == ("PENDING", None)
    assert pay("QGK12XYZ91", 100, made["pos_id"])
    found = show(kelly)
    assert (found["status"], found["invoice_id"]) == ("PAID", "INV-20260203-0001")
    assert kelly("invoice", "show", "INV-20260203-0001", "--json").json["status"] == "PAID"


def test_create_prints_the_object_of_the_contract(kelly):
    kelly("customer", "create", "Ann", "--id", "CUST-001")
    made = create(kelly, "--customer", "cust001", "--item", '"P,2", "Nuts, salted", 1 , 0')
    assert datetime.fromisoformat(made.pop("created_at")).utcoffset() is not None
    assert made == {
        "pos_id": "POS-20260203-0001",
        "customer_id": "CUST-001",
        "customer_name": "Ann",
        "status": "PENDING",
        "total": "100.00",
        "amount_paid": "0.00",
        "adjusted": "0.00",
        "balance": "100.00",
        "items": [
            {
                "product_id": "PROD-001",
                "product_name": "Coca Cola",
                "quantity": 2,
                "unit_price": "50.00",
            },
            {
                "product_id": "P,2",
                "product_name": "Nuts, salted",
                "quantity": 1,
                "unit_price": "0.00",
            },
        ],
        "invoice_id": None,
        "sold_on": "2026-02-03",
        "voided_at": None,
    }


@pytest.mark.parametrize("place", [0, 1, 2, 4])
def test_json_may_stand_anywhere(kelly, place):
    words = ["pos", "create", "--item", COLA]
    words.insert(place, "--json")
    assert kelly(*words).json["customer_id"] is None


def test_the_day_of_a_sale_is_today_in_nairobi(kelly):
    with time_machine.travel(datetime(2026, 2, 3, 21, 30, tzinfo=UTC)):
        made = kelly("pos", "create", "--item", COLA, "--json").json
    assert made["pos_id"] == "POS-20260204-0001"


@pytest.mark.parametrize(
    ("item", "price", "quantity"),
    [
        ('P,N,1,"1,200.50"', "1200.50", 1),
        ("P,N, 3 ,2.5", "2.50", 3),
        ("P,Café au lait ☕,1,1", "1.00", 1),
        ("P,=HYPERLINK(1),1,1", "1.00", 1),
        ('P,"24"" tray",1,1', "1.00", 1),
        ("P,N,1,1000000000000", None, None),
    ],
)
def test_an_item_is_one_csv_record(kelly, item, price, quantity):
    ran = kelly("pos", "create", "--item", item, "--json")
    if price is None:
        assert ran.code == 2  # thirteen digits are more than an amount holds
        return
    (line,) = ran.json["items"]
    assert (line["unit_price"], line["quantity"]) == (price, quantity)


@pytest.mark.parametrize(
    ("item", "named"),
    [
        ("", "has 0 fields"),
        (":2", "has 1 fields"),
        ("P,N,1", "has 3 fields"),
        ("P,N,1,5,000", "has 5 fields"),
        ('P,"N,1,1', "not a CSV record"),
        ('P,"N"x,1,1', "not a CSV record"),
        ("P,N\nM,1,1", "not a CSV record"),
        (",N,1,1", "product id"),
        ("P, ,1,1", "product name"),
        ("P,N\x1b[31m,1,1", "product name"),
        (f"P,{'x' * 201},1,1", "product name"),
        ("P,N,0,1", "quantity '0'"),
        ("P,N,-1,1", "quantity '-1'"),
        ("P,N,1.5,1", "quantity '1.5'"),
        ("P,N,1_0,1", "quantity"),
        ("P,N,٣,1", "quantity"),
        ("P,N,,1", "quantity"),
        ("P,N,1,-1", "unit price '-1'"),
        ("P,N,1,1.005", "unit price '1.005'"),
        ("P,N,1,inf", "unit price 'inf'"),
        ("P,N,1,", "unit price"),
    ],
)
def test_a_wrong_item_names_its_number_and_its_field(kelly, item, named):
    ran = kelly("pos", "create", "--item", COLA, "--item", item, "--json")
    assert (ran.code, ran.out, ran.error["code"]) == (2, "", "usage")
    assert "--item 2" in ran.error["message"]
    assert named in ran.error["message"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], 2),
        (["--item", "P,N,1,0"], 2),
        (["--item", "P,N,999999999999,999999999999"], 2),
        (["--item", COLA, "--date", "3 Feb"], 2),
        (["--item", COLA, "--date", "0026-02-03"], 1),
        (["--item", COLA, "--customer", "NOBODY"], 1),
    ],
)
def test_wrong_words_write_nothing(kelly, words, code):
    kelly("customer", "create", "Ann")
    ran = kelly("pos", "create", *words, "--json")
    assert (ran.code, ran.out) == (code, "")
    assert kelly("pos", "list", "--json").json == []


def test_a_list_is_an_array_with_the_newest_first(kelly, pay):
    create(kelly)
    create(kelly, item="T-1,Tea,1,20")
    pay("QGK12XYZ91", 20, "POS-20260203-0002")

    def listed(*words):
        return [each["pos_id"][-1] for each in kelly("pos", "list", *words, "--json").json]

    assert listed() == ["2", "1"]
    assert listed("--limit", "1") == ["2"]
    assert listed("--status", "pending") == listed("--status", "UNPAID") == ["1"]
    assert listed("--status", "paid") == ["2"]
    assert listed("--search", "tea") == ["2"]
    assert listed("--to", "2026-02-02") == []
    assert kelly("pos", "list", "--status", "OPEN").code == 2
    assert kelly("pos", "list", "--customer", "NOBODY").code == 1


def test_people_see_the_sale_and_its_items(kelly):
    create(kelly)
    told = kelly("pos", "show", "pos202602030001")
    assert told.code == 0
    assert "PROD-001\tCoca Cola\t2\t50.00\t100.00\n" in told.out
    listed = kelly("pos", "list").out.splitlines()
    assert listed[1].split("\t")[2] == "2 x Coca Cola"


def test_what_is_not_there_has_its_code(kelly):
    create(kelly)
    ran = kelly("pos", "show", "POS-20260203-0009", "--json")
    assert (ran.code, ran.error["code"]) == (1, "sale_not_found")


VOID = ("pos", "void", "POS-20260203-0001", "--reason", "goods returned")


def test_a_void_needs_a_yes_and_frees_the_money(kelly, pay):
    pay("QGK12XYZ91", 100, create(kelly)["pos_id"])
    refused = kelly(*VOID, "--json", stdin="")
    assert (refused.code, refused.error["code"]) == (1, "confirmation_needed")
    assert "100.00 is freed" in refused.error["message"]
    tried = kelly(*VOID, "--dry-run", "--json").json
    assert (tried["status"], tried["dry_run"]) == ("VOID", True)
    assert show(kelly)["status"] == "PAID"
    done = kelly(*VOID, "--yes", "--json").json
    assert (done["status"], done["amount_paid"]) == ("VOID", "0.00")
    assert done["freed"] == [{"mpesa_receipt_number": "QGK12XYZ91", "amount": "100.00"}]
    assert kelly("invoice", "show", "INV-20260203-0001", "--json").json["status"] == "VOID"
    again = kelly(*VOID, "--yes", "--json")
    assert (again.code, again.error["code"]) == (1, "already_void")


def test_people_are_told_where_freed_money_waits(kelly, pay):
    pay("QGK12XYZ91", 100, create(kelly)["pos_id"])
    done = kelly(*VOID, "--yes")
    assert "QGK12XYZ91\t100.00\n" in done.out
    assert done.err == "Without a customer it waits here: kelly suspense list\n"


def test_the_invoice_of_a_sale_is_voided_by_its_sale(kelly, pay):
    pay("QGK12XYZ91", 60, create(kelly)["pos_id"])
    ran = kelly("invoice", "void", "INV-20260203-0001", "--reason", "x", "--yes", "--json")
    assert (ran.code, ran.error["code"]) == (1, "invoice_of_sale")
    assert "kelly pos void POS-20260203-0001" in ran.error["hint"]
