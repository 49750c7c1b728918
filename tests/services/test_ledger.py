"""The ledger: equal to the books to the cent, on every day, and to the statement."""

import importlib.util
from datetime import timedelta
from pathlib import Path

import pytest

from kelly_cli.core import ledger as rules
from kelly_cli.core.goods import AskedItem
from kelly_cli.core.times import nairobi_day
from kelly_cli.errors import DomainError, NotFoundError
from kelly_cli.services import (
    checking,
    customers,
    invoices,
    ledger,
    merging,
    products,
    reversing,
    reviving,
    sales,
    suspense,
)
from kelly_cli.store.checks import run_checks
from kelly_cli.store.ledger_rows import read_journal
from kelly_cli.store.scratch import scratch

_SPEC = importlib.util.spec_from_file_location(
    "ledger_shop", Path(__file__).with_name("ledger_shop.py")
)
ledger_shop = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(ledger_shop)
ALWAYS = ledger.Days()


@pytest.fixture
def shop(database):
    """Books with a clock, empty."""
    return ledger_shop.Shop(database, seed=1, callbacks=8)


def balances(shop, **days):
    found = ledger.list_balances(shop.database, ledger.Days(**days))
    return {each.account: each.closing_cents for each in found if each.closing_cents}


def paid(shop, reference, shillings):
    body = shop.body().replace(b"JANE", b"JOHN")
    said = ledger_shop.json.loads(body)
    said["BillRefNumber"], said["TransAmount"] = reference, f"{shillings}.00"
    said["TransTime"] = f"{ledger_shop.nairobi_wall_clock(shop.now):%Y%m%d%H%M%S}"
    raw = ledger_shop.json.dumps(said).encode()
    shop.events += 1
    shop.inbox.take([ledger_shop.Delivery(raw, None, "file", f"own{shop.events}")])
    return said["TransID"]


def billed(shop, customer, shillings, *, away=0):
    hand = shop.hand()
    day = nairobi_day(hand.at) + timedelta(days=away)
    wanted = invoices.NewInvoice(customer, shillings * 100, day)
    return invoices.create_invoice(shop.database, hand, wanted).invoice.invoice_id


def test_money_is_mpesa_whoever_it_belongs_to(shop):
    shop.customer()
    invoice = billed(shop, "CUST-001", 100)
    paid(shop, invoice, 130)
    paid(shop, "A STRANGER", 70)
    assert balances(shop) == {
        "assets:mpesa": 20_000,
        "income:sales": -10_000,
        "liabilities:credit:CUST-001": -3_000,
        "liabilities:unapplied": -7_000,
    }


def test_money_changes_hands_on_the_day_it_does(shop):
    shop.customer()
    receipt = paid(shop, "A STRANGER", 70)
    first = nairobi_day(shop.now)
    shop.now += timedelta(days=3)
    suspense.assign(shop.database, shop.hand(), receipt, "CUST-001")
    shop.now += timedelta(days=3)
    shop.customer()
    merging.merge_customers(shop.database, shop.hand(), "CUST-001", "CUST-002")
    whose = [
        next(name for name, cents in balances(shop, last=day).items() if cents < 0)
        for day in (first, first + timedelta(days=4), None)
    ]
    assert whose == [
        "liabilities:unapplied",
        "liabilities:credit:CUST-001",
        "liabilities:credit:CUST-002",
    ]


def test_two_customers_who_are_told_apart_again_have_their_own_until_and_since(shop):
    shop.customer()
    shop.customer()
    billed(shop, "CUST-001", 50)
    paid(shop, "CUST-002", 30)
    days = []
    for act in (merging.merge_customers, merging.unmerge_customer):
        shop.now += timedelta(days=2)
        both = ("CUST-001", "CUST-002") if act is merging.merge_customers else ("CUST-001",)
        days.append(nairobi_day(shop.now))
        act(shop.database, shop.hand(), *both)
    merged = {"assets:receivables:CUST-002": 2_000}
    apart = {"assets:receivables:CUST-001": 5_000, "liabilities:credit:CUST-002": -3_000}
    people = ("assets:receivables", "liabilities")
    for day, wanted in zip(
        (days[0] - timedelta(days=1), *days), (apart, merged, apart), strict=True
    ):
        held = balances(shop, last=day)
        assert {name: cents for name, cents in held.items() if name.startswith(people)} == wanted


def test_money_placed_by_a_second_try_was_nobodys_until_then(shop):
    paid(shop, "CUST-001", 70)
    first = nairobi_day(shop.now)
    shop.now += timedelta(days=2)
    customers.create_customer(shop.database, shop.hand(), name="Ann", customer_id="CUST-001")
    assert len(list(shop.inbox.retry())) == 1
    assert "liabilities:unapplied" in balances(shop, last=first)
    assert balances(shop)["liabilities:credit:CUST-001"] == -7_000


def test_what_is_reversed_or_void_is_taken_back_by_another_entry(shop):
    shop.customer()
    invoice = billed(shop, "CUST-001", 100)
    receipt = paid(shop, invoice, 100)
    reversing.reverse_by_hand(shop.database, shop.hand(), receipt)
    assert balances(shop) == {"assets:receivables:CUST-001": 10_000, "income:sales": -10_000}
    invoices.void_invoice(shop.database, shop.hand(), invoice)
    assert balances(shop) == {}
    page = ledger.list_entries(shop.database, ALWAYS, limit=100, today=nairobi_day(shop.now))
    kinds = [each.kind for each in page.entries]
    assert kinds == ["sale", "payment", "allocation", "allocation", "reversal", "void"]


def test_what_was_void_or_reversed_for_a_while_was_so_in_between(shop):
    shop.customer()
    invoice = billed(shop, "CUST-001", 100)
    receipt = paid(shop, "A STRANGER", 40)
    days = [nairobi_day(shop.now)]
    for act, document in (
        (invoices.void_invoice, invoice),
        (reversing.reverse_by_hand, receipt),
        (reviving.revive_invoice, invoice),
        (reversing.restore_by_hand, receipt),
    ):
        shop.now += timedelta(days=2)
        act(shop.database, shop.hand(), document)
        days.append(nairobi_day(shop.now))
    owed = {"assets:receivables:CUST-001": 10_000, "income:sales": -10_000}
    money = {"assets:mpesa": 4_000, "liabilities:unapplied": -4_000}
    stood = [balances(shop, last=day) for day in days]
    assert stood == [owed | money, money, {}, owed, owed | money]
    assert balances(shop) == owed | money
    page = ledger.list_entries(shop.database, ALWAYS, limit=100, today=nairobi_day(shop.now))
    kinds = [each.kind for each in page.entries]
    assert kinds == ["sale", "payment", "void", "reversal", "revival", "revival"]


def test_an_invoice_that_changed_hands_while_it_was_void_comes_back_to_the_new_owner(shop):
    for _ in range(3):
        shop.customer()
    invoice = billed(shop, "CUST-001", 100)
    invoices.void_invoice(shop.database, shop.hand(), invoice)
    merging.merge_customers(shop.database, shop.hand(), "CUST-001", "CUST-002")
    reviving.revive_invoice(shop.database, shop.hand(), invoice)
    assert balances(shop) == {"assets:receivables:CUST-002": 10_000, "income:sales": -10_000}
    merging.merge_customers(shop.database, shop.hand(), "CUST-002", "CUST-003")
    assert balances(shop) == {"assets:receivables:CUST-003": 10_000, "income:sales": -10_000}


def test_what_goods_cost_is_posted_when_they_go_and_taken_back_when_they_return(shop):
    made = products.NewProduct("SODA", "Soda", 5_000, 3_800, 24)
    products.create_product(shop.database, shop.hand(), made)
    products.receive(shop.database, shop.hand(), "SODA", 10)
    items = [AskedItem("SODA", 2, None)]
    sold_on = nairobi_day(shop.now)
    sale = sales.create_sale(shop.database, shop.hand(), items=items, sold_on=sold_on).pos_id
    shelf = {"equity:opening-stock": -24 * 3_800, "liabilities:goods-received": -10 * 3_800}
    half = {"assets:mpesa": 5_000, "assets:receivables:counter": 5_000, "income:sales": -10_000}
    paid(shop, sale, 50)
    assert balances(shop) == shelf | half | {"assets:stock": 34 * 3_800}
    shop.now += timedelta(days=2)
    paid(shop, sale, 50)
    gone = {"assets:stock": 32 * 3_800, "expenses:cost-of-goods": 2 * 3_800}
    whole = shelf | {"assets:mpesa": 10_000, "income:sales": -10_000}
    assert balances(shop) == whole | gone
    assert balances(shop, last=sold_on) == shelf | half | {"assets:stock": 34 * 3_800}
    products.edit_product(shop.database, shop.hand(), "SODA", {"cost_cents": 4_000})
    dearer = {"assets:stock": 32 * 4_000, "expenses:stock-differences": -32 * 200}
    assert balances(shop) == whole | gone | dearer
    sales.void_sale(shop.database, shop.hand(), sale)
    assert balances(shop) == shelf | {
        "assets:mpesa": 10_000,
        "liabilities:unapplied": -10_000,
        "assets:stock": 34 * 4_000,
        "expenses:stock-differences": -34 * 200,
    }


def test_an_invoice_of_a_later_day_is_paid_on_that_day(shop):
    shop.customer()
    paid(shop, "CUST-001", 100)
    billed(shop, "CUST-001", 100, away=5)
    today = nairobi_day(shop.now)
    assert balances(shop, last=today)["liabilities:credit:CUST-001"] == -10_000
    assert balances(shop, last=today + timedelta(days=5)) == {
        "assets:mpesa": 10_000,
        "income:sales": -10_000,
    }


def test_opening_balances_are_no_sale_and_no_money(shop):
    shop.opened()
    assert balances(shop) == {
        "assets:receivables:CUST-001": 150_000,
        "equity:opening-balances": -80_000,
        "liabilities:credit:CUST-002": -70_000,
    }


def test_an_account_shows_what_it_held_before_and_after_each_line(shop):
    for shillings in (10, 20, 30, 40):
        shop.now += timedelta(days=1)
        paid(shop, "A STRANGER", shillings)
    last = nairobi_day(shop.now)
    days = ledger.Days(last - timedelta(days=2), last)
    sheet = ledger.show_account(shop.database, "MPESA", days, limit=2, today=nairobi_day(shop.now))
    assert (sheet.account, sheet.opening_cents, sheet.more) == ("assets:mpesa", 3_000, True)
    assert [line.balance_cents for line in sheet.lines] == [6_000, 10_000]
    assert sheet.closing_cents == 10_000
    assert (
        ledger.show_account(
            shop.database, "assets", days, limit=9, today=nairobi_day(shop.now)
        ).closing_cents
        == 10_000
    )


def test_an_account_is_found_by_the_end_of_its_name_or_told_apart(shop):
    shop.customer()
    with pytest.raises(DomainError, match="assets:receivables:CUST-001 and liabilities"):
        ledger.show_account(shop.database, "cust-001", ALWAYS, limit=1, today=nairobi_day(shop.now))
    with pytest.raises(NotFoundError) as unknown:
        ledger.show_account(shop.database, "mpeza", ALWAYS, limit=1, today=nairobi_day(shop.now))
    assert "assets:mpesa" in unknown.value.hint


def test_the_newest_entries_are_found_without_reading_all(shop):
    for _ in range(6):
        shop.now += timedelta(days=40)
        paid(shop, "A STRANGER", 5)
    today = nairobi_day(shop.now)
    for limit in range(1, 8):
        page = ledger.list_entries(shop.database, ALWAYS, limit=limit, today=today)
        assert len(page.entries) == min(limit, 6)
        assert page.more == (limit < 6)


@pytest.mark.parametrize("seed", [11, 12])
def test_the_ledger_equals_the_books_and_the_statement_whatever_happens(seed):
    with scratch() as books, books.trial() as connection:
        shop = ledger_shop.Shop(books, seed, callbacks=8).run(900)
        said = shop.statement()
        entries = list(read_journal(connection))
        assert entries == sorted(entries, key=lambda each: each[:2])
        held = rules.balances(entries)
        assert held["assets:mpesa"] == said
        assert sum(held.values()) == 0
        found = run_checks(connection, shop.now)
        assert found.violations == []
        _no_day_is_below_zero(entries)
        _any_day_can_begin(books, entries)


def _no_day_is_below_zero(entries):
    """Owed is never below zero, and money that is somebody's or nobody's neither, on no day."""
    held, day = {}, None
    for each in entries:
        if each.at.date() != day:
            day = each.at.date()
            _in_range(held, day)
        held[each.debit] = held.get(each.debit, 0) + each.amount_cents
        held[each.credit] = held.get(each.credit, 0) - each.amount_cents
    _in_range(held, None)


def _in_range(held, day):
    for name, cents in held.items():
        if name.startswith("assets:receivables"):
            assert cents >= 0, (name, cents, day)
        if name.startswith("liabilities"):
            assert cents <= 0, (name, cents, day)


def _any_day_can_begin(books, entries):
    """What is read from a day on, upon what stood before it, makes what is read at once."""
    whole = rules.balances(entries)
    days = sorted({each.at.date() for each in entries})
    for day in days[:: max(len(days) // 7, 1)]:
        with ledger.exporting(books, ledger.Days(day)) as found:
            rest = list(found.entries)
        assert rest == [each for each in entries if each.at.date() >= day]
        held = dict(found.opening)
        for name, cents in rules.balances(rest).items():
            held[name] = held.get(name, 0) + cents
        assert {n: c for n, c in held.items() if c} == {n: c for n, c in whole.items() if c}


def test_a_statement_brings_what_was_there_before_the_books(shop):
    shop.many_callbacks()
    said = shop.statement(opening_cents=1_000_000)
    held = balances(shop)
    assert held["assets:mpesa"] == said
    assert held["equity:opening-balances"] == -1_000_000
    assert checking.check(shop.database, now=shop.now).violations == []
