import random

import pytest

from kelly_cli.core import suggesting
from kelly_cli.core.payers import payer_of
from kelly_cli.core.slips import LOOKALIKE, Reading
from kelly_cli.core.suggesting import Before, Candidate, Person, Question, Remembered, rank

PHONE = "254712345678"
ASKED = Question(500000, payer_of(PHONE))
SLIP = Reading("INV202602030001", LOOKALIKE, "look-alike signs: {wrong} for {meant}", "O", "0")


def customer(person, **more):
    return Candidate(person.customer_id, person, **more)


def only(candidate, question=ASKED):
    (found,) = rank(question, [candidate])
    return found


def test_a_slip_and_the_same_amount_add_up_and_are_told_weightiest_first():
    found = only(Candidate("INV-1", None, 500000, [SLIP]))
    assert found.score == LOOKALIKE + suggesting.SAME_AMOUNT
    assert found.reasons == ("look-alike signs: O for 0", "5,000.00 is just what is open on it")


def test_an_invoice_needs_a_reason_of_its_own():
    person = Person("CUST-001", phone_fits=True)
    assert rank(ASKED, [Candidate("INV-1", person, 300000)]) == []
    assert only(Candidate("INV-1", person, 500000)).score == 25 + 40


def test_nothing_speaks_for_it_so_it_is_not_suggested():
    assert rank(ASKED, [customer(Person("CUST-001"))]) == []


@pytest.mark.parametrize(
    ("msisdn", "score", "told"),
    [
        (PHONE, 40, "paid from the phone of CUST-001"),
        ("a" * 64, 40, "paid from the phone of (by its hash) CUST-001"),
        ("a" * 34 + "*****" + "b" * 25, 40, "paid from the phone of (by its masked hash) CUST-001"),
        ("2547*****678", 18, "the masked phone fits the one of CUST-001"),
    ],
)
def test_a_mask_weighs_less_than_a_phone_or_its_hash(msisdn, score, told):
    found = only(customer(Person("CUST-001", phone_fits=True)), Question(1, payer_of(msisdn)))
    assert found == ("CUST-001", score, (told,))


def test_a_payer_of_whom_nothing_is_said_fits_nobody():
    assert rank(Question(1), [customer(Person("CUST-001", phone_fits=True))]) == []


@pytest.mark.parametrize(
    ("before", "score", "told"),
    [
        (Before(1, True), 30, "the same phone paid for CUST-001 before, once"),
        (
            Before(3, False),
            16,
            "the same masked phone and name paid for CUST-001 before, 3 times",
        ),
    ],
)
def test_who_paid_before_is_told(before, score, told):
    found = only(customer(Person("CUST-001", before=before)))
    assert found == ("CUST-001", score, (told,))


@pytest.mark.parametrize(
    ("percent", "words", "score"), [(100, 2, 20), (90, 2, 18), (100, 1, 6), (80, 3, 16)]
)
def test_a_name_says_more_the_more_words_are_alike(percent, words, score):
    assert only(customer(Person("C", name_percent=percent, name_words=words))).score == score


def test_names_that_are_little_alike_say_nothing():
    person = Person("C", name_percent=79, name_words=2, reference_percent=79)
    assert rank(ASKED, [customer(person)]) == []


def test_a_name_in_the_reference_is_told_with_its_likeness():
    found = only(customer(Person("C", reference_percent=90)))
    assert found == ("C", 40, ("the reference is 90 % like C's name",))


@pytest.mark.parametrize(
    ("debts", "score"),
    [([500000], 18), ([200000, 300000], 18), ([500000, 100], 12), ([400000], None), ([], None)],
)
def test_what_a_customer_owes_speaks_when_it_is_just_that(debts, score):
    found = rank(ASKED, [customer(Person("C"), debts=debts)])
    assert [each.score for each in found] == ([] if score is None else [score])


def test_a_slip_of_something_closed_speaks_for_its_customer_and_weighs_less():
    worse = Reading("INV2", 44, "one sign is missing: {meant}", "", "1")
    closed = [("INV-1", SLIP), ("INV-2", worse)]
    found = only(customer(Person("C"), closed=closed))
    assert found.score == LOOKALIKE - suggesting.CLOSED
    told = "like INV-1, on which nothing is open (look-alike signs: O for 0)"
    assert found.reasons == (told,)
    assert only(customer(Person("C"), readings=[SLIP], closed=closed)).score == LOOKALIKE


@pytest.mark.parametrize(
    ("alias", "score"),
    [
        (Remembered("phone", PHONE, None), 60),
        (Remembered("phone", PHONE, 500000), 75),
        (Remembered("hash", "a" * 64, 100), 60),
        (Remembered("masked", "2547*678", 500000), 50),
        (Remembered("masked", "2547*678", 100), 20),
        (Remembered("name", "JANE OTIENO", 500000), 50),
        (Remembered("name", "JANE OTIENO", None), 20),
        (Remembered("reference", "HOUSE5B", None), 65),
    ],
)
def test_what_was_remembered_is_strong_and_a_mask_or_name_only_with_its_amount(alias, score):
    assert only(customer(Person("C", remembered=[alias]))).score == score


def test_of_what_is_remembered_the_best_payer_and_one_reference_count():
    person = Person(
        "C",
        remembered=[
            Remembered("name", "JANE OTIENO", None),
            Remembered("phone", PHONE, 500000),
            Remembered("reference", "A1", None),
            Remembered("reference", "A1", None),
        ],
    )
    found = only(customer(person))
    assert found.score == 75 + 65
    assert found.reasons[0].endswith("phone pays for this customer, usually 5,000.00")


def test_what_is_remembered_speaks_for_the_customer_and_not_for_each_of_its_invoices():
    person = Person("C", remembered=[Remembered("phone", PHONE, None)])
    assert only(Candidate("INV-1", person, 500000)).score == suggesting.SAME_AMOUNT


def test_best_first_ties_by_id_and_in_any_order_the_same():
    made = [Candidate(f"INV-{n}", None, 500000) for n in range(20)]
    made.append(Candidate("INV-99", None, 500000, [SLIP]))
    wanted = rank(ASKED, made)
    assert wanted[0].target == "INV-99"
    assert [each.target for each in wanted[1:]] == sorted(f"INV-{n}" for n in range(20))
    for seed in range(5):
        random.Random(seed).shuffle(made)
        assert rank(ASKED, made) == wanted


def test_the_table_of_points_in_the_head_is_the_one_that_counts():
    table = suggesting.__doc__
    for name, value in vars(suggesting).items():
        if name.isupper() and type(value) is int and name != "LEAST_LIKE":
            assert f"| {value} |" in table or f"{value} less |" in table or f"to {value} |" in table
