"""Files of callbacks: any mix of shapes is cut by the rules, whatever the size of the blocks."""

import io
import json
import time
import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kelly_cli.daraja.pieces import Pieces, split

SPACE = b" \t\r\v\f"
BOM = b"\xef\xbb\xbf"


def brace_piece(data, start, match_bytes):
    """Return the end of the piece from ``{`` to its match, or None: the naive way."""
    level, in_string, at = 0, False, start
    while at < min(len(data), start + match_bytes):
        sign = data[at : at + 1]
        if in_string:
            if sign == b"\n" or data[at : at + 2] == b"\\\n":
                return None
            in_string = sign != b'"'
            at += sign == b"\\"
        elif sign == b'"':
            in_string = True
        elif sign in b"{}":
            level += 1 if sign == b"{" else -1
            if level == 0:
                return at + 1
        at += 1
    return None


def naive(data, match_bytes=1 << 20, line_bytes=16 << 20):
    """The rules of contract section 4, sign by sign, over all the bytes at once."""
    pieces, at = [], 0
    while at < len(data):
        if data[at : at + 3] == BOM:
            at += 3
            continue
        if data[at] in b" \t\r\n\v\f,[]":
            at += 1
            continue
        end = brace_piece(data, at, match_bytes) if data[at] in b"{" else None
        if end is not None:
            pieces.append(data[at:end])
            at = end
            continue
        ends = b"\n" if data[at] in b"{" else b"{\n"
        end = at + 1
        while end < min(len(data), at + line_bytes) and data[end] not in ends:
            end += 1
        pieces.append(data[at:end].rstrip(SPACE if data[at] in b"{" else SPACE + b",[]"))
        at = end
    return pieces


class Dribble(io.BytesIO):
    """A stream that gives fewer bytes than asked, like a pipe."""

    def read(self, size=-1):
        return super().read(min(size, 3))


@pytest.mark.parametrize(
    ("data", "pieces"),
    [
        (b"", []),
        (b" \r\n\n", []),
        (b"[]", []),
        (b"[ ],\n[]", []),
        (BOM, []),
        (b'{"a":1}', [b'{"a":1}']),
        (b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}']),
        (b'{"a":1}\r\n{"b":2}\r\n', [b'{"a":1}', b'{"b":2}']),
        (b'{"a":1}{"b":2} {"c":3}', [b'{"a":1}', b'{"b":2}', b'{"c":3}']),
        (b'[{"a":1},{"b":[{}]}]', [b'{"a":1}', b'{"b":[{}]}']),
        (b'[\n {"a":1},\n {"b":2}\n]\n', [b'{"a":1}', b'{"b":2}']),
        (b'{\n "a": {\n  "b": 1\n }\n}\n{"c":3}', [b'{\n "a": {\n  "b": 1\n }\n}', b'{"c":3}']),
        (BOM + b'{"a":1}\n' + BOM + b'{"b":2}', [b'{"a":1}', b'{"b":2}']),
        (b'{"a":"}{"}{"b":"\\"}"}', [b'{"a":"}{"}', b'{"b":"\\"}"}']),
        (b'{"a":"\\\\"}{"b":2}', [b'{"a":"\\\\"}', b'{"b":2}']),
        (b'not json, at all\n{"a":1}\n', [b"not json, at all", b'{"a":1}']),
        (b'[5, {"a":1}, null]', [b"5", b'{"a":1}', b"null"]),
        (b'{"a":1} tail {"b":2}', [b'{"a":1}', b"tail", b'{"b":2}']),
        (b'{"a":"x\n{"b":2}\n', [b'{"a":"x', b'{"b":2}']),
        (b'{"a":"x},\n{"b":2}\n', [b'{"a":"x},', b'{"b":2}']),
        (b'{"a":"x\\\n"}\n{"b":2}\n', [b'{"a":"x\\', b'"}', b'{"b":2}']),
        (b'{"a":{"b":1}\n{"c":3}\n', [b'{"a":{"b":1}', b'{"c":3}']),
        (b'{"a":1\n"b":"x\n}\n{"c":3}', [b'{"a":1', b'"b":"x', b"}", b'{"c":3}']),
        (b"}\n]x\n", [b"}", b"x"]),
        (b"\xff\xfe{\x00\n\x00", [b"\xff\xfe", b"{\x00", b"\x00"]),
    ],
)
def test_each_shape_is_cut_by_the_rules(data, pieces):
    assert list(split(io.BytesIO(data))) == pieces
    assert naive(data) == pieces


SOUP = st.lists(
    st.sampled_from(
        [
            *b'{}[]",:\\\n a',
            b"{",
            b"}",
            b"\n",
            b'"',
            BOM,
            b"\xef",
            b"\xbb",
            b"\r\n",
            b'{"a":"b"}',
            b"},\n{",
        ]
    ).map(lambda part: bytes([part]) if isinstance(part, int) else part),
    max_size=60,
).map(b"".join)


@settings(max_examples=1500, deadline=None)
@given(SOUP, st.integers(1, 64), st.integers(1, 40), st.integers(3, 40))
@example(b'{"a":"x},\n{}', 64, 40, 40)
@example(b'{\n"x{y"{}"\n{\n"', 1, 9, 9)
def test_any_soup_is_cut_as_the_naive_reading_cuts_it(data, block_bytes, match_bytes, line_bytes):
    limits = {"match_bytes": match_bytes, "line_bytes": line_bytes}
    expected = naive(data, **limits)
    for stream in (io.BytesIO(data), Dribble(data)):
        pieces = Pieces(stream, block_bytes=block_bytes, **limits)
        assert list(pieces) == expected
        assert pieces.bytes_read == len(data)
    assert list(Pieces(io.BytesIO(data), **limits)) == expected
    assert list(split(io.BytesIO(data), block_bytes=block_bytes)) == naive(data)


PLAIN_LINES = st.lists(
    st.text('{}",\\[]: a\r', max_size=12).map(lambda inner: inner.encode()),
    max_size=6,
).map(b"\n".join)


@settings(max_examples=1500, deadline=None)
@given(
    PLAIN_LINES,
    st.sampled_from([b"", b",", b" ,", b", ", b",,", b"\r", b",\r"]),
    st.integers(2, 20),
)
def test_a_line_with_one_brace_at_each_end_is_the_piece_that_the_rules_say(
    inner, tail, match_bytes
):
    data = b"\n".join(b"{" + line + b"}" + tail for line in inner.split(b"\n"))
    limits = {"match_bytes": match_bytes, "line_bytes": 64}
    assert list(Pieces(io.BytesIO(data), **limits)) == naive(data, **limits)
    assert list(split(io.BytesIO(data))) == naive(data)


@given(
    st.lists(st.dictionaries(st.text(), st.text() | st.dictionaries(st.text(), st.text()))),
    st.randoms(),
)
def test_whatever_json_writes_comes_back_whole(objects, dice):
    def written(value):
        indent = dice.choice([None, 1])
        return json.dumps(value, indent=indent, ensure_ascii=dice.random() < 0.5)

    shapes = ["".join, "\n".join, "\r\n".join, lambda texts: f"[{', '.join(texts)}]"]
    data = dice.choice(shapes)([written(value) for value in objects]).encode()
    assert [json.loads(piece) for piece in split(io.BytesIO(data), block_bytes=7)] == objects


def test_a_match_counts_up_to_one_mebibyte():
    fits = b'{"a":"' + b"x" * ((1 << 20) - 8) + b'"}'
    longer = b'{"a":\n"' + b"x" * (1 << 20) + b'"}'
    assert list(split(io.BytesIO(fits + b"{}"))) == [fits, b"{}"]
    assert list(split(io.BytesIO(longer + b"\n{}"))) == [b'{"a":', longer[6:], b"{}"]


@pytest.mark.slow
@pytest.mark.parametrize("sign", [b"x", b"{"])
def test_a_line_without_an_end_is_cut_at_16_mebibytes(sign):
    pieces = list(split(io.BytesIO(sign * (17 << 20))))
    assert [len(piece) for piece in pieces] == [16 << 20, 1 << 20]


class Lines(io.RawIOBase):
    """Many copies of one text, made as they are read."""

    def __init__(self, text, copies):
        self.block, self.blocks = text * (copies // 100), 100

    def read(self, size=-1):
        self.blocks -= 1
        return self.block if self.blocks >= 0 else b""


@pytest.mark.slow
def test_a_million_lines_leave_memory_flat():
    tracemalloc.start()
    try:
        count = sum(1 for _ in split(Lines(b'{"TransID":"SB60000001"}\n', 1_000_000)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 1_000_000
    assert peak < 8 << 20


@pytest.mark.parametrize(
    "unit",
    [
        b"{\n",
        b'{"a":1\n',
        b'{\n{"a":{}}\n',
        b'{\n"{"\n',
        b'{\n"x{y" "\n',
        b'{""\n',
        b"x{\n",
        b"[{\n",
    ],
)
def test_work_grows_with_the_bytes_alone(unit):
    def seconds(data):
        begun = time.process_time()
        for _ in split(io.BytesIO(data)):
            pass
        return time.process_time() - begun

    short, long = (seconds(unit * (size // len(unit))) for size in (40_000, 320_000))
    assert long < 30 * short + 0.1


def test_reading_can_be_watched():
    data = b'{"a":1}\n' * 10
    pieces = split(io.BytesIO(data), block_bytes=8)
    seen = []
    for _ in pieces:
        seen.append(pieces.bytes_read)
    assert seen == sorted(seen)
    assert seen[0] < len(data) == seen[-1]
