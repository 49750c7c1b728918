import pytest

from kelly_cli.errors import ConflictError, DomainError, NotFoundError
from kelly_cli.services import customers


def test_a_customer_gets_the_next_free_number(database, hand):
    customers.create_customer(database, hand, name="Ann", customer_id="CUST-001")
    made = customers.create_customer(database, hand, name="Ben")
    assert made.customer_id == "CUST-002"


def test_an_id_is_found_in_any_written_form(database, hand):
    customers.create_customer(database, hand, name="Ann", customer_id="cust-001")
    for written in ("CUST-001", "cust 001", "Cust–001", "cust001"):
        assert customers.show_customer(database, written).name == "Ann"


@pytest.mark.parametrize("written", ["CUST-001", "cust001", "CUST 001"])
def test_a_folded_id_is_taken_once(database, hand, written):
    customers.create_customer(database, hand, name="Ann", customer_id="CUST-001")
    with pytest.raises(ConflictError):
        customers.create_customer(database, hand, name="Ben", customer_id=written)


@pytest.mark.parametrize(
    "wrong", ["", "-", "CUST-é", "INV-20260203-0001", "pos 20260203 0001", "X" * 21]
)
def test_an_id_that_payers_cannot_type_is_refused(database, hand, wrong):
    with pytest.raises(DomainError):
        customers.create_customer(database, hand, name="Ann", customer_id=wrong)


def test_a_phone_is_stored_whole_and_a_masked_one_refused(database, hand):
    made = customers.create_customer(database, hand, name="Ann", phone="0712 345-678")
    assert made.phone == "254712345678"
    with pytest.raises(DomainError, match="not a Kenyan mobile number"):
        customers.create_customer(database, hand, name="Ben", phone="25470****149")


def test_edit_changes_what_is_given_and_takes_away_what_is_empty(database, hand):
    customers.create_customer(database, hand, name="Ann", phone="0712345678", email="a@b.co")
    changed = customers.edit_customer(database, hand, "CUST-001", name="Anne", email="")
    assert (changed.name, changed.phone, changed.email) == ("Anne", "254712345678", None)


def test_a_stranger_is_not_found(database, hand):
    with pytest.raises(NotFoundError):
        customers.show_customer(database, "CUST-404")


def test_search_finds_part_of_name_phone_and_id(database, hand):
    customers.create_customer(database, hand, name="Ann 100%", phone="0712345678")
    customers.create_customer(database, hand, name="Ben")
    for search in ("ann", "2345", "st-001", "0%"):
        found = customers.list_customers(database, search=search)
        assert [each.name for each in found] == ["Ann 100%"]
