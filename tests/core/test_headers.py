"""Columns are known by their usual names, by what a person says, and never by a guess."""

import pytest

from kelly_cli.core.headers import CUSTOMERS, INVOICES, HeaderError, find_header, plain

NAMED = (("name", "first"),)
OWED = (("amount", "balance"), ("customer", "name", "phone"))


def columns(row, fields=CUSTOMERS, needed=NAMED, **told):
    return find_header([row], fields, needed, told).columns


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Name", "name"),
        ("CUSTOMER NAME", "name"),
        ("Mobile No.", "phone"),
        ("Phone", "phone"),
        ("M-Pesa Number", "phone"),
        ("Account", "customer"),
        ("A/C No.", "customer"),
        ("House No", "customer"),
        ("E-mail", "email"),
        ("Opening balance (KES)", "balance"),
        ("Balance B/F", "balance"),
        ("Arrears Kshs", "balance"),
    ],
)
def test_a_usual_name_of_a_customers_column_is_known(header, field):
    row = [header] if field == "name" else ["Names", header]
    assert columns(row)[field] == [len(row) - 1]


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Invoice No", "number"),
        ("Inv No.", "number"),
        ("Customer", "customer"),
        ("Amount", "amount"),
        ("Balance due", "balance"),
        ("Invoice Date", "issued"),
        ("Due", "due"),
        ("Due date", "due"),
        ("Particulars", "description"),
    ],
)
def test_a_usual_name_of_an_invoices_column_is_known(header, field):
    row = ["Name", "Total" if field != "amount" else "Balance", header]
    assert columns(row, INVOICES, OWED)[field] == [2]


def test_every_usual_name_stands_for_one_field():
    for fields in (CUSTOMERS, INVOICES):
        names = [plain(name) for each in fields for name in set(each.known_as.split("|"))]
        by_field = [{plain(name) for name in each.known_as.split("|")} for each in fields]
        assert len(set(names)) == sum(map(len, by_field))


def test_the_header_may_stand_below_a_title():
    table = [["Customers of Acme", ""], ["", ""], ["Name", "Phone"], ["Ann", "1"]]
    assert find_header(table, CUSTOMERS, NAMED, {}).row == 2


def test_what_a_person_says_goes_before_the_usual_name():
    found = columns(["Name", "Plot", "Account"], Plot="customer")
    assert found == {"name": [0], "customer": [1]}


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(HeaderError, match="there is no column 'Plot'"):
        columns(["Name"], Plot="customer")


def test_two_columns_of_one_field_are_never_guessed():
    with pytest.raises(HeaderError, match="'Balance' and 'Opening balance' could both be"):
        columns(["Name", "Balance", "Opening balance"])


def test_two_phones_are_two_places_to_look():
    assert columns(["Name", "Phone", "Mobile"])["phone"] == [1, 2]


def test_what_is_missing_is_said_with_the_header_that_came_nearest():
    with pytest.raises(HeaderError, match="no column is the name or first") as refused:
        columns(["Surname", "Colour"])
    assert refused.value.seen == ["Surname", "Colour"]
