"""A receipt is good once: verdicts from real books, and claims that only one clerk can win."""

from datetime import date
from threading import Barrier, Thread

import pytest
from sqlalchemy.exc import IntegrityError

from kelly_cli.errors import ConflictError, NotFoundError
from kelly_cli.services import checking, claiming, customers, reversing, sales, suspense, verifying
from kelly_cli.services.payments import show_payment
from kelly_cli.store.sale_rows import SaleItem

TODAY = date(2026, 2, 3)
RECEIPT = "UB3K2XYZ91"


@pytest.fixture
def till(books):
    """Books in which KES 1,500 came without a reference."""
    assert books.pay(RECEIPT, 1500, "") == "failed"
    return books


def verdict(books, typed=RECEIPT, cents=1500_00):
    """The verdict by the ordinary road; by the short one it is the same."""
    found = verifying.verify(books.database, typed, cents, TODAY)
    url = books.database.url.render_as_string(hide_password=False)
    assert verifying.quick(url, typed, cents, TODAY) == found
    return found


def sell(books, shillings):
    item = SaleItem("P", "Soda", 1, shillings * 100)
    return sales.create_sale(books.database, books.hand, items=[item], sold_on=TODAY).pos_id


def claim(books, what, **options):
    return claiming.claim(books.database, books.hand, RECEIPT, 1500_00, what, **options)


def sound(books):
    found = checking.check(books.database, now=books.hand.at)
    assert found.violations == []


def test_free_money_is_good_as_often_as_it_is_looked_at(till):
    assert [verdict(till).word for _ in range(2)] == ["OK", "OK"]
    assert verdict(till, " ub3k 2xyz-91").word == "OK"
    assert verdict(till, cents=1499_99).word == "WRONG_AMOUNT"
    assert verdict(till, "UB3K2XYZ92").word == "NOT_SEEN"
    assert verdict(till, "ZZZK2XYZ92").word == "LOOKS_WRONG"


def test_a_slip_is_named_and_not_put_right(till):
    found = verdict(till, "UB3K2XYZ9I")
    assert (found.word, found.alike, found.seen) == ("NOT_SEEN", (RECEIPT,), None)


def test_money_on_a_sale_is_used_and_says_where(till):
    sale = sell(till, 2000)
    suspense.assign(till.database, till.hand, RECEIPT, sale)
    found = verdict(till)
    assert found.word == "USED"
    assert f"KES 1,500.00 is on {sale}" in found.detail


def test_money_on_account_and_reversed_money_is_used(till):
    customers.create_customer(till.database, till.hand, name="Ann")
    suspense.assign(till.database, till.hand, RECEIPT, "CUST-001")
    assert "is credit of CUST-001" in verdict(till).detail
    reversing.reverse_by_hand(till.database, till.hand, RECEIPT)
    assert verdict(till).detail.startswith("reversed")


def test_money_that_was_freed_and_is_nobodys_is_good_again(till):
    sale = sell(till, 1500)
    suspense.assign(till.database, till.hand, RECEIPT, sale)
    sales.void_sale(till.database, till.hand, sale)
    assert verdict(till).word == "OK"


@pytest.mark.parametrize("what", ["a sale", "table 4"])
def test_a_claim_spends_a_receipt_and_moves_nothing(till, what):
    what = sell(till, 1500) if what == "a sale" else what
    claimed = claim(till, what)
    assert (claimed.word, claimed.seen.claim.pos_id or claimed.seen.claim.note) == ("OK", what)
    assert what in verdict(till).detail
    assert claim(till, "another").word == "USED"
    assert till.money() == (1500_00, 0, 1500_00)
    assert show_payment(till.database, RECEIPT).claim.actor == "tester"
    sound(till)


def test_nothing_but_ok_is_claimed(till):
    assert claiming.claim(till.database, till.hand, RECEIPT, 5, "x").word == "WRONG_AMOUNT"
    assert claiming.claim(till.database, till.hand, "UB3K2XYZ92", 5, "x").word == "NOT_SEEN"
    assert till.one("SELECT count(*) FROM payment_claims") == (0,)
    assert till.one("SELECT count(*) FROM audit WHERE action = 'payment.claim'") == (0,)


def test_a_dry_run_keeps_nothing(till):
    assert claim(till, "x", dry_run=True).seen.claim.note == "x"
    assert verdict(till).word == "OK"


def test_an_undone_claim_makes_the_receipt_good_again(till):
    claim(till, "x")
    assert claiming.unclaim(till.database, till.hand, "ub3k2 xyz91", dry_run=True).claim is None
    assert verdict(till).word == "USED"
    assert claiming.unclaim(till.database, till.hand, RECEIPT).claim is None
    assert verdict(till).word == "OK"
    with pytest.raises(ConflictError, match="not claimed"):
        claiming.unclaim(till.database, till.hand, RECEIPT)
    assert claim(till, "y").seen.claim.note == "y"
    actions = till.rows(f"SELECT action, reason FROM audit WHERE subject = '{RECEIPT}' ORDER BY id")
    assert actions == [
        ("payment.claim", "a test"),
        ("payment.unclaim", "a test"),
        ("payment.claim", "a test"),
    ]
    sound(till)


def test_a_claim_for_a_sale_that_takes_no_money_is_refused(till):
    with pytest.raises(NotFoundError):
        claim(till, "POS-20260203-0009")
    void, paid = sell(till, 1500), sell(till, 10)
    sales.void_sale(till.database, till.hand, void)
    till.pay("UB3K2XYZ99", 10, paid)
    for sale in (void, paid):
        with pytest.raises(ConflictError):
            claim(till, sale)
    assert verdict(till).word == "OK"


def test_of_many_clerks_at_once_exactly_one_wins(till, opened):
    barrier, words = Barrier(6), []

    def clerk(number):
        database = opened(till.database)
        barrier.wait()
        hand = till.hand._replace(actor=f"clerk {number}")
        words.append(claiming.claim(database, hand, RECEIPT, 1500_00, f"table {number}"))

    threads = [Thread(target=clerk, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.word for each in words) == ["OK"] + ["USED"] * 5
    (winner,) = (each.seen.claim for each in words if each.word == "OK")
    assert {each.seen.claim for each in words} == {winner}
    sound(till)


def test_the_database_itself_holds_one_claim_a_payment(till):
    claim(till, "x")
    with pytest.raises(IntegrityError), till.database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO payment_claims (payment_id, actor, created_at) "
            "SELECT payment_id, actor, created_at FROM payment_claims"
        )


def test_what_the_short_road_cannot_answer_is_left_to_the_other(till, tmp_path):
    assert verifying.quick(f"sqlite:///{tmp_path}/none.db", RECEIPT, 1, TODAY) is None
    assert verifying.quick("postgresql://127.0.0.1:1/none", RECEIPT, 1, TODAY) is None
    assert not (tmp_path / "none.db").exists()
    with till.database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    url = till.database.url.render_as_string(hide_password=False)
    assert verifying.quick(url, RECEIPT, 1, TODAY) is None


@pytest.fixture
def opened():
    from kelly_cli.store.database import Database

    all_opened = []

    def again(database):
        made = Database(database.url.render_as_string(hide_password=False))
        all_opened.append(made)
        return made

    yield again
    for each in all_opened:
        each.close()
