"""Fields of callbacks: each rule of contract section 7, value by value."""

import json
from datetime import datetime, timedelta

import pytest

from kelly_cli.daraja.messages import Refusal, parse_confirmation

NOW = datetime(2026, 2, 3, 12, 0)
OURS = frozenset({"174379", "000123"})
GOOD = {
    "TransID": "sb60000001",
    "TransTime": "20260203090807",
    "TransAmount": "1500.50",
    "BusinessShortCode": "174379",
    "LastName": "DOE",
}


def confirm(**changes):
    raw = json.dumps({**GOOD, **changes}).encode()
    return parse_confirmation(raw, ours=OURS, now=NOW)


def confirm_literal(field, literal):
    members = {name: json.dumps(value) for name, value in GOOD.items()} | {field: literal}
    raw = ",".join(f'"{name}":{value}' for name, value in members.items())
    return parse_confirmation(f"{{{raw}}}".encode(), ours=OURS, now=NOW)


@pytest.mark.parametrize(
    ("literal", "receipt"),
    [
        ('"SB600"', "SB600"),
        ('"' + "a" * 32 + '"', "A" * 32),
        ('" \\t\\u00a0sB60000001\\r\\n"', "SB60000001"),
    ],
)
def test_a_receipt_is_trimmed_and_upper_cased(literal, receipt):
    assert confirm_literal("TransID", literal).receipt == receipt


@pytest.mark.parametrize(
    ("literal", "error"),
    [
        ("12345678", "TransID 12345678 is not text"),
        ("null", "TransID null is not text"),
        ("true", "TransID true is not text"),
        ('["SB60000001"]', "TransID ['SB60000001'] is not text"),
        ('{"a":1}', "TransID {'a': 1} is not text"),
        ('""', "TransID '' is not 5 to 32 letters and digits"),
        ('"SB60"', "TransID 'SB60' is not 5 to 32 letters and digits"),
        ('"' + "A" * 33 + '"', f"TransID '{'A' * 33}' is not 5 to 32 letters and digits"),
        ('"SB600 00001"', "TransID 'SB600 00001' is not 5 to 32 letters and digits"),
        ('"SB6000\\u200b01"', "TransID 'SB6000\\u200b01' is not 5 to 32 letters and digits"),
        ('"\\uff33B60000001"', "TransID '\uff33B60000001' is not 5 to 32 letters and digits"),
        ('"stra\\u00dfe"', "TransID 'stra\u00dfe' is not 5 to 32 letters and digits"),
    ],
)
def test_a_broken_receipt_is_refused(literal, error):
    assert confirm_literal("TransID", literal) == Refusal("TransID", error, None)


@pytest.mark.parametrize(
    ("literal", "cents"),
    [
        ('"1"', 100),
        ("1", 100),
        ("1.0", 100),
        ('"0.01"', 1),
        ("0.10", 10),
        ('"10.100000000000000000000"', 1010),
        ('"0001.50"', 150),
        ('"999999999999.99"', 99_999_999_999_999),
        ('"000000000000.01"', 1),
        ("11720.10", 1_172_010),
    ],
)
def test_an_amount_is_its_literal_text(literal, cents):
    assert confirm_literal("TransAmount", literal).amount_cents == cents


@pytest.mark.parametrize(
    "literal",
    [
        *('"0"', "0", "0.00", '"0.001"', '"1.005"', '"-1"', "-1", "-0", '"+1"', "1e3", "1E+2"),
        *('"1,000.00"', '" 1.00"', '"1.00 "', '"1."', '".50"', '".5"', '""', '"1000000000000"'),
        *('"0000000000001.00"', '"\\u0661"', '"1.\\uff11\\uff11"', '"\\uff11.00"', '"1.0.00"'),
        *('"1_0"', '"NaN"', "null", "true", "[]", "{}", "9" * 5000),
    ],
)
def test_any_other_amount_is_refused_and_never_rounded_trap_11(literal):
    refusal = confirm_literal("TransAmount", literal)
    assert (refusal.field, refusal.receipt) == ("TransAmount", "SB60000001")
    assert refusal.error.startswith("TransAmount ")


@pytest.mark.parametrize("as_number", [False, True])
@pytest.mark.parametrize(
    ("digits", "moment"),
    [
        ("20070101000000", datetime(2007, 1, 1)),
        ("20240229235959", datetime(2024, 2, 29, 23, 59, 59)),
        ("20260204120000", NOW + timedelta(days=1)),
    ],
)
def test_a_real_moment_is_nairobi_wall_clock(digits, moment, as_number):
    literal = digits if as_number else f'"{digits}"'
    assert confirm_literal("TransTime", literal).paid_at == moment


@pytest.mark.parametrize(
    ("literal", "reason"),
    [
        ('"20061231235959"', "is before M-Pesa began (2007)"),
        ('"20260204120001"', "is more than a day ahead of now"),
        ('"99991231235959"', "is more than a day ahead of now"),
        ('"20250229000000"', "is no real moment"),
        ('"20260203240000"', "is no real moment"),
        ('"20260203126000"', "is no real moment"),
        ('"20261303120000"', "is no real moment"),
        ('"00000000000000"', "is no real moment"),
        ('"2026020312000"', "is not 14 digits (YYYYMMDDHHmmss)"),
        ('" 20260203120000"', "is not 14 digits (YYYYMMDDHHmmss)"),
        ("20260203120000.0", "is not 14 digits (YYYYMMDDHHmmss)"),
        ('"\\uff12\\uff10260203120000"', "is not 14 digits (YYYYMMDDHHmmss)"),
        ("null", "is neither text nor a number"),
        ("[20260203120000]", "is neither text nor a number"),
    ],
)
def test_any_other_time_is_refused(literal, reason):
    refusal = confirm_literal("TransTime", literal)
    assert refusal.field == "TransTime"
    assert refusal.error.endswith(reason)


@pytest.mark.parametrize(("literal", "code"), [('"000123"', "000123"), ("174379", "174379")])
def test_a_short_code_is_compared_as_text(literal, code):
    message = confirm_literal("BusinessShortCode", literal)
    assert message.short_code == code
    assert type(message.short_code) is str


@pytest.mark.parametrize(
    ("literal", "error"),
    [
        ('"999"', "BusinessShortCode '999' is not one of ours (000123, 174379)"),
        ("123", "BusinessShortCode 123 is not one of ours (000123, 174379)"),
        ("174379.0", "BusinessShortCode 174379.0 is not one of ours (000123, 174379)"),
        ('" 174379"', "BusinessShortCode ' 174379' is not one of ours (000123, 174379)"),
        ("null", "BusinessShortCode null is neither text nor a number"),
    ],
)
def test_a_short_code_that_is_not_ours_is_refused(literal, error):
    refusal = confirm_literal("BusinessShortCode", literal)
    assert refusal == Refusal("BusinessShortCode", error, "SB60000001")


def test_without_short_codes_or_with_many_the_error_stays_short():
    raw = json.dumps(GOOD).encode()
    assert "(none is set)" in parse_confirmation(raw, ours=frozenset(), now=NOW).error
    many = frozenset(str(code) for code in range(1000, 1099))
    assert parse_confirmation(raw, ours=many, now=NOW).error.endswith(
        "(1000, 1001, 1002, 1003, 1004, …)"
    )


@pytest.mark.parametrize(
    ("literal", "shown"),
    [
        ("254708374149", "254708374149"),
        ('"254708374149"', "254708374149"),
        ('"25470****149"', "25470****149"),
        ('""', None),
        ('" "', None),
        ("null", None),
        ("[]", None),
    ],
)
def test_a_payer_number_is_kept_as_it_came(literal, shown):
    assert confirm_literal("MSISDN", literal).msisdn == shown


@pytest.mark.parametrize("literal", ["null", "true", "12", "[]", "{}", '""', '" \\t\\u2003"'])
def test_a_reference_of_another_type_or_blank_is_none(literal):
    assert confirm_literal("BillRefNumber", literal).bill_ref is None


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (("JANE", "", "DOE"), "JANE DOE"),
        (("JANE", None, None), "JANE"),
        ((" JANE ", " ", "van  DYK"), "JANE van  DYK"),
        ((7, None, "DOE"), "7 DOE"),
        ((None, ["x"], {}), None),
        (("", "", ""), None),
    ],
)
def test_names_are_joined_and_blank_ones_skipped(names, shown):
    first, middle, last = names
    assert confirm(FirstName=first, MiddleName=middle, LastName=last).payer_name == shown


@pytest.mark.parametrize(
    ("literal", "cents"),
    [
        ('"161.00"', 16_100),
        ('"-161.5"', -16_150),
        ("0", 0),
        ("-0.50", -50),
        ('"1,161.00"', 116_100),
        ('"161.005"', None),
        ('"x"', None),
        ('"-"', None),
        ('""', None),
        ("1e3", None),
        ('"1000000000000000.00"', None),
        ("true", None),
    ],
)
def test_a_balance_is_read_if_it_can_be(literal, cents):
    assert confirm_literal("OrgAccountBalance", literal).org_balance_cents == cents


def test_what_a_database_cannot_store_is_replaced():
    message = confirm(
        BillRefNumber="a\x00b\ud83d",
        FirstName="\udc00",
        MSISDN="\x00",
        TransactionType="\U0001f600",
    )
    assert (message.bill_ref, message.payer_name, message.msisdn, message.kind) == (
        "a\ufffdb\ufffd",
        "\ufffd DOE",
        "\ufffd",
        "\U0001f600",
    )


def test_an_error_carries_no_control_characters_and_no_long_text():
    for hostile in ("\x1b[31m\u202e\n" * 1000, "'" * 500, "\ud800", "x" * 100_000):
        refusal = confirm(TransAmount=hostile)
        assert refusal.error.isprintable()
        assert len(refusal.error) < 180
