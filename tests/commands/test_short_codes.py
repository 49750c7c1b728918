"""Several paybills and tills in one set of books: each list shows which, and filters by one."""

import json

import pytest

TOML = """
[mpesa]
short_code = "174379"
[[mpesa.short_codes]]
code = "600000"
kind = "till"
name = "Shop"
environment = "production"
[[mpesa.short_codes]]
code = "600001"
kind = "store"
environment = "production"
under = "600000"
"""
LISTS = [
    ("payment", "list"),
    ("suspense", "list"),
    ("webhook", "list"),
    ("credit", "list"),
    ("pos", "match"),
    ("report", "daily"),
    ("report", "daily", "--days", "3"),
    ("recon", "gaps"),
    ("recon", "status"),
    ("mpesa", "urls"),
    ("mpesa", "requests"),
    ("mpesa", "prompt", "list"),
    ("status",),
]


def body(number, code, reference="NOBODY", amount="100.00"):
    return json.dumps(
        {
            "TransID": f"QGK12XYZ9{number}",
            "TransTime": "20260203143022",
            "TransAmount": amount,
            "BusinessShortCode": code,
            "BillRefNumber": reference,
        }
    )


@pytest.fixture
def shop(kelly, tmp_path):
    """A paybill in the offline sandbox, and a till with its store number in production."""
    (tmp_path / "kelly.toml").write_text(TOML)
    assert kelly("customer", "create", "Ann").code == 0
    lines = [
        body(1, "174379"),
        body(2, "600000"),
        body(3, "600001"),
        body(4, "174379", "CUST-001"),
        body(5, "600001", "CUST-001", "40.00"),
        body(6, "600000", "CUST-001", "-1"),
    ]
    kelly("webhook", "ingest", "-", stdin="\n".join(lines))
    return kelly


def receipts(ran):
    return sorted(each["mpesa_receipt_number"][-1] for each in ran.json)


@pytest.mark.parametrize(
    ("command", "code", "shown"),
    [
        (("payment", "list"), "174379", ["1", "4"]),
        (("payment", "list"), "600000", ["2", "3", "5"]),
        (("payment", "list"), "600001", ["3", "5"]),
        (("suspense", "list"), "174379", ["1"]),
        (("suspense", "list"), "600000", ["2", "3"]),
        (("credit", "list"), "600000", ["5"]),
    ],
)
def test_a_list_shows_one_short_code_and_the_store_numbers_under_it(shop, command, code, shown):
    assert receipts(shop(*command, "--short-code", code, "--json")) == shown


@pytest.mark.parametrize("command", [("payment", "list"), ("suspense", "list"), ("credit", "list")])
def test_a_list_says_where_each_came_to(shop, command):
    places = {(each["short_code"], each["environment"]) for each in shop(*command, "--json").json}
    assert places <= {("174379", "local"), ("600000", "production"), ("600001", "production")}
    assert len(places) > 1
    assert "production" in shop(*command).out


def test_callbacks_are_chosen_by_their_payment_or_by_what_they_name(shop):
    found = shop("webhook", "list", "--short-code", "600000", "--json").json
    assert [each["trans_id"][-1] for each in found] == ["6", "5", "3", "2"]
    assert [each["environment"] for each in found] == [None, *["production"] * 3]


def test_one_payment_says_where_it_came_to(shop):
    found = shop("payment", "show", "QGK12XYZ93", "--json").json
    assert (found["short_code"], found["environment"]) == ("600001", "production")


def test_money_of_two_environments_is_never_added_up_in_silence(shop):
    found = shop("report", "daily", "--date", "2026-02-03", "--json").json
    assert found["environment"] == "mixed"
    assert found["payments"] == {"count": 2, "total": "140.00"}
    assert {each["short_code"]: each["total"] for each in found["by_short_code"]} == {
        "174379": "200.00",
        "600000": "100.00",
        "600001": "140.00",
    }
    assert (
        "mix money of different environments" in shop("report", "daily", "--date", "2026-02-03").err
    )
    assert "mix" in shop("report", "daily", "--date", "2026-02-03", "--days", "2").err


def test_a_report_of_one_short_code_counts_its_money_and_callbacks_alone(shop):
    day = ("report", "daily", "--date", "2026-02-03", "--short-code", "174379")
    found = shop(*day, "--json").json
    assert (found["short_code"], found["environment"]) == ("174379", "local")
    assert found["payments"] == {"count": 1, "total": "100.00"}
    assert found["unmatched"] == {"count": 1, "total": "100.00"}
    assert found["waiting"]["suspense"] == {"count": 1, "total": "100.00"}
    assert found["waiting"]["failed"] == 1
    assert sum(hour["count"] for hour in found["by_hour"]) == 1
    assert "mix" not in shop(*day).err
    (first, *_) = shop(*day, "--days", "2", "--json").json["days"]
    assert (first["total"], first["environment"]) == ("100.00", "local")


@pytest.mark.parametrize("command", LISTS)
def test_a_code_that_is_not_ours_is_refused_with_those_that_are(shop, command):
    ran = shop(*command, "--short-code", "999999", "--json")
    assert ran.code == 1
    assert ran.error["code"] == "unknown_short_code"
    assert "174379, 600000, 600001" in ran.error["message"]


def test_a_code_that_was_ours_is_still_known(shop, tmp_path):
    (tmp_path / "kelly.toml").write_text('[mpesa]\nshort_code = "174379"\n')
    found = shop("payment", "list", "--short-code", "600000", "--json").json
    assert [each["environment"] for each in found] == ["production"]


def test_a_code_that_moved_to_another_environment_is_told_of(shop, tmp_path):
    (tmp_path / "kelly.toml").write_text(TOML.replace("production", "sandbox"))
    ran = shop("payment", "list", "--json")
    assert "600000 is sandbox in the settings and production in the books" in ran.err
    assert {each["environment"] for each in ran.json} == {"local", "production"}
