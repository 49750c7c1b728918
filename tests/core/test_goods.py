import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core.goods import (
    AskedItem,
    moves_due,
    parse_asked,
    parse_pieces,
    parse_product_id,
)

PIECES = st.dictionaries(st.integers(1, 5), st.integers(1, 50), max_size=4)
MOVED = st.dictionaries(st.integers(1, 5), st.integers(-60, 60), max_size=4)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("PROD-001", AskedItem("PROD-001", 1, None)),
        ("prod 001:2", AskedItem("prod 001", 2, None)),
        (" PROD\u2013001 : 12 ", AskedItem("PROD\u2013001", 12, None)),
        ("PROD-001:2@45", AskedItem("PROD-001", 2, 4500)),
        ("PROD-001@1,200.50", AskedItem("PROD-001", 1, 120050)),
        ("6161100110027:3@0", AskedItem("6161100110027", 3, 0)),
    ],
)
def test_a_product_of_the_catalogue_is_asked_for(text, wanted):
    assert parse_asked(text) == wanted


@pytest.mark.parametrize("text", ["", ":2", "@45", "A,B,2,50", "A:b", "A:-1", "A:1.5", "A:1:2"])
def test_what_is_written_otherwise_is_none(text):
    assert parse_asked(text) is None


@pytest.mark.parametrize("text", ["A:0", "A@x", "A:1@-5", "A@1.005"])
def test_a_quantity_or_price_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r"quantity|amount"):
        parse_asked(text)


def test_ids_are_canonical():
    assert parse_product_id("  prod-001 ") == "PROD-001"
    for text in ("", "-", "a,b", "caf\u00e9", "a" * 41, "x\x1b"):
        with pytest.raises(ValueError, match=r"product id|longer"):
            parse_product_id(text)


def test_pieces_are_whole():
    texts = ["24", "1,200", "-3", "24.00", "\u22123", "0"]
    assert [parse_pieces(text) for text in texts] == [24, 1200, -3, 24, -3, 0]
    for text in ("", "1.5", "1e3", "x", "1,20", "1 2", "--1", "9" * 13):
        with pytest.raises(ValueError, match="whole number"):
            parse_pieces(text)


@given(PIECES, MOVED, st.booleans())
def test_what_is_due_makes_a_sale_right_and_then_nothing_is_due(pieces, moved, is_gone):
    due = moves_due(pieces, moved, is_gone=is_gone)
    assert 0 not in due.values()
    after = {each: moved.get(each, 0) + due.get(each, 0) for each in pieces.keys() | moved.keys()}
    assert after == {each: -pieces.get(each, 0) if is_gone else 0 for each in after}
    assert moves_due(pieces, after, is_gone=is_gone) == {}
