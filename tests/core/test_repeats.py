"""The same receipt again: which facts must agree, between which channels."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core.refs import fold
from kelly_cli.core.repeats import Facts, differences

FIRST = Facts("c2b", 500_000, "174379", datetime(2026, 2, 3, 14, 30, 22), "CUST001", "cust-001")
CHANGES = {
    "amount": {"amount_cents": 500_001},
    "short code": {"short_code": "600000"},
    "time": {"paid_at": datetime(2026, 2, 3, 14, 30, 23)},
    "reference": {"reference": "CUST002", "shown_reference": "cust-002"},
}


def facts(channel="c2b", *names):
    changed = {}
    for name in names:
        changed |= CHANGES[name]
    return FIRST._replace(channel=channel, **changed)


def named(found):
    return [next(name for name in CHANGES if text.startswith(name)) for text in found]


FACTS = st.builds(
    Facts,
    st.sampled_from(["c2b", "stk", "statement"]),
    st.sampled_from([1, 2]),
    st.sampled_from([None, "174379", "600000"]),
    st.sampled_from([datetime(2026, 2, 3), datetime(2026, 2, 4)]),
    st.sampled_from([None, "A", "B"]),
    st.sampled_from([None, "a", "b"]),
)


@given(FACTS)
def test_a_repeat_with_the_same_facts_is_a_duplicate(any_facts):
    assert differences(any_facts, any_facts) == []


@given(FACTS, FACTS)
def test_whether_two_tellings_differ_does_not_depend_on_which_came_first(one, other):
    assert len(differences(one, other)) == len(differences(other, one))


@pytest.mark.parametrize(
    ("first", "repeat", "changed", "found"),
    [
        ("c2b", "c2b", "amount", ["amount"]),
        ("c2b", "stk", "amount", ["amount"]),
        ("stk", "c2b", "amount", ["amount"]),
        ("c2b", "c2b", "short code", ["short code"]),
        ("statement", "c2b", "short code", ["short code"]),
        ("c2b", "c2b", "time", ["time"]),
        ("c2b", "stk", "time", []),
        ("stk", "stk", "time", []),
        ("c2b", "c2b", "reference", ["reference"]),
        ("stk", "c2b", "reference", []),
        ("statement", "statement", "reference", []),
    ],
)
def test_each_fact_counts_between_the_channels_that_tell_it_alike(first, repeat, changed, found):
    assert named(differences(facts(first), facts(repeat, changed))) == found


def test_every_difference_is_named_with_both_values():
    assert differences(FIRST, facts("c2b", *CHANGES)) == [
        "amount 5000.01, first 5000.00",
        "short code 600000, first 174379",
        "time 2026-02-03 14:30:23, first 2026-02-03 14:30:22",
        "reference 'cust-002', first 'cust-001'",
    ]


def test_a_short_code_that_a_channel_does_not_say_contradicts_none():
    silent = FIRST._replace(short_code=None)
    assert differences(silent, FIRST) == differences(FIRST, silent) == []


@pytest.mark.parametrize(
    ("first", "repeat", "same"),
    [
        ("cust-001", " CUST 001", True),
        ("cust-001", "cust-01", False),
        ("cust-001", "", False),
        ("caf\u00e9", "caf\u00e9", True),
        ("caf\u00e9", "caf\u00e8", False),
        ("caf\u00e9", "cafe", False),
        (None, "", True),
        (None, None, True),
        (None, "caf\u00e9", False),
    ],
)
def test_references_are_compared_folded_and_unreadable_ones_as_typed(first, repeat, same):
    one, other = (
        FIRST._replace(reference=fold(text) if text else None, shown_reference=text)
        for text in (first, repeat)
    )
    assert (differences(one, other) == []) == same
