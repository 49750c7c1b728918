"""A receipt's first letters are its day."""

from datetime import date

import pytest

from kelly_cli.core.receipts import receipt_day


@pytest.mark.parametrize(
    ("receipt", "day"),
    [
        ("UI56X1Y2Z3", date(2026, 9, 5)),
        ("PAA0000000", date(2021, 1, 10)),
        ("TLV0000000", date(2025, 12, 31)),
        ("RB10000000", date(2023, 2, 1)),
        ("UBV0000000", None),
        ("UM10000000", None),
        ("1A10000000", None),
        ("UA00000000", None),
        ("UI56X1Y2Z", None),
        ("QGK12XYZ9", None),
    ],
)
def test_the_letters_of_a_day(receipt, day):
    assert receipt_day(receipt) == day
