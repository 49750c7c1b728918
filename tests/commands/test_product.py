"""kelly product, and what a sale takes from the catalogue, as people type it."""

import json

import pytest


@pytest.fixture
def shelf(kelly):
    ran = kelly("product", "create", "prod-001", "Coca Cola", "--price", "50", "--cost", "38",
                "--stock", "3", "--json")  # fmt: skip
    assert ran.code == 0, ran.err
    assert {**ran.json, "created_at": None} == {
        "product_id": "PROD-001",
        "name": "Coca Cola",
        "price": "50.00",
        "cost": "38.00",
        "stock": 3,
        "retired_at": None,
        "created_at": None,
    }
    return kelly


def test_a_sale_takes_name_and_price_from_the_catalogue(shelf):
    ran = shelf("pos", "create", "--item", "prod001:2", "--item", "PROD-001@45", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["items"] == [
        {
            "product_id": "PROD-001",
            "product_name": "Coca Cola",
            "quantity": 2,
            "unit_price": "50.00",
        },
        {
            "product_id": "PROD-001",
            "product_name": "Coca Cola",
            "quantity": 1,
            "unit_price": "45.00",
        },
    ]
    assert ran.json["total"] == "145.00"


def test_the_way_of_before_stays(shelf):
    ran = shelf("pos", "create", "--item", "PROD-001,Coke of the day,2,50", "--json")
    assert ran.json["items"][0]["product_name"] == "Coke of the day"


def test_more_than_there_is_warns_and_sells(shelf):
    ran = shelf("pos", "create", "--item", "PROD-001:5", "--date", "2026-02-03", "--json")
    assert ran.code == 0
    assert "Warning: PROD-001 (Coca Cola): 3 in stock, and this sale takes 5" in ran.err
    paid = shelf("payment", "record", "--method", "cash", "--amount", "250",
                 "--sale", ran.json["pos_id"])  # fmt: skip
    assert paid.code == 0, paid.err
    ran = shelf("product", "show", "prod-001", "--json")
    assert (ran.json["stock"], ran.json["moves"][0]["quantity"]) == (-2, -5)
    assert "PROD-001: -2 in stock" in ran.err
    assert [
        each["product_id"] for each in shelf("product", "list", "--below", "0", "--json").json
    ] == ["PROD-001"]
    assert shelf("status", "--json").json["stock_below_zero"] == 1
    assert "1 products below zero" in shelf("status").out


def test_an_unknown_product_names_the_nearest(shelf):
    ran = shelf("pos", "create", "--item", "PROD-01:2", "--json")
    assert (ran.code, ran.error["code"]) == (1, "product_not_found")
    assert "PROD-001 (Coca Cola)" in ran.error["hint"]
    assert shelf("pos", "list", "--json").json == []


@pytest.mark.parametrize("item", ["PROD-001:0", "PROD-001@x", "PROD-001:2,5", ":2", "PROD-001:1.5"])
def test_an_item_that_is_wrong_is_a_usage_error(shelf, item):
    ran = shelf("pos", "create", "--item", item, "--json")
    assert (ran.code, ran.error["code"]) == (2, "usage"), ran.err
    assert "PROD-001:2" in ran.error["hint"]


def test_a_count_needs_its_reason_and_tells_what_moved(shelf):
    assert shelf("product", "edit", "prod-001", "--stock", "1", "--json").error["code"] == "usage"
    ran = shelf("product", "edit", "prod-001", "--stock", "1", "--reason", "two broken", "-n")
    assert "Would move -2 pieces" in ran.err
    ran = shelf("product", "edit", "prod-001", "--stock", "1", "--reason", "two broken", "--json")
    assert (ran.json["stock"], ran.json["moved"]) == (1, -2)
    ran = shelf("product", "receive", "prod-001", "--quantity", "-1", "--json")
    assert ran.json["stock"] == 0
    ran = shelf("product", "edit", "prod-001", "--stock", "", "--reason", "loose goods", "--json")
    assert ran.json["stock"] is None
    ran = shelf("product", "edit", "prod-001", "--cost", "", "--price", "1,200", "--json")
    assert (ran.json["cost"], ran.json["price"]) == (None, "1200.00")


def test_an_imported_list_exits_with_three_when_a_row_was_refused(shelf, tmp_path):
    (tmp_path / "list.csv").write_text("Code,Name,Price\nTEA,Tea,20\nBAD,Bad,x\n")
    ran = shelf("product", "import", tmp_path / "list.csv", "--json")
    assert (ran.code, ran.json["created"], ran.json["refused"]) == (3, 1, 1)
    ran = shelf("import", "undo", "1", "--reason", "typo", "--yes", "--json")
    assert (ran.code, ran.json["products"]) == (0, ["TEA"])
    ran = shelf("product", "import", tmp_path / "list.csv")
    assert "1 created, 0 there already, 1 refused" in ran.out
    ran = shelf("import", "undo", "2", "--reason", "typo", "--yes")
    assert "Taken back: 1 products" in ran.out


def test_the_list_is_exported(shelf):
    ran = shelf("product", "list", "--csv")
    assert ran.out.splitlines()[0] == "product_id,name,price,cost,stock,retired_at,created_at"
    ran = shelf("product", "list", "--json", "--fields", "product_id,stock")
    assert ran.json == [{"product_id": "PROD-001", "stock": 3}]


def test_money_over_the_limits_is_booked_with_a_warning(kelly):
    kelly("customer", "create", "Ann", "--id", "ANN")
    record = ("payment", "record", "--method", "cash", "--customer", "ANN", "--amount")
    ran = kelly(*record, "300000", "--json")
    assert (ran.code, ran.json["status"]) == (0, "COMPLETED")
    assert "Warning: KES 300,000.00 at once: M-Pesa carries 250,000.00" in ran.err
    ran = kelly(*record, "200000.01", "--dry-run")
    assert "KES 500,000.01 of ANN on" in ran.err
    ran = kelly(*record, "200000", "--json")
    assert ran.err == ""
    ran = kelly(*record, "1", "--json")
    assert "KES 500,001.00 of ANN" in ran.err
    flags = kelly("payment", "show", ran.json["mpesa_receipt_number"], "--json").json["flags"]
    assert [each["flag"] for each in flags] == ["over_limit"]
    assert json.dumps(kelly("report", "daily", "--json").json["large_days"]).count("ANN") == 1
