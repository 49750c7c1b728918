"""The part of the books that a piece of work touches, as plain values in memory.

A service gathers it, the rules in ``posting`` change it, the service writes the changes back.
Row ids are the database's; a new row already has the id that was reserved for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections import deque
    from datetime import date, datetime


class Target(NamedTuple):
    """What a reference stands for: exactly one of the three is given (row ids)."""

    customer: int | None = None
    invoice: int | None = None
    sale: int | None = None


@dataclass(slots=True)
class Invoice:
    """What is owed. ``customer`` None = a sale at the counter to nobody in particular.

    ``adjusted_cents``: written off or credited, so no longer owed.
    """

    row: int
    public_id: str
    customer: int | None
    amount_cents: int
    paid_cents: int
    issued_on: date
    number: int
    void: bool = False
    on_hold: bool = False
    adjusted_cents: int = 0

    @property
    def open_cents(self) -> int:
        """What can still be allocated to it."""
        return 0 if self.void else self.amount_cents - self.adjusted_cents - self.paid_cents


@dataclass(slots=True)
class Sale:
    """A sale at the counter; ``invoice`` None = nothing has been paid yet."""

    row: int
    public_id: str
    customer: int | None
    total_cents: int
    sold_on: date
    invoice: Invoice | None = None
    void: bool = False


@dataclass(slots=True)
class Money:
    """A payment as the rules of allocation see it.

    ``pinned``: a person freed it or kept it back, so only a person allocates it.
    """

    row: int
    receipt: str
    amount_cents: int
    allocated_cents: int
    customer: int | None
    paid_at: datetime
    pinned: bool = False
    reversed: bool = False

    @property
    def free_cents(self) -> int:
        """What is not allocated."""
        return 0 if self.reversed else self.amount_cents - self.allocated_cents

    @property
    def unmatched(self) -> bool:
        """Nobody's money: no customer, and nothing allocated."""
        return self.customer is None and self.allocated_cents == 0 and not self.reversed


class Allocation(NamedTuple):
    """One new row: payment → invoice, signed."""

    money: Money
    invoice: Invoice
    amount_cents: int
    reason: str


@dataclass(slots=True)
class Books:
    """What was gathered, and what has changed.

    ``queues``: a customer's open invoices that are not on hold, oldest first (issue day, number).
    ``credits``: a customer's free money that is not pinned, oldest first.
    """

    invoices: dict[int, Invoice] = field(default_factory=dict)
    sales: dict[int, Sale] = field(default_factory=dict)
    queues: dict[int, deque[Invoice]] = field(default_factory=dict)
    credits: dict[int, deque[Money]] = field(default_factory=dict)
    allocations: list[Allocation] = field(default_factory=list)
    changed_invoices: dict[int, Invoice] = field(default_factory=dict)
    changed_money: dict[int, Money] = field(default_factory=dict)
    invoiced_sales: list[Sale] = field(default_factory=list)
