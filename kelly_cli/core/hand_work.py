"""What a person may do to allocations and invoices, on plain values.

The rules in ``posting`` go on holding around it: an invoice that is open again is paid by credit
that is not pinned, and what a person freed or kept is pinned until a person allocates it. Whether
something is allowed is asked before, by the services.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.core import posting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kelly_cli.core.books import Books, Invoice, Money


def give(
    books: Books,
    money: Money,
    gifts: Sequence[tuple[Invoice, int]],
    *,
    customer: int | None,
    keep: bool = False,
) -> None:
    """Allocate money to invoices as a person says; pinned money stays pinned in what is left.

    ``customer``: whose money it is from now on, None = nobody's. ``keep``: pin what is left.
    """
    posting.leave_credit(books, money)
    money.customer = customer
    books.changed_money[money.row] = money
    for invoice, amount_cents in gifts:
        posting.allocate(books, money, invoice, "hand", most_cents=amount_cents)
    money.pinned = money.free_cents > 0 and (money.pinned or keep)
    if customer is None:
        return
    if money.free_cents and not money.pinned:
        posting.pay_oldest(books, money, customer, "fifo")
        if money.free_cents:
            posting.keep_as_credit(books, money, customer)
    posting.use_credit(books, customer)


def release(books: Books, money: Money, customer: int) -> None:
    """Let the rules use pinned money again: oldest invoices first, the rest is credit."""
    posting.leave_credit(books, money)
    money.pinned = False
    books.changed_money[money.row] = money
    posting.pay_oldest(books, money, customer, "credit")
    if money.free_cents:
        posting.keep_as_credit(books, money, customer)
    posting.use_credit(books, customer)


def take_back(
    books: Books, money: Money, takings: Mapping[int, int], *, disown: bool = False
) -> None:
    """Free money from invoices (row → cents) and pin it; other credit may pay them.

    ``disown``: it is nobody's money from now on; then it must hold nothing more.
    """
    posting.leave_credit(books, money)
    opened = [books.invoices[row] for row in takings]
    for invoice in opened:
        posting.free(books, money, invoice, takings[invoice.row], "hand")
    money.pinned = True
    if disown:
        money.customer = None
    books.changed_money[money.row] = money
    posting.reopen(books, opened)


def keep_all(books: Books, customer: int) -> list[Money]:
    """Pin all credit of a customer that the rules could use; return it, oldest first."""
    kept = list(books.credits.get(customer, ()))
    for money in kept:
        money.pinned = True
        books.changed_money[money.row] = money
    if kept:
        books.credits[customer].clear()
    return kept


def freed_for(
    invoice: Invoice, standing: Mapping[int, int], amount_cents: int
) -> list[tuple[int, int]]:
    """Return what must come back before so much can be credited: (payment row, cents).

    ``standing``: the money on the invoice, oldest payment first; the newest comes back first.
    """
    short_cents = amount_cents - invoice.open_cents
    freed = []
    for row in reversed(list(standing)):
        if short_cents <= 0:
            break
        taken_cents = min(short_cents, standing[row])
        freed.append((row, taken_cents))
        short_cents -= taken_cents
    return freed
