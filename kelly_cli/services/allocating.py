"""Allocation by hand: give free money to invoices, and take it back again.

Each of the two undoes the other. What is taken back is pinned until a person allocates it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core import hand_work, posting
from kelly_cli.core.books import Target
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.core.refs import fold
from kelly_cli.errors import ConflictError, DomainError, NotFoundError
from kelly_cli.services.hand_audit import moved_by, moves_of, settle_logs, state_of
from kelly_cli.services.invoices import get_invoice
from kelly_cli.services.payments import get_payment
from kelly_cli.store import audit_rows, book_rows, inbox_rows, invoice_rows, request_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from kelly_cli.core.books import Books, Invoice, Money, Sale
    from kelly_cli.services.hand_audit import Move
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.payment_rows import PaymentView


class Share(NamedTuple):
    """How much of a payment: on which invoice or sale, by any written form of its id.

    ``amount_cents`` None = as much as fits, or as stands there.
    """

    public_id: str
    amount_cents: int | None = None


class Moved(NamedTuple):
    """A payment after it was allocated or freed by hand, and all that moved with it."""

    payment: PaymentView
    moved: list[Move]


def allocate(
    database: Database,
    hand: Hand,
    receipt: str,
    shares: Sequence[Share],
    *,
    keep: bool = False,
    dry_run: bool = False,
) -> Moved:
    """Give a payment's free money to invoices or sales, in the order they are named.

    Without ``shares`` the rules use it, oldest invoice first. ``keep``: pin what is left; pinned
    money that is not named stays pinned. ``dry_run``: keep nothing. Refused in this order:

    Raises:
        NotFoundError: no such payment.
        ConflictError: ``nothing_free``: all of it is allocated, or it was reversed.
        DomainError: ``no_customer``: without ``shares``, and it is nobody's money.
        NotFoundError: no such invoice or sale.
        ConflictError: ``other_customer``: an invoice of somebody else.
        ConflictError: ``nothing_open``, ``more_than_open``; ``more_than_free``.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        before = get_payment(connection, receipt)
        _refuse_spent(before)
        targets = [_target(connection, share.public_id) for share in shares]
        money = book_rows.load_money(connection, [before.row])[before.row]
        books = book_rows.load(connection, targets)
        if money.customer is not None:
            book_rows.load_customers(connection, books, [money.customer])
        if shares:
            _give(connection, hand, books, money, [*zip(targets, shares, strict=True)], keep=keep)
        else:
            _release(books, money, before)
        book_rows.save(connection, books, hand.at)
        if before.customer_id is None and not before.allocated_cents:
            inbox_rows.set_match(connection, [("hand", None, money.row)])
            settle_logs(connection, before)
        asked = {"to": _plain(shares), "keep_credit": keep}
        return _told(connection, hand, "payment.allocate", before, books, asked)


def unallocate(
    database: Database,
    hand: Hand,
    receipt: str,
    shares: Sequence[Share] = (),
    *,
    to_suspense: bool = False,
    dry_run: bool = False,
) -> Moved:
    """Take a payment's money back from invoices, all of it without ``shares``, and pin it.

    ``to_suspense``: it is no customer's money from now on. Refused in this order:

    Raises:
        NotFoundError: no such payment.
        ConflictError: ``nothing_allocated``: there is nothing to take back.
        NotFoundError: no such invoice or sale.
        ConflictError: ``not_on_invoice``, ``more_than_allocated``.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        before = get_payment(connection, receipt)
        _refuse_unused(before, to_suspense=to_suspense)
        standing = request_rows.standing_of(connection, before.row)
        takings = _takings(connection, before, standing, shares)
        targets = [Target(invoice=row) for row in takings]
        money = book_rows.load_money(connection, [before.row])[before.row]
        books = book_rows.load(connection, targets)
        if money.customer is not None:
            book_rows.load_customers(connection, books, [money.customer])
        hand_work.take_back(books, money, takings, disown=to_suspense)
        book_rows.save(connection, books, hand.at)
        if money.unmatched:
            names = ", ".join(books.invoices[row].public_id for row in takings)
            what = names or before.customer_id
            invoice_rows.set_unmatched(
                connection, {money.row: f"freed: a person took it back from {what}"}
            )
        asked = {"from": _plain(shares), "to_suspense": to_suspense}
        return _told(connection, hand, "payment.unallocate", before, books, asked)


def _give(
    connection: Connection,
    hand: Hand,
    books: Books,
    money: Money,
    wanted: Sequence[tuple[Target, Share]],
    *,
    keep: bool,
) -> None:
    def make_invoice(sale: Sale) -> Invoice:
        return book_rows.invoice_for_sale(connection, sale, hand.at)

    gifts: list[tuple[Invoice, int]] = []
    customer, left_cents = money.customer, money.free_cents
    promised: dict[int, int] = {}
    for target, share in wanted:
        invoice, _ = posting.aim(books, target, make_invoice, money)
        if invoice is None:
            raise _refused_sale(books, target)
        customer = _owner(money, invoice, customer)
        open_cents = invoice.open_cents - promised.get(invoice.row, 0)
        amount_cents = _fitting(invoice, share, open_cents, left_cents)
        promised[invoice.row] = promised.get(invoice.row, 0) + amount_cents
        left_cents -= amount_cents
        gifts.append((invoice, amount_cents))
    hand_work.give(books, money, gifts, customer=customer, keep=keep)


def _owner(money: Money, invoice: Invoice, customer: int | None) -> int | None:
    """Return whose money it is when it pays this invoice too."""
    if invoice.customer is None or invoice.customer == customer:
        return customer
    if customer is None:
        return invoice.customer
    raise ConflictError(
        f"{invoice.public_id} is another customer's than the money of {money.receipt}",
        hint=f"Free the money first: kelly payment unallocate {money.receipt} --to-suspense"
        " --reason TEXT",
        code="other_customer",
    )


def _fitting(invoice: Invoice, share: Share, open_cents: int, left_cents: int) -> int:
    """Return how many cents go to an invoice."""
    name = invoice.public_id
    if open_cents <= 0:
        raise ConflictError(
            f"nothing is open on {name}",
            hint=f"See it: kelly invoice show {name}",
            code="nothing_open",
        )
    wanted = share.amount_cents
    if wanted is not None and wanted > open_cents:
        raise ConflictError(
            f"{kes_for_people(wanted)} is more than {kes_for_people(open_cents)}, open on {name}",
            hint=f"Leave the amount out to give what fits: --to {name}",
            code="more_than_open",
        )
    if left_cents <= 0 or (wanted is not None and wanted > left_cents):
        raise ConflictError(
            f"only {kes_for_people(max(left_cents, 0))} is left of the payment for {name}",
            hint="Give less, or name fewer invoices",
            code="more_than_free",
        )
    return min(open_cents, left_cents) if wanted is None else wanted


def _release(books: Books, money: Money, payment: PaymentView) -> None:
    if money.customer is None:
        receipt = payment.mpesa_receipt_number
        raise DomainError(
            f"{receipt} is nobody's money: no rule can place it",
            hint=f"Name an invoice with --to, or: kelly suspense assign {receipt} --to ID",
            code="no_customer",
        )
    hand_work.release(books, money, money.customer)


def _takings(
    connection: Connection,
    payment: PaymentView,
    standing: Mapping[int, int],
    shares: Sequence[Share],
) -> dict[int, int]:
    """Return what to take back: invoice row → cents."""
    if not shares:
        return dict(standing)
    takings: dict[int, int] = {}
    for share in shares:
        row, name = _invoice_row(connection, share.public_id)
        there_cents = standing.get(row, 0) - takings.get(row, 0)
        if there_cents <= 0:
            raise ConflictError(
                f"no money of {payment.mpesa_receipt_number} is on {name}",
                hint=f"See where it is: kelly payment show {payment.mpesa_receipt_number}",
                code="not_on_invoice",
            )
        wanted = there_cents if share.amount_cents is None else share.amount_cents
        if wanted > there_cents:
            raise ConflictError(
                f"{kes_for_people(wanted)} is more than the {kes_for_people(there_cents)} that "
                f"{payment.mpesa_receipt_number} holds on {name}",
                hint=f"Leave the amount out to take all of it: --from {name}",
                code="more_than_allocated",
            )
        takings[row] = takings.get(row, 0) + wanted
    return takings


def _invoice_row(connection: Connection, public_id: str) -> tuple[int, str]:
    """Return row and id of an invoice, or of a sale's invoice."""
    target = _target(connection, public_id)
    if target.sale is not None:
        sale = book_rows.load(connection, [target]).sales[target.sale]
        if sale.invoice is not None:
            return sale.invoice.row, sale.invoice.public_id
        return 0, sale.public_id
    found = get_invoice(connection, public_id)
    return found.row, found.invoice_id


def _target(connection: Connection, public_id: str) -> Target:
    key = fold(public_id)
    found = book_rows.find_keys(connection, [key]).get(key) if key else None
    if found is None or found.customer is not None:
        is_sale = (key or "").startswith("POS")
        raise NotFoundError(
            f"no invoice or sale is called {public_id!r}",
            hint="See what is open: kelly invoice list, kelly pos list",
            code="sale_not_found" if is_sale else "invoice_not_found",
        )
    return found


def _refuse_spent(payment: PaymentView) -> None:
    if payment.unallocated_cents:
        return
    receipt = payment.mpesa_receipt_number
    why = "it was reversed" if payment.reversed_at else "all of it is allocated"
    raise ConflictError(
        f"nothing of {receipt} is free: {why}",
        hint=f"See where it is: kelly payment show {receipt}",
        code="nothing_free",
    )


def _refuse_unused(payment: PaymentView, *, to_suspense: bool) -> None:
    credit = to_suspense and payment.customer_id is not None and not payment.reversed_at
    if payment.allocated_cents or credit:
        return
    receipt = payment.mpesa_receipt_number
    raise ConflictError(
        f"nothing of {receipt} is allocated" + (" or a customer's" if to_suspense else ""),
        hint=f"See where it is: kelly payment show {receipt}",
        code="nothing_allocated",
    )


def _refused_sale(books: Books, target: Target) -> ConflictError:
    sale = books.sales[target.sale or 0]
    return ConflictError(
        f"nothing is open on {sale.public_id}: it is VOID",
        hint=f"See it: kelly pos show {sale.public_id}",
        code="nothing_open",
    )


def _plain(shares: Sequence[Share]) -> list[list[str | None]]:
    return [
        [share.public_id, None if share.amount_cents is None else kes(share.amount_cents)]
        for share in shares
    ]


def _told(
    connection: Connection,
    hand: Hand,
    action: str,
    before: PaymentView,
    books: Books,
    asked: dict[str, Any],
) -> Moved:
    after = get_payment(connection, before.mpesa_receipt_number)
    audit_rows.record_audit(
        connection,
        hand,
        action,
        before.mpesa_receipt_number,
        before=state_of(before),
        after=state_of(after) | {"asked": asked, "moved": moved_by(books)},
    )
    return Moved(after, moves_of(books))
