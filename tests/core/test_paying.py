"""How to pay: eight steps, an amount that can be typed, and the words of a QR code."""

import pytest

from kelly_cli.core.paying import PayTo, qr_words, shillings, steps

PAYBILL = PayTo("174379", "INV-20260203-0001")
TILL = PayTo("600000", "INV-20260203-0001", buy_goods=True)


def test_a_paybill_is_paid_in_the_eight_steps_of_the_guide():
    assert steps(PAYBILL, 500000) == (
        "Open the M-Pesa menu",
        "Choose Lipa na M-Pesa",
        "Choose Pay Bill",
        "Enter the business number: 174379",
        "Enter the account number: INV-20260203-0001",
        "Enter the amount: 5000",
        "Enter your M-Pesa PIN",
        "Check the details and confirm",
    )


def test_a_till_asks_for_no_account():
    said = steps(TILL, 500000)
    assert len(said) == 8
    assert said[2:4] == ("Choose Buy Goods and Services", "Enter the till number: 600000")
    assert not any("account" in step for step in said)


@pytest.mark.parametrize(("cents", "whole"), [(1, 1), (100, 1), (101, 2), (500050, 5001)])
def test_cents_are_rounded_up_to_a_shilling(cents, whole):
    assert shillings(cents) == whole


def test_a_qr_code_says_place_account_and_amount():
    assert qr_words(PAYBILL, 500050) == (
        "M-PESA Pay Bill 174379\nAccount INV-20260203-0001\nAmount KES 5001"
    )
    assert qr_words(TILL, None) == "M-PESA Buy Goods 600000"
