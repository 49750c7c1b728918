"""A price list is imported: a verdict for every row, nothing twice, and it can be taken back."""

from datetime import date

import pytest

from kelly_cli.core.goods import AskedItem
from kelly_cli.errors import ConflictError, DomainError
from kelly_cli.services import importing, products, sales, undoing_imports
from kelly_cli.store.product_rows import ProductSearch

DAY = date(2026, 2, 3)
LIST = """Code,Description,Selling price (KES),Buying price,Qty
TEA,Tea leaves,"1,250.50",900,24
cut-1,Haircut,200,,
,No code,5,,
BAG,,5,,
SODA,Soda,,,
SODA,Soda,-5,,
SODA,Soda,50,forty,
SODA,Soda,50,40,1.5
tea,Tea again,5,,
TOTAL,,1450.50,,
"""


def take(books, text=LIST, *, dry_run=False, told=None):
    wanted = importing.WantedImport("products", "list.csv", text.encode(), told or {}, DAY)
    return importing.import_file(books.database, books.inbox, books.hand, wanted, dry_run=dry_run)


def catalogue(books):
    found = products.list_products(books.database, ProductSearch())
    return {
        each.product_id: (each.name, each.price_cents, each.cost_cents, each.stock)
        for each in found
    }


def test_every_row_has_a_verdict_and_a_bad_one_stops_nothing(books):
    done = take(books)
    told = [(each.line, each.verdict, each.subject or each.field) for each in done.verdicts]
    assert told == [
        (2, "created", "TEA"),
        (3, "created", "CUT-1"),
        (4, "refused", "product"),
        (5, "refused", "name"),
        (6, "refused", "price"),
        (7, "refused", "price"),
        (8, "refused", "cost"),
        (9, "refused", "stock"),
        (10, "refused", "product"),
        (11, "refused", "product"),
    ]
    assert done.verdicts[8].reason == "row 2 of this file has it already"
    assert catalogue(books) == {
        "TEA": ("Tea leaves", 125050, 90000, 24),
        "CUT-1": ("Haircut", 20000, None, None),
    }


def test_a_dry_run_keeps_nothing(books):
    done = take(books, dry_run=True)
    assert (done.count("created"), done.number) == (2, None)
    assert catalogue(books) == {}


def test_the_same_file_again_adds_nothing_and_another_says_what_differs(books):
    take(books)
    assert take(books).count("created") == 0
    done = take(books, "SKU,Name,Price,Stock\nTEA,Chai,1250.50,20\nCUT-1,Haircut,200,\n")
    assert [(each.verdict, each.reason) for each in done.verdicts] == [
        ("exists", "the books have the name Tea leaves and a stock of 24: it stays"),
        ("exists", None),
    ]
    assert catalogue(books)["TEA"] == ("Tea leaves", 125050, 90000, 24)


def test_columns_are_told_by_hand_and_a_missing_one_is_said(books):
    with pytest.raises(DomainError, match="no column is the price") as refused:
        take(books, "Code,Name,Charge\nTEA,Tea,5\n")
    assert refused.value.code == "unknown_header"
    assert (
        take(books, "Code,Name,Charge\nTEA,Tea,5\n", told={"Charge": "price"}).count("created") == 1
    )


def test_an_import_is_taken_back_and_comes_again(books):
    number = take(books).number
    tried = undoing_imports.undo_import(books.database, books.hand, number, dry_run=True)
    assert tried.products == ["TEA", "CUT-1"]
    undoing_imports.undo_import(books.database, books.hand, number)
    assert catalogue(books) == {}
    assert take(books, LIST.replace("24", "7")).count("created") == 2
    assert catalogue(books)["TEA"] == ("Tea leaves", 125050, 90000, 7)


def test_what_was_sold_is_not_taken_back(books):
    number = take(books).number
    sales.create_sale(books.database, books.hand, items=[AskedItem("TEA", 1, None)], sold_on=DAY)
    with pytest.raises(ConflictError, match="TEA is sold by POS-20260203-0001") as refused:
        undoing_imports.undo_import(books.database, books.hand, number)
    assert refused.value.code == "import_in_use"
