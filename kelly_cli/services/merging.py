"""Two entries that are one customer become one, and can be told apart again.

Documents, money, aliases and references move; the id that went still finds its money, because its
key stands for the other from now on. Then the rules run: nobody keeps both unused credit and an
open invoice. What moved stands in the audit, and a person can take it back.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core import posting
from kelly_cli.core.books import Books, Target
from kelly_cli.core.money import kes
from kelly_cli.core.refs import fold
from kelly_cli.errors import ConflictError, DomainError
from kelly_cli.services.customers import get_customer
from kelly_cli.store import alias_rows, audit_rows, book_rows, customer_rows, merge_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.customer_rows import CustomerView
    from kelly_cli.store.database import Database


class Merged(NamedTuple):
    """What a merge, or its undo, did. ``moved``: kind → public ids or rows.

    ``phone_conflict``: the phone that both could not keep; it is remembered as an alias.
    ``paid``: what the rules moved afterwards: (receipt, invoice, cents).
    """

    gone: CustomerView
    into: CustomerView
    moved: dict[str, list[Any]]
    phone_conflict: str | None
    paid: list[tuple[str, str, int]]


def merge_customers(
    database: Database, hand: Hand, gone_id: str, into_id: str, *, dry_run: bool = False
) -> Merged:
    """Merge one customer into another; ``dry_run``: keep nothing.

    Raises:
        NotFoundError: no such customer.
        ConflictError: ``already_merged``: the first went into another before.
        DomainError: ``same_customer``.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        gone, into = get_customer(connection, gone_id), get_customer(connection, into_id)
        _refuse(gone, into, gone_id)

        twins = merge_rows.twice_known(connection, gone.row, into.row)
        for row in twins:
            alias_rows.retire(connection, row, hand.at)
        moved = merge_rows.owned(connection, gone.row)
        moved["aliases"] = [row for row in moved["aliases"] if row not in set(twins)]
        for kind in merge_rows.KINDS:
            merge_rows.move(connection, kind, moved[kind], owner=gone.row, to=into.row)
        taken_over, conflict, alias = _share(connection, hand, gone, into)
        books = _run_rules(connection, hand, [into.row])
        paid = _paid(books)
        audit_rows.record_audit(
            connection,
            hand,
            "customer.merge",
            gone.customer_id,
            before={
                "gone": _plain(gone),
                "into": _plain(into),
            },
            after={
                "into": into.customer_id,
                "moved": moved,
                "retired_aliases": twins,
                "taken_over": taken_over,
                "alias": alias,
                "paid": _told(paid),
            },
        )
        return Merged(gone, get_customer(connection, into.customer_id), moved, conflict, paid)


def unmerge_customer(
    database: Database, hand: Hand, gone_id: str, *, dry_run: bool = False
) -> Merged:
    """Take a merge back: what moved goes home, and what came since stays; ``dry_run``: as above.

    Raises:
        NotFoundError: no such customer.
        ConflictError: ``not_merged``; ``merged_further``: the other one went into a third.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        into = get_customer(connection, gone_id)
        name, told = _last_merge(connection, gone_id, into)
        before, after = json.loads(told.before), json.loads(told.after)
        gone_row = int(before["gone"]["row"])

        moved = after["moved"]
        invoices = merge_rows.invoices_of_sales(connection, moved["sales"])
        moved["invoices"] = sorted({*moved["invoices"], *invoices})
        for kind in merge_rows.KINDS:
            merge_rows.move(connection, kind, moved[kind], owner=into.row, to=gone_row)
        freed = _part(connection, hand, gone_row, into.row)
        _give_back(connection, hand, before, after, into)
        books = _run_rules(connection, hand, [gone_row, into.row])
        paid = _paid(books)
        gone = get_customer(connection, name)
        audit_rows.record_audit(
            connection,
            hand,
            "customer.unmerge",
            name,
            before={"into": into.customer_id},
            after={"into": into.customer_id, "moved": moved, "freed": freed, "paid": _told(paid)},
        )
        return Merged(gone, get_customer(connection, into.customer_id), moved, None, paid)


def _refuse(gone: CustomerView, into: CustomerView, gone_id: str) -> None:
    if fold(gone.customer_id) != fold(gone_id):
        raise ConflictError(
            f"{gone_id} was merged into {gone.customer_id} already",
            hint=f"See it: kelly customer show {gone.customer_id}",
            code="already_merged",
        )
    if gone.row == into.row:
        raise DomainError(
            f"{gone.customer_id} is the same customer as {into.customer_id}",
            hint="Name two customers: kelly customer merge FROM INTO",
            code="same_customer",
        )


def _share(
    connection: Connection, hand: Hand, gone: CustomerView, into: CustomerView
) -> tuple[dict[str, str], str | None, int | None]:
    """Let one keep the phone and e-mail of both; return (taken over, phone left over, its alias).

    A phone of two customers would match neither, so the one that is left over is only an alias.
    """
    taken_over: dict[str, str] = {}
    for column in ("phone", "email"):
        value = getattr(gone, column)
        if value and not getattr(into, column):
            taken_over[column] = value
    if taken_over:
        customer_rows.change_customer(connection, into.row, dict(taken_over))
    customer_rows.change_customer(connection, gone.row, {"phone": None})
    conflict = gone.phone if gone.phone and into.phone and gone.phone != into.phone else None
    alias = None
    if conflict and alias_rows.find_live(connection, into.row, "phone", conflict) is None:
        alias = alias_rows.add_alias(
            connection,
            customer_row=into.row,
            kind="phone",
            value=conflict,
            amount_cents=None,
            learnt_from=None,
            actor=hand.actor,
            created_at=hand.at,
        )
    return taken_over, conflict, alias


def _give_back(
    connection: Connection,
    hand: Hand,
    before: dict[str, Any],
    after: dict[str, Any],
    into: CustomerView,
) -> None:
    gone_row = int(before["gone"]["row"])
    customer_rows.change_customer(connection, gone_row, {"phone": before["gone"]["phone"]})
    home = {
        column: before["into"][column]
        for column, value in after["taken_over"].items()
        if getattr(into, column) == value
    }
    if home:
        customer_rows.change_customer(connection, into.row, home)
    if after["alias"] is not None:
        alias_rows.retire(connection, after["alias"], hand.at)
    alias_rows.restore(connection, after["retired_aliases"])


def _part(connection: Connection, hand: Hand, gone_row: int, into_row: int) -> list[dict[str, Any]]:
    """Take money of one off the invoices of the other; each payment gets its audit row."""
    crossings = merge_rows.crossings(connection, gone_row, into_row)
    if not crossings:
        return []
    books = book_rows.load(connection, {Target(invoice=each.invoice_row) for each in crossings})
    payments = book_rows.load_money(connection, {each.payment_row for each in crossings})
    freed = []
    for each in crossings:
        invoice = books.invoices[each.invoice_row]
        posting.free(books, payments[each.payment_row], invoice, each.amount_cents, "hand")
        told = {"invoice_id": invoice.public_id, "amount": kes(each.amount_cents)}
        audit_rows.record_audit(connection, hand, "payment.part", each.receipt, before=told)
        freed.append({"mpesa_receipt_number": each.receipt, **told})
    book_rows.save(connection, books, hand.at)
    return freed


def _run_rules(connection: Connection, hand: Hand, customers: list[int]) -> Books:
    books = Books()
    book_rows.load_customers(connection, books, customers)
    for row in customers:
        posting.use_credit(books, row)
    book_rows.save(connection, books, hand.at)
    return books


def _last_merge(
    connection: Connection, gone_id: str, into: CustomerView
) -> tuple[str, merge_rows.Told]:
    """Return the id that went, as the books write it, and the merge in which it went."""
    found = merge_rows.merged_name(connection, fold(gone_id) or "", into.row)
    told = merge_rows.last_merge(connection, found) if found else None
    if found is None or told is None:
        raise ConflictError(
            f"{into.customer_id} was not merged into another customer",
            hint=f"See it: kelly customer show {into.customer_id}",
            code="not_merged",
        )
    first = json.loads(told.after)["into"]
    if first != into.customer_id:
        raise ConflictError(
            f"{found} went into {first}, and that into {into.customer_id}",
            hint=f"Take the later one back first: kelly customer unmerge {first} --reason TEXT",
            code="merged_further",
        )
    return found, told


def _paid(books: Books) -> list[tuple[str, str, int]]:
    return [
        (each.money.receipt, each.invoice.public_id, each.amount_cents)
        for each in books.allocations
    ]


def _told(paid: list[tuple[str, str, int]]) -> list[dict[str, str]]:
    return [
        {"mpesa_receipt_number": receipt, "invoice_id": invoice, "amount": kes(cents)}
        for receipt, invoice, cents in paid
    ]


def _plain(customer: CustomerView) -> dict[str, Any]:
    return {
        "row": customer.row,
        "customer_id": customer.customer_id,
        "name": customer.name,
        "phone": customer.phone,
        "email": customer.email,
        "outstanding": kes(customer.owed_cents),
        "credit": kes(customer.credit_cents),
    }
