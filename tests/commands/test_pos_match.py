"""kelly pos match, and the flags of lists and of the daily report, as people and scripts see."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.services.inbox import Delivery, Inbox, OurCode


@pytest.fixture
def come(database):
    """Let money come in, so many minutes from now."""
    codes = [OurCode("174379", "paybill", None, "local")]
    inbox, numbers = Inbox(database, codes, lambda: datetime.now(UTC)), count(1)

    def take(amount, minutes=0, reference="", **changes):
        moment = nairobi_wall_clock(datetime.now(UTC)) + timedelta(minutes=minutes)
        receipt = f"UB3K2X{next(numbers):04d}"
        body = {
            "TransID": receipt,
            "TransTime": f"{moment:%Y%m%d%H%M%S}",
            "TransAmount": amount,
            "BusinessShortCode": "174379",
            "BillRefNumber": reference,
            "MSISDN": "2547 ***** 149",
            "FirstName": "JANE",
            **changes,
        }
        inbox.take([Delivery(json.dumps(body).encode(), None, "file", receipt)])
        return receipt

    return take


def sell(kelly, price):
    return kelly("pos", "create", "--item", f"P,Soda,1,{price}", "--json").json["pos_id"]


def test_pairs_are_offered_then_applied_and_clashes_stay(kelly, come):
    sure, *contested = (sell(kelly, price) for price in (50, 70, 70))
    receipt, other = come("50.00", -3), come("70.00", -1)
    found = kelly("pos", "match", "--json").json
    (pair,) = found["pairs"]
    assert (pair["pos_id"], pair["mpesa_receipt_number"], pair["applied"]) == (sure, receipt, False)
    (clash,) = found["clashes"]
    assert (clash["why"], clash["amount"]) == ("unsure", "70.00")
    assert [each["pos_id"] for each in clash["sales"]] == contested
    assert [each["mpesa_receipt_number"] for each in clash["payments"]] == [other]

    done = kelly("pos", "match", "--apply", "--json").json
    assert (done["applied"], done["pairs"][0]["applied"]) == (1, True)
    assert kelly("pos", "show", sure, "--json").json["status"] == "PAID"
    again = kelly("pos", "match", "--apply", "--json").json
    assert (again["pairs"], again["applied"], len(again["clashes"])) == ([], 0, 1)


def test_people_see_both_and_what_to_do(kelly, come):
    for price in (50, 70, 70):
        sell(kelly, price)
    receipt = come("50.00")
    come("70.00")
    ran = kelly("pos", "match")
    assert receipt in ran.out
    assert "more than one fits" in ran.out
    assert "kelly pos match --apply" in ran.err
    assert "kelly suspense assign" in ran.err


@pytest.mark.parametrize(("minutes", "pairs"), [("15", 1), ("5", 0)])
def test_the_minutes_are_chosen(kelly, come, minutes, pairs):
    sell(kelly, 50)
    come("50.00", -10)
    assert len(kelly("pos", "match", "--minutes", minutes, "--json").json["pairs"]) == pairs


def test_only_one_short_code(kelly, come):
    sell(kelly, 50)
    come("50.00")
    assert len(kelly("pos", "match", "--short-code", "174379", "--json").json["pairs"]) == 1
    assert kelly("pos", "match", "--short-code", "600000", "--json").code == 1


def test_flags_are_in_the_report_the_list_and_the_payment(kelly, come):
    kelly("customer", "create", "Ann")
    made = kelly("invoice", "create", "--customer", "CUST-001", "--amount", "100", "--json").json
    noon, then = {"TransTime": "20260203120000"}, {"TransTime": "20260203120100"}
    first = come("100.00", 0, made["invoice_id"], **noon)
    second = come("100.00", 0, made["invoice_id"], **then)
    large = come("300000.00", 0, "CUST-001", **then)
    come("300000.00", 0, "CUST-001", FirstName="PETER", **then)
    day = "2026-02-03"
    report = kelly("report", "daily", "--date", day, "--json").json
    assert {flag: told["count"] for flag, told in report["flags"].items()} == {
        "late": 1,
        "possible_double": 1,
        "over_limit": 2,
    }
    assert report["late"][0]["mpesa_receipt_number"] == second
    assert report["possible_doubles"][0]["repeats"] == first
    assert report["large_days"] == [
        {"customer_id": "CUST-001", "count": 4, "total": "600200.00", "limit": "500000.00"}
    ]
    for flag, receipt in (("late", second), ("possible_double", second), ("over_limit", large)):
        listed = kelly("payment", "list", "--flag", flag, "--json").json
        assert receipt in [each["mpesa_receipt_number"] for each in listed]
    shown = kelly("payment", "show", second, "--json").json
    assert [each["flag"] for each in shown["flags"]] == ["late", "possible_double", "over_limit"]
    out = kelly("report", "daily", "--date", day).out
    assert "Possible double" in out
    assert "Nothing needs a person" not in out
