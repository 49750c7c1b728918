"""kelly pos: sales at the counter."""

from __future__ import annotations

import csv
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.invoice import CustomerOpt, FromOpt, ToOpt
from kelly_cli.commands.keys import MATCHED, SALE, VOIDED
from kelly_cli.commands.listing import Listing
from kelly_cli.commands.options import DEFAULT_LIMIT, JsonOpt, LimitOpt, day, days, printable
from kelly_cli.commands.pos_document import document
from kelly_cli.commands.pos_match import match
from kelly_cli.commands.single import Single, single
from kelly_cli.commands.voiding import void_sale
from kelly_cli.core.money import parse_kes
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kelly_cli.core.goods import AskedItem
    from kelly_cli.office import Office
    from kelly_cli.store.sale_rows import SaleItem, SaleView

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

COLUMNS = (
    Column("pos_id", "Sale", "id"),
    Column("customer_id", "Customer", "id", priority=1),
    Column("items", "Items", priority=2),
    Column("total_cents", "Total", "money"),
    Column("balance_cents", "Balance", "money"),
    Column("invoice_id", "Invoice", "id", priority=3),
    Column("status", "Status", "status"),
)
FIELDS = (
    Column("pos_id", "Sale", "id"),
    Column("status", "Status", "status"),
    Column("customer_id", "Customer", "id"),
    Column("customer_name", "Name"),
    Column("total_cents", "Total", "money"),
    Column("paid_cents", "Paid", "money"),
    Column("balance_cents", "Balance", "money"),
    Column("invoice_id", "Invoice", "id"),
    Column("sold_on", "Sold", "date"),
    Column("voided_at", "Voided at", "instant"),
)
ITEMS = (
    Column("product_id", "Product"),
    Column("product_name", "Name"),
    Column("quantity", "Quantity", "count"),
    Column("unit_price_cents", "Price", "money"),
    Column("total_cents", "Total", "money"),
)

LONGEST_TEXT = 200
ITEM_FIELDS = ("product id", "product name", "quantity", "unit price")
ITEM_EXAMPLE = (
    "Write it like PROD-001:2 (of the catalogue), PROD-001:2@45, or 'PROD-001,Coca Cola,2,50'; "
    'a comma inside a field needs "quotes"'
)
_QUANTITY = re.compile(r"\d{1,12}", re.ASCII)

IdArg = Annotated[str, typer.Argument(help="The sale's id, in any case.", metavar="ID")]


class Status(StrEnum):
    """What a sale can be (contract section 4); UNPAID is another word for PENDING."""

    PENDING = "PENDING"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    VOID = "VOID"
    UNPAID = "UNPAID"


@app.callback()
def pos(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Sales at the counter."""
    office_of(ctx, json=json)


@app.command(cls=single(SALE))
def create(
    ctx: typer.Context,
    *,
    item: Annotated[
        list[str],
        typer.Option(
            "--item",
            help="Of the catalogue: product id, :quantity, @price of the moment. Else product id, "
            "product name, quantity and unit price, separated by commas.",
            metavar="ITEM",
        ),
    ],
    customer: Annotated[
        str | None, typer.Option("--customer", help="Who buys, if known.", metavar="ID")
    ] = None,
    date: Annotated[
        str | None,
        typer.Option("--date", help="The day of the sale (default: today).", metavar="DAY"),
    ] = None,
    json: JsonOpt = False,
) -> None:
    """Write a new sale; a product of the catalogue has its name and its price from there.

    The stock goes down when the sale is paid, whichever way it is written.

    kelly pos create --item PROD-001:2 --item PROD-002:1@45

    kelly pos create --item 'PROD-001,Coca Cola,2,50'

    kelly pos create --customer CUST-001 --item 'P1,"Nuts, salted",1,"1,200"' --item 'P2,Bag,1,0'
    """
    from kelly_cli.services import sales, selling

    office = office_of(ctx, json=json)
    items = [read_item(text, number) for number, text in enumerate(item, 1)]
    database = office.books_to_write()
    try:
        made = sales.create_sale(
            database,
            office.hand(),
            items=items,
            sold_on=day(date, option="--date") or office.today(),
            customer_id=customer,
        )
    except ValueError as error:
        raise UsageError(f"--item: {error}") from None
    show_sale(office, made)
    for each in selling.shortages(database, made):
        office.show.warning(
            f"{each.product_id} ({each.name}): {each.stock} in stock, and this sale takes "
            f"{each.pieces} when it is paid"
        )


@app.command("list", cls=Listing)
def list_(
    ctx: typer.Context,
    *,
    customer: CustomerOpt = None,
    status: Annotated[
        Status | None, typer.Option("--status", help="Only these.", case_sensitive=False)
    ] = None,
    first: FromOpt = None,
    last: ToOpt = None,
    search: Annotated[
        str | None, typer.Option("--search", help="Part of the id, customer or product.")
    ] = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """List sales by day, newest first.

    kelly pos list --status PENDING

    kelly pos list --from 2026-02-01 --search coca --json
    """
    from kelly_cli.commands.shapes import sale_json
    from kelly_cli.services import sales
    from kelly_cli.store.sale_rows import SaleSearch

    office = office_of(ctx, json=json)
    first_day, last_day = days(first, last)
    wanted = SaleSearch(
        status="PENDING" if status is Status.UNPAID else status and status.value,
        first=first_day,
        last=last_day,
        search=search and printable(search, option="--search"),
        limit=limit,
    )
    found = sales.list_sales(office.books_to_read(), wanted, customer_id=customer)
    office.show.rows(
        [_row(each) for each in found],
        COLUMNS,
        as_json=lambda: [sale_json(each) for each in found],
        empty="No such sales. Make one: kelly pos create --item ID,NAME,QUANTITY,PRICE",
        fields=SALE,
    )


@app.command(cls=Single)
def show(ctx: typer.Context, pos_id: IdArg, json: JsonOpt = False) -> None:
    """Show one sale with its items.

    kelly pos show POS-20260203-0001

    kelly pos show pos202602030001 --json
    """
    from kelly_cli.services import sales

    office = office_of(ctx, json=json)
    show_sale(office, sales.show_sale(office.books_to_read(), pos_id))


app.command("void", cls=single(SALE, *VOIDED))(void_sale)
app.command("document", cls=Single)(document)
app.command("match", cls=single(*MATCHED))(match)


def read_item(text: str, number: int) -> SaleItem | AskedItem:
    """Read one ``--item``, the ``number``-th: product id, product name, quantity, unit price.

    Or as the catalogue is asked: ``PROD-001``, ``PROD-001:2``, ``PROD-001:2@45``.

    Raises:
        UsageError: not one CSV record of four fields, or a field is wrong; names item and field.
    """
    from kelly_cli.core.goods import parse_asked
    from kelly_cli.store.sale_rows import SaleItem

    try:
        asked = None if text.count(",") == len(ITEM_FIELDS) - 1 else parse_asked(text)
    except ValueError as error:
        raise UsageError(f"--item {number}: {error}", hint=ITEM_EXAMPLE) from None
    if asked is not None:
        return asked
    product_id, product_name, quantity, price = _fields(text, number)
    return SaleItem(
        product_id=_words(product_id, number, ITEM_FIELDS[0]),
        product_name=_words(product_name, number, ITEM_FIELDS[1]),
        quantity=_quantity(quantity, number),
        unit_price_cents=_price(price, number),
    )


def _fields(text: str, number: int) -> list[str]:
    try:
        records = list(csv.reader([text], skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise UsageError(
            f"--item {number}: {text!r} is not a CSV record: {error}", hint=ITEM_EXAMPLE
        ) from None
    fields = records[0] if len(records) == 1 else []
    if len(fields) != len(ITEM_FIELDS):
        raise UsageError(
            f"--item {number}: {text!r} has {len(fields)} fields, not {len(ITEM_FIELDS)}: "
            + ", ".join(ITEM_FIELDS),
            hint=ITEM_EXAMPLE,
        )
    return [field.strip() for field in fields]


def _words(text: str, number: int, field: str) -> str:
    if not text or len(text) > LONGEST_TEXT or not text.isprintable():
        raise UsageError(
            f"--item {number}: the {field} {text!r} is not a text of 1 to {LONGEST_TEXT} "
            "printable characters",
            hint=ITEM_EXAMPLE,
        )
    return text


def _quantity(text: str, number: int) -> int:
    if not _QUANTITY.fullmatch(text) or int(text) == 0:
        raise UsageError(
            f"--item {number}: the {ITEM_FIELDS[2]} {text!r} is not a whole number from 1",
            hint=ITEM_EXAMPLE,
        )
    return int(text)


def _price(text: str, number: int) -> int:
    try:
        return parse_kes(text)
    except ValueError as error:
        raise UsageError(
            f"--item {number}: the {ITEM_FIELDS[3]} {error}", hint=ITEM_EXAMPLE
        ) from None


def _row(view: SaleView) -> dict[str, object]:
    return {
        **view._asdict(),
        "balance_cents": view.balance_cents,
        "items": ", ".join(f"{item.quantity} x {item.product_name}" for item in view.items),
    }


def _item_rows(items: Sequence[SaleItem]) -> list[dict[str, object]]:
    return [{**item._asdict(), "total_cents": item.total_cents} for item in items]


def show_sale(office: Office, view: SaleView, more: Mapping[str, object] | None = None) -> None:
    """Print one sale with its items, and what ``more`` says of it."""
    from kelly_cli.commands.shapes import sale_json

    office.show.record(_row(view), FIELDS, {**sale_json(view), **(more or {})})
    office.show.lines("")
    office.show.table(_item_rows(view.items), ITEMS)
