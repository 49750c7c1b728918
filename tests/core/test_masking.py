"""Masked phones: in every written form, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core.masking import mask_phone, mask_phones, mask_prompt_id, mask_reference
from kelly_cli.core.refs import fold

MASKED = "2547•••••678"


@pytest.mark.parametrize(
    "phone",
    [
        "0712345678",
        "712345678",
        "254712345678",
        "+254712345678",
        "+254 712 345 678",
        "0712-345-678",
    ],
)
def test_a_phone_is_masked_in_every_written_form(phone):
    assert mask_reference(phone) == MASKED
    assert (
        mask_phones(f"nobody is called '{phone}', he said")
        == f"nobody is called '{MASKED}', he said"
    )


def test_a_phone_within_a_word_is_masked_too():
    assert mask_phones("JANE0712345678x") == f"JANE{MASKED}x"
    assert mask_phones("JANE0712345678x", dots="*****") == "JANE2547*****678x"


@pytest.mark.parametrize(
    "text",
    [
        "CUST-001",
        "INV-20260203-0001",
        "POS-20260203-0001",
        "2547 ***** 149",
        "time 2026-02-03 14:30:22, first 2017-11-13 14:30:22",
        "amount 100.00, first 117.50",
        "1234567890",
        "QGK12XYZ91",
        "",
    ],
)
def test_what_is_no_phone_stays(text):
    assert mask_reference(text) == mask_phones(text) == text


def test_a_phone_beside_a_reference_is_masked_alone():
    assert mask_reference("CUST-001 0712345678") == f"CUST-001 {MASKED}"


def test_the_id_of_a_prompt_loses_the_phone_at_its_end():
    assert mask_prompt_id("ws_CO_03042023142530123712345678") == "ws_CO_03042023142530123•••••678"
    assert mask_prompt_id("ws_CO_191220191020363925") == "ws_CO_191220191020363925"


@given(st.text(alphabet="0127 45+-.()a\u2013", max_size=24))
def test_masking_twice_is_masking_once(text):
    once = mask_reference(text)
    assert mask_reference(once) == once
    assert mask_phones(mask_phones(text)) == mask_phones(text)


def test_a_masked_phone_matches_nothing_trap_18():
    assert fold(mask_phone("254712345678")) is None
