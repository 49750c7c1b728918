"""One word for a receipt at the counter, and nothing silently put right."""

from datetime import date, datetime

import pytest

from kelly_cli.core.verdicts import Holding, Seen, Spent, alike_to, judge, typed_receipt

TODAY = date(2026, 2, 3)
PAID = datetime(2026, 2, 3, 14, 30)
RECEIPT = "UB3K2XYZ91"
HELD = Holding("INV-20260203-0001", "POS-20260203-0001", 1000, PAID)


def seen(**changes):
    plain = Seen(1, RECEIPT, 1500_00, 0, PAID, "174379", "JANE", None, None, None)
    return plain._replace(**changes)


def word(found, cents=1500_00, receipt=RECEIPT, alike=()):
    return judge(receipt, cents, found, alike, TODAY)


def test_free_money_of_that_amount_is_ok():
    verdict = word(seen())
    assert verdict.word == "OK"
    assert verdict.detail == "KES 1,500.00 came by JANE, paid 03 Feb 2026 14:30"


@pytest.mark.parametrize("cents", [1500_01, 1499_99, 1])
def test_any_other_amount_is_wrong(cents):
    assert word(seen(), cents).word == "WRONG_AMOUNT"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"allocated_cents": 1000, "holdings": (HELD,)}, "is on POS-20260203-0001"),
        ({"allocated_cents": 1500_00, "holdings": (HELD._replace(pos_id=None),)}, "is on INV-"),
        ({"customer_id": "CUST-001"}, "KES 1,500.00 is credit of CUST-001"),
        ({"reversed_at": PAID}, "reversed, 03 Feb 2026 14:30"),
        ({"claim": Spent("POS-1", None, "ann", PAID)}, "claimed for POS-1 by ann"),
        ({"claim": Spent(None, "table 4", "ann", PAID)}, "claimed for 'table 4' by ann"),
    ],
)
def test_spent_money_is_used_whatever_the_amount(changes, told):
    for cents in (1500_00, 5):
        verdict = word(seen(**changes), cents)
        assert verdict.word == "USED"
        assert told in verdict.detail


@pytest.mark.parametrize(
    ("receipt", "expected"),
    [
        ("UB3K2XYZ91", "NOT_SEEN"),  # today
        ("UB4K2XYZ91", "NOT_SEEN"),  # tomorrow, by a clock that runs ahead
        ("TB3K2XYZ91", "NOT_SEEN"),  # a year ago
        ("UB5K2XYZ91", "LOOKS_WRONG"),  # to come
        ("TB1K2XYZ91", "LOOKS_WRONG"),  # longer ago
        ("UM3K2XYZ91", "LOOKS_WRONG"),  # the thirteenth month
        ("UBUK2XYZ91", "LOOKS_WRONG"),  # the thirtieth of February
        ("UB3K2XYZ9", "LOOKS_WRONG"),
        ("TEST123", "LOOKS_WRONG"),
    ],
)
def test_unseen_receipts_by_the_letters_of_their_date(receipt, expected):
    assert word(None, receipt=receipt).word == expected


def test_the_letters_of_a_date_never_refuse_what_came():
    assert word(seen(), receipt="TEST123").word == "OK"


def test_look_alikes_are_named_and_never_taken():
    verdict = word(None, receipt="UB3K2XYZ9I", alike=["UB3K2XYZ91"])
    assert verdict.word == "NOT_SEEN"
    assert "did you mean UB3K2XYZ91?" in verdict.detail
    assert (verdict.seen, verdict.alike) == (None, ("UB3K2XYZ91",))


@pytest.mark.parametrize("typed", ["ub3k2xyz91", " UB3K 2XYZ 91 ", "ub3-k2xyz91", "UB3K2XYZ91."])
def test_case_blanks_and_dashes_do_not_matter(typed):
    assert typed_receipt(typed) == RECEIPT


def test_look_alikes_of_a_receipt():
    assert "UB3K2XYZ91" in alike_to("UB3K2XYZ9I")
    assert "UBO01XYZ91" in alike_to("UB0OIXYZ91")
    assert "UB3K2XYZ91" in alike_to("UB3K2XY291")
    assert "UB3K2XYZ91" in alike_to("UB3K2YXZ91")
    assert "UB3K2XYZ91" not in alike_to("UB3K2XYZ91") + alike_to("UB3K2XYZ92")


@pytest.mark.parametrize("typed", ["", "  ", "QGK\u00e9", "X" * 33, "\u202e"])
def test_what_no_receipt_can_be(typed):
    assert typed_receipt(typed) is None
