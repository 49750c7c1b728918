"""An account sums dated entries, and splits anywhere without losing a cent."""

from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core.accounts import KINDS, Entry, account, allocated_on, in_order

DAY = date(2026, 2, 3)


def entry(day, kind, cents, number=0):
    at = datetime(2026, 2, 3, 9) + timedelta(days=day, minutes=number)
    return Entry(DAY + timedelta(days=day), kind, f"R{number}", "", cents, at)


ENTRIES = st.lists(
    st.builds(
        entry,
        st.integers(-5, 5),
        st.sampled_from(KINDS),
        st.integers(-(10**9), 10**9),
        st.integers(0, 99),
    )
)


def test_within_a_day_an_invoice_stands_before_its_payment():
    paid, issued = entry(0, "payment", -5, 1), entry(0, "invoice", 5, 2)
    assert in_order([paid, issued]) == [issued, paid]


@given(ENTRIES, st.integers(-6, 6))
def test_two_periods_are_the_whole(entries, cut):
    last = DAY + timedelta(days=cut)
    whole = account(entries, None, None)
    before, after = account(entries, None, last), account(entries, last + timedelta(days=1), None)
    assert before.lines + after.lines == whole.lines
    assert before.closing_cents == after.opening_cents
    assert after.closing_cents == whole.closing_cents == sum(each.change_cents for each in entries)


@given(ENTRIES)
def test_the_order_of_entries_does_not_matter(entries):
    assert account(entries, None, None) == account(entries[::-1], None, None)


def test_the_rules_count_from_the_payment_and_a_person_from_the_deed():
    paid, made = datetime(2026, 2, 4, 10), datetime(2026, 2, 9, 8)
    assert allocated_on("reference", made, paid, DAY) == paid
    assert allocated_on("fifo", made, paid, date(2026, 2, 6)) == datetime(2026, 2, 6)
    for reason in ("credit", "hand", "void", "reversal"):
        assert allocated_on(reason, made, paid, DAY) == made
