from __future__ import annotations

import csv
import io
import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.render import dump_json, dump_json_line, read_csv_cell, safe, safe_csv_cell

ANY_TEXT = st.text(st.characters(exclude_categories=()))
NO_SURROGATES = st.text(st.characters(exclude_categories=["Cs"]))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | NO_SURROGATES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NO_SURROGATES, inner, max_size=4),
    max_leaves=8,
)
FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("JANE WANJIKU", "JANE WANJIKU"),
        ("JANE [/WANJIKU] :smile:", "JANE [/WANJIKU] :smile:"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("\x1b]0;title\x07", "\ufffd]0;title\ufffd"),
        ("\x9b2J", "\ufffd2J"),
        ("a\tb\r\nc\x00", "a\ufffdb\ufffd\ufffdc\ufffd"),
        ("abc\u202etxt.exe", "abc\ufffdtxt.exe"),
        ("one\u2028two\x85three", "one\ufffdtwo\ufffdthree"),
        ("CUST\u200b-001\ufeff", "CUST\ufffd-001\ufffd"),
        ("\U000e0041hidden", "\ufffdhidden"),
        ("lone \ud800", "lone \ufffd"),
        ("Müller 李小龍 \u2764\ufe0f", "Müller 李小龍 \u2764\ufe0f"),
    ],
)
def test_each_harmful_character_becomes_one_visible_sign(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_no_control_surrogate_or_line_separator_of_unicode_passes() -> None:
    passed = {chr(point) for point in range(0x110000) if safe(chr(point)) == chr(point)}
    unseen = {sign for sign in passed if unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"}}
    assert not unseen
    assert not {sign for sign in passed if FORBIDDEN.match(sign)}


@given(ANY_TEXT)
def test_safe_text_is_one_harmless_line_of_the_same_length(text: str) -> None:
    shown = safe(text)
    assert len(shown) == len(text)
    assert safe(shown) == shown
    assert not FORBIDDEN.search(shown)
    assert shown.splitlines() in ([], [shown])


@given(JSON_VALUES)
def test_json_parses_back_to_the_same_value(value: object) -> None:
    for text in (dump_json(value), dump_json_line(value), dump_json(value, ascii_only=True)):
        assert json.loads(text) == value
        assert not FORBIDDEN.search(text.replace("\n", ""))
    assert "\n" not in dump_json_line(value)
    assert dump_json(value, ascii_only=True).isascii()


def test_json_keeps_readable_text_readable_and_escapes_the_rest() -> None:
    assert dump_json_line("李\u202e\x7f\x9b\U000e0041\ud800") == (
        r'"李\u202e\u007f\u009b\udb40\udc41\ud800"'
    )
    assert dump_json({"a": [1]}) == '{\n  "a": [\n    1\n  ]\n}'
    assert json.loads(dump_json("lone \ud800")) == "lone \ud800"


def test_json_refuses_what_json_does_not_have() -> None:
    with pytest.raises(ValueError, match="JSON"):
        dump_json(float("nan"))


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+cmd", "-cmd|' /C calc'!A0", "@SUM(A1)", "  =1", "\u3000=1", "\uff1d1", "\uff0b1",
        "\uff0d1", "\uff20SUM", " \uff1d1", "-", "+254712345678", " -5", "-5-1", "-1e5", "'=1",
    ],
)  # fmt: skip
def test_a_live_formula_gets_a_quote(text: str) -> None:
    assert safe_csv_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("\t=1", r"\u0009=1"),
        ("\r\n=1", r"\u000d\u000a=1"),
        ("\u200b=1", r"\u200b=1"),
        ("\ufeff=1", r"\ufeff=1"),
        ("\x00", r"\u0000"),
        ("\x1b[31mred", r"\u001b[31mred"),
        ("\U000e0041\ud800", r"\U000e0041\ud800"),
        ("\\", "\\"),
        ("C:\\users", "C:\\users"),
        (r"\u0041", r"\\u0041"),
        ("\\\x1b", r"\\\u001b"),
        ("= \x1b", r"'= \u001b"),
    ],
)
def test_harmful_characters_stand_in_a_cell_by_their_codes(text: str, cell: str) -> None:
    assert safe_csv_cell(text) == cell
    assert read_csv_cell(cell) == text


@given(st.text(st.sampled_from("\\uU01b'= \x1b\U000e0041")) | ANY_TEXT)
def test_a_cell_in_ascii_reads_back_too(text: str) -> None:
    cell = safe_csv_cell(text, ascii_only=True)
    assert cell.isascii()
    assert cell.isprintable()
    assert read_csv_cell(cell) == text


@pytest.mark.parametrize(
    "text", ["", "5000.00", "-2000.00", "-5", "JANE", "'", "'tis", "a=b", "1-2"]
)
def test_plain_texts_and_numbers_stay_as_they_are(text: str) -> None:
    assert safe_csv_cell(text) == text


def test_numbers_and_nothing_are_cells_too() -> None:
    assert [safe_csv_cell(-5), safe_csv_cell(None)] == ["-5", ""]


@given(st.text(st.sampled_from("'=+-@ \t\r\n\uff1d\u200b15.a")) | ANY_TEXT)
def test_a_csv_cell_reads_back_and_is_never_live(text: str) -> None:
    cell = safe_csv_cell(text)
    assert read_csv_cell(cell) == text
    assert not FORBIDDEN.search(cell)
    if cell.strip()[:1] in set("=+-@\uff1d"):
        assert float(cell) < 0


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=4))
def test_a_csv_file_reads_back(texts: list[str]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerow(map(safe_csv_cell, texts))
    file.seek(0)
    assert [read_csv_cell(cell) for cell in next(csv.reader(file))] == texts
