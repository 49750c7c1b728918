"""The catalogue: products are made, found, changed, counted, received, retired and brought back."""

import json

import pytest

from kelly_cli.errors import ConflictError, DomainError, NotFoundError
from kelly_cli.services import products
from kelly_cli.services.products import NewProduct
from kelly_cli.store.product_rows import ProductSearch

COLA = NewProduct("prod-001", "Coca Cola 500 ml", 5000, 3800, 24)


@pytest.fixture
def shelf(books):
    """Three products: one counted, one without a cost, one not counted."""
    for each in (COLA, NewProduct("PROD-010", "Fanta", 4500, None, 3), NewProduct("CUT", "Cut", 0)):
        products.create_product(books.database, books.hand, each)
    return books


def shown(books, product_id="PROD-001"):
    return products.show_product(books.database, product_id)


def edit(books, changes, product_id="PROD-001", **more):
    return products.edit_product(books.database, books.hand, product_id, changes, **more)


def audits(books, subject="PROD-001"):
    rows = books.rows(
        f'SELECT action, "before", "after" FROM audit WHERE subject = \'{subject}\' ORDER BY id'
    )
    return [(row[0], row[1] and json.loads(row[1]), row[2] and json.loads(row[2])) for row in rows]


def test_a_new_product_has_its_stock_as_its_first_move(shelf):
    found, moves = shown(shelf, "prod 001")
    assert (found.product_id, found.name, found.stock) == ("PROD-001", "Coca Cola 500 ml", 24)
    assert (found.price_cents, found.cost_cents, found.state) == (5000, 3800, "LIVE")
    assert [(each.quantity, each.kind, each.actor) for each in moves] == [(24, "counted", "tester")]
    after = {"name": "Coca Cola 500 ml", "price": "50.00", "cost": "38.00", "stock": 24}
    assert audits(shelf) == [("product.create", None, after)]


def test_an_id_is_taken_in_any_written_form(shelf):
    with pytest.raises(ConflictError, match="PROD 001 is already") as refused:
        products.create_product(shelf.database, shelf.hand, COLA._replace(product_id="Prod 001"))
    assert refused.value.code == "product_exists"


@pytest.mark.parametrize(
    ("change", "code"),
    [({"product_id": "caf\u00e9"}, "bad_product_id"), ({"name": " \x07 "}, "bad_name")],
)
def test_what_is_no_product_is_refused(books, change, code):
    with pytest.raises(DomainError) as refused:
        products.create_product(books.database, books.hand, COLA._replace(**change))
    assert refused.value.code == code
    assert books.rows("SELECT count(*) FROM products") == [(0,)]


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("PROD-01", "PROD-001 (Coca Cola 500 ml)"),
        ("prd-010", "PROD-010 (Fanta)"),
        ("coka cola", "PROD-001 (Coca Cola 500 ml)"),
        ("fantta", "PROD-010 (Fanta)"),
    ],
)
def test_an_unknown_product_is_an_error_with_the_nearest_names(shelf, typed, near):
    with pytest.raises(NotFoundError, match="no product is called") as refused:
        shown(shelf, typed)
    assert refused.value.code == "product_not_found"
    assert refused.value.hint.startswith(f"Did you mean {near}")


def test_nothing_is_near_in_an_empty_catalogue_or_to_a_strange_word(books, shelf):
    assert products.nearest([], "x") == []
    with pytest.raises(NotFoundError) as refused:
        shown(shelf, "zzzzqqq\x1b[31m")
    assert refused.value.hint == "See what there is: kelly product list"


def test_a_change_is_audited_and_giving_the_old_value_undoes_it(shelf):
    edit(shelf, {"price_cents": 5500, "cost_cents": None, "name": "Coke"})
    found, _ = shown(shelf)
    assert (found.name, found.price_cents, found.cost_cents) == ("Coke", 5500, None)
    action, before, after = audits(shelf)[-1]
    assert action == "product.edit"
    assert before == {"price": "50.00", "cost": "38.00", "name": "Coca Cola 500 ml"}
    assert after == {"price": "55.00", "cost": None, "name": "Coke"}
    edit(shelf, {"price_cents": 5000, "cost_cents": 3800, "name": "Coca Cola 500 ml"})
    assert shown(shelf)[0]._replace(row=0) == found._replace(
        row=0, name="Coca Cola 500 ml", price_cents=5000, cost_cents=3800
    )


def test_a_count_moves_the_books_to_it(shelf):
    done = edit(shelf, {"stock": 20})
    assert (done.product.stock, done.moved) == (20, -4)
    assert [(each.quantity, each.kind, each.reason) for each in shown(shelf)[1]] == [
        (-4, "counted", "a test"),
        (24, "counted", "a test"),
    ]
    assert audits(shelf)[-1] == ("product.edit", {"stock": 24}, {"stock": 20, "moved": -4})


def test_the_same_again_changes_nothing(shelf):
    before = audits(shelf), shown(shelf)
    edit(shelf, {"stock": 24, "price_cents": 5000})
    assert (audits(shelf), shown(shelf)) == before


def test_a_count_that_is_tried_dry_keeps_nothing(shelf):
    done = edit(shelf, {"stock": 1}, dry_run=True)
    assert (done.product.stock, done.moved) == (1, -23)
    assert shown(shelf)[0].stock == 24
    assert len(audits(shelf)) == 1


def test_counting_can_stop_and_begin(shelf):
    assert edit(shelf, {"stock": None}).product.stock is None
    assert edit(shelf, {"stock": 7}).product.stock == 7
    assert shelf.rows("SELECT sum(quantity) FROM stock_moves WHERE product_id = 1") == [(7,)]


def test_nothing_to_change_is_refused(shelf):
    with pytest.raises(DomainError, match="nothing to change"):
        edit(shelf, {})


def test_pieces_come_and_go_back(shelf):
    assert products.receive(shelf.database, shelf.hand, "prod-001", 48).product.stock == 72
    assert products.receive(shelf.database, shelf.hand, "prod-001", -48).product.stock == 24
    assert [each.kind for each in shown(shelf)[1]] == ["received", "received", "counted"]
    assert audits(shelf)[-1] == ("product.receive", {"stock": 72}, {"stock": 24, "pieces": -48})


def test_what_is_not_counted_cannot_be_received(shelf):
    with pytest.raises(ConflictError, match="CUT is not counted") as refused:
        products.receive(shelf.database, shelf.hand, "CUT", 1)
    assert refused.value.code == "not_counted"
    with pytest.raises(DomainError, match="more than can be counted"):
        products.receive(shelf.database, shelf.hand, "PROD-001", 10**12)


def test_a_retired_product_is_out_of_the_list_until_it_is_taken_back(shelf):
    products.retire(shelf.database, shelf.hand, "prod-001")
    assert [each.product_id for each in found(shelf)] == ["CUT", "PROD-010"]
    assert [each.product_id for each in found(shelf, retired=True)] == ["PROD-001"]
    assert shown(shelf)[0].state == "RETIRED"
    with pytest.raises(ConflictError) as refused:
        products.retire(shelf.database, shelf.hand, "prod-001")
    assert refused.value.code == "already_retired"
    products.retire(shelf.database, shelf.hand, "prod-001", undo=True)
    assert len(found(shelf)) == 3
    with pytest.raises(ConflictError) as refused:
        products.retire(shelf.database, shelf.hand, "prod-001", undo=True)
    assert refused.value.code == "not_retired"
    assert [each[0] for each in audits(shelf)] == [
        "product.create",
        "product.retire",
        "product.restore",
    ]


def found(books, **wanted):
    return products.list_products(books.database, ProductSearch(**wanted))


def test_products_are_found_by_part_of_id_or_name_and_by_what_is_short(shelf):
    assert [each.product_id for each in found(shelf, search="cola")] == ["PROD-001"]
    assert [each.product_id for each in found(shelf, search="prod")] == ["PROD-001", "PROD-010"]
    assert [each.product_id for each in found(shelf, below=100)] == ["PROD-010", "PROD-001"]
    assert found(shelf, below=0) == []
    assert len(found(shelf, limit=1)) == 1
