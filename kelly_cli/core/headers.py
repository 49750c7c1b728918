"""Which column of somebody else's table is which of our fields: by its usual names, or as told.

A header is compared by its letters and digits alone, without case and without what stands in
brackets (``Opening balance (KES)``). Two columns that could be the same field are never guessed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOOKED_AT = 25
"""Rows from the top among which the header is looked for."""

_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_SIGNS = re.compile(r"[^0-9a-z]+")
_CURRENCY = re.compile(r"(kes|kshs?)$")


class Field(NamedTuple):
    """One field and the usual names of its column. ``many``: several columns may hold it."""

    name: str
    known_as: str
    many: bool = False


CUSTOMERS = (
    Field(
        "customer",
        "customer id|customer no|customer number|customer code|account|account no|account number"
        "|acc no|acc|a/c|a/c no|code|id|member no|member number|admission no|adm no|adm|house no"
        "|unit|reference|ref",
    ),
    Field(
        "name",
        "name|full name|customer name|customer|client|client name|account name|tenant|tenant name"
        "|student|student name|member|member name|company|business name|names",
    ),
    Field("first", "first name|firstname|given name"),
    Field("middle", "middle name|other name|other names"),
    Field("last", "last name|lastname|surname|family name"),
    Field(
        "phone",
        "phone|phone no|phone number|mobile|mobile no|mobile number|msisdn|tel|tel no|telephone"
        "|telephone number|cell|cellphone|contact|contact number|m-pesa number|mpesa no",
        many=True,
    ),
    Field("email", "email|e-mail|mail|email address|e-mail address"),
    Field(
        "balance",
        "balance|opening balance|opening|balance b/f|b/f|brought forward|balance due|outstanding"
        "|outstanding balance|amount due|arrears|owing|owed|due amount|current balance",
    ),
)
INVOICES = (
    Field(
        "number",
        "invoice no|invoice number|invoice|inv no|inv|inv number|invoice id|invoice ref|number|no"
        "|bill no|bill number|document no|doc no",
    ),
    Field(
        "customer",
        "customer|customer id|customer no|customer number|customer code|account|account no"
        "|account number|acc no|a/c|a/c no|code|member no|admission no|adm no|client|tenant"
        "|student|member",
    ),
    Field(
        "name",
        "name|customer name|client name|full name|account name|tenant name|student name|names",
    ),
    Field(
        "phone",
        "phone|phone no|phone number|mobile|mobile no|mobile number|msisdn|tel|telephone|contact",
        many=True,
    ),
    Field(
        "amount",
        "amount|total|invoice amount|invoice total|gross|value|amount invoiced|total amount",
    ),
    Field(
        "balance",
        "balance|balance due|outstanding|outstanding balance|amount due|open|open amount|unpaid"
        "|arrears|owing|amount outstanding",
    ),
    Field("issued", "date|invoice date|issued|issued on|issue date|date issued|doc date"),
    Field("due", "due|due date|due on|payable by|date due"),
    Field(
        "description", "description|details|detail|memo|note|notes|particulars|narration|item|for"
    ),
)
PRODUCTS = (
    Field(
        "product",
        "product|product id|product no|product code|item|item id|item no|item code|item number|code"
        "|sku|id|barcode|bar code|stock code|part no|part number",
    ),
    Field(
        "name",
        "name|product name|item name|description|details|item description|product description",
    ),
    Field(
        "price",
        "price|unit price|selling price|sale price|sales price|retail price|sp|rate|amount|kes",
    ),
    Field(
        "cost",
        "cost|unit cost|cost price|buying price|purchase price|bp|cost each|average cost",
    ),
    Field(
        "stock",
        "stock|quantity|qty|in stock|on hand|quantity on hand|qty on hand|pieces|units|count"
        "|closing stock|stock level|balance",
    ),
)


class Header(NamedTuple):
    """Where a table's header stands (row, from 0) and the columns of each field, from 0."""

    row: int
    columns: dict[str, list[int]]


class HeaderError(ValueError):
    """No header that can be used; ``seen`` is the row that came nearest."""

    def __init__(self, why: str, seen: Sequence[str]) -> None:
        super().__init__(why)
        self.seen = [cell for cell in seen if cell.strip()]


def plain(header: str) -> str:
    """Return the letters and digits of a header.

    >>> plain("Opening balance (KES)")
    'openingbalance'
    """
    bare = _SIGNS.sub("", _BRACKETS.sub(" ", header).lower())
    return _CURRENCY.sub("", bare) or bare


def find_header(
    table: Sequence[Sequence[str]],
    fields: Sequence[Field],
    needed: Sequence[Sequence[str]],
    told: Mapping[str, str],
) -> Header:
    """Find the header row and say which column is which.

    ``needed``: of each group at least one field must have a column; ``told``: column → field, as a
    person said, which goes before every usual name.

    Raises:
        HeaderError: no row holds what is needed, a column that was told is missing, or two columns
            could be one field.
    """
    rows = [row for row in table[:LOOKED_AT] if any(cell.strip() for cell in row)]
    nearest: tuple[int, Sequence[str]] = (-1, rows[0] if rows else ())
    for place, row in enumerate(table[:LOOKED_AT]):
        columns = _columns(row, fields, told)
        met = sum(any(columns.get(name) for name in group) for group in needed)
        if met == len(needed) and _told_all(row, told):
            _refuse_doubtful(row, fields, columns)
            return Header(place, columns)
        if met > nearest[0] and columns:
            nearest = (met, row)
    raise HeaderError(_missing(nearest[1], fields, needed, told), nearest[1])


def _columns(
    row: Sequence[str], fields: Sequence[Field], told: Mapping[str, str]
) -> dict[str, list[int]]:
    by_hand = {plain(column): name for column, name in told.items()}
    usual = {plain(name): each.name for each in fields for name in each.known_as.split("|")}
    found: dict[str, list[int]] = {}
    for place, cell in enumerate(row):
        name = by_hand.get(plain(cell)) or usual.get(plain(cell))
        if name is not None and plain(cell):
            found.setdefault(name, []).append(place)
    for name in set(by_hand.values()) & found.keys():
        # A field that a person gave a column has no other.
        found[name] = [at for at in found[name] if plain(row[at]) in by_hand]
    return found


def _told_all(row: Sequence[str], told: Mapping[str, str]) -> bool:
    return {plain(column) for column in told} <= {plain(cell) for cell in row}


def _refuse_doubtful(
    row: Sequence[str], fields: Sequence[Field], columns: Mapping[str, Sequence[int]]
) -> None:
    for field in fields:
        places = columns.get(field.name, ())
        if len(places) > 1 and not field.many:
            names = " and ".join(repr(row[place]) for place in places)
            raise HeaderError(f"{names} could both be the {field.name}", row)


def _missing(
    row: Sequence[str],
    fields: Sequence[Field],
    needed: Sequence[Sequence[str]],
    told: Mapping[str, str],
) -> str:
    columns = _columns(row, fields, told)
    for column in told:
        if plain(column) not in {plain(cell) for cell in row}:
            return f"there is no column {column!r}"
    missing = [" or ".join(group) for group in needed if not any(map(columns.get, group))]
    return f"no column is the {', nor the '.join(missing)}"
