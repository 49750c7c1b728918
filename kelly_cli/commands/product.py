"""kelly product: the catalogue, and what is on the shelf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kelly_cli.commands.importing import FileArg, MapOpt, run_import
from kelly_cli.commands.keys import IMPORTED, MOVED
from kelly_cli.commands.listing import Listing
from kelly_cli.commands.options import (
    DEFAULT_LIMIT,
    DryRunOpt,
    JsonOpt,
    LimitOpt,
    ReasonOpt,
    amount,
    printable,
)
from kelly_cli.commands.single import Single, single
from kelly_cli.core.money import kes
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column, fields

if TYPE_CHECKING:
    from kelly_cli.office import Office
    from kelly_cli.store.product_rows import ProductView
    from kelly_cli.store.stock_rows import MoveView

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

COLUMNS = (
    Column("product_id", "Product", "id"),
    Column("name", "Name"),
    Column("price_cents", "Price", "money"),
    Column("cost_cents", "Cost", "money", priority=1),
    Column("stock", "Stock", "count"),
    Column("state", "State", "status", priority=2),
)
FIELDS = (*COLUMNS[:-1], Column("retired_at", "Retired at", "instant"))
MOVES = (
    Column("created_at", "At", "instant", priority=1),
    Column("quantity", "Pieces", "count"),
    Column("kind", "Kind", "status"),
    Column("pos_id", "Sale", "id"),
    Column("reason", "Reason", priority=2),
    Column("actor", "By", priority=3),
)
PRODUCT = fields(
    "product_id", "name", "price:money", "cost:money", "stock", "retired_at", "created_at"
)
NEWEST_MOVES = 20

IdArg = Annotated[str, typer.Argument(help="The product's id, in any case.", metavar="ID")]
PriceOpt = Annotated[
    str | None, typer.Option("--price", help="What one piece is sold for, in KES.")
]
WhyOpt = Annotated[str | None, typer.Option("--reason", help="Why, for the audit.")]


@app.callback()
def product(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Products: the catalogue and what is on the shelf."""
    office_of(ctx, json=json)


@app.command(cls=single(PRODUCT))
def create(
    ctx: typer.Context,
    product_id: Annotated[
        str, typer.Argument(help="An id of your own: letters, digits, dashes.", metavar="ID")
    ],
    name: Annotated[str, typer.Argument(help="The product's name.", metavar="NAME")],
    *,
    price: Annotated[str, typer.Option("--price", help="What one piece is sold for, in KES.")],
    cost: Annotated[
        str | None, typer.Option("--cost", help="What one piece costs you, if known.")
    ] = None,
    stock: Annotated[
        str | None,
        typer.Option("--stock", help="Pieces on the shelf (default: they are not counted)."),
    ] = None,
    json: JsonOpt = False,
) -> None:
    """Write a new product into the catalogue.

    kelly product create PROD-001 "Coca Cola 500 ml" --price 50 --cost 38 --stock 24

    kelly product create CUT-1 "Haircut" --price 200
    """
    from kelly_cli.services import products

    office = office_of(ctx, json=json)
    wanted = products.NewProduct(
        product_id,
        name,
        amount(price, option="--price", zero=True),
        None if cost is None else amount(cost, option="--cost", zero=True),
        None if stock is None else _pieces(stock, option="--stock"),
    )
    _show(office, products.create_product(office.books_to_write(), office.hand(), wanted))


@app.command("list", cls=Listing)
def list_(
    ctx: typer.Context,
    *,
    search: Annotated[
        str | None, typer.Option("--search", help="Part of the id or the name.")
    ] = None,
    below: Annotated[
        int | None,
        typer.Option(
            "--below", help="Only those with fewer pieces: 0 = sold more than there was.", min=0
        ),
    ] = None,
    retired: Annotated[
        bool, typer.Option("--retired", help="Those that are no longer sold.", metavar="")
    ] = False,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """List the catalogue by id; with --below those with the least stock first.

    kelly product list --search cola

    kelly product list --below 5 --json
    """
    from kelly_cli.services import products
    from kelly_cli.store.product_rows import ProductSearch

    office = office_of(ctx, json=json)
    wanted = ProductSearch(
        None if search is None else printable(search, option="--search"), below, retired, limit
    )
    found = products.list_products(office.books_to_read(), wanted)
    office.show.rows(
        [_row(each) for each in found],
        COLUMNS,
        as_json=lambda: [product_json(each) for each in found],
        empty="No such products. Make one: kelly product create ID NAME --price PRICE",
        fields=PRODUCT,
    )


@app.command(cls=Single)
def show(
    ctx: typer.Context,
    product_id: IdArg,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10**9, help="At most this many moves.")
    ] = NEWEST_MOVES,
    json: JsonOpt = False,
) -> None:
    """Show one product and its newest moves.

    kelly product show PROD-001

    kelly product show prod001 --limit 500 --json
    """
    from kelly_cli.services import products

    office = office_of(ctx, json=json)
    found, moves = products.show_product(office.books_to_read(), product_id, limit=limit)
    _show(office, found, {"moves": [_move_json(each) for each in moves]})
    if moves:
        office.show.lines("")
        office.show.table([each._asdict() for each in moves], MOVES)


@app.command(cls=single(PRODUCT, *MOVED))
def edit(
    ctx: typer.Context,
    product_id: IdArg,
    *,
    name: Annotated[str | None, typer.Option("--name", help="The new name.")] = None,
    price: PriceOpt = None,
    cost: Annotated[
        str | None, typer.Option("--cost", help='What one piece costs you; "" = not known.')
    ] = None,
    stock: Annotated[
        str | None,
        typer.Option("--stock", help='What was counted on the shelf; "" = count it no longer.'),
    ] = None,
    reason: WhyOpt = None,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Change a product, or put its stock right after a count (with --reason).

    Sales that were made keep the name and the price they had. What it was stands in the audit; to
    undo a change, give that again.

    kelly product edit PROD-001 --price 55 --cost 40

    kelly product edit PROD-001 --stock 22 --reason "two broken" --dry-run
    """
    from kelly_cli.services import products

    office = office_of(ctx, json=json)
    if stock is not None and reason is None:
        raise UsageError("--stock needs --reason: the books are put right by hand")
    changes: dict[str, Any] = {}
    if name is not None:
        changes["name"] = name
    if price is not None:
        changes["price_cents"] = amount(price, option="--price", zero=True)
    if cost is not None:
        changes["cost_cents"] = amount(cost, option="--cost", zero=True) if cost.strip() else None
    if stock is not None:
        changes["stock"] = _pieces(stock, option="--stock") if stock.strip() else None
    done = products.edit_product(
        office.books_to_read() if dry_run else office.books_to_write(),
        office.hand(_why(reason)),
        product_id,
        changes,
        dry_run=dry_run,
    )
    _changed(office, done.product, done.moved, dry_run=dry_run)


@app.command(cls=single(PRODUCT, *MOVED))
def receive(
    ctx: typer.Context,
    product_id: IdArg,
    quantity: Annotated[
        str, typer.Option("--quantity", help="Pieces; below zero they went back.", metavar="N")
    ],
    reason: WhyOpt = None,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Put pieces that came into stock. To undo it, receive as many below zero.

    kelly product receive PROD-001 --quantity 48 --reason "delivery note 311"

    kelly product receive PROD-001 --quantity -2 --reason "sent back, bad"
    """
    from kelly_cli.services import products

    office = office_of(ctx, json=json)
    pieces = _pieces(quantity, option="--quantity")
    if pieces == 0:
        raise UsageError("--quantity: no pieces are nothing to receive")
    done = products.receive(
        office.books_to_read() if dry_run else office.books_to_write(),
        office.hand(_why(reason)),
        product_id,
        pieces,
        dry_run=dry_run,
    )
    _changed(office, done.product, done.moved, dry_run=dry_run)


@app.command(cls=single(PRODUCT, *MOVED))
def retire(
    ctx: typer.Context,
    product_id: IdArg,
    *,
    reason: ReasonOpt,
    undo: Annotated[bool, typer.Option("--undo", help="Take it back in.", metavar="")] = False,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Take a product out of the catalogue; its sales and moves stay.

    kelly product retire PROD-001 --reason "no longer made"

    kelly product retire PROD-001 --undo --reason "made again"
    """
    from kelly_cli.services import products

    office = office_of(ctx, json=json)
    done = products.retire(
        office.books_to_read() if dry_run else office.books_to_write(),
        office.hand(printable(reason, option="--reason")),
        product_id,
        undo=undo,
        dry_run=dry_run,
    )
    _show(office, done, {"dry_run": dry_run})


@app.command("import", cls=single(*IMPORTED))
def import_(
    ctx: typer.Context,
    file: FileArg,
    columns: MapOpt = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Import products: id, name, price, cost and stock, from CSV, XLS or XLSX.

    The first row names the columns. A product that is there already is left as it is, and the row
    says what differs. A refused row stops nothing; correct it and import the file again. It is
    listed and taken back like every import: kelly import undo N.

    kelly product import stock.xlsx --dry-run

    kelly product import stock.csv --map "Bar code=product" --map "Selling=price"
    """
    run_import(ctx, "products", file, columns, None, limit, dry_run=dry_run, json=json)


def product_json(view: ProductView) -> dict[str, object]:
    """Return a product."""
    return {
        "product_id": view.product_id,
        "name": view.name,
        "price": kes(view.price_cents),
        "cost": None if view.cost_cents is None else kes(view.cost_cents),
        "stock": view.stock,
        "retired_at": view.retired_at.isoformat() if view.retired_at else None,
        "created_at": view.created_at.isoformat(),
    }


def _move_json(move: MoveView) -> dict[str, object]:
    return {**move._asdict(), "created_at": move.created_at.isoformat()}


def _row(view: ProductView) -> dict[str, object]:
    return {**view._asdict(), "state": view.state}


def _show(office: Office, view: ProductView, more: dict[str, object] | None = None) -> None:
    office.show.record(_row(view), FIELDS, {**product_json(view), **(more or {})})
    if view.stock is not None and view.stock < 0 and view.retired_at is None:
        office.show.warning(
            f"{view.product_id}: {view.stock} in stock. More was sold than there was: count it, "
            f"kelly product edit {view.product_id} --stock N --reason TEXT"
        )


def _changed(office: Office, view: ProductView, moved: int, *, dry_run: bool) -> None:
    _show(office, view, {"moved": moved, "dry_run": dry_run})
    if moved:
        would = "Would move" if dry_run else "Moved"
        office.show.note(f"{would} {moved:+,} pieces")


def _pieces(text: str, *, option: str) -> int:
    from kelly_cli.core.goods import parse_pieces

    try:
        return parse_pieces(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def _why(reason: str | None) -> str | None:
    return None if reason is None else printable(reason, option="--reason")
