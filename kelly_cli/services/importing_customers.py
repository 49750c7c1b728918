"""Rows of customers: who is new, who is known, and what each owed when the books began.

An opening balance above zero becomes an invoice; below zero it is credit, recorded by hand on the
one road. It is booked with its customer or not at all: a known customer gets none.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from kelly_cli.core import headers
from kelly_cli.core.cells import signed_kes
from kelly_cli.core.refs import fold, parse_customer_id
from kelly_cli.services import customers, invoices, recording
from kelly_cli.services.import_verdicts import (
    BESIDE,
    CREATED,
    EXISTS,
    RowRefusedError,
    Verdict,
    read,
    refuse_total,
)
from kelly_cli.store import audit_rows, customer_rows, import_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from sqlalchemy import Connection

    from kelly_cli.services.inbox import Inbox
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.import_rows import KnownCustomer

OPENING = "Opening balance"
"""The description of an opening invoice, and what a recorded opening credit is called."""

LAST_MOMENT = time(23, 59, 59)


class CustomerRows:
    """Takes one row after the other. ``opening_on``: the day of the opening balances."""

    fields = headers.CUSTOMERS
    needed = (("name", "first"),)

    def __init__(self, connection: Connection, inbox: Inbox, hand: Hand, opening_on: date) -> None:
        self._inbox, self._hand, self._opening_on = inbox, hand, opening_on
        self._by_key: dict[str, KnownCustomer] = {}
        self._by_name: dict[str, list[KnownCustomer]] = {}
        self._made_by: dict[str, int] = {}
        for known in import_rows.known_customers(connection):
            self._know(known)

    def take(self, connection: Connection, line: int, cells: Mapping[str, str]) -> Verdict:
        """Read one row and write what is new.

        Raises:
            RowRefusedError: a field of it cannot be taken.
        """
        refuse_total(cells, "name", "customer")
        name = " ".join(cells.get(part, "") for part in ("name", "first", "middle", "last"))
        given = cells.get("customer", "")
        values: dict[str, Any] = {
            "name": read("name", " ".join(name.split()), customers.read_name),
            "phone": read("phone", cells.get("phone", ""), customers.read_phone),
            "email": read("email", cells.get("email", ""), customers.read_email),
        }
        balance_cents = read("balance", cells.get("balance", ""), signed_kes)
        wanted = read("customer", given, parse_customer_id) if given else None

        known = self._known(wanted, values)
        if known is not None and not known.retired:
            self._refuse_again(known, cells, balance_cents, by_id=wanted is not None)
            return self._exists(line, known, values, by_id=wanted is not None)
        customer_id = self._make(connection, wanted, known, values)
        self._made_by[fold(customer_id) or ""] = line
        subject = customer_id
        if balance_cents:
            subject += BESIDE + self._open(connection, customer_id, balance_cents)
        return Verdict(line, CREATED, subject)

    def stands(self, line: int, subject: str) -> None:
        """Hear what an earlier import of the same file made of a row."""
        self._made_by[fold(subject.partition(BESIDE)[0]) or ""] = line

    def _know(self, known: KnownCustomer) -> None:
        self._by_key[known.key] = known
        if not known.retired and fold(known.customer_id) == known.key:
            self._by_name.setdefault(_plain(known.name), []).append(known)

    def _known(self, wanted: str | None, values: Mapping[str, Any]) -> KnownCustomer | None:
        """Return who a row speaks of: by its id, else by name and phone; None = somebody new."""
        if wanted is not None:
            return self._by_key.get(fold(wanted) or "")
        phone = values["phone"]
        named = self._by_name.get(_plain(values["name"]), [])
        same = [each for each in named if each.phone == phone]
        if phone and not same:
            same = [each for each in named if not each.phone]
        elif not phone:
            same = named
        if len(same) > 1:
            ids = ", ".join(each.customer_id for each in same[:3])
            raise RowRefusedError("name", values["name"], f"{ids} are called so: give the account")
        return same[0] if same else None

    def _refuse_again(
        self, known: KnownCustomer, cells: Mapping[str, str], balance_cents: int, *, by_id: bool
    ) -> None:
        """Refuse a second row of one customer where something of it would be lost."""
        line = self._made_by.get(known.key)
        if line is None:
            return
        if balance_cents:
            raise RowRefusedError(
                "balance", cells["balance"], f"row {line} of this file has this customer already"
            )
        if not by_id and not cells.get("phone"):
            raise RowRefusedError(
                "name", known.name, f"row {line} has this name too: give an account or a phone"
            )

    def _exists(
        self, line: int, known: KnownCustomer, values: Mapping[str, Any], *, by_id: bool
    ) -> Verdict:
        merged = fold(known.customer_id) != known.key
        if by_id and not merged and _plain(known.name) != _plain(values["name"]):
            raise RowRefusedError(
                "name", values["name"], f"{known.customer_id} is {known.name} in the books"
            )
        reason = None
        if values["phone"] and values["phone"] != known.phone:
            reason = f"the books have {known.phone or 'no phone'}: it stays"
        return Verdict(line, EXISTS, known.customer_id, reason=reason)

    def _make(
        self,
        connection: Connection,
        wanted: str | None,
        retired: KnownCustomer | None,
        values: dict[str, Any],
    ) -> str:
        if retired is not None:
            import_rows.revive(connection, retired.key)
            customer_rows.change_customer(connection, retired.row, values)
            customer_id, row, action = retired.customer_id, retired.row, "customer.restore"
        else:
            customer_id, action = wanted or customers.next_id(connection), "customer.create"
            if customer_rows.taken(connection, fold(customer_id) or ""):
                raise RowRefusedError("customer", customer_id, "it is taken")
            row = customer_rows.add_customer(
                connection, customer_id=customer_id, created_at=self._hand.at, **values
            )
        audit_rows.record_audit(connection, self._hand, action, customer_id, after=values)
        self._know(
            import_rows.KnownCustomer(
                fold(customer_id) or "",
                row,
                customer_id,
                values["name"],
                values["phone"],
                retired=False,
            )
        )
        return customer_id

    def _open(self, connection: Connection, customer_id: str, balance_cents: int) -> str:
        """Book an opening balance; return the invoice or the receipt."""
        if balance_cents > 0:
            wanted = invoices.NewInvoice(customer_id, balance_cents, self._opening_on, OPENING)
            return invoices.issue(connection, self._hand, wanted).invoice.invoice_id
        money = recording.NewMoney(
            "bank",
            -balance_cents,
            min(datetime.combine(self._opening_on, LAST_MOMENT), self._inbox.wall_clock()),
            customer_id=customer_id,
            number=OPENING,
        )
        booked = recording.record_in(connection, self._inbox, self._hand, money)
        return booked.mpesa_receipt_number


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
