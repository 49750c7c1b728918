"""Rows of open invoices: whose they are, what is still owed, and whether the books have them.

An invoice gets kelly's own number. The one it had elsewhere stands in its description, and is
remembered as something that its customer's payers may type: a suggestion, never a match.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core import headers
from kelly_cli.core.cells import day_of, signed_kes
from kelly_cli.core.money import kes_for_people
from kelly_cli.core.refs import MAX_KEY, fold
from kelly_cli.core.slips import loosely_folded
from kelly_cli.errors import DomainError
from kelly_cli.services import customers, invoices
from kelly_cli.services.import_verdicts import (
    CREATED,
    EXISTS,
    RowRefusedError,
    Verdict,
    read,
    refuse_total,
)
from kelly_cli.store import alias_rows, audit_rows, import_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from kelly_cli.services.inbox import Inbox
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.import_rows import KnownCustomer, KnownInvoice

OPENING = "Opening balance"
"""What an opening invoice is called: what stands on it may be these very invoices."""

BEHIND_NUMBER = ": "
"""Stands between the number that an invoice had elsewhere and its description."""


class _Told(NamedTuple):
    """What a row says. ``number``: the one it had elsewhere, None = none."""

    owner: KnownCustomer
    number: str | None
    amount_cents: int
    issued_on: date | None
    due_on: date | None
    description: str | None


class InvoiceRows:
    """Takes one row after the other. ``opening_on``: the day of issue where a row gives none."""

    fields = headers.INVOICES
    needed = (("amount", "balance"), ("customer", "name", "phone"))

    def __init__(self, connection: Connection, inbox: Inbox, hand: Hand, opening_on: date) -> None:
        del inbox
        self._hand, self._opening_on = hand, opening_on
        self._by_key: dict[str, KnownCustomer] = {}
        self._by_name: dict[str, list[KnownCustomer]] = {}
        self._by_phone: dict[str, list[KnownCustomer]] = {}
        for known in import_rows.known_customers(connection):
            if not known.retired:
                self._know(known)
        self._numbered: dict[tuple[int, str], tuple[KnownInvoice, int | None]] = {}
        self._number_of: dict[str, tuple[int, str]] = {}
        self._alike: dict[tuple[object, ...], list[str]] = {}
        self._opened: set[int] = set()
        for invoice in import_rows.known_invoices(connection):
            self._know_invoice(invoice)

    def take(self, connection: Connection, line: int, cells: Mapping[str, str]) -> Verdict:
        """Read one row and write what is new.

        Raises:
            RowRefusedError: a field of it cannot be taken.
        """
        refuse_total(cells, "customer", "name", "number", "description")
        told = self._told(cells)
        there = self._there(told, line)
        if there is not None:
            return Verdict(line, EXISTS, there)
        wanted = invoices.NewInvoice(
            told.owner.customer_id,
            told.amount_cents,
            told.issued_on or self._opening_on,
            _described(told),
            told.due_on,
        )
        try:
            made = invoices.issue(connection, self._hand, wanted).invoice
        except DomainError as error:
            field = {"bad_description": "description", "due_before_issue": "due"}
            name = field.get(error.code, "issued")
            raise RowRefusedError(name, cells.get(name), error.message) from None
        self._remember(connection, told, made.invoice_id)
        if told.number:
            known = import_rows.KnownInvoice(
                told.owner.row,
                made.invoice_id,
                made.amount_cents,
                made.issued_on,
                made.due_on,
                made.description,
            )
            self._numbered[told.owner.row, told.number] = known, line
        remark = None
        if told.owner.row in self._opened:
            remark = f"{told.owner.customer_id} has an opening balance too: is this part of it?"
        return Verdict(line, CREATED, made.invoice_id, reason=remark)

    def stands(self, line: int, subject: str) -> None:
        """Hear what an earlier import of the same file made of a row."""
        key = self._number_of.get(subject)
        if key is not None:
            self._numbered[key] = self._numbered[key][0], line

    def _know(self, known: KnownCustomer) -> None:
        self._by_key[known.key] = known
        if fold(known.customer_id) == known.key:
            self._by_name.setdefault(_plain(known.name), []).append(known)
            if known.phone:
                self._by_phone.setdefault(known.phone, []).append(known)

    def _know_invoice(self, invoice: KnownInvoice) -> None:
        if invoice.description == OPENING:
            self._opened.add(invoice.customer_row)
        number = (invoice.description or "").partition(BEHIND_NUMBER)[0]
        by_number = invoice.customer_row, number
        if number and by_number not in self._numbered:
            self._numbered[by_number] = invoice, None
            self._number_of[invoice.invoice_id] = by_number
        key = (
            invoice.customer_row,
            invoice.amount_cents,
            invoice.issued_on,
            invoice.due_on,
            invoice.description,
        )
        self._alike.setdefault(key, []).append(invoice.invoice_id)

    def _told(self, cells: Mapping[str, str]) -> _Told:
        owner = self._owner(cells)
        field = "balance" if cells.get("balance") else "amount"
        amount_cents = read(field, cells.get(field, ""), signed_kes)
        if amount_cents <= 0:
            raise RowRefusedError(field, cells.get(field), "nothing is owed")
        if field == "balance" and cells.get("amount"):
            whole_cents = read("amount", cells["amount"], signed_kes)
            if whole_cents < amount_cents:
                raise RowRefusedError(
                    "balance",
                    cells["balance"],
                    f"more is owed than the amount of {kes_for_people(whole_cents)}",
                )
        number = " ".join(cells.get("number", "").split()) or None
        description = " ".join(cells.get("description", "").split()) or None
        return _Told(
            owner,
            number,
            amount_cents,
            read("issued", cells["issued"], day_of) if cells.get("issued") else None,
            read("due", cells["due"], day_of) if cells.get("due") else None,
            description,
        )

    def _owner(self, cells: Mapping[str, str]) -> KnownCustomer:
        """Return whose invoice it is: by id, else by phone, else by the whole name."""
        text = cells.get("customer", "")
        known = self._by_key.get(fold(text) or "") if text else None
        if known is not None:
            return known
        phone = cells.get("phone", "")
        if phone:
            number = read("phone", phone, customers.read_phone)
            named = _plain(cells.get("name", "") or text)
            owners = self._by_phone.get(number or "", [])
            # A phone may be of a whole family: the name then says who.
            found = [each for each in owners if _plain(each.name) == named] or owners
            if found:
                return _only(found, "phone", phone)
        for field in ("customer", "name"):
            found = self._by_name.get(_plain(cells.get(field, "")), [])
            if found and cells.get(field):
                return _only(found, field, cells[field])
        field = next(
            (each for each in ("customer", "name", "phone") if cells.get(each)), "customer"
        )
        raise RowRefusedError(field, cells.get(field), "no customer is called so")

    def _there(self, told: _Told, line: int) -> str | None:
        """Return the invoice of the books that a row speaks of, None = it is new."""
        if told.number is None:
            key = (
                told.owner.row,
                told.amount_cents,
                told.issued_on or self._opening_on,
                told.due_on,
                told.description,
            )
            # As many equal rows as the books hold are there; the next one is new.
            waiting = self._alike.get(key)
            return waiting.pop(0) if waiting else None
        known, made_by = self._numbered.get((told.owner.row, told.number), (None, None))
        if known is None:
            return None
        if made_by is not None and made_by != line:
            raise RowRefusedError("number", told.number, f"row {made_by} of this file has it too")
        if known.amount_cents != told.amount_cents:
            raise RowRefusedError(
                "amount",
                kes_for_people(told.amount_cents),
                f"{known.invoice_id} is {kes_for_people(known.amount_cents)} in the books",
            )
        return known.invoice_id

    def _remember(self, connection: Connection, told: _Told, invoice_id: str) -> None:
        """Remember the number of elsewhere as a reference that may be typed."""
        value = loosely_folded(told.number or "")
        if not 0 < len(value) <= MAX_KEY or fold(value) in self._by_key:
            return
        if alias_rows.find_live(connection, told.owner.row, "reference", value):
            return
        row = alias_rows.add_alias(
            connection,
            customer_row=told.owner.row,
            kind="reference",
            value=value,
            amount_cents=None,
            learnt_from=invoice_id,
            actor=self._hand.actor,
            created_at=self._hand.at,
        )
        after = {"alias": row, "kind": "reference"}
        audit_rows.record_audit(
            connection, self._hand, "alias.add", told.owner.customer_id, after=after
        )


def _described(told: _Told) -> str | None:
    if told.number and told.description:
        return f"{told.number}{BEHIND_NUMBER}{told.description}"
    return told.number or told.description


def _only(found: Sequence[KnownCustomer], field: str, text: str) -> KnownCustomer:
    if len(found) > 1:
        ids = ", ".join(each.customer_id for each in found[:3])
        raise RowRefusedError(field, text, f"it is {ids}: give the customer's id")
    return found[0]


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
