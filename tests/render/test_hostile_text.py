"""500 hostile texts through every way out, on a terminal and piped (fault F37)."""

from __future__ import annotations

import io
import json
import random
import re

import pytest

from kelly_cli.errors import KellyError
from kelly_cli.render import Column, Show

PIECES = [
    "[red]", "[/red]", "[/x]", "[link=http://x]", "\\[", "[", "]", ":smile:", "{0}", "%s",
    "\x1b[5m", "\x1b[2J", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\", "\x9b5m", "\x9d0;x\x9c",
    "\x1bP1$r\x1b\\", "\x00", "\x07", "\x08\x08\x08", "\x7f", "\x0b", "\x0c", "\n", "\r\n", "\r",
    "\t", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\u2069", "\u061c", "\u200b", "\u200d",
    "\ufeff", "\ud800", "\udfff", "\U000e0041", "\U000e007f", "\u3164", "\u00ad",
    "李小龍", "JANE WANJIKU", "👩\u200d👧", "❤\ufe0f", "e\u0301\u0302", "ﷺ", "=1+1", " ",
    "x" * 300, "字" * 120,
]  # fmt: skip
FORBIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
    "\u00ad\u3164\U000e0000-\U000e007f]"
)
OWN_STYLES = re.compile("\x1b\\[(?:0|1|2|32|33)m")
COLUMNS = [
    Column("receipt", "Receipt", "receipt"),
    Column("name", "Name [/x]", priority=1),
    Column("note", "Note"),
    Column("status", "Status\x1b[5m", "status"),
]


def hostile_texts(count: int) -> list[str]:
    chance = random.Random(20260203)
    mixed = ["".join(chance.choices(PIECES, k=chance.randint(2, 6))) for _ in range(count)]
    return (PIECES + mixed)[:count]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def say_everything(show: Show, text: str, width: int) -> None:
    """Send one text through each method that prints texts."""
    show.width = width
    row = {"receipt": "RKTQDM7W6S", "name": text, "note": text, "status": text}
    show.rows([row, row], COLUMNS, as_json=[row], empty=text)
    show.rows([{**row, "receipt": text}], COLUMNS, as_json=[text], empty=text)
    show.rows([], COLUMNS, as_json=[], empty=text)
    show.record(row, COLUMNS, {text: text})
    show.lines(text)
    show.bar_chart([(text, 3)], unit=text)
    show.json_line({"text": text})
    show.note(text)
    show.warning(text)
    show.error(KellyError(text, hint=text))
    show.confirm(text, yes=False, repeat=text)


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_no_hostile_text_reaches_a_stream(as_json: bool, stream: type[io.StringIO]) -> None:
    for number, text in enumerate(hostile_texts(500)):
        show = Show(
            json=as_json, stdout=stream(), stderr=stream(), environ={}, stdin=Terminal("y\n")
        )
        say_everything(show, text, (40, 60, 80, 120)[number % 4])
        for written in (show.stdout, show.stderr):
            assert isinstance(written, io.StringIO)
            shown = written.getvalue()
            shown = OWN_STYLES.sub("", shown) if stream is Terminal else shown.replace("\t", "")
            assert not FORBIDDEN.search(shown), repr(text)


def test_every_piped_row_has_one_field_for_each_column() -> None:
    texts = hostile_texts(500)
    show = Show(json=False, stdout=io.StringIO(), stderr=io.StringIO(), environ={})
    rows = [dict.fromkeys(["receipt", "name", "note", "status"], text) for text in texts]
    show.rows(rows, COLUMNS, as_json=[], empty="")
    assert isinstance(show.stdout, io.StringIO)
    lines = show.stdout.getvalue().split("\n")
    assert len(lines) == len(texts) + 2
    assert {line.count("\t") for line in lines[:-1]} == {len(COLUMNS) - 1}
    assert [len(line.split("\t")[0]) for line in lines[1:-1]] == [len(text) for text in texts]


def test_json_gives_every_hostile_text_back() -> None:
    texts = hostile_texts(500)
    show = Show(json=True, stdout=Terminal(), stderr=Terminal(), environ={})
    show.document(texts)
    assert isinstance(show.stdout, io.StringIO)
    assert json.loads(show.stdout.getvalue()) == [
        text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") for text in texts
    ]


def test_the_receipt_stays_whole_beside_hostile_texts() -> None:
    for text in hostile_texts(100):
        show = Show(json=False, stdout=Terminal(), stderr=Terminal(), environ={}, width=40)
        row = {"receipt": "RKTQDM7W6S", "name": text, "note": text, "status": text}
        show.rows([row], COLUMNS, as_json=[], empty="")
        assert isinstance(show.stdout, io.StringIO)
        assert "RKTQDM7W6S" in show.stdout.getvalue()
