"""kelly recon: what a person and a script get to see."""

import pytest

STATEMENT = """Short Code:,174379
Account:,Utility Account
Time Period:,From,03-02-2026 00:00:00,To,03-02-2026 23:59:59
Receipt No.,Completion Time,Transaction Status,Paid In,Withdrawn,Balance,Reason Type,A/C No.
QGK12XYZ91,03-02-2026 14:30:22,Completed,50,,50,Pay Bill Online,CUST-001
QGK12XYZ92,03-02-2026 14:31:00,Completed,"1,020.00",,1070,Pay Bill Online,CUST-001
QGK12XYZ93,03-02-2026 14:32:00,Failed,5,,1070,Pay Bill Online,CUST-001
QGK12XYZ94,03-02-2026 14:33:00,Completed,,3,1067,Pay Bill Charge,
"""


@pytest.fixture
def shop(kelly, tmp_path, confirmations):
    kelly("customer", "create", "Ann")
    kelly("webhook", "ingest", "-", stdin=confirmations("QGK12XYZ91", "50.00"))
    (tmp_path / "day.csv").write_text(STATEMENT, encoding="utf-8")
    return kelly


@pytest.fixture
def confirmations():
    import json

    def make(receipt, amount, **changes):
        body = {"TransID": receipt, "TransAmount": amount, "TransTime": "20260203143022"}
        body |= {"BusinessShortCode": "174379", "BillRefNumber": "CUST-001", **changes}
        return json.dumps(body)

    return make


CONTRACT = ("in_both", "only_statement", "only_kelly", "amount_differs", "skipped", "applied")


def told(ran):
    return {key: ran.json[key] for key in CONTRACT}


def test_the_json_of_the_contract(shop):
    ran = shop("recon", "statement", "day.csv", "--json")
    assert ran.code == 0
    assert told(ran) == {
        "in_both": 1,
        "only_statement": [{"receipt": "QGK12XYZ92", "amount": "1020.00"}],
        "only_kelly": [],
        "amount_differs": [],
        "skipped": 2,
        "applied": 0,
    }
    assert shop("payment", "show", "QGK12XYZ92").code == 1


def test_apply_takes_in_what_is_missing_with_a_log_of_its_own(shop):
    ran = shop("recon", "statement", "day.csv", "--apply", "--json")
    assert (ran.code, ran.json["applied"], ran.json["verified"], ran.json["fees"]) == (
        0,
        1,
        1,
        "3.00",
    )
    payment = shop("payment", "show", "QGK12XYZ92", "--json").json
    assert (payment["verified_by"], payment["amount"]) == ("statement", "1020.00")
    assert [log["source"] for log in shop("webhook", "list", "--json").json] == [
        "statement",
        "stdin",
    ]
    again = shop("recon", "statement", "day.csv", "--apply", "--json")
    assert (told(again)["in_both"], told(again)["applied"]) == (2, 0)


def test_lines_without_an_owner_do_not_change_the_exit_code(shop, tmp_path):
    (tmp_path / "day.csv").write_text(STATEMENT.replace("CUST-001", "nobody"), encoding="utf-8")
    ran = shop("recon", "statement", "day.csv", "--apply", "--json")
    assert (ran.code, ran.json["applied"], ran.json["unmatched"]) == (0, 1, 1)
    assert [each["mpesa_receipt_number"] for each in shop("suspense", "list", "--json").json] == [
        "QGK12XYZ92"
    ]


def test_check_tells_differences_by_its_exit_code(shop):
    assert shop("recon", "statement", "day.csv", "--check").code == 3
    assert shop("recon", "statement", "day.csv", "--check", "--apply").code == 0
    assert shop("recon", "statement", "day.csv", "--check").code == 0


def test_a_possible_forgery_is_told_loudly(shop, confirmations):
    shop("webhook", "ingest", "-", stdin=confirmations("QGK12XYZ99", "900.00"))
    ran = shop("recon", "statement", "day.csv")
    assert "POSSIBLE FORGERY" in ran.err
    assert "ONLY IN KELLY" in ran.out
    assert "QGK12XYZ99" in ran.out
    ran = shop("recon", "statement", "day.csv", "--json")
    assert [each["receipt"] for each in ran.json["only_kelly"]] == ["QGK12XYZ99"]
    assert "POSSIBLE FORGERY" in ran.err


def test_an_amount_that_differs_is_left_as_it_is(shop, tmp_path):
    (tmp_path / "day.csv").write_text(STATEMENT.replace(",50,,", ",51,,"), encoding="utf-8")
    ran = shop("recon", "statement", "day.csv", "--apply", "--json")
    assert ran.json["amount_differs"] == [
        {"receipt": "QGK12XYZ91", "statement": "51.00", "kelly": "50.00"}
    ]
    assert shop("payment", "show", "QGK12XYZ91", "--json").json["amount"] == "50.00"


def test_one_file_that_is_refused_stops_all(shop, tmp_path):
    (tmp_path / "other.csv").write_text(STATEMENT.replace("174379", "174378"), encoding="utf-8")
    ran = shop("recon", "statement", "day.csv", "other.csv", "--apply", "--json")
    assert (ran.code, ran.error["code"]) == (1, "foreign_short_code")
    assert len(shop("payment", "list", "--json").json) == 1


def test_a_file_comes_from_stdin_too(shop):
    ran = shop("recon", "statement", "-", "--json", stdin=STATEMENT)
    assert (ran.code, ran.json["in_both"]) == (0, 1)


def test_a_line_that_cannot_be_read_is_named_with_its_row(shop, tmp_path):
    (tmp_path / "day.csv").write_text(STATEMENT.replace('"1,020.00"', "x"), encoding="utf-8")
    ran = shop("recon", "statement", "day.csv", "--apply", "--json")
    assert ran.code == 3
    assert [(each["row"], each["receipt"]) for each in ran.json["problems"]] == [(6, "QGK12XYZ92")]


def test_gaps_of_the_contract(shop, confirmations):
    for receipt, amount, balance in (("QGK12XYZ95", "10", "100"), ("QGK12XYZ97", "5", "125.50")):
        at = {"OrgAccountBalance": balance, "TransTime": f"2026020315{receipt[-2:]}00".replace(
            "95", "05").replace("97", "07")}  # fmt: skip
        shop("webhook", "ingest", "-", stdin=confirmations(receipt, amount, **at))
    ran = shop("recon", "gaps", "--json")
    [gap] = ran.json["gaps"]
    assert {key: gap[key] for key in ("short_code", "after", "before", "missing")} == {
        "short_code": "174379",
        "after": "QGK12XYZ95",
        "before": "QGK12XYZ97",
        "missing": "20.50",
    }
    assert ran.code == 0
    assert shop("recon", "gaps", "--check").code == 3
    assert shop("recon", "gaps", "--from", "2026-03-01", "--json").json["gaps"] == []


def test_status_says_what_to_do(shop):
    ran = shop("recon", "status", "--days", "3", "--json")
    assert [each["state"] for each in ran.json["days"]] == ["open", "unproved", "unproved"]
    assert ran.json["days"][1]["next"].startswith("kelly recon pull")
    assert ran.json["days"][2]["next"] == "kelly recon statement FILE --apply"
    assert shop("recon", "status", "--check").code == 3
    assert "Not proved yet" in shop("recon", "status").err
