"""Where the shillings go: the rules of allocation.

To an invoice: that invoice first, then the same customer's oldest open invoices, then credit. To a
customer: oldest open invoices first, then credit. To a sale: its invoice, made when first paid.
Credit is used by itself, oldest first, as soon as there is something to pay. Nothing is made or
lost, and nothing is paid more than it is owed.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from kelly_cli.core.books import Allocation, Books, Invoice, Money, Sale
from kelly_cli.errors import BrokenInvariantError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from kelly_cli.core.books import Target

    MakeInvoice = Callable[[Sale], Invoice]


def settle(
    books: Books, money: Money, target: Target, make_invoice: MakeInvoice, *, keep: bool = False
) -> None:
    """Give a payment its place: its customer, its invoices, and credit for what is left.

    ``make_invoice`` gives the new invoice of a sale its row and number. ``keep``: a person keeps
    back what its own invoice does not need; it is pinned.
    """
    invoice, customer = aim(books, target, make_invoice, money)
    # An invoice without a customer leaves the payer unknown: the rest waits for a person.
    if customer is not None:
        money.customer = customer
        books.changed_money[money.row] = money
    if invoice is not None:
        allocate(books, money, invoice, "reference")
    if customer is not None:
        if keep:
            money.pinned = money.free_cents > 0
        else:
            pay_oldest(books, money, customer, "fifo")
        if money.free_cents and not money.pinned:
            keep_as_credit(books, money, customer)
        use_credit(books, customer)


def refusal(books: Books, target: Target) -> str | None:
    """Say why a payment finds no place although its reference is known, or None.

    Only an invoice or a sale without a customer can refuse: elsewhere the money becomes credit.
    """
    if target.sale is not None:
        sale = books.sales[target.sale]
        if sale.customer is None and sale.void:
            return f"late_or_double: sale {sale.public_id} is void and has no customer"
        invoice = sale.invoice
        if sale.customer is None and invoice is not None and invoice.open_cents == 0:
            return f"late_or_double: sale {sale.public_id} is already paid and has no customer"
    if target.invoice is not None:
        invoice = books.invoices[target.invoice]
        if invoice.customer is None and invoice.open_cents == 0:
            state = "void" if invoice.void else "already paid"
            return f"late_or_double: invoice {invoice.public_id} is {state} and has no customer"
    return None


def allocate(
    books: Books, money: Money, invoice: Invoice, reason: str, *, most_cents: int | None = None
) -> int:
    """Allocate what fits (at most ``most_cents``) and return how many cents that was."""
    amount_cents = min(money.free_cents, invoice.open_cents)
    if most_cents is not None:
        amount_cents = min(amount_cents, most_cents)
    if amount_cents > 0:
        _move(books, money, invoice, amount_cents, reason)
    return amount_cents


def free(books: Books, money: Money, invoice: Invoice, amount_cents: int, reason: str) -> None:
    """Take ``amount_cents`` back from an invoice by a row with the other sign."""
    if amount_cents <= 0 or amount_cents > min(money.allocated_cents, invoice.paid_cents):
        raise BrokenInvariantError(
            f"cannot take {amount_cents} cents of {money.receipt} back from {invoice.public_id}"
        )
    _move(books, money, invoice, -amount_cents, reason)


def reverse(books: Books, money: Money, standing: Mapping[int, int]) -> None:
    """Take a payment out of the books: its invoices are open again, and other credit may pay them.

    ``standing``: what it holds, in cents, by invoice row; all of these invoices are in ``books``,
    with the queues and credits of their customers.
    """
    opened = [books.invoices[row] for row in standing]
    for invoice in opened:
        free(books, money, invoice, standing[invoice.row], "reversal")
    if money.allocated_cents:
        raise BrokenInvariantError(f"{money.receipt} holds more than its invoices: not reversed")
    money.reversed = True
    books.changed_money[money.row] = money
    leave_credit(books, money)
    reopen(books, opened)


def restore(books: Books, money: Money) -> None:
    """Bring a payment back that was reversed by mistake: free and pinned, for a person to place."""
    money.reversed = False
    money.pinned = True
    books.changed_money[money.row] = money


def reopen(books: Books, opened: Sequence[Invoice]) -> None:
    """Put invoices on which something is open again in their queues; other credit may pay them."""
    for invoice in opened:
        queue = books.queues.get(invoice.customer or 0, ())
        if all(invoice is not other for other in queue):
            enqueue(books, invoice)
    for customer in sorted({each.customer for each in opened if each.customer is not None}):
        use_credit(books, customer)


def pay_oldest(books: Books, money: Money, customer: int, reason: str) -> None:
    """Pay the customer's open invoices with one payment, oldest first."""
    queue = books.queues.get(customer)
    while queue and money.free_cents:
        if queue[0].open_cents:
            allocate(books, money, queue[0], reason)
        if queue[0].open_cents == 0:
            queue.popleft()


def use_credit(books: Books, customer: int) -> None:
    """Pay the customer's open invoices with free money that is not pinned, oldest first."""
    waiting = books.credits.get(customer)
    while waiting and books.queues.get(customer):
        pay_oldest(books, waiting[0], customer, "credit")
        if waiting[0].free_cents:
            break
        waiting.popleft()


def enqueue(books: Books, invoice: Invoice) -> None:
    """Put a new or released invoice in its customer's queue, in its place by age."""
    if invoice.customer is None or invoice.on_hold or not invoice.open_cents:
        return
    queue = books.queues.setdefault(invoice.customer, deque())
    age = (invoice.issued_on, invoice.number)
    place = sum(1 for other in queue if (other.issued_on, other.number) < age)
    queue.insert(place, invoice)


def aim(
    books: Books, target: Target, make_invoice: MakeInvoice, money: Money
) -> tuple[Invoice | None, int | None]:
    """Return the invoice that a target stands for, a sale's made when missing, and its customer."""
    if target.invoice is not None:
        invoice = books.invoices[target.invoice]
        return invoice, money.customer if invoice.customer is None else invoice.customer
    if target.sale is not None:
        sale = books.sales[target.sale]
        if sale.invoice is None and not sale.void:
            _give_invoice(books, sale, make_invoice)
        return sale.invoice, money.customer if sale.customer is None else sale.customer
    return None, target.customer


def keep_as_credit(books: Books, money: Money, customer: int) -> None:
    """Put money in its customer's credit, in its place by age.

    Payments of one batch may come in any order; looked for from the end, where most belong.
    """
    waiting = books.credits.setdefault(customer, deque())
    place = len(waiting)
    while place and _age(waiting[place - 1]) > _age(money):
        place -= 1
    waiting.insert(place, money)


def leave_credit(books: Books, money: Money) -> None:
    """Take money out of its customer's credit, under whatever object it stands there."""
    waiting = books.credits.get(money.customer or 0)
    if waiting is not None:
        kept = [each for each in waiting if each.row != money.row]
        waiting.clear()
        waiting.extend(kept)


def _age(money: Money) -> tuple[datetime, int]:
    return money.paid_at, money.row


def _give_invoice(books: Books, sale: Sale, make_invoice: MakeInvoice) -> None:
    sale.invoice = make_invoice(sale)
    books.invoices[sale.invoice.row] = sale.invoice
    books.invoiced_sales.append(sale)
    enqueue(books, sale.invoice)


def _move(books: Books, money: Money, invoice: Invoice, amount_cents: int, reason: str) -> None:
    money.allocated_cents += amount_cents
    invoice.paid_cents += amount_cents
    books.changed_money[money.row] = money
    books.changed_invoices[invoice.row] = invoice
    books.allocations.append(Allocation(money, invoice, amount_cents, reason))
