"""The catalogue: make, find and change products; count, receive and retire them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core.goods import MAX_PRODUCT_KEY, MOST_PIECES, parse_product_id
from kelly_cli.core.money import kes
from kelly_cli.core.refs import fold
from kelly_cli.errors import ConflictError, DomainError, NotFoundError
from kelly_cli.services.customers import read_name
from kelly_cli.store import audit_rows, product_rows, stock_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.product_rows import ProductSearch, ProductView
    from kelly_cli.store.stock_rows import MoveView

MOST_NEAR = 3
_NEAR_ENOUGH = 60
_MONEY = {"price_cents": "price", "cost_cents": "cost"}


class NewProduct(NamedTuple):
    """A product to write. ``cost_cents`` None = not known; ``stock`` None = not counted."""

    product_id: str
    name: str
    price_cents: int
    cost_cents: int | None = None
    stock: int | None = None


class Changed(NamedTuple):
    """A product after a change, and by how many pieces its stock moved."""

    product: ProductView
    moved: int


def create_product(database: Database, hand: Hand, wanted: NewProduct) -> ProductView:
    """Write a new product; what is on the shelf is its first move.

    Raises:
        DomainError: id or name is not one.
        ConflictError: ``product_exists``.
    """
    with database.writing() as connection:
        return add(connection, hand, wanted)


def add(connection: Connection, hand: Hand, wanted: NewProduct) -> ProductView:
    """Do what ``create_product`` does, in the caller's unit of work."""
    product_id, name = read_id(wanted.product_id), read_name(wanted.name)
    key = fold(product_id) or ""
    if product_rows.find_product(connection, key) is not None:
        raise ConflictError(
            f"{product_id} is already in the catalogue",
            hint=f"See it: kelly product show {product_id}",
            code="product_exists",
        )
    values = wanted._asdict() | {"product_id": product_id, "name": name}
    row = product_rows.add_product(connection, {**values, "key": key, "created_at": hand.at})
    if wanted.stock:
        stock_rows.add_move(connection, hand, row, wanted.stock, "counted")
    told = _told({name: value for name, value in values.items() if name != "product_id"})
    audit_rows.record_audit(connection, hand, "product.create", product_id, after=told)
    return get_product(connection, product_id)


def edit_product(
    database: Database,
    hand: Hand,
    product_id: str,
    changes: Mapping[str, Any],
    *,
    moved: int | None = None,
    dry_run: bool = False,
) -> Changed:
    """Change ``name``, ``price_cents``, ``cost_cents`` (None = unknown) or ``stock`` (None = stop).

    ``stock`` is what was counted: the books are moved to it. ``moved``: by this much instead, when
    what was done is done again.

    Raises:
        NotFoundError: no such product.
        DomainError: the name is not one, or nothing was given.
    """
    if not changes:
        raise DomainError(
            "nothing to change was given", hint="Give --name, --price, --cost or --stock"
        )
    with database.rehearsing() if dry_run else database.writing() as connection:
        found = get_product(connection, product_id)
        return change(connection, hand, found, dict(changes), moved=moved)


def change(
    connection: Connection,
    hand: Hand,
    found: ProductView,
    wanted: dict[str, Any],
    *,
    moved: int | None = None,
) -> Changed:
    """Do what ``edit_product`` does, in the caller's unit of work."""
    if "name" in wanted:
        wanted["name"] = read_name(wanted["name"])
    before = {name: getattr(found, name) for name in wanted}
    counted = "stock" in wanted and wanted["stock"] is not None
    difference = 0
    if counted:
        standing = stock_rows.sum_of(connection, found.row)
        difference = wanted["stock"] - standing if moved is None else moved
        wanted["stock"] = standing + difference
    if before != wanted or difference:
        product_rows.change_product(connection, found.row, wanted)
        if difference:
            stock_rows.add_move(connection, hand, found.row, difference, "counted")
        after = _told(wanted) | ({"moved": difference} if counted else {})
        audit_rows.record_audit(
            connection, hand, "product.edit", found.product_id, before=_told(before), after=after
        )
    return Changed(get_product(connection, found.product_id), difference)


def receive(
    database: Database, hand: Hand, product_id: str, pieces: int, *, dry_run: bool = False
) -> Changed:
    """Put pieces into stock; below zero they went out again, back to who sent them.

    Raises:
        NotFoundError: no such product.
        ConflictError: ``not_counted``: nobody said how many there are.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        found = get_product(connection, product_id)
        if found.stock is None:
            raise ConflictError(
                f"the stock of {found.product_id} is not counted",
                hint=f"Count it: kelly product edit {found.product_id} --stock N --reason TEXT",
                code="not_counted",
            )
        stock_rows.add_move(connection, hand, found.row, pieces, "received")
        stock = found.stock + pieces
        _refuse_too_many(stock)
        stock_rows.set_stock(connection, found.row, stock)
        audit_rows.record_audit(
            connection,
            hand,
            "product.receive",
            found.product_id,
            before={"stock": found.stock},
            after={"stock": stock, "pieces": pieces},
        )
        return Changed(get_product(connection, found.product_id), pieces)


def retire(
    database: Database,
    hand: Hand,
    product_id: str,
    *,
    undo: bool = False,
    dry_run: bool = False,
) -> ProductView:
    """Take a product out of the catalogue, or with ``undo`` put it back. Its moves stay.

    Raises:
        NotFoundError: no such product.
        ConflictError: ``already_retired``; ``not_retired``.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        found = get_product(connection, product_id)
        return set_retired(connection, hand, found, retired=not undo)


def set_retired(
    connection: Connection, hand: Hand, found: ProductView, *, retired: bool
) -> ProductView:
    """Do what ``retire`` does, in the caller's unit of work."""
    is_retired = found.retired_at is not None
    if is_retired == retired:
        raise ConflictError(
            f"{found.product_id} is {'' if is_retired else 'not '}retired",
            hint=f"See it: kelly product show {found.product_id}",
            code="already_retired" if retired else "not_retired",
        )
    at = hand.at if retired else None
    product_rows.change_product(connection, found.row, {"retired_at": at})
    action = "product.retire" if retired else "product.restore"
    audit_rows.record_audit(connection, hand, action, found.product_id)
    return get_product(connection, found.product_id)


def list_products(database: Database, wanted: ProductSearch) -> Sequence[ProductView]:
    """Return products by id, or those with the least stock first."""
    with database.reading() as connection:
        return product_rows.list_products(connection, wanted)


def show_product(
    database: Database, product_id: str, *, limit: int = 20
) -> tuple[ProductView, Sequence[MoveView]]:
    """Return one product and its newest moves.

    Raises:
        NotFoundError: no such product.
    """
    with database.reading() as connection:
        found = get_product(connection, product_id)
        return found, stock_rows.moves_of(connection, found.row, limit=limit)


def get_product(connection: Connection, product_id: str) -> ProductView:
    """Return the product that an id names, in any written form, a retired one too.

    Raises:
        NotFoundError: no such product; the hint names those that are nearest.
    """
    key = fold(product_id)
    found = product_rows.find_product(connection, key) if key else None
    if found is None:
        raise unknown(connection, product_id)
    return found


def unknown(connection: Connection, typed: str) -> NotFoundError:
    """Return the error of a product that is not there, with the nearest names."""
    near = nearest(product_rows.names(connection), typed)
    told = ", ".join(f"{product_id} ({name})" for product_id, name in near)
    hint = f"Did you mean {told}? " if told else ""
    return NotFoundError(
        f"no product is called {typed!r}",
        hint=f"{hint}See what there is: kelly product list",
        code="product_not_found",
    )


def nearest(known: Sequence[tuple[str, str, str]], typed: str) -> list[tuple[str, str]]:
    """Return (id, name) of the products most like what was typed, by id or by name, best first."""
    if not known:
        return []
    from rapidfuzz import fuzz, process, utils

    scores: dict[int, float] = {}
    key = fold(typed) or typed.upper()
    by_id = process.extract(key, [each[0] for each in known], scorer=fuzz.ratio, limit=MOST_NEAR)
    by_name = process.extract(
        typed,
        [each[2] for each in known],
        scorer=fuzz.token_set_ratio,
        processor=utils.default_process,
        limit=MOST_NEAR,
    )
    for _, score, place in (*by_id, *by_name):
        scores[place] = max(score, scores.get(place, 0))
    best = sorted(scores, key=lambda place: (-scores[place], known[place][1]))
    return [known[place][1:] for place in best[:MOST_NEAR] if scores[place] >= _NEAR_ENOUGH]


def read_id(text: str) -> str:
    """Return a product's id as it is kept.

    Raises:
        DomainError: ``bad_product_id``.
    """
    try:
        return parse_product_id(text)
    except ValueError as error:
        raise DomainError(
            f"--id: {error}" if not text.strip() else str(error),
            hint=f"Write it like PROD-001, up to {MAX_PRODUCT_KEY} characters",
            code="bad_product_id",
        ) from None


def _refuse_too_many(stock: int) -> None:
    if abs(stock) > MOST_PIECES:
        raise DomainError(
            f"{stock} pieces are more than can be counted",
            hint="Count what is there: kelly product edit ID --stock N --reason TEXT",
            code="too_many_pieces",
        )


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as the audit keeps them."""
    return {
        _MONEY.get(name, name): kes(value) if name in _MONEY and value is not None else value
        for name, value in values.items()
    }
