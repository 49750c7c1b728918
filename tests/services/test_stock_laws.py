"""Whatever happens to sales and their money, in any order: the stock is what was left, exactly."""

import contextlib
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kelly_cli.core.goods import AskedItem
from kelly_cli.errors import DomainError
from kelly_cli.services import adjusting, allocating, products, reversing, sales
from kelly_cli.services.inbox import Delivery, Inbox, OurCode
from kelly_cli.services.products import NewProduct
from kelly_cli.store.audit_rows import Hand
from kelly_cli.store.checks import run_checks, stock
from kelly_cli.store.checks.shape import Check
from kelly_cli.store.scratch import scratch

DAY = date(2026, 2, 3)
NOW = datetime(2026, 2, 3, 12, tzinfo=UTC)
PRODUCTS = ("TEA", "CUT", "BAG")
CHECKS = [Check("I-37", stock.sums_of_moves), Check("I-37", stock.moves_of_sales)]
WHICH = st.integers(0, 5)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("sell"), st.sampled_from(PRODUCTS), st.integers(1, 4)),
        st.tuples(st.just("sell_two"), st.sampled_from(PRODUCTS), st.integers(1, 4)),
        st.tuples(st.just("pay"), WHICH, st.sampled_from([0.5, 1, 1, 2])),
        st.tuples(st.just("void"), WHICH),
        st.tuples(st.just("reverse"), WHICH),
        st.tuples(st.just("unallocate"), WHICH),
        st.tuples(st.just("allocate"), WHICH),
        st.tuples(st.just("writeoff"), WHICH),
        st.tuples(st.just("credit"), WHICH),
        st.tuples(st.just("undo"), WHICH),
        st.tuples(st.just("count"), st.sampled_from(PRODUCTS), st.none() | st.integers(-3, 20)),
        st.tuples(st.just("receive"), st.sampled_from(PRODUCTS), st.integers(1, 9)),
    ),
    max_size=14,
)


class Shop:
    """A counter with a catalogue; ``counted`` is what a careful person would have counted."""

    def __init__(self, books):
        self.books, self.now = books, NOW
        self.inbox = Inbox(books, [OurCode("174379", "paybill", None, "local")], lambda: NOW)
        for name, pieces in zip(PRODUCTS, (10, None, 0), strict=True):
            products.create_product(books, self.hand, NewProduct(name, name, 1000, 500, pieces))
        self.counted = {"TEA": 10, "CUT": None, "BAG": 0}
        self.sold, self.receipts = [], []

    @property
    def hand(self):
        self.now += timedelta(minutes=1)
        return Hand("tester", self.now, "a reason")

    def state(self):
        return {each.pos_id: each.status == "PAID" for each in map(self.shown, self.sold)}

    def shown(self, pos_id):
        return sales.show_sale(self.books, pos_id)

    def step(self, name, *arguments):
        """Do one thing, and count what left the shelf or came back by the sales that turned."""
        before = self.state()
        with contextlib.suppress(DomainError, IndexError):
            getattr(self, name)(*arguments)
        for pos_id, is_paid in self.state().items():
            if is_paid != before.get(pos_id, False):
                for item in self.shown(pos_id).items:
                    if self.counted[item.product_id] is not None:
                        self.counted[item.product_id] += (
                            -item.quantity if is_paid else item.quantity
                        )

    def sell(self, product, pieces, *more):
        items = [AskedItem(product, pieces, None), *more]
        self.sold.append(sales.create_sale(self.books, self.hand, items=items, sold_on=DAY).pos_id)

    def sell_two(self, product, pieces):
        self.sell(product, pieces, AskedItem("TEA", 1, 700))

    def pay(self, which, part):
        receipt, sale = f"QGK{len(self.receipts):07d}", self.shown(_of(self.sold, which))
        self.receipts.append(receipt)
        cents = round(sale.total_cents * part)
        raw = (
            f'{{"TransID":"{receipt}","TransTime":"20260203120000","TransAmount":'
            f'"{cents // 100}.{cents % 100:02d}","BusinessShortCode":"174379",'
            f'"BillRefNumber":"{sale.pos_id}"}}'
        ).encode()
        self.inbox.take([Delivery(raw, None, "file", receipt)])

    def void(self, which):
        sales.void_sale(self.books, self.hand, _of(self.sold, which))

    def reverse(self, which):
        reversing.reverse_by_hand(self.books, self.hand, _of(self.receipts, which))

    def unallocate(self, which):
        allocating.unallocate(self.books, self.hand, _of(self.receipts, which), [])

    def allocate(self, which):
        share = [allocating.Share(_of(self.sold, which))]
        allocating.allocate(self.books, self.hand, _of(self.receipts, which), share)

    def invoice(self, which):
        return self.shown(_of(self.sold, which)).invoice_id or ""

    def writeoff(self, which):
        adjusting.write_off(self.books, self.hand, self.invoice(which), most_cents=10**6)

    def credit(self, which):
        adjusting.credit(self.books, self.hand, self.invoice(which), amount_cents=500)

    def undo(self, which):
        adjusting.undo(self.books, self.hand, self.invoice(which), adjusting.WRITEOFF)

    def count(self, product, pieces):
        products.edit_product(self.books, self.hand, product, {"stock": pieces})
        self.counted[product] = pieces

    def receive(self, product, pieces):
        products.receive(self.books, self.hand, product, pieces)
        self.counted[product] += pieces


def _of(things, which):
    return things[which % len(things)] if things else ""


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
@given(steps=STEPS)
def test_the_stock_is_what_a_careful_person_counts(steps, trial_books):
    with trial_books.trial() as connection:
        shop = Shop(trial_books)
        for step in [("sell", "TEA", 2), ("sell_two", "BAG", 1), ("pay", 0, 1), *steps]:
            shop.step(*step)
            found = {each: products.get_product(connection, each).stock for each in PRODUCTS}
            assert found == shop.counted, step
        assert run_checks(connection, NOW, CHECKS).violations == []


@pytest.fixture(scope="module")
def trial_books():
    with scratch() as books:
        yield books
