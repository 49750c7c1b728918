"""Till money through real books: offered only where it is certain, placed once, and undone."""

import random
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from kelly_cli.core.times import NAIROBI
from kelly_cli.services import checking, claiming, sales, suspense, till
from kelly_cli.services.allocating import unallocate
from kelly_cli.store.sale_rows import SaleItem
from kelly_cli.store.tables import PosSale

NOON = datetime(2026, 2, 3, 12, 0)
WITHIN = timedelta(minutes=15)


@pytest.fixture
def counter(books):
    return Counter(books)


class Counter:
    """A counter at which sales and payments have their minute of the day."""

    def __init__(self, books):
        self.books, self.database, self.hand = books, books.database, books.hand
        self.came = 0

    def sale(self, shillings, minute, customer=None):
        item = SaleItem("P", "Soda", 1, shillings * 100)
        made = sales.create_sale(
            self.database, self.hand, items=[item], sold_on=NOON.date(), customer_id=customer
        ).pos_id
        self.made_at(made, NOON + timedelta(minutes=minute))
        return made

    def made_at(self, sale, wall):
        with self.database.writing() as connection:
            connection.execute(
                update(PosSale)
                .where(col(PosSale.pos_id) == sale)
                .values(created_at=wall.replace(tzinfo=NAIROBI))
            )

    def pay(self, shillings, minute, **changes):
        self.came += 1
        receipt = f"UB3K2X{self.came:04d}"
        moment = f"{NOON + timedelta(minutes=minute):%Y%m%d%H%M%S}"
        changes = {"BillRefNumber": "", "TransTime": moment, "FirstName": ..., **changes}
        self.books.pay(receipt, shillings, "", **changes)
        return receipt

    def look(self, **options):
        found = till.look(self.database, WITHIN, **options)
        return [(each.sale.pos_id, each.payment.receipt) for each in found.pairs]

    def clashes(self):
        found = till.look(self.database, WITHIN)
        return [
            (c.why, [s.pos_id for s in c.sales], [p.receipt for p in c.payments])
            for c in found.clashes
        ]

    def apply(self, **options):
        found = till.apply(self.database, self.hand, WITHIN, **options)
        return [(each.sale.pos_id, each.payment.receipt) for each in found.pairs]

    def status(self, sale):
        return sales.show_sale(self.database, sale).status

    def sound(self):
        assert checking.check(self.database, now=self.hand.at).violations == []


def test_a_pair_is_offered_and_only_apply_places_it(counter):
    sale, receipt = counter.sale(150, 0), counter.pay(150, 3)
    assert counter.look() == [(sale, receipt)]
    assert counter.status(sale) == "PENDING"
    assert counter.apply() == [(sale, receipt)]
    assert counter.status(sale) == "PAID"
    assert (counter.look(), counter.apply()) == ([], [])
    assert suspense.list_suspense(counter.database, today=NOON.date()) == []
    audit = counter.books.rows(f"SELECT action, reason FROM audit WHERE subject = '{receipt}'")
    assert audit == [("suspense.assign", "a test")]
    counter.sound()


def test_without_a_reason_the_audit_says_what_fitted(counter):
    counter.sale(150, 0)
    receipt = counter.pay(150, 3)
    till.apply(counter.database, counter.hand._replace(reason=None), WITHIN)
    (told,) = counter.books.one(f"SELECT reason FROM audit WHERE subject = '{receipt}'")
    assert told == "till money: the same amount, 3 minutes apart"


def test_a_pair_that_was_applied_is_undone_and_not_offered_again(counter):
    sale, receipt = counter.sale(150, 0), counter.pay(150, 3)
    counter.apply()
    unallocate(counter.database, counter.hand, receipt)
    assert counter.status(sale) == "PENDING"
    assert counter.look() == []
    assert counter.clashes() == [("freed", [sale], [receipt])]
    counter.sound()


def test_a_clash_is_shown_and_never_placed(counter):
    first, second = counter.sale(150, 0), counter.sale(150, 5)
    receipt = counter.pay(150, 3)
    assert counter.apply() == []
    assert counter.clashes() == [("unsure", [first, second], [receipt])]
    assert counter.status(first) == counter.status(second) == "PENDING"


def test_only_money_that_is_free_and_names_no_account_is_till_money(counter):
    counter.sale(150, 0)
    counter.pay(150, 1, BillRefNumber="NOBODY")
    counter.books.customer()
    counter.pay(150, 1, BillRefNumber="CUST-001")
    spent = counter.pay(150, 2)
    claiming.claim(counter.database, counter.hand, spent, 15000, "table 4")
    assert (counter.look(), counter.clashes()) == ([], [])


def test_a_sale_for_which_a_receipt_is_claimed_waits_for_that_one(counter):
    sale = counter.sale(150, 0)
    claiming.claim(counter.database, counter.hand, counter.pay(150, 1), 15000, sale)
    counter.pay(150, 2)
    assert (counter.look(), counter.clashes()) == ([], [])


def test_paid_and_void_sales_wait_for_nothing_and_the_rest_of_one_does(counter):
    paid, void, part = (counter.sale(150, 0) for _ in range(3))
    counter.pay(150, 1, BillRefNumber=paid)
    sales.void_sale(counter.database, counter.hand, void)
    counter.pay(50, 1, BillRefNumber=part)
    rest = counter.pay(100, 2)
    assert counter.apply() == [(part, rest)]
    assert counter.status(part) == "PAID"
    counter.sound()


def test_a_sale_for_another_day_is_no_pair(counter):
    sale = counter.sale(150, 0)
    counter.made_at(sale, NOON + timedelta(days=2))
    receipt = counter.pay(150, 3)
    assert (counter.look(), counter.clashes()) == ([], [("no_time", [sale], [receipt])])


def test_a_known_customer_is_paired_with_her_own_money(counter):
    counter.books.customer("ANN", phone="0712345149")
    sale = counter.sale(150, 0, "ANN")
    other = counter.pay(150, 1, MSISDN="2547 ***** 150")
    assert counter.clashes() == [("payer_differs", [sale], [other])]


def test_the_money_of_her_own_phone_goes_to_a_customers_sale(counter):
    counter.books.customer("ANN", phone="0712345149")
    sale = counter.sale(150, 0, "ANN")
    receipt = counter.pay(150, 1, FirstName="SOMEBODY")
    assert counter.apply() == [(sale, receipt)]
    assert counter.books.balance("ANN") == 0
    counter.sound()


def test_one_short_code_shows_its_own_and_all_money_contests(counter):
    sale, receipt = counter.sale(150, 0), counter.pay(150, 3)
    assert counter.look(short_codes=("174379",)) == [(sale, receipt)]
    assert counter.look(short_codes=("600000",)) == []


def test_no_more_than_asked_for_is_placed(counter):
    made = [(counter.sale(100 + n, n), counter.pay(100 + n, n)) for n in range(3)]
    assert counter.apply(limit=2) == made[:2]
    assert counter.look() == made[2:]


@pytest.mark.parametrize("seed", range(3))
def test_days_by_chance_end_without_a_wrong_pair(counter, seed):
    """Every payment is for a sale of its amount, at most the window away; some are never paid."""
    chance, truth = random.Random(seed), {}
    for _ in range(60):
        amount, minute = chance.choice([50, 100, 150, 200, 1000]), chance.uniform(0, 500)
        sale = counter.sale(amount, minute)
        if chance.random() < 0.8:
            truth[counter.pay(amount, minute + chance.uniform(-14, 14))] = sale
    placed = counter.apply()
    assert placed
    assert counter.clashes()
    assert [(sale, receipt) for sale, receipt in placed if truth[receipt] != sale] == []
    paid = {sale for sale, _ in placed}
    assert {sale for sale in truth.values() if counter.status(sale) == "PAID"} == paid
    counter.sound()
