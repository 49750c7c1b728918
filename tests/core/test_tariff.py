"""Tariff files: CSV and TOML say the same, and what is wrong is named with its place."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core.tariff import read_tariff

CSV = """# ours, of June
from,to,fee,short_code
1,49,0,
50,100,0.50,
101,"500,000",0.55%,
50,100,2,600000
"""
TOML = """
[[bands]]
from = 1
to = "49"
fee = "0"
[[bands]]
from = 50
to = 100
fee = "0.50"
[[bands]]
from = "101"
to = "500,000"
fee = "0.55%"
[[bands]]
from = 50
to = 100
fee = "2"
short_code = "600000"
"""


def test_csv_and_toml_are_the_same_tariff():
    assert read_tariff(CSV) == read_tariff(TOML) == read_tariff("\ufeff" + CSV)


@pytest.mark.parametrize(
    ("kes", "code", "fee"),
    [
        ("1", "174379", 0), ("49", "174379", 0), ("50", "174379", 50), ("100", "174379", 50),
        ("50", "600000", 200), ("101", "600000", 56), ("1000", "174379", 550),
        ("500000", "x", 275000), ("500000.01", "x", None), ("0.5", "x", None),
        ("100.50", "x", None),
    ],
)  # fmt: skip
def test_a_fee_is_that_of_the_band_and_a_codes_own_band_wins(kes, code, fee):
    whole, _, rest = kes.partition(".")
    cents = int(whole) * 100 + int(rest.ljust(2, "0") or 0)
    assert read_tariff(CSV).fee_cents(cents, code) == fee


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no header"),
        ("from,to,fee\n", "no band"),
        ("a,b\n1,2", "no header"),
        ("from,to,fee\n1,2", "line 2, fee"),
        ("from,to,fee\n1,x,3", "line 2, to"),
        ("from,to,fee\n5,2,3", "ends before"),
        ("from,to,fee\n1,5,3\n5,9,1", "two bands hold 5.00"),
        ("from,to,fee\n1,5,101%", "no share"),
        ("from,to,fee\n1,5,NaN%", "no share"),
        ("from,to,fee\n1,5,-1", "line 2, fee"),
        ("[[bands]]\nfrom=", "is no TOML"),
        ("bands = 3", "no [[bands]]"),
        ("[[bands]]\nfrom = 1\nto = 2", "band 1, fee"),
    ],
)
def test_what_is_wrong_is_named(text, said):
    with pytest.raises(ValueError, match=said.replace("[", r"\[")):
        read_tariff(text)


def test_a_file_that_is_too_large_is_refused():
    with pytest.raises(ValueError, match="1 MiB"):
        read_tariff(CSV, whole=False)


@given(st.text(max_size=200))
def test_any_text_is_a_tariff_or_a_value_error(text):
    with contextlib.suppress(ValueError):
        assert read_tariff(text).bands
