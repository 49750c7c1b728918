"""Strict JSON: exactly one object of RFC 8259, every number as it was written."""

import contextlib
import inspect
import json
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.daraja.strict_json import (
    MAX_NESTING,
    SHOWN,
    NotOneObjectError,
    NumberText,
    parse_object,
    shown,
)


def nested(levels: int, opening: str = "[", closing: str = "]") -> bytes:
    inner = levels - 1
    return ('{"a":' + opening * inner + "1" + closing * inner + "}").encode()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"{}", {}),
        (
            b' \r\n\t{"a": [true, false, null, {"b": "c"}]} \n',
            {"a": [True, False, None, {"b": "c"}]},
        ),
        (b'\xef\xbb\xbf{"a":"b"}', {"a": "b"}),
        (b'\xef\xbb\xbf \n{"a":"b"}', {"a": "b"}),
        (b'{"a":"\\u0041\\ud83d\\ude00\\/"}', {"a": "A\U0001f600/"}),
        (b'{"a":"\\ud83d"}', {"a": "\ud83d"}),
        ('{"ĝ":"\u2028\x7f"}'.encode(), {"ĝ": "\u2028\x7f"}),
        (b'{"":{"":{}}}', {"": {"": {}}}),
    ],
)
def test_one_object_is_read(raw, expected):
    assert parse_object(raw) == expected


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"[]", "is not a JSON object: it starts with '['"),
        (b'"a"', "is not a JSON object"),
        (b"<html>", "is not a JSON object: it starts with '<'"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "is not a JSON object"),
        (b"\x0b{}", "is not a JSON object"),
        (b"\xc2\xa0{}", "is not a JSON object"),
        (b"\xff\xfe{\x00}\x00", "is not UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "is not UTF-8 (byte 6)"),
        (b'{"a":"\xc0\xaf"}', "is not UTF-8"),
        (b"{", "is not JSON"),
        (b'{"a"}', "is not JSON"),
        (b'{"a":}', "is not JSON"),
        (b'{"a":1,}', "is not JSON"),
        (b"{'a':1}", "is not JSON"),
        (b"{a:1}", "is not JSON"),
        (b'{"a":1 /* b */}', "is not JSON"),
        (b'{"a":"b\nc"}', "is not JSON: Invalid control character"),
        (b'{"a":"\x00"}', "is not JSON: Invalid control character"),
        (b'{"a":"\\x41"}', "is not JSON"),
        (b'{"a":"\\u004"}', "is not JSON"),
        (b'{"a":"\\u+041"}', "is not JSON"),
        (b'{"a":01}', "is not JSON"),
        (b'{"a":-01}', "is not JSON"),
        (b'{"a":1.}', "is not JSON"),
        (b'{"a":.5}', "is not JSON"),
        (b'{"a":+1}', "is not JSON"),
        (b'{"a":1e}', "is not JSON"),
        (b'{"a":0x10}', "is not JSON"),
        ('{"a":٣}'.encode(), "is not JSON"),
        ('{"a":1٣}'.encode(), "is not JSON"),
        (b'{"a":True}', "is not JSON"),
        (b'{"a":NaN}', "is not JSON: it holds NaN"),
        (b'{"a":[-Infinity]}', "is not JSON: it holds -Infinity"),
        (b'{"a":Infinity}', "is not JSON: it holds Infinity"),
        (b"{}{}", "goes on after its JSON object (character 2)"),
        (b"{} x", "goes on after its JSON object"),
        (b"{},", "goes on after its JSON object"),
        (b"{}\x00", "goes on after its JSON object"),
        (b"{}\xef\xbb\xbf", "goes on after its JSON object"),
        (b'{"a":1,"a":1}', "has the member 'a' twice"),
        (b'{"a":1,"\\u0061":2}', "has the member 'a' twice"),
        (b'{"x":[{"\\ud800":1,"\\uD800":2}]}', "has the member '\\ud800' twice"),
    ],
)
def test_anything_else_is_refused_with_its_reason(raw, reason):
    with pytest.raises(NotOneObjectError) as refused:
        parse_object(raw)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "literal",
    ["0", "-0", "1", "1.00", "-1.5e+10", "1E400", "1e-400", "0.1000", "12345678901234567890"],
)
def test_a_number_keeps_its_literal_text_and_its_type(literal):
    value = parse_object(f'{{"a":{literal},"b":"{literal}"}}'.encode())
    assert value == {"a": literal, "b": literal}
    assert type(value["a"]) is NumberText
    assert type(value["b"]) is str


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_nesting_ends_at_32_levels(opening, closing):
    step = 2 if opening.startswith("[{") else 1
    inner = MAX_NESTING - 1
    times = inner // step
    parse_object(('{"a":' + opening * times + "1" + closing * times + "}").encode())
    times += 1
    with pytest.raises(NotOneObjectError, match="nested deeper than 32"):
        parse_object(('{"a":' + opening * times + "1" + closing * times + "}").encode())


def test_exactly_32_levels_pass_and_33_do_not():
    parse_object(nested(32))
    with pytest.raises(NotOneObjectError, match="nested deeper"):
        parse_object(nested(33))


def test_brackets_in_strings_and_beside_each_other_are_no_nesting():
    beside = b'{"a":[' + b"[]," * 100 + b'{"b":"' + b"[{" * 100 + b'\\"[[[\\\\"}]}'
    assert len(parse_object(beside)["a"]) == 101


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":' * 100_000,
        b"{" + b"[" * 100_000,
        b'{"a":"' + b'\\"[' * 100_000,
        b'{"a":"' + b"\\" * 99_999,
        b'{"a":' + b"9" * 1_000_000 + b"}",
        b'{"a":' + b"9" * 1_000_000 + b".5e999999999}",
        b'{"a":[' + b"[]," * 20_000 + b"1]}",
    ],
    ids=["objects", "lists", "escapes", "backslashes", "digits", "exponent", "siblings"],
)
def test_a_hostile_body_costs_little_and_no_recursion_error_escapes(raw):
    begun = time.process_time()
    with contextlib.suppress(NotOneObjectError):
        parse_object(raw)
    assert time.process_time() - begun < 0.5


def test_no_recursion_error_escapes_when_the_stack_is_nearly_full():
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 20)
    try:
        with contextlib.suppress(NotOneObjectError):
            parse_object(nested(32))
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (NumberText("1.00"), "1.00"),
        ("1.00", "'1.00'"),
        ("a\n\x1b[31m\u202e\ud800\x00", "'a\\n\\x1b[31m\\u202e\\ud800\\x00'"),
        ({"a": [NumberText("1"), "1"]}, "{'a': [1, '1']}"),
    ],
)
def test_what_came_is_shown_on_one_printable_line(value, text):
    assert shown(value) == text


@given(st.recursive(st.none() | st.booleans() | st.text(), st.lists))
def test_what_is_shown_is_short_and_printable(value):
    text = shown(value)
    assert len(text) <= SHOWN
    assert text.isprintable()


def as_text(value):
    """Write the numbers of a plain JSON value as their literals."""
    if isinstance(value, dict):
        return {name: as_text(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_text(inner) for inner in value]
    return value if value is None or isinstance(value, bool | str) else json.dumps(value)


@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.text()
            | st.floats(allow_nan=False, allow_infinity=False),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=8,
        ),
    ),
    st.booleans(),
)
def test_every_object_that_is_written_is_read_back(members, ascii_only):
    raw = json.dumps(members, ensure_ascii=ascii_only).encode()
    assert parse_object(raw) == as_text(members)


@given(st.binary(max_size=60) | st.text('{}[]",:\\u0041 \n1e-.ntf', max_size=40).map(str.encode))
def test_any_bytes_are_an_object_that_the_standard_library_reads_alike_or_refused(raw):
    with contextlib.suppress(NotOneObjectError):
        assert parse_object(raw) == json.loads(raw, parse_int=str, parse_float=str)
