"""A new user with two tables and a statement, no Daraja account, no internet: five commands.

The same commands stand in the README.
"""

import pytest


@pytest.fixture
def starting(pytestconfig):
    return pytestconfig.rootpath / "examples" / "starting"


@pytest.fixture
def begun(kelly, starting):
    """The first four commands, and what each printed."""
    ran = [
        kelly("import", "customers", starting / "customers.csv", "--json"),
        kelly("import", "invoices", starting / "open-invoices.csv", "--json"),
        kelly("recon", "statement", starting / "statement.csv", "--json"),
        kelly("recon", "statement", starting / "statement.csv", "--apply", "--json"),
    ]
    assert [each.code for each in ran] == [0] * 4, [each.err for each in ran]
    return [each.json for each in ran]


def test_the_tables_come_in_whole(begun):
    people, owed, _, _ = begun
    assert (people["created"], owed["created"]) == (4, 4)
    assert people["columns"] == {
        "name": ["Customer Name"],
        "phone": ["Mobile No"],
        "customer": ["House No"],
        "email": ["E-mail"],
    }


def test_the_statement_shows_what_is_missing_before_it_is_taken(begun):
    _, _, compared, applied = begun
    assert (len(compared["only_statement"]), compared["applied"]) == (4, 0)
    assert applied["applied"] == 4


@pytest.mark.parametrize(("receipt", "target"), [("UB3SN00003", "A-3"), ("UB3SN00004", "B-1")])
@pytest.mark.usefixtures("begun")
def test_the_fifth_command_suggests_whose_money_it_is(kelly, receipt, target):
    ran = kelly("suspense", "suggest", receipt, "--json")
    best = ran.json[0]
    owner = best["target"]
    if owner.startswith("INV-"):
        owner = kelly("invoice", "show", owner, "--json").json["customer_id"]
    assert (owner, bool(best["reasons"])) == (target, True)


@pytest.mark.usefixtures("begun")
def test_what_named_its_house_is_placed_by_itself(kelly):
    found = kelly("customer", "list", "--json").json
    assert {each["customer_id"]: each["balance"] for each in found} == {
        "A-1": "0.00",
        "A-2": "500.00",
        "A-3": "9500.00",
        "B-1": "15000.00",
    }


@pytest.mark.usefixtures("begun")
def test_the_daily_report_agrees_with_the_portal(kelly):
    day = kelly("report", "daily", "--date", "2026-02-03", "--json").json
    assert (day["payments"]["total"], day["unmatched"]["total"]) == ("16000.00", "24500.00")
    portal = "40500.00"
    closed = kelly("day", "close", "--mpesa-balance", portal, "--date", "2026-02-03", "--json").json
    assert [each["total"] for each in closed["methods"]] == [portal]
    assert closed["accounts"][0]["gaps"] == []
    assert kelly("db", "check", "--json").code == 0


@pytest.mark.usefixtures("begun")
def test_all_of_it_again_adds_nothing(kelly, starting):
    before = kelly("customer", "list", "--json").out
    for kind, name in (("customers", "customers.csv"), ("invoices", "open-invoices.csv")):
        again = kelly("import", kind, starting / name, "--json").json
        assert (again["created"], again["exists"], again["import"]) == (0, 4, None)
    kelly("recon", "statement", starting / "statement.csv", "--apply")
    assert kelly("customer", "list", "--json").out == before
