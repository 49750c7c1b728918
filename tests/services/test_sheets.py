"""CSV, XLS and XLSX give the same cells; what is no table is refused."""

import io
from datetime import datetime

import pytest

from kelly_cli.errors import DomainError
from kelly_cli.services.sheets import read_tables

ROWS = [["Receipt No.", "Name", "Paid In"], ["QGK12XYZ91", "Zoé", "1053.45"], ["A1", "", "30"]]
TEXT = "Receipt No.,Name,Paid In\r\nQGK12XYZ91,Zoé,1053.45\r\nA1,,30\r\n"


def xls():
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("One")
    fill(sheet.write)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def xlsx():
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        book.add_worksheet("Empty")
        sheet = book.add_worksheet("One")
        fill(sheet.write)
        style = book.add_format({"num_format": "dd-mm-yyyy hh:mm:ss"})
        sheet.write_datetime(3, 0, datetime(2026, 9, 5, 6, 4, 11), style)
    return out.getvalue()


def fill(write):
    for row, cells in enumerate(ROWS):
        for column, value in enumerate(cells):
            if value:
                number = column == 2 and row
                write(row, column, float(value) if number else value)


@pytest.mark.parametrize(
    "raw",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("cp1252"),
        TEXT.encode("utf-16"),
        TEXT.replace(",", ";").encode(),
        TEXT.replace(",", "\t").encode(),
        TEXT.replace("\r\n", "\n").encode(),
        xls(),
    ],
)
def test_the_same_table_is_the_same_cells_in_every_format(raw):
    assert read_tables(raw, "x") == [ROWS]


def test_a_date_cell_is_written_out_and_an_empty_sheet_is_no_table():
    assert read_tables(xlsx(), "x") == [[*ROWS, ["2026-09-05 06:04:11", "", ""]]]


def test_quoted_cells_hold_commas_and_line_ends():
    assert read_tables(b'a,"1,053.00","two\nlines"\n', "x") == [[["a", "1,053.00", "two\nlines"]]]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"%PDF-1.7 x", "is a PDF"),
        (b" <html><table>", "is a web page"),
        (b"PK\x03\x04 junk", "cannot be read as XLSX"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"x" * 600, "cannot be read as XLS"),
        (b"a\x00b", "is no text"),
        (b'a,"' + b"x" * (2 << 20) + b'"', "is no CSV"),
    ],
)
def test_what_is_no_table_is_refused(raw, said):
    with pytest.raises(DomainError) as error:
        read_tables(raw, "file.xls")
    assert error.value.code == "unreadable_file"
    assert said in error.value.message
    assert error.value.hint


def test_a_file_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr("kelly_cli.services.sheets.MOST_BYTES", 3)
    with pytest.raises(DomainError, match="4 bytes"):
        read_tables(b"a,b\n", "x")


def test_an_empty_file_is_one_empty_table():
    assert read_tables(b"", "x") == [[]]
