from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from kelly_cli.errors import BrokenInvariantError
from kelly_cli.render import Column, Kind, cell


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("text", "JANE \x1b[1m", "JANE \ufffd[1m"),
        ("money", 500000, "5,000.00"),
        ("money", -200000, "-2,000.00"),
        ("money", 0, "0.00"),
        ("id", "INV-20260203-0001", "INV-20260203-0001"),
        ("phone", 254708374149, "254708374149"),
        ("date", date(2026, 2, 3), "2026-02-03"),
        ("instant", datetime(2026, 2, 3, 11, 30, 22, 999, UTC), "2026-02-03 14:30:22"),
        ("wall", datetime(2026, 2, 3, 14, 30, 22), "2026-02-03 14:30:22"),
        ("count", 12345, "12345"),
        ("flag", True, "yes"),
        ("flag", False, "no"),
        ("status", "PAID", "PAID"),
    ],
)
def test_each_kind_is_written_for_people(kind: Kind, value: object, shown: str) -> None:
    assert cell(Column("k", "K", kind), value) == shown
    assert cell(Column("k", "K", kind), None) == ""


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("money", "5000"),
        ("money", 50.0),
        ("money", True),
        ("count", False),
        ("date", datetime(2026, 2, 3)),
        ("instant", datetime(2026, 2, 3)),
        ("wall", datetime(2026, 2, 3, tzinfo=UTC)),
        ("flag", 1),
    ],
)
def test_a_value_of_another_kind_is_a_bug_that_says_so(kind: Kind, value: object) -> None:
    with pytest.raises(BrokenInvariantError, match=f"column k \\({kind}\\)"):
        cell(Column("k", "K", kind), value)
