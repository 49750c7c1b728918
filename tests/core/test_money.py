"""Money: what is an amount, to the cent, in both directions."""

import random
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core.money import MAX_CENTS, kes, kes_for_people, parse_kes, parse_literal

DIGITS = frozenset("0123456789")
LITERALS = 20_000


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("5000", 500_000),
        ("5000.50", 500_050),
        ("5000.5", 500_050),
        ("5,000", 500_000),
        ("5,000.05", 500_005),
        ("1,234,567.89", 123_456_789),
        (" 12 ", 1200),
        ("0", 0),
        ("0.00", 0),
        ("0.01", 1),
        ("007", 700),
        ("999999999999.99", 99_999_999_999_999),
        ("999,999,999,999.99", 99_999_999_999_999),
    ],
)
def test_an_amount_is_read_as_people_type_it(typed, cents):
    assert parse_kes(typed) == cents


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", ".", "5.", ".5", "5.005", "5..0", "5.0.0", "-5", "+5", "1e3", "0x10", "NaN",
        "Infinity", "inf", "5 000", "5_000", "5,00", "50,00", "5,0000", ",500", "5,", "0,500",
        "0,005", "5,000,00", "5.000,00", "5,000.005", "1,000,000,000,000,000", "KES 5", "5/=",
        "\uff15", "\u0665", "5\u00a0000", "5\x000", "5\n0", "\u00bd", "9" * 16, "9" * 5000,
        "1" + ",000" * 2000,
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused_and_shown(typed):
    with pytest.raises(ValueError, match="is not an amount in KES"):
        parse_kes(typed)


@pytest.mark.parametrize("typed", ["1000000000000", "1,000,000,000,000", "999999999999999"])
def test_more_than_the_books_hold_is_refused(typed):
    with pytest.raises(ValueError, match="more than kelly books"):
        parse_kes(typed)


@given(st.integers(0, MAX_CENTS - 1))
def test_what_is_written_reads_back_to_the_cent(cents):
    assert parse_kes(kes(cents)) == parse_kes(kes_for_people(cents)) == cents


@given(st.integers(-MAX_CENTS, MAX_CENTS))
def test_written_money_is_the_exact_decimal(cents):
    for text in (kes(cents), kes_for_people(cents).replace(",", "")):
        assert Decimal(text) == Decimal(cents).scaleb(-2)
        assert text[-3] == "."
    assert kes(-cents) == (kes(cents).removeprefix("-") if cents <= 0 else f"-{kes(cents)}")


@pytest.mark.parametrize(
    ("cents", "machines", "people"),
    [
        (500_000, "5000.00", "5,000.00"),
        (-200_000, "-2000.00", "-2,000.00"),
        (0, "0.00", "0.00"),
        (-5, "-0.05", "-0.05"),
        (99, "0.99", "0.99"),
        (123_456_789, "1234567.89", "1,234,567.89"),
    ],
)
def test_money_is_written_with_two_decimals(cents, machines, people):
    assert (kes(cents), kes_for_people(cents)) == (machines, people)


@pytest.mark.parametrize(
    ("literal", "wrong"),
    [
        ("0", "is zero"),
        ("0.000", "is zero"),
        ("1.005", "is not whole cents"),
        ("0.001", "is not whole cents"),
        ("1" + "0" * 12, "is not written as digits"),
        ("1.", "is not written as digits"),
        ("-1", "is not written as digits"),
        ("\u0661", "is not written as digits"),
        ("1\n", "is not written as digits"),
    ],
)
def test_a_refused_literal_says_what_is_wrong(literal, wrong):
    with pytest.raises(ValueError, match=wrong):
        parse_literal(literal)


def test_literals_agree_with_decimal_on_twenty_thousand_trap_11():
    agreed = {True: 0, False: 0}
    for literal in _literals(random.Random(20260203)):
        expected = _by_decimal(literal)
        assert _read(literal) == expected, literal
        agreed[expected is not None] += 1
    assert min(agreed.values()) > LITERALS / 10, "both kinds are well represented"


@given(st.text(alphabet="0123456789.,-+eE \u0661\uff11", max_size=30))
def test_any_literal_agrees_with_decimal(literal):
    assert _read(literal) == _by_decimal(literal)


def _read(literal):
    try:
        return parse_literal(literal)
    except ValueError:
        return None


def _by_decimal(literal):
    """Contract section 7, ``TransAmount``, by another road."""
    whole, point, fraction = literal.partition(".")
    if not (1 <= len(whole) <= 12 and DIGITS.issuperset(whole + fraction)):
        return None
    if point and not fraction:
        return None
    with localcontext(prec=100):
        cents = Decimal(literal) * 100
        return int(cents) if cents > 0 and cents == cents.to_integral_value() else None


def _literals(chance):
    for _ in range(LITERALS):
        whole = "".join(chance.choices("0123456789", k=chance.choice([1, 2, 5, 11, 12, 12, 13])))
        fraction = "".join(chance.choices("0123456789", k=chance.choice([1, 2, 2, 3])))
        zeros = "0" * chance.choice([0, 0, 1, 40])
        yield chance.choice(
            [
                whole,
                f"{whole}.{fraction}{zeros}",
                f"{whole}.{fraction[:2]}{zeros}",
                f"{'0' * len(whole)}.{fraction}",
                f"{whole}{chance.choice(' ,.-+eE_')}{fraction}",
            ]
        )
