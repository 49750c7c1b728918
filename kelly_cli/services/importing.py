"""Import customers, invoices or products from a table that people kept: a verdict for every row.

A bad row costs only itself. The same file twice, or two files that overlap, add nothing twice.
Rows are written in small units of work, so that callbacks go on being taken beside a long file.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple, Protocol

from kelly_cli.core.headers import HeaderError, find_header
from kelly_cli.core.times import nairobi_day
from kelly_cli.errors import DomainError, NotFoundError
from kelly_cli.services import sheets
from kelly_cli.services.import_verdicts import (
    CREATED,
    EXISTS,
    REFUSED,
    RowRefusedError,
    Verdict,
)
from kelly_cli.services.importing_customers import CustomerRows
from kelly_cli.services.importing_invoices import InvoiceRows
from kelly_cli.services.importing_products import ProductRows
from kelly_cli.services.invoices import check_day
from kelly_cli.store import audit_rows, import_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from kelly_cli.core.headers import Field
    from kelly_cli.services.inbox import Inbox
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.import_rows import ImportView, RowView

UNIT_ROWS = 40
"""Rows that one unit of work takes: it holds the database for a fraction of a second."""

MOST_ROWS = 100_000

LONGEST_VALUE = 80
"""Signs of a refused cell that a verdict shows."""


class Rows(Protocol):
    """What takes the rows of one kind."""

    def take(self, connection: Connection, line: int, cells: Mapping[str, str]) -> Verdict:
        """Read one row and write what is new."""

    def stands(self, line: int, subject: str) -> None:
        """Hear what an earlier import of the same file made of a row."""


class WantedImport(NamedTuple):
    """A file to import. ``kind``: customers, invoices, products; ``told``: column → field, by hand.

    ``opening_on``: the day of opening balances, and of invoices without a day.
    """

    kind: str
    file_name: str
    raw: bytes
    told: Mapping[str, str]
    opening_on: date


class Imported(NamedTuple):
    """What became of a file. ``number`` None = nothing was made; ``columns``: field → headers."""

    number: int | None
    kind: str
    file_name: str
    columns: dict[str, list[str]]
    verdicts: list[Verdict]

    def count(self, verdict: str) -> int:
        """Return how many rows have a verdict."""
        return sum(each.verdict == verdict for each in self.verdicts)


_KINDS: dict[str, type[CustomerRows | InvoiceRows | ProductRows]] = {
    "customers": CustomerRows,
    "invoices": InvoiceRows,
    "products": ProductRows,
}


def fields_of(kind: str) -> list[str]:
    """Return the fields that a column of such a file can be."""
    return [field.name for field in _KINDS[kind].fields]


def import_file(
    database: Database,
    inbox: Inbox,
    hand: Hand,
    wanted: WantedImport,
    *,
    dry_run: bool = False,
    told: Callable[[int], None] = lambda _: None,
) -> Imported:
    """Import a file; ``dry_run``: keep nothing. ``told`` hears how many rows are done.

    Raises:
        DomainError: ``unreadable_file``, ``unknown_header``, ``too_many_rows``, ``bad_day``.
    """
    check_day(wanted.opening_on)
    if wanted.opening_on > nairobi_day(hand.at):
        raise DomainError(
            f"{wanted.opening_on} is still to come",
            hint="Give --date a day on which these balances stood",
            code="bad_day",
        )
    columns, rows = _read(wanted)
    units = [rows[at : at + UNIT_ROWS] for at in range(0, len(rows), UNIT_ROWS)]
    work = _Work(inbox, hand, wanted)
    if dry_run:
        with database.rehearsing() as connection:
            for unit in units:
                work.take(connection, unit)
                told(len(unit))
    else:
        for unit in units:
            with database.writing() as connection:
                work.take(connection, unit)
            told(len(unit))
    number = None if dry_run else work.number
    return Imported(number, wanted.kind, wanted.file_name, columns, work.verdicts)


def list_imports(database: Database, *, limit: int = 100) -> Sequence[ImportView]:
    """Return imports, the newest first."""
    with database.reading() as connection:
        return import_rows.list_imports(connection, limit=limit)


def show_import(
    database: Database, number: int, *, limit: int = 100
) -> tuple[ImportView, Sequence[RowView]]:
    """Return one import and its first rows.

    Raises:
        NotFoundError: ``import_not_found``.
    """
    with database.reading() as connection:
        found = get_import(connection, number)
        return found, import_rows.rows_of(connection, number, limit=limit)


def get_import(connection: Connection, number: int) -> ImportView:
    """Return one import.

    Raises:
        NotFoundError: ``import_not_found``.
    """
    found = import_rows.find_import(connection, number)
    if found is None:
        raise NotFoundError(
            f"there is no import {number}",
            hint="See what there is: kelly import list",
            code="import_not_found",
        )
    return found


def _read(wanted: WantedImport) -> tuple[dict[str, list[str]], list[tuple[int, dict[str, str]]]]:
    """Return the columns of each field, and each row that holds anything: (line, field → text)."""
    kind = _KINDS[wanted.kind]
    tables = sheets.read_tables(wanted.raw, wanted.file_name)
    refused: HeaderError | None = None
    for table in tables:
        try:
            header = find_header(table, kind.fields, kind.needed, wanted.told)
        except HeaderError as error:
            refused = refused or error
            continue
        names = table[header.row]
        columns = {field: [names[at] for at in places] for field, places in header.columns.items()}
        rows = [
            (line, cells)
            for line, row in enumerate(table[header.row + 1 :], header.row + 2)
            if (cells := _cells(row, header.columns))
        ]
        if len(rows) > MOST_ROWS:
            raise DomainError(
                f"{wanted.file_name} has {len(rows)} rows, more than {MOST_ROWS}",
                hint="Split it: rows that are there already are not added twice",
                code="too_many_rows",
            )
        return columns, rows
    raise _unknown_header(wanted, refused, kind.fields)


def _cells(row: Sequence[str], columns: Mapping[str, Sequence[int]]) -> dict[str, str]:
    """Return what a row holds, by field; the first cell that is not blank stands."""
    cells = {}
    for field, places in columns.items():
        texts = [row[at].strip() for at in places if at < len(row)]
        text = next(filter(None, texts), "")
        if text:
            cells[field] = text
    return cells


def _unknown_header(
    wanted: WantedImport, refused: HeaderError | None, fields: Sequence[Field]
) -> DomainError:
    names = ", ".join(field.name for field in fields)
    if refused is None or not refused.seen:
        return DomainError(
            f"{wanted.file_name} is empty", hint="Save the table again", code="unknown_header"
        )
    return DomainError(
        f"{wanted.file_name}: {refused}; its header is {', '.join(map(repr, refused.seen))}",
        hint=f"Say which is which: --map 'COLUMN=FIELD', FIELD one of {names}",
        code="unknown_header",
    )


class _Work:
    """The units of work of one file, one after the other."""

    def __init__(self, inbox: Inbox, hand: Hand, wanted: WantedImport) -> None:
        self._inbox, self._hand, self._wanted = inbox, hand, wanted
        self._sha256 = hashlib.sha256(wanted.raw).hexdigest()
        self._rows: Rows | None = None
        self._earlier: dict[int, str] = {}
        self._unwritten: list[Verdict] = []
        self.number: int | None = None
        self.verdicts: list[Verdict] = []

    def take(self, connection: Connection, unit: Sequence[tuple[int, dict[str, str]]]) -> None:
        """Take some rows, in the caller's unit of work."""
        if self._rows is None:
            wanted = self._wanted
            self._rows = _KINDS[wanted.kind](connection, self._inbox, self._hand, wanted.opening_on)
            self._earlier = import_rows.earlier_rows(connection, wanted.kind, self._sha256)
        verdicts = [self._verdict(connection, self._rows, line, cells) for line, cells in unit]
        self._unwritten += verdicts
        if self.number is None and any(each.verdict == CREATED for each in verdicts):
            self.number = self._begin(connection)
        if self.number is not None:
            import_rows.add_rows(connection, self.number, [_kept(each) for each in self._unwritten])
            self._unwritten = []
        self.verdicts += verdicts

    def _verdict(
        self, connection: Connection, rows: Rows, line: int, cells: Mapping[str, str]
    ) -> Verdict:
        if line in self._earlier:
            rows.stands(line, self._earlier[line])
            return Verdict(line, EXISTS, self._earlier[line])
        try:
            with connection.begin_nested():
                return rows.take(connection, line, cells)
        except RowRefusedError as refused:
            value = None if refused.value is None else refused.value[:LONGEST_VALUE]
            return Verdict(line, REFUSED, None, refused.field, value, refused.reason)

    def _begin(self, connection: Connection) -> int:
        """Write the import itself, once something was made."""
        wanted = self._wanted
        number = import_rows.add_import(
            connection,
            kind=wanted.kind,
            file_name=wanted.file_name,
            sha256=self._sha256,
            actor=self._hand.actor,
            at=self._hand.at,
        )
        after = {"file": wanted.file_name, "sha256": self._sha256}
        audit_rows.record_audit(
            connection, self._hand, f"import.{wanted.kind}", f"import {number}", after=after
        )
        return number


def _kept(verdict: Verdict) -> import_rows.RowView:
    # A refused cell may be somebody's phone: its text is told, not kept.
    error = f"{verdict.field} refused" if verdict.verdict == REFUSED else None
    return import_rows.RowView(verdict.line, verdict.verdict, verdict.subject, error)
