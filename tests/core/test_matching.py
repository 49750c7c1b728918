"""Whose money is it: the rules in their order, and the reason when none fits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core.books import Target
from kelly_cli.core.matching import (
    RULES,
    Claim,
    Directory,
    Match,
    by_customer,
    by_invoice,
    by_phone,
    by_prompt,
    by_sale,
    claim_of,
    match,
    why_unmatched,
)

INVOICE, SALE, ANN, BOB = Target(invoice=1), Target(sale=2), Target(customer=3), Target(customer=4)
BOOKS = Directory(
    keys={"INV202602030001": INVOICE, "POS202602030001": SALE, "CUST001": ANN, "0712345678": BOB},
    phones={"254712345678": [3], "254722000000": [3], "254733000000": [3, 4], "254100000000": []},
    prompts={"ws_CO_1": SALE},
)


@pytest.mark.parametrize(
    ("reference", "prompt", "found"),
    [
        ("inv-20260203-0001", None, Match("invoice", INVOICE)),
        ("INV 20260203 0001", None, Match("invoice", INVOICE)),
        ("pos-20260203-0001", None, Match("sale", SALE)),
        ("cust.001", None, Match("customer", ANN)),
        ("0722000000", None, Match("phone", ANN)),
        ("+254 722 000 000", None, Match("phone", ANN)),
        ("722000000", None, Match("phone", ANN)),
        ("0712345678", None, Match("customer", BOB)),
        ("254712345678", None, Match("phone", ANN)),
        (None, "ws_CO_1", Match("prompt", SALE)),
        ("inv-20260203-0001", "ws_CO_1", Match("prompt", SALE)),
        ("inv-20260203-0001", "ws_CO_2", Match("invoice", INVOICE)),
        ("0733000000", None, None),
        ("0100000000", None, None),
        ("0744000000", None, None),
        ("INV-20260203-001", None, None),
        ("INV-20260203-00001", None, None),
        ("CUST-O01", None, None),
        ("CUST-00", None, None),
        ("CUST-%", None, None),
        ("CUST-\uff10\uff10\uff11", None, None),
        ("", None, None),
        (None, None, None),
        (None, "ws_co_1", None),
    ],
)
def test_only_what_fits_exactly_matches(reference, prompt, found):
    assert match(claim_of(reference, prompt), BOOKS) == found


def test_the_rules_stand_in_the_order_of_the_design():
    assert list(RULES) == [by_prompt, by_invoice, by_sale, by_customer, by_phone]


@given(st.sets(st.sampled_from(range(len(RULES)))), st.permutations(range(len(RULES))))
def test_the_first_rule_that_fits_decides(fitting, order):
    def rule(number):
        return lambda *_: Match(str(number), ANN) if number in fitting else None

    found = match(Claim("X"), BOOKS, [rule(number) for number in order])
    first = next((number for number in order if number in fitting), None)
    assert found == (None if first is None else Match(str(first), ANN))


@pytest.mark.parametrize("target", [INVOICE, SALE, ANN])
def test_a_key_is_one_thing_alone(target):
    directory = Directory(keys={"X": target})
    found = [rule for rule in RULES if rule(Claim("X"), directory)]
    assert len(found) == 1


@given(st.text(max_size=20))
def test_a_match_is_always_for_the_exact_key(reference):
    claim = claim_of(reference)
    found = match(claim, BOOKS)
    if found is not None and found.rule != "phone":
        assert BOOKS.keys[claim.reference] == found.target


@pytest.mark.parametrize(
    ("text", "code", "shows"),
    [
        (None, "no_reference", "names no account"),
        ("", "no_reference", "names no account"),
        (" \t", "no_reference", "names no account"),
        ("caf\u00e9", "unreadable_reference", "'caf\u00e9'"),
        ("---", "unreadable_reference", "'---'"),
        ("0733 000 000", "ambiguous_phone", "more than one customer"),
        ("0744000000", "unknown_account", "'0744000000'"),
        ("CUST-O01", "unknown_account", "'CUST-O01'"),
    ],
)
def test_what_matched_nothing_says_why(text, code, shows):
    told = why_unmatched(text, claim_of(text), BOOKS)
    assert told.startswith(f"{code}: ")
    assert shows in told
