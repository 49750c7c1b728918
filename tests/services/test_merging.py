"""Two customers become one and two again: no money is lost, and the rules hold at every step."""

import random
from datetime import date, timedelta

import pytest

from kelly_cli.errors import ConflictError, DomainError
from kelly_cli.services import aliases, checking, customers, invoices, merging
from kelly_cli.services.invoices import NewInvoice
from kelly_cli.store.audit_rows import Hand
from kelly_cli.store.tables import Base

DAY = date(2026, 1, 1)


class Desk:
    """A back office whose clock goes on, so that a replay can tell what came first."""

    def __init__(self, books):
        self.books, self.now = books, books.hand.at

    @property
    def hand(self):
        self.now += timedelta(minutes=2)
        return Hand("tester", self.now, "a reason")

    def customer(self, customer_id, phone=None, email=None):
        customers.create_customer(
            self.books.database,
            self.hand,
            name=f"Name of {customer_id}",
            customer_id=customer_id,
            phone=phone,
            email=email,
        )

    def invoice(self, customer_id, shillings, day=DAY):
        wanted = NewInvoice(customer_id, shillings * 100, day)
        return invoices.create_invoice(self.books.database, self.hand, wanted).invoice.invoice_id

    def merge(self, gone, into, *, dry_run=False):
        return merging.merge_customers(self.books.database, self.hand, gone, into, dry_run=dry_run)

    def unmerge(self, gone, *, dry_run=False):
        return merging.unmerge_customer(self.books.database, self.hand, gone, dry_run=dry_run)

    def balances(self):
        found = customers.list_customers(self.books.database)
        return {each.customer_id: each.balance_cents // 100 for each in found}

    def everything(self):
        tables = sorted(set(Base.metadata.tables) - {"counters"})
        return {t: sorted(map(str, self.books.rows(f"SELECT * FROM {t}"))) for t in tables}

    def check(self):
        found = checking.check(self.books.database, now=self.now)
        assert [str(each) for each in found.violations] == []


@pytest.fixture
def desk(books):
    made = Desk(books)
    made.customer("A-1", "0712345678")
    made.customer("B-1", "0722000001", "b@example.com")
    return made


def test_credit_of_one_pays_the_open_invoice_of_the_other(desk):
    bill = desk.invoice("A-1", 1000)
    desk.books.pay("QGK12XYZ91", 700, "B-1")
    done = desk.merge("B-1", "A-1")
    assert done.paid == [("QGK12XYZ91", bill, 70000)]
    assert desk.balances() == {"A-1": 300}
    desk.check()


def test_everything_moves_and_the_old_id_still_finds_its_money(desk):
    bill = desk.invoice("B-1", 100)
    sale = desk.books.sale(50, "B-1")
    aliases.add_alias(desk.books.database, desk.hand, "B-1", "name", "Peter Otieno")
    done = desk.merge("B-1", "A-1")
    assert done.moved["invoices"] == [bill]
    assert done.moved["sales"] == [sale]
    assert len(done.moved["aliases"]) == 1
    assert desk.books.pay("QGK12XYZ92", 100, "b 1") == "processed"
    assert desk.balances() == {"A-1": 0}
    assert customers.show_customer(desk.books.database, "b1").customer_id == "A-1"


def test_two_phones_are_a_conflict_that_is_shown_and_kept(desk):
    done = desk.merge("B-1", "A-1")
    assert done.phone_conflict == "254722000001"
    assert (done.into.phone, done.into.email) == ("254712345678", "b@example.com")
    found = aliases.list_aliases(desk.books.database, "A-1")
    assert [(each.kind, each.value) for each in found] == [("phone", "254722000001")]
    assert desk.books.pay("QGK12XYZ91", 5, "0722000001") == "failed"
    assert desk.books.pay("QGK12XYZ92", 5, "0712345678") == "processed"
    desk.check()


def test_one_phone_of_both_finds_the_customer_again(desk):
    desk.customer("C-1", "0712345678")
    assert desk.books.pay("QGK12XYZ91", 5, "0712345678") == "failed"
    desk.merge("C-1", "A-1")
    assert desk.books.pay("QGK12XYZ92", 5, "0712345678") == "processed"


def test_a_phone_goes_to_whom_has_none(desk):
    desk.customer("C-1")
    done = desk.merge("A-1", "C-1")
    assert (done.into.phone, done.phone_conflict) == ("254712345678", None)


def test_a_rehearsal_keeps_nothing_and_says_the_same(desk):
    desk.invoice("A-1", 1000)
    desk.books.pay("QGK12XYZ91", 700, "B-1")
    before = desk.everything()
    tried = desk.merge("B-1", "A-1", dry_run=True)
    assert desk.everything() == before
    assert desk.merge("B-1", "A-1").paid == tried.paid


def test_what_is_no_merge_is_refused(desk):
    with pytest.raises(DomainError, match="same customer"):
        desk.merge("a1", "A-1")
    with pytest.raises(ConflictError, match="was not merged"):
        desk.unmerge("A-1")
    desk.merge("B-1", "A-1")
    with pytest.raises(ConflictError, match="B-1 was merged into A-1 already"):
        desk.merge("B-1", "A-1")


def test_unmerged_both_are_as_they_were(desk):
    desk.invoice("A-1", 1000)
    desk.invoice("B-1", 300)
    desk.books.pay("QGK12XYZ91", 700, "B-1")
    before = desk.balances()
    people = customers.list_customers(desk.books.database)
    desk.merge("B-1", "A-1")
    desk.check()
    desk.unmerge("b1")
    assert desk.balances() == before
    assert customers.list_customers(desk.books.database) == people
    assert not aliases.list_aliases(desk.books.database)
    desk.check()


def test_what_came_since_the_merge_stays(desk):
    desk.invoice("A-1", 1000)
    bill = desk.invoice("B-1", 300)
    desk.merge("B-1", "A-1")
    desk.books.pay("QGK12XYZ91", 50, bill)
    desk.books.pay("QGK12XYZ92", 40, "B-1")
    desk.unmerge("B-1")
    assert desk.balances() == {"A-1": 910, "B-1": 300}
    desk.check()


def test_a_sale_that_was_paid_since_goes_home_with_its_invoice(desk):
    sale = desk.books.sale(50, "B-1")
    desk.merge("B-1", "A-1")
    desk.books.pay("QGK12XYZ91", 50, sale)
    desk.unmerge("B-1")
    assert desk.balances() == {"A-1": -50, "B-1": 50}


def test_merges_in_a_row_are_taken_back_from_the_last(desk):
    desk.customer("C-1")
    desk.books.pay("QGK12XYZ91", 5, "A-1")
    desk.books.pay("QGK12XYZ92", 7, "B-1")
    before = desk.balances()
    desk.merge("A-1", "B-1")
    desk.merge("B-1", "C-1")
    assert desk.books.pay("QGK12XYZ93", 1, "A-1") == "processed"
    assert desk.balances() == {"C-1": -13}
    desk.check()
    with pytest.raises(ConflictError, match="A-1 went into B-1, and that into C-1"):
        desk.unmerge("A-1")
    desk.unmerge("B-1")
    desk.unmerge("A-1")
    assert desk.balances() == before | {"C-1": -1}
    desk.check()


def test_a_merge_and_its_undo_can_be_done_again(desk):
    desk.invoice("A-1", 10)
    for _ in range(2):
        desk.merge("B-1", "A-1")
        desk.unmerge("B-1")
    desk.check()


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_merged_and_parted_no_money_is_lost(books, seed):
    desk, chance = Desk(books), random.Random(seed)
    ids = [f"C-{n}" for n in range(4)]
    for each in ids:
        desk.customer(each, chance.choice([None, "0712345678", "0722000001"]))
    paid = owed = receipts = 0
    gone = []
    for _ in range(25):
        act = chance.choice(("pay", "pay", "bill", "bill", "merge", "unmerge"))
        who, other = chance.sample(ids, 2)
        cents = chance.randrange(1, 50)
        try:
            if act == "pay":
                receipts += 1
                desk.books.pay(f"QGK12X{receipts:04d}", cents, who)
                paid += cents
            elif act == "bill":
                desk.invoice(who, cents, DAY + timedelta(days=chance.randrange(30)))
                owed += cents
            elif act == "merge":
                desk.merge(who, other)
                gone.append(who)
            elif gone:
                desk.unmerge(gone[-1])
                gone.pop()
        except DomainError:
            continue
        assert sum(desk.balances().values()) == owed - paid
        desk.check()
