import csv
import io
import json
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import load_workbook

from kelly_cli.errors import KellyError, UsageError
from kelly_cli.render import Column, fields, read_csv_cell
from kelly_cli.render.sheet import Sheet, csv_text, fields_of, for_people, picked
from kelly_cli.render.xlsx import read_xlsx_cell, xlsx_bytes

THINGS = fields("thing", "amount:money", "made_at", "due_on", "count", "ok", "inner.total:money")
NAIROBI = timezone(timedelta(hours=3))
ONE = {
    "thing": "=1+1",
    "amount": "-2000.50",
    "made_at": "2026-02-03T09:30:22.123456+00:00",
    "due_on": "2026-03-01",
    "count": 7,
    "ok": True,
    "inner": {"total": "5.00"},
    "list": [{"a": 1}],
}
TEXTS = st.text(
    st.sampled_from("=+-@'\\u01b_x \t\r\n\x00\x1b\u202e\ufeff\ud800\U000e0041ĩ李")
    | st.characters(exclude_categories=())
)


def table_of(workbook, page=0):
    return load_workbook(io.BytesIO(workbook)).get_sheet_by_index(page).to_python()


def test_kinds_are_declared_or_follow_the_name():
    kinds = {field.key: field.kind for field in THINGS}
    assert kinds["amount"] == kinds["inner.total"] == "money"
    assert (kinds["made_at"], kinds["due_on"], kinds["thing"]) == ("instant", "date", "text")


def test_fields_are_the_declared_ones_else_the_columns_and_then_what_came_besides():
    columns = [Column("name", "Name"), Column("balance_cents", "Balance", "money")]
    assert [f.key for f in fields_of((), columns, [{"name": "a", "more": 1}])] == [
        "name", "balance", "more",
    ]  # fmt: skip
    assert [f.key for f in fields_of(THINGS, columns, [ONE])][-2:] == ["inner.total", "list"]


def test_picked_fields_stand_in_the_order_asked_and_an_object_brings_its_own():
    assert [f.key for f in picked(THINGS, ("inner", "thing"))] == ["inner.total", "thing"]
    assert picked(THINGS, ()) == THINGS


def test_an_unknown_field_names_the_nearest():
    with pytest.raises(UsageError, match="no field 'amuont'") as told:
        picked(THINGS, ("thing", "amuont"))
    assert told.value.hint.startswith("Did you mean amount? All: thing,amount")
    with pytest.raises(UsageError) as told:
        picked(THINGS, ("zzz",))
    assert told.value.hint.startswith("Choose from: thing,")


def test_csv_is_json_s_own_values_a_line_each():
    every = fields_of(THINGS, (), [ONE])
    assert csv_text(Sheet("", every, [ONE, {"thing": None}])) == (
        "thing,amount,made_at,due_on,count,ok,inner.total,list\n"
        "'=1+1,-2000.50,2026-02-03T09:30:22.123456+00:00,2026-03-01,7,true,5.00,"
        '"[{""a"": 1}]"\n'
        ",,,,,,,\n"
    )


def test_xlsx_has_real_numbers_and_dates_and_the_same_bytes_each_time():
    sheet = Sheet("Things: [all]/*", fields_of(THINGS, (), [ONE]), [ONE])
    made = xlsx_bytes(sheet)
    assert made == xlsx_bytes(sheet)
    assert table_of(made)[1] == [
        "=1+1", -2000.5, datetime(2026, 2, 3, 12, 30, 22), date(2026, 3, 1), 7.0, True, 5.0,
        '[{"a": 1}]',
    ]  # fmt: skip


def test_xlsx_shows_as_text_what_a_number_or_a_date_cannot_hold():
    one = {
        "amount": "12345678901234567.89",
        "count": 10**17 + 1,
        "due_on": "1899-12-31",
        "made_at": "soon",
    }
    assert table_of(xlsx_bytes(Sheet("x", THINGS, [one])))[1][1:5] == [
        "12345678901234567.89", "soon", "1899-12-31", "100000000000000001",
    ]  # fmt: skip


def test_xlsx_refuses_what_it_would_cut():
    with pytest.raises(KellyError, match="32768 characters") as told:
        xlsx_bytes(Sheet("x", THINGS, [{"thing": "x" * 32_768}]))
    assert told.value.code == "too_big_for_xlsx"


def test_several_lists_are_pages_of_one_book():
    made = xlsx_bytes(Sheet("One", THINGS, []), Sheet("Two", THINGS[:1], [ONE]))
    assert load_workbook(io.BytesIO(made)).sheet_names == ["One", "Two"]
    assert table_of(made, 1) == [["thing"], ["=1+1"]]


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_every_text_reads_back_from_csv_and_xlsx(texts):
    sheet = Sheet("x", fields("thing"), [{"thing": text} for text in texts])
    read = list(csv.reader(io.StringIO(csv_text(sheet), newline="")))[1:]
    assert [read_csv_cell(row[0]) if row else "" for row in read] == texts
    cells = [str(row[0]) for row in table_of(xlsx_bytes(sheet))[1:]]
    cells += [""] * (len(texts) - len(cells))
    assert [read_xlsx_cell(cell) for cell in cells] == texts


def test_people_get_a_table_of_just_these_fields():
    columns = [Column("amount_cents", "KES", "money")]
    rows, made = for_people(picked(THINGS, ("amount", "ok", "made_at")), columns, [ONE])
    assert [(column.title, column.kind) for column in made] == [
        ("KES", "money"), ("Ok", "text"), ("Made at", "instant"),
    ]  # fmt: skip
    assert rows[0]["amount"] == -200_050
    assert rows[0]["ok"] == "true"
    assert json.dumps(str(rows[0]["made_at"]))
