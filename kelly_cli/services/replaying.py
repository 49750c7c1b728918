"""What a person did, done again from its audit row: one function for each action.

A new action of people that moves money, customers, invoices, sales or stock needs a line in
``REPLAYED``; one that moves none of them, a line in ``WITHOUT_MONEY`` (a test holds both to the
source).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from kelly_cli.core.money import parse_kes
from kelly_cli.core.refs import fold
from kelly_cli.services import (
    adjusting,
    allocating,
    customers,
    invoices,
    merging,
    products,
    reversing,
    reviving,
    sales,
    suspense,
)
from kelly_cli.services.allocating import Share
from kelly_cli.services.invoices import NewInvoice
from kelly_cli.services.products import NewProduct
from kelly_cli.store import customer_rows, import_rows
from kelly_cli.store.sale_rows import SaleItem

if TYPE_CHECKING:
    from collections.abc import Callable

    from kelly_cli.store.rebuild_rows import Done
    from kelly_cli.store.scratch import Scratch

    Again = Callable[[Scratch, Done], object]


def _customer_create(books: Scratch, done: Done) -> object:
    values = {name: done.after.get(name) for name in ("phone", "email")}
    return customers.create_customer(
        books, done.hand, name=done.after["name"], customer_id=done.subject, **values
    )


def _customer_edit(books: Scratch, done: Done) -> object:
    changes = {name: value or "" for name, value in done.after.items()}
    return customers.edit_customer(books, done.hand, done.subject, **changes)


def _customer_retire(books: Scratch, done: Done) -> None:
    with books.writing() as connection:
        found = customers.get_customer(connection, done.subject)
        key = fold(found.customer_id) or ""
        import_rows.retire(connection, key, found.row, done.hand.at)


def _customer_restore(books: Scratch, done: Done) -> None:
    with books.writing() as connection:
        key = fold(done.subject)
        (found,) = (each for each in import_rows.known_customers(connection) if each.key == key)
        import_rows.revive(connection, found.key)
        customer_rows.change_customer(connection, found.row, done.after)


def _merge(books: Scratch, done: Done) -> object:
    return merging.merge_customers(books, done.hand, done.subject, done.after["into"])


def _unmerge(books: Scratch, done: Done) -> object:
    return merging.unmerge_customer(books, done.hand, done.subject)


def _invoice_create(books: Scratch, done: Done) -> object:
    after = done.after
    wanted = NewInvoice(
        after["customer_id"],
        parse_kes(after["amount"]),
        date.fromisoformat(after["issued_on"]),
        after.get("description"),
        date.fromisoformat(after["due_on"]) if after.get("due_on") else None,
    )
    keep = "kept" in after
    return invoices.create_invoice(books, done.hand, wanted, keep_credit=keep)


def _invoice_void(books: Scratch, done: Done) -> object:
    found, _ = invoices.show_invoice(books, done.subject)
    # Voiding a sale voids its invoice first, and says both.
    return None if found.pos_id else invoices.void_invoice(books, done.hand, done.subject)


def _invoice_revive(books: Scratch, done: Done) -> object:
    found, _ = invoices.show_invoice(books, done.subject)
    return None if found.pos_id else reviving.revive_invoice(books, done.hand, done.subject)


def _hold(books: Scratch, done: Done) -> object:
    return adjusting.hold(books, done.hand, done.subject)


def _release(books: Scratch, done: Done) -> object:
    return adjusting.release(books, done.hand, done.subject)


def _writeoff(books: Scratch, done: Done) -> object:
    asked = done.after["asked"]
    if "undo" in asked:
        return _undo(books, done, adjusting.WRITEOFF)
    return adjusting.write_off(books, done.hand, done.subject, most_cents=parse_kes(asked["max"]))


def _credit_note(books: Scratch, done: Done) -> object:
    asked = done.after["asked"]
    if "undo" in asked:
        return _undo(books, done, adjusting.CREDIT_NOTE)
    cents = parse_kes(asked["amount"])
    return adjusting.credit(books, done.hand, done.subject, amount_cents=cents)


def _undo(books: Scratch, done: Done, kind: str) -> object:
    cents = parse_kes(done.after["asked"]["undo"])
    return adjusting.undo(books, done.hand, done.subject, kind, amount_cents=cents)


def _sale_create(books: Scratch, done: Done) -> object:
    items = [
        SaleItem(product, name, quantity, parse_kes(price))
        for product, name, quantity, price in done.after["items"]
    ]
    return sales.create_sale(
        books,
        done.hand,
        items=items,
        sold_on=date.fromisoformat(done.after["sold_on"]),
        customer_id=done.after.get("customer_id"),
    )


def _sale_void(books: Scratch, done: Done) -> object:
    return sales.void_sale(books, done.hand, done.subject)


def _sale_revive(books: Scratch, done: Done) -> object:
    return reviving.revive_sale(books, done.hand, done.subject)


def _assign(books: Scratch, done: Done) -> object:
    keep = bool(done.after.get("keep_credit"))
    return suspense.assign(books, done.hand, done.subject, done.after["to"], keep_credit=keep)


def _allocate(books: Scratch, done: Done) -> object:
    asked = done.after["asked"]
    keep = asked["keep_credit"]
    return allocating.allocate(books, done.hand, done.subject, _shares(asked["to"]), keep=keep)


def _unallocate(books: Scratch, done: Done) -> object:
    asked = done.after["asked"]
    away = asked["to_suspense"]
    shares = _shares(asked["from"])
    return allocating.unallocate(books, done.hand, done.subject, shares, to_suspense=away)


def _shares(told: list[list[Any]]) -> list[Share]:
    return [Share(name, None if cents is None else parse_kes(cents)) for name, cents in told]


def _reverse(books: Scratch, done: Done) -> object:
    return reversing.reverse_by_hand(books, done.hand, done.subject)


def _restore(books: Scratch, done: Done) -> object:
    return reversing.restore_by_hand(books, done.hand, done.subject)


def _product_create(books: Scratch, done: Done) -> object:
    after = done.after
    cost = None if after["cost"] is None else parse_kes(after["cost"])
    wanted = NewProduct(
        done.subject, after["name"], parse_kes(after["price"]), cost, after["stock"]
    )
    return products.create_product(books, done.hand, wanted)


def _product_edit(books: Scratch, done: Done) -> object:
    changes = {name: value for name, value in done.after.items() if name in {"name", "stock"}}
    for name in {"price", "cost"} & done.after.keys():
        told = done.after[name]
        changes[f"{name}_cents"] = None if told is None else parse_kes(told)
    moved = done.after.get("moved")
    return products.edit_product(books, done.hand, done.subject, changes, moved=moved)


def _product_receive(books: Scratch, done: Done) -> object:
    return products.receive(books, done.hand, done.subject, done.after["pieces"])


def _product_retire(books: Scratch, done: Done) -> object:
    undo = done.action == "product.restore"
    return products.retire(books, done.hand, done.subject, undo=undo)


REPLAYED: dict[str, Again] = {
    "customer.create": _customer_create,
    "customer.edit": _customer_edit,
    "customer.merge": _merge,
    "customer.restore": _customer_restore,
    "customer.retire": _customer_retire,
    "customer.unmerge": _unmerge,
    "invoice.create": _invoice_create,
    "invoice.void": _invoice_void,
    "invoice.revive": _invoice_revive,
    "invoice.hold": _hold,
    "invoice.release": _release,
    "invoice.writeoff": _writeoff,
    "invoice.credit_note": _credit_note,
    "pos.create": _sale_create,
    "pos.void": _sale_void,
    "pos.revive": _sale_revive,
    "product.create": _product_create,
    "product.edit": _product_edit,
    "product.receive": _product_receive,
    "product.restore": _product_retire,
    "product.retire": _product_retire,
    "suspense.assign": _assign,
    "payment.allocate": _allocate,
    "payment.unallocate": _unallocate,
    "payment.reverse": _reverse,
    "payment.restore": _restore,
}
WITHOUT_MONEY = frozenset(
    {
        "alias.add",
        "alias.remove",
        "day.close",
        "db.purge",
        "db.rebuild-totals",
        "db.restore",
        "import.customers",
        "import.invoices",
        "import.products",
        "import.undo",
        "mpesa.pull.register",
        "mpesa.register",
        "payment.claim",
        "payment.part",
        "payment.record",
        "payment.reverse.ask",
        "payment.unclaim",
        "quarantine.drop",
        "quarantine.release",
        "recon.statement",
        "remind",
        "remind.cancel",
        "suspense.note",
        "webhook.dismiss",
    }
)
"""They change nothing that is compared, or stand beside the rows and logs of what they did."""
