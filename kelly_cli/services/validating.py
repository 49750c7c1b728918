"""Would this payment find its place? Safaricom asks before money moves; the books answer.

It only reads. What the answer does is the policy's: ``warn`` marks, ``strict`` refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core import posting
from kelly_cli.core.matching import Directory, claim_of, match, why_unmatched
from kelly_cli.core.money import kes_for_people, parse_literal
from kelly_cli.core.refs import phone_of
from kelly_cli.daraja.messages import Refusal, parse_validation
from kelly_cli.errors import StorageError
from kelly_cli.store import book_rows
from kelly_cli.store.same_file import SameFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from kelly_cli.core.books import Sale, Target
    from kelly_cli.daraja.messages import ValidationRequest
    from kelly_cli.store.database import Database

UNKNOWN_ACCOUNT = "C2B00012"
WRONG_AMOUNT = "C2B00013"
FOREIGN_SHORT_CODE = "C2B00015"
OTHER = "C2B00016"


class Doubt(NamedTuple):
    """Why a payment should not be made, in Safaricom's code and for people."""

    code: str
    why: str


def doubt_of(database: Database, raw: bytes, *, ours: frozenset[str]) -> Doubt | None:
    """Judge a validation request, in this order; None = the payment would find its place.

        unreadable → foreign short code → unknown account → closed sale → wrong amount for a sale

    Raises:
        StorageError: the books cannot be read.
    """
    asked = parse_validation(raw)
    if isinstance(asked, Refusal):
        return Doubt(OTHER, asked.error)
    if asked.short_code not in ours:
        return Doubt(FOREIGN_SHORT_CODE, f"short code {asked.short_code!r} is not ours")
    with database.reading() as connection:
        return _doubt_of_place(connection, asked)


class Judge:
    """Judges with connections of its own, to the books that stand there now. Any thread.

    ``stands`` raises a StorageError while the books are not to be trusted.
    """

    def __init__(
        self, database: Database, *, ours: frozenset[str], stands: Callable[[], None]
    ) -> None:
        self._database = database
        self._ours = ours
        self._stands = stands
        self._file: SameFile | None = None

    def doubt_of(self, raw: bytes) -> Doubt | None:
        """Judge a validation request.

        Raises:
            StorageError: the books cannot be read.
        """
        self._follow()
        return doubt_of(self._database, raw, ours=self._ours)

    def _follow(self) -> None:
        """Leave the connections that still read a file which is no longer there."""
        try:
            self._stands()
            if self._file is None:
                self._file = SameFile(self._database.path)
            self._file.check()
        except StorageError:
            self._file = None
            self._database.drop_connections()
            raise


def _doubt_of_place(connection: Connection, asked: ValidationRequest) -> Doubt | None:
    claim = claim_of(asked.bill_ref)
    keys = [claim.reference] if claim.reference else []
    phone = phone_of(claim.reference) if claim.reference else None
    directory = Directory(
        keys=book_rows.find_keys(connection, keys),
        phones=book_rows.find_phones(connection, [phone] if phone else []),
    )
    found = match(claim, directory)
    if found is None:
        return Doubt(UNKNOWN_ACCOUNT, why_unmatched(asked.bill_ref, claim, directory))
    return _doubt_of_target(connection, asked, found.target)


def _doubt_of_target(
    connection: Connection, asked: ValidationRequest, target: Target
) -> Doubt | None:
    if target.sale is None and target.invoice is None:
        return None
    books = book_rows.load_named(connection, {target})
    refused = posting.refusal(books, target)
    if target.sale is None:
        return None if refused is None else Doubt(OTHER, refused)
    sale = books.sales[target.sale]
    due_cents = _due_cents(sale)
    if due_cents == 0:
        return Doubt(OTHER, f"sale {sale.public_id} is {'void' if sale.void else 'paid'}")
    try:
        amount_cents = parse_literal(asked.amount or "")
    except ValueError as error:
        return Doubt(WRONG_AMOUNT, f"amount {asked.amount!r} {error}")
    if amount_cents != due_cents:
        return Doubt(
            WRONG_AMOUNT,
            f"sale {sale.public_id} wants {kes_for_people(due_cents)}, "
            f"not {kes_for_people(amount_cents)}",
        )
    return None


def _due_cents(sale: Sale) -> int:
    if sale.void:
        return 0
    return sale.total_cents if sale.invoice is None else sale.invoice.open_cents
