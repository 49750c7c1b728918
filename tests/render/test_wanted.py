from pathlib import Path

import pytest

from kelly_cli.errors import UsageError
from kelly_cli.render.wanted import AS_EVER, Wanted, wanted


def asked(**given):
    return wanted(
        **{"json": False, "csv": False, "xlsx": False, "output": None, "fields": None, **given}
    )


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, AS_EVER),
        ({"json": True}, AS_EVER),
        ({"csv": True}, Wanted("csv")),
        ({"csv": True, "output": "-"}, Wanted("csv")),
        ({"xlsx": True, "output": "-"}, Wanted("xlsx")),
        ({"output": "-"}, AS_EVER),
        ({"output": "a.csv"}, Wanted("csv", Path("a.csv"))),
        ({"output": "shop/A.XLSX"}, Wanted("xlsx", Path("shop/A.XLSX"))),
        ({"output": "a.json"}, Wanted("json", Path("a.json"))),
        ({"output": "a.txt"}, Wanted("text", Path("a.txt"))),
        ({"output": "a.tsv"}, Wanted("text", Path("a.tsv"))),
        ({"output": "a.data", "csv": True}, Wanted("csv", Path("a.data"))),
        ({"output": "/dev/null", "csv": True}, Wanted("csv", Path("/dev/null"))),
        ({"fields": " name, phone,name ,"}, Wanted(None, None, ("name", "phone"))),
    ],
)
def test_options_say_the_form_the_place_and_the_fields(given, found):
    assert asked(**given) == found


@pytest.mark.parametrize(
    "given",
    [
        {"csv": True, "json": True},
        {"csv": True, "xlsx": True, "output": "a.csv"},
        {"xlsx": True},
        {"output": "a.data"},
        {"output": "a"},
        {"output": ""},
        {"output": ".."},
        {"csv": True, "output": "a.xlsx"},
        {"json": True, "output": "a.csv"},
        {"fields": ""},
        {"fields": " , "},
    ],
)
def test_what_contradicts_itself_or_says_nothing_is_refused(given):
    with pytest.raises(UsageError):
        asked(**given)
