import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core.payers import Kind, Payer, fits, forms_of, hash_of, payer_of

TEST_NUMBER = "254708374149"
MASKED_HASH = "bbff37cea44ac0b2d964ee0dfb8d2df851 ***** a1b36129a929fc3fbd6dd4af4"
phones = st.from_regex(r"254[17][0-9]{8}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("254712345678", Kind.PHONE, "254712345678"),
        ("0712345678", Kind.PHONE, "254712345678"),
        ("+254 712 345 678", Kind.PHONE, "254712345678"),
        ("2547 ***** 149", Kind.MASKED, "2547*149"),
        ("25470****149", Kind.MASKED, "2547*149"),
        ("2547****149", Kind.MASKED, "2547*149"),
        ("070****149", Kind.MASKED, "2547*149"),
        ("2541*****149", Kind.MASKED, "2541*149"),
        ("a" * 64, Kind.HASH, "a" * 64),
        ("A" * 64, Kind.HASH, "a" * 64),
        (MASKED_HASH, Kind.MASKED_HASH, MASKED_HASH.replace(" ***** ", "*")),
    ],
)
def test_trap_18_plain_masked_and_hashed_are_different_kinds(text, kind, value):
    assert payer_of(text) == Payer(kind, value)
    assert Payer(kind, value).sure is (kind != Kind.MASKED)


@pytest.mark.parametrize(
    "text",
    [None, "", "  ", "2547149", "a" * 63, "a" * 62, "*****", "2547*****", "JANE", "25571*****149"],
)
def test_what_says_nothing_of_a_phone_is_nobody(text):
    assert payer_of(text) is None


def test_trap_18_a_mask_never_becomes_a_phone():
    payer = payer_of("2547 ***** 126")
    assert forms_of(payer) == [payer]
    assert "2547126" not in {form.value for form in forms_of(payer)}


@pytest.mark.parametrize(
    ("phone", "hashed"),
    [
        ("254705912645", "94c392c311d522da950619227b3361752a42042db7e1e699b26e628305c68a88"),
        (TEST_NUMBER, MASKED_HASH.replace(" ***** ", "")),
    ],
)
def test_trap_20_the_hash_is_of_the_twelve_digits(phone, hashed):
    assert hash_of(phone)[:34] == hashed[:34]
    assert hash_of(phone)[-25:] == hashed[-25:]
    for wrong in ("0" + phone[3:], "+" + phone):
        assert hashlib.sha256(wrong.encode()).hexdigest()[:34] != hashed[:34]


def test_a_masked_hash_is_known_by_both_of_its_ends():
    payer = payer_of(MASKED_HASH)
    assert fits(payer, TEST_NUMBER)
    assert not fits(payer, "254708374148")


@given(phones, phones)
def test_a_phone_fits_each_of_its_own_forms_and_a_sure_one_of_no_other(phone, other):
    for form in forms_of(Payer(Kind.PHONE, phone)):
        assert fits(form, phone)
        if form.sure and other != phone:
            assert not fits(form, other)


@given(phones)
def test_a_phone_has_four_forms_and_a_hash_two(phone):
    kinds = [form.kind for form in forms_of(Payer(Kind.PHONE, phone))]
    assert kinds == [Kind.PHONE, Kind.MASKED, Kind.HASH, Kind.MASKED_HASH]
    assert [each.kind for each in forms_of(Payer(Kind.HASH, hash_of(phone)))] == kinds[2:]
