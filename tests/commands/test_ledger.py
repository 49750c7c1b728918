"""kelly ledger and kelly export, as people and programs type them."""

import csv
import io
import json

import pytest


@pytest.fixture
def books(kelly):
    """A customer who owes 60 of 100, and 30 in cash."""
    kelly("customer", "create", "Ann", "--id", "ANN")
    kelly("invoice", "create", "--customer", "ANN", "--amount", "100", "--date", "2024-02-03")
    record = ("payment", "record", "--method", "cash", "--date", "2024-02-04", "--amount")
    kelly(*record, "40", "--customer", "ANN", "--payer", "=cmd|evil; x")
    kelly(*record, "30")


def test_balances_are_one_array_that_makes_zero(kelly, books):
    told = kelly("ledger", "balances", "--json").json
    assert {each["account"]: each["balance"] for each in told} == {
        "assets:cash": "70.00",
        "assets:receivables:ANN": "60.00",
        "income:sales": "-100.00",
        "liabilities:unapplied": "-30.00",
    }
    assert all(set(each) == {"account", "opening", "debit", "credit", "balance"} for each in told)


def test_balances_open_on_any_day(kelly, books):
    told = kelly("ledger", "balances", "--from", "2024-02-04", "--to", "2024-02-04", "--json").json
    found = {each["account"]: (each["opening"], each["balance"]) for each in told}
    assert found["assets:receivables:ANN"][0] == "100.00"
    assert found["assets:cash"] == ("0.00", "70.00")
    assert kelly("ledger", "balances", "--to", "2024-02-02", "--json").json == []


def test_the_journal_lists_the_newest_oldest_first(kelly, books):
    told = kelly("ledger", "journal", "--limit", "3", "--json").json
    assert [each["kind"] for each in told] == ["payment", "payment", "allocation"]
    said = kelly("ledger", "journal", "--limit", "3")
    assert said.out.splitlines()[0].startswith("Day\tDebit\tCredit\tKES")
    assert "The newest 3" in said.err


def test_an_account_has_opening_lines_and_balance(kelly, books):
    told = kelly("ledger", "account", "receivables:ann", "--json").json
    assert (told["account"], told["opening"], told["balance"], told["more"]) == (
        "assets:receivables:ANN",
        "0.00",
        "60.00",
        False,
    )
    assert [line["balance"] for line in told["lines"]] == ["100.00", "60.00"]
    assert "Balance: KES 60.00" in kelly("ledger", "account", "receivables:ann").out


def test_an_account_opens_on_any_day(kelly, books):
    asked = ("ledger", "account", "assets:receivables:ANN", "--json", "--from")
    told = kelly(*asked, "2024-02-04").json
    assert (told["opening"], told["balance"]) == ("100.00", "60.00")
    assert [(line["credit"], line["balance"]) for line in told["lines"]] == [("40.00", "60.00")]
    assert kelly(*asked, "2024-02-01", "--to", "2024-02-02").json["balance"] == "0.00"
    cash = kelly("ledger", "account", "cash", "--json", "--from", "2024-02-05").json
    assert (cash["opening"], cash["lines"], cash["balance"]) == ("70.00", [], "70.00")


def test_an_unknown_account_is_told_with_the_nearest_names(kelly, books):
    told = kelly("ledger", "account", "asets:csh", "--json")
    assert (told.code, told.error["code"]) == (1, "account_not_found")
    assert told.error["hint"].startswith("Did you mean assets:cash")
    hint = kelly("ledger", "account", "liabilities:credit:AN", "--json").error["hint"]
    assert "liabilities:credit:ANN" in hint
    none = kelly("ledger", "account", "nothing like it", "--json").error
    assert none["hint"] == "See them: kelly ledger balances"


@pytest.mark.parametrize("form", ["hledger", "beancount", "csv", "json"])
def test_a_file_holds_what_stdout_gets(kelly, books, tmp_path, form):
    file = tmp_path / f"books.{form}"
    printed = kelly("export", "--format", form, "-o", "-")
    written = kelly("export", "-o", file)
    assert (printed.code, written.code, written.out) == (0, 0, "")
    assert f"Wrote {file}" in written.err
    assert file.read_text(encoding="utf-8") == printed.out
    cells = [cell for row in csv.reader(io.StringIO(printed.out)) for cell in row]
    assert not [cell for cell in cells if cell.startswith("=")]
    assert list(tmp_path.glob(".kelly-*")) == []


def test_json_alone_is_the_journal_and_with_a_file_says_where_it_is(kelly, books, tmp_path):
    assert len(json.loads(kelly("export", "--json").out)) == 4
    file = tmp_path / "books.xlsx"
    assert kelly("export", "-o", file, "--json").json == {"file": str(file), "format": "xlsx"}
    assert file.read_bytes().startswith(b"PK")


@pytest.mark.parametrize(
    "words",
    [
        ("export",),
        ("export", "--format", "excel"),
        ("export", "--format", "csv", "--json"),
        ("ledger", "journal", "--from", "2024-02-30"),
        ("ledger", "balances", "--from", "2024-02-03", "--to", "2024-02-01"),
    ],
)
def test_what_cannot_be_is_refused(kelly, books, words):
    assert kelly(*words).code == 2


def test_without_books_the_next_step_is_told(kelly):
    assert kelly("ledger", "balances", "--json").error["code"] == "database_not_found"
