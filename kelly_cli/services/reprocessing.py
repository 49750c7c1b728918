"""Failed and unfinished callbacks, tried again; or rehearsed, to see what it would do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.services.inbox import Inbox, Tally
from kelly_cli.store import effect_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from kelly_cli.services.batch import Batch
    from kelly_cli.store.database import Database


class Effect(NamedTuple):
    """What would become of one invoice, sale or balance.

    ``amount_before`` and ``amount_after``: paid cents, or the balance of a customer. A status ""
    = it has none (a customer), or it is not there yet.
    """

    kind: str
    name: str
    status_before: str
    status_after: str
    amount_before_cents: int
    amount_after_cents: int


@dataclass(slots=True)
class Rehearsal:
    """What ``reprocess`` would do."""

    tally: Tally = field(default_factory=Tally)
    effects: list[Effect] = field(default_factory=list)


def reprocess(
    inbox: Inbox,
    rows: Sequence[int] = (),
    *,
    advance: Callable[[int], None] = lambda _: None,
) -> Tally:
    """Try failed and pending logs again, all or by row.

    Raises:
        NotFoundError: one of ``rows`` is no failed or pending log.
    """
    tally = Tally()
    for _, entries in inbox.retry(rows):
        for entry in entries:
            tally.add(entry)
        advance(len(entries))
    return tally


def rehearse(database: Database, inbox: Inbox, rows: Sequence[int] = ()) -> Rehearsal:
    """Do what ``reprocess`` does, by the same code, show the effects and keep nothing.

    Raises:
        NotFoundError: one of ``rows`` is no failed or pending log.
    """
    done = Rehearsal()
    touched = _Touched()
    with database.rehearsing() as connection:
        after = 0
        while (taken := inbox.retry_next(connection, rows, after)) is not None:
            batch, entries = taken
            for entry in entries:
                done.tally.add(entry)
            touched.add(batch)
            after = entries[-1].log_row
            if rows:
                break
        then = touched.standing(connection)
    with database.reading() as connection:
        now = touched.standing(connection)
    done.effects = _differences(now, then)
    return done


class _Touched:
    """The rows that a rehearsal changed."""

    def __init__(self) -> None:
        self.invoices: set[int] = set()
        self.sales: set[int] = set()
        self.customers: set[int] = set()

    def add(self, batch: Batch) -> None:
        books = batch.books
        self.invoices.update(books.changed_invoices)
        self.sales.update(
            row
            for row, sale in books.sales.items()
            if sale.invoice is not None and sale.invoice.row in books.changed_invoices
        )
        self.customers.update(
            money.customer for money in books.changed_money.values() if money.customer is not None
        )

    def standing(self, connection: Connection) -> dict[tuple[str, str], tuple[str, int]]:
        """Return (status, cents) by (kind, name)."""
        invoices = effect_rows.standing_invoices(connection, self.invoices)
        sales = effect_rows.standing_sales(connection, self.sales)
        balances = effect_rows.standing_balances(connection, self.customers)
        return {
            **{("invoice", name): state for name, state in invoices.items()},
            **{("sale", name): state for name, state in sales.items()},
            **{("customer", name): ("", cents) for name, cents in balances.items()},
        }


def _differences(
    now: dict[tuple[str, str], tuple[str, int]], then: dict[tuple[str, str], tuple[str, int]]
) -> list[Effect]:
    effects = []
    for (kind, name), (status, cents) in sorted(then.items()):
        before, before_cents = now.get((kind, name), ("", 0))
        if (before, before_cents) != (status, cents):
            effects.append(Effect(kind, name, before, status, before_cents, cents))
    return effects
