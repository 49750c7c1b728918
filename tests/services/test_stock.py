"""Stock follows the money of sales, on every road, in the same unit of work."""

from datetime import date

import pytest

from kelly_cli.core.goods import AskedItem
from kelly_cli.errors import ConflictError, NotFoundError
from kelly_cli.services import (
    adjusting,
    allocating,
    checking,
    products,
    rebuilding,
    reversing,
    sales,
    selling,
)
from kelly_cli.services.products import NewProduct
from kelly_cli.store.sale_rows import SaleItem

DAY = date(2026, 2, 3)


@pytest.fixture
def shelf(books):
    """Ten pieces of tea, known by cost; haircuts are not counted."""
    for each in (
        NewProduct("TEA", "Tea leaves", 5000, 3000, 10),
        NewProduct("CUT", "Haircut", 20000),
    ):
        products.create_product(books.database, books.hand, each)
    yield books
    found = checking.check(books.database, now=books.hand.at)
    assert found.violations == []


def sell(books, *items, customer=None):
    return sales.create_sale(
        books.database, books.hand, items=items, sold_on=DAY, customer_id=customer
    )


def stock(books, product_id="TEA"):
    return products.show_product(books.database, product_id)[0].stock


def moves(books, product_id="TEA"):
    found = products.show_product(books.database, product_id)[1]
    return [(each.kind, each.quantity, each.pos_id) for each in found[::-1] if each.pos_id]


def test_name_price_and_cost_come_from_the_catalogue(shelf):
    made = sell(shelf, AskedItem("tea", 2, None), AskedItem("Cut", 1, 15000))
    assert made.items == (
        SaleItem("TEA", "Tea leaves", 2, 5000, 1, 3000),
        SaleItem("CUT", "Haircut", 1, 15000, 2, None),
    )
    assert made.total_cents == 25000


def test_a_sale_keeps_what_it_took_when_the_catalogue_changes(shelf):
    made = sell(shelf, AskedItem("tea", 2, None))
    changes = {"name": "Chai", "price_cents": 1, "cost_cents": 2}
    products.edit_product(shelf.database, shelf.hand, "TEA", changes)
    assert sales.show_sale(shelf.database, made.pos_id).items == made.items


def test_a_line_written_out_moves_the_stock_of_the_product_it_names(shelf):
    made = sell(shelf, SaleItem("tea", "Tea at the door", 3, 4000), SaleItem("X", "Other", 1, 100))
    assert made.items[0] == SaleItem("tea", "Tea at the door", 3, 4000, 1, 3000)
    assert made.items[1].catalogue_id is None
    shelf.pay("QGK12XYZ91", 121, made.pos_id)
    assert stock(shelf) == 7


def test_an_unknown_or_retired_product_leaves_nothing(shelf):
    products.retire(shelf.database, shelf.hand, "CUT")
    with pytest.raises(NotFoundError, match="'teaa'") as refused:
        sell(shelf, AskedItem("TEA", 1, None), AskedItem("teaa", 1, None))
    assert "Did you mean TEA (Tea leaves)" in refused.value.hint
    with pytest.raises(ConflictError, match="CUT") as refused:
        sell(shelf, AskedItem("CUT", 1, None))
    assert refused.value.code == "product_retired"
    assert shelf.rows("SELECT count(*) FROM pos_sales") == [(0,)]
    assert sell(shelf, SaleItem("CUT", "Haircut", 1, 100)).items[0].catalogue_id is None


def test_stock_goes_down_when_the_sale_is_paid_and_not_before(shelf):
    made = sell(
        shelf, AskedItem("tea", 2, None), AskedItem("tea", 1, None), AskedItem("cut", 1, None)
    )
    assert stock(shelf) == 10
    shelf.pay("QGK12XYZ91", 349.99, made.pos_id)
    assert stock(shelf) == 10
    shelf.pay("QGK12XYZ92", 0.01, made.pos_id)
    assert (stock(shelf), stock(shelf, "CUT")) == (7, None)
    assert moves(shelf) == [("sold", -3, made.pos_id)]
    assert moves(shelf, "CUT") == [("sold", -1, made.pos_id)]


def test_a_repeat_of_the_callback_moves_nothing(shelf):
    made = sell(shelf, AskedItem("tea", 2, None))
    for _ in range(3):
        shelf.pay("QGK12XYZ91", 100, made.pos_id)
    assert stock(shelf) == 8


def test_the_invoice_of_a_sale_pays_it_too(shelf):
    made = sell(shelf, AskedItem("tea", 2, None))
    shelf.pay("QGK12XYZ91", 40, made.pos_id)
    shelf.pay("QGK12XYZ92", 60, "INV-20260203-0001")
    assert stock(shelf) == 8


def test_a_void_brings_the_pieces_back(shelf):
    made = sell(shelf, AskedItem("tea", 2, None))
    shelf.pay("QGK12XYZ91", 100, made.pos_id)
    sales.void_sale(shelf.database, shelf.hand, made.pos_id, dry_run=True)
    assert stock(shelf) == 8
    sales.void_sale(shelf.database, shelf.hand, made.pos_id)
    assert stock(shelf) == 10
    assert moves(shelf) == [("sold", -2, made.pos_id), ("returned", 2, made.pos_id)]


def test_a_void_of_what_was_never_paid_moves_nothing(shelf):
    for paid in (None, 60):
        made = sell(shelf, AskedItem("tea", 2, None))
        if paid:
            shelf.pay("QGK12XYZ91", paid, made.pos_id)
        sales.void_sale(shelf.database, shelf.hand, made.pos_id)
    assert (stock(shelf), moves(shelf)) == (10, [])


def test_a_reversal_brings_them_back_and_other_money_takes_them_again(shelf):
    made = sell(shelf, AskedItem("tea", 2, None))
    shelf.pay("QGK12XYZ91", 100, made.pos_id)
    reversing.reverse_by_hand(shelf.database, shelf.hand, "QGK12XYZ91")
    assert stock(shelf) == 10
    shelf.pay("QGK12XYZ92", 100, made.pos_id)
    assert stock(shelf) == 8
    assert [kind for kind, *_ in moves(shelf)] == ["sold", "returned", "sold"]


def test_money_that_is_taken_away_and_given_again_moves_the_pieces(shelf):
    shelf.customer()
    made = sell(shelf, AskedItem("tea", 2, None), customer="CUST-001")
    shelf.pay("QGK12XYZ91", 100, made.pos_id)
    share = [allocating.Share(made.pos_id)]
    allocating.unallocate(shelf.database, shelf.hand, "QGK12XYZ91", share)
    assert stock(shelf) == 10
    allocating.allocate(shelf.database, shelf.hand, "QGK12XYZ91", share)
    assert stock(shelf) == 8


def test_credit_that_steps_in_for_a_reversed_payment_leaves_the_pieces_sold(shelf):
    shelf.customer()
    made = sell(shelf, AskedItem("tea", 2, None), customer="CUST-001")
    shelf.pay("QGK12XYZ91", 100, made.pos_id)
    shelf.pay("QGK12XYZ92", 100, "CUST-001")
    reversing.reverse_by_hand(shelf.database, shelf.hand, "QGK12XYZ91")
    assert (stock(shelf), moves(shelf)) == (8, [("sold", -2, made.pos_id)])


def test_a_rest_that_is_written_off_pays_the_sale(shelf):
    made = sell(shelf, AskedItem("tea", 2, None))
    shelf.pay("QGK12XYZ91", 99, made.pos_id)
    invoice = "INV-20260203-0001"
    adjusting.write_off(shelf.database, shelf.hand, invoice, most_cents=100)
    assert stock(shelf) == 8
    adjusting.undo(shelf.database, shelf.hand, invoice, adjusting.WRITEOFF)
    assert stock(shelf) == 10
    adjusting.write_off(shelf.database, shelf.hand, invoice, most_cents=100)
    sales.void_sale(shelf.database, shelf.hand, made.pos_id)
    assert stock(shelf) == 10


def test_more_can_be_sold_than_there_is_and_that_shows(shelf):
    made = sell(shelf, AskedItem("tea", 12, None))
    assert selling.shortages(shelf.database, made) == [("TEA", "Tea leaves", 12, 10)]
    assert shelf.pay("QGK12XYZ91", 600, made.pos_id) == "processed"
    assert stock(shelf) == -2
    assert products.show_product(shelf.database, "tea")[0].state == "BELOW ZERO"
    paid = sales.show_sale(shelf.database, made.pos_id)
    assert selling.shortages(shelf.database, paid) == []


def test_a_count_after_sales_of_a_product_that_was_not_counted(shelf):
    made = sell(shelf, AskedItem("cut", 3, None))
    shelf.pay("QGK12XYZ91", 600, made.pos_id)
    products.edit_product(shelf.database, shelf.hand, "CUT", {"stock": 5})
    assert stock(shelf, "CUT") == 5
    sales.void_sale(shelf.database, shelf.hand, made.pos_id)
    assert stock(shelf, "CUT") == 8


def test_a_sale_of_before_the_catalogue_moves_nothing(books):
    made = sell(books, SaleItem("TEA", "Tea", 2, 5000))
    products.create_product(books.database, books.hand, NewProduct("TEA", "Tea", 5000, None, 10))
    books.pay("QGK12XYZ91", 100, made.pos_id)
    sales.void_sale(books.database, books.hand, made.pos_id)
    assert (stock(books), moves(books)) == (10, [])


def test_the_books_made_again_have_the_same_stock(shelf, tmp_path):
    first, second = sell(shelf, AskedItem("tea", 2, None)), sell(shelf, AskedItem("tea", 4, 4500))
    shelf.pay("QGK12XYZ91", 100, first.pos_id)
    shelf.pay("QGK12XYZ92", 180, second.pos_id)
    products.receive(shelf.database, shelf.hand, "TEA", 5)
    products.edit_product(shelf.database, shelf.hand, "TEA", {"stock": 7, "price_cents": 5500})
    products.edit_product(shelf.database, shelf.hand, "CUT", {"stock": 0, "cost_cents": 100})
    products.edit_product(shelf.database, shelf.hand, "CUT", {"stock": None, "cost_cents": None})
    sales.void_sale(shelf.database, shelf.hand, first.pos_id)
    products.retire(shelf.database, shelf.hand, "CUT")
    assert stock(shelf) == 9
    again = rebuilding.rebuild(shelf.database, now=shelf.hand.at, folder=tmp_path)
    assert again.result.violations == []


def test_a_stock_that_was_changed_behind_the_backs_is_found_by_the_rebuild(shelf, tmp_path):
    change = "UPDATE stock_moves SET quantity = quantity {} 1"
    with shelf.database.writing() as connection:
        connection.exec_driver_sql(change.format("+"))
    found = rebuilding.rebuild(shelf.database, now=shelf.hand.at, folder=tmp_path).result
    assert [each.subject for each in found.violations if "pieces moved" in each.detail] == [
        "TEA"
    ] * 2
    with shelf.database.writing() as connection:
        connection.exec_driver_sql(change.format("-"))
