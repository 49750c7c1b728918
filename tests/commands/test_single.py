"""--fields on commands that print one object."""

import pytest

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def shop(kelly):
    """Books with a customer and an invoice."""
    kelly("customer", "create", "Ann", "--phone", "0712345678")
    kelly("invoice", "create", "--customer", "CUST-001", "--amount", "5000", "--date", "2026-02-03")
    return kelly


def test_fields_narrow_the_object_in_the_order_asked(shop):
    ran = shop("customer", "show", "CUST-001", "--fields", "balance, name,name", "--json")
    assert ran.out == '{\n  "balance": "5000.00",\n  "name": "Ann"\n}\n'
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize(
    "place",
    [
        ("--json", "invoice", "show", "INV-20260203-0001", "--fields", "status"),
        ("invoice", "--json", "show", "--fields", "status", "INV-20260203-0001"),
        ("invoice", "show", "INV-20260203-0001", "--fields=status", "--json"),
    ],
)
def test_json_may_stand_anywhere(shop, place):
    assert shop(*place).json == {"status": "UNPAID"}


def test_json_of_the_environment_counts(shop, monkeypatch):
    monkeypatch.setenv("KELLY_JSON", "1")
    assert shop("customer", "show", "CUST-001", "--fields", "email").json == {"email": None}


def test_a_member_of_a_member_is_named_with_a_dot(shop):
    whole = shop("status", "--json").json
    outer = next(key for key, value in whole.items() if isinstance(value, dict) and value)
    inner = next(iter(whole[outer]))
    ran = shop("status", "--fields", f"{outer}.{inner}", "--json")
    assert ran.json == {outer: {inner: whole[outer][inner]}}
    assert shop("status", "--fields", outer, "--json").json == {outer: whole[outer]}


def test_an_unknown_field_is_refused_with_the_nearest_names(shop):
    ran = shop("invoice", "show", "INV-20260203-0001", "--fields", "ballance", "--json")
    assert (ran.code, ran.out, ran.error["code"]) == (2, "", "usage")
    assert "Did you mean balance" in ran.error["hint"]
    ran = shop("status", "--fields", "zzz", "--json")
    assert (ran.code, ran.out) == (2, "")
    assert ran.error["hint"].startswith("Choose from: ")


@pytest.mark.parametrize(
    "words",
    [
        ("customer", "create", "Ben"),
        ("invoice", "create", "--customer", "CUST-001", "--amount", "1"),
        ("pos", "create", "--item", "P,Coke,1,5"),
        ("payment", "record", "--amount", "5", "--method", "cash", "--customer", "CUST-001"),
        ("day", "close", "--cash", "0"),
        ("db", "backup"),
        ("remind",),
        ("reprocess",),
    ],
)
def test_what_changes_something_refuses_before_it_does(shop, tmp_path, words):
    lists = ("customer", "invoice", "pos", "payment", "day", "remind", "audit")
    before = [shop(noun, "list", "--json").json for noun in lists]
    files = sorted(tmp_path.rglob("*.db"))
    ran = shop(*words, "--fields", "nmae", "--json")
    assert (ran.code, ran.out, ran.error["code"]) == (2, "", "usage"), words
    assert "no field 'nmae'" in ran.error["message"]
    assert [shop(noun, "list", "--json").json for noun in lists] == before
    assert sorted(tmp_path.rglob("*.db")) == files


def test_what_changes_something_is_narrowed_too(shop):
    ran = shop("customer", "create", "Ben", "--fields", "customer_id", "--json")
    assert ran.json == {"customer_id": "CUST-002"}
    ran = shop("reprocess", "--fields", "dry_run,failed", "--json")
    assert ran.json == {"dry_run": None, "failed": 0}


@pytest.mark.parametrize("fields", ["name", "nmae", " , "])
def test_without_json_fields_are_refused(shop, fields):
    ran = shop("customer", "show", "CUST-001", "--fields", fields)
    assert (ran.code, ran.out) == (2, "")
    assert "Give --json too" in ran.err


def test_no_name_at_all_is_refused(shop):
    ran = shop("customer", "show", "CUST-001", "--fields", " , ", "--json")
    assert ran.code == 2
    assert "names no field" in ran.error["message"]


def test_the_fields_of_a_group_stand_after_its_subcommand(shop):
    ran = shop("remind", "--json", "--fields", "reminders", "list")
    assert (ran.code, ran.out) == (2, "")
    assert ran.error["hint"] == "kelly remind list --help"
    assert shop("remind", "--dry-run", "--fields", "reminders", "--json").json == {"reminders": []}


def test_a_refusal_of_the_command_itself_stays_as_it_is(shop):
    ran = shop("customer", "show", "NOBODY", "--fields", "name", "--json")
    assert (ran.code, ran.error["code"]) == (1, "customer_not_found")


def test_a_paper_and_its_narrowed_facts_go_out_together(shop, tmp_path):
    file = tmp_path / "invoice.html"
    ran = shop(
        "invoice", "document", "INV-20260203-0001", "--html", file, "--json", "--fields", "files"
    )
    assert ran.json == {"files": {"html": str(file)}}
    assert file.exists()
