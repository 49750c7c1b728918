"""A statement in one message: 300 units, and never without what is owed and where to pay it."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core.money import MAX_CENTS, kes_for_people
from kelly_cli.core.paying import PayTo
from kelly_cli.core.short_statement import LONGEST, Owed, length, short_statement

DAY = date(2026, 2, 3)
TO = PayTo("174379", "CUST-001")
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=250)
OPEN = st.lists(
    st.builds(
        Owed,
        st.sampled_from(["INV-20260203-0001", "INV-20260203-12345678"]),
        st.integers(1, MAX_CENTS),
        st.one_of(st.none(), st.just(DAY)),
    ),
    max_size=40,
)


def test_it_says_who_what_and_where():
    owed = [Owed("INV-20260203-0001", 500000, DAY), Owed("INV-20260203-0002", 1050, None)]
    assert short_statement("Duka", "Wanjikũ", DAY, 501050, TO, owed) == (
        "Duka: Wanjikũ, you owe KES 5,010.50 on 2026-02-03. Pay by M-Pesa: Paybill 174379, "
        "account CUST-001. For: INV-20260203-0001 5,000.00 due 2026-02-03; "
        "INV-20260203-0002 10.50"
    )


def test_credit_and_nothing_are_told_too():
    assert "you have KES 20.00 of credit on" in short_statement("D", "W", DAY, -2000, TO)
    assert "you owe nothing (KES 0.00) on" in short_statement("D", "W", DAY, 0, TO)


def test_long_names_give_way_first():
    many = [Owed(f"INV-20260203-000{n}", 100, DAY) for n in range(1, 4)]
    said = short_statement("B" * 200, "N" * 200, DAY, 300, TO, many)
    assert said.startswith("B" * 38 + "..: " + "N" * 38 + "..")
    assert "INV-20260203-0001" in said
    assert length(said) <= LONGEST


@given(
    NAMES,
    NAMES,
    st.integers(-MAX_CENTS * 100, MAX_CENTS * 100),
    st.booleans(),
    st.text("ABC-123", min_size=1, max_size=20),
    OPEN,
)
def test_it_always_fits_and_always_says_what_matters(business, name, cents, till, account, owed):
    to = PayTo("174379123456", account, buy_goods=till)
    said = short_statement(business, name, DAY, cents, to, owed)
    assert len(said) <= length(said) <= LONGEST
    for words in (f"KES {kes_for_people(abs(cents))}", to.place, f"account {account}"):
        assert words in said
