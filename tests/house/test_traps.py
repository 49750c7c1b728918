"""The table of the 45 traps in DESIGN.md: whole, and every test that it names is there."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| (\d\d) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
LATER = "comes with the statement import"


@pytest.fixture(scope="module")
def table():
    text = (TESTS.parent / "DESIGN.md").read_text(encoding="utf-8")
    return dict(ROW.findall(text.partition("## The 45 traps")[2].partition("\n## ")[0]))


def functions_of(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}


def test_all_forty_five_are_in_it(table):
    assert list(table) == [f"{number:02}" for number in range(1, 46)]


def test_each_has_a_test_of_its_number_or_its_reason(table):
    for number, told in table.items():
        named = NAMED.findall(told)
        assert named or LATER in told, number
        for file, name in named:
            assert f"trap_{number}" in name, name
            assert name in functions_of(TESTS / file), f"{file}::{name}"
