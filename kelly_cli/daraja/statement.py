"""The organisation portal's export: a table of text in, the lines of an account out.

Nothing is found by its place: the header is the row that begins with ``Receipt No.``, its columns
go by name, and what stands above it by its label. A line that cannot be read costs only itself; a
table that is no such export is refused, with the header that it has. Pure: knows no files, no books
and no clock. Source: daraja-facts 10.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import parse_kes
from kelly_cli.daraja.fields import display, receipt_or_none, storable
from kelly_cli.daraja.statement_kinds import Kind, kind_of, receives_payments
from kelly_cli.daraja.statement_times import Order, Reading, read
from kelly_cli.daraja.strict_json import shown
from kelly_cli.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

NEEDED = {
    "receiptno": "Receipt No.",
    "completiontime": "Completion Time",
    "transactionstatus": "Transaction Status",
    "paidin": "Paid In",
    "withdrawn": "Withdrawn",
}
"""Folded name → name of the columns without which a table is no statement of an account."""

COMPLETED = "completed"
MOST_SHOWN = 200
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_ACCOUNT_IN_DETAILS = re.compile(r"\bAcc\.\s*(\S.*)$")
_TOGETHER = re.compile(r"from\s+(.+?)\s+to\s+(.+)", re.IGNORECASE)
_LABELS = ("shortcode", "account", "from", "to", "openingbalance", "closingbalance", "timeperiod")
_LAST_SECOND = timedelta(days=1, seconds=-1)
_ANOTHER_REPORT = {"storename", "receiptnumber", "creditamount", "debitamount"}
_PERSONAL = {"mpesastatement", "customername", "mpesafullstatement"}


class Line(NamedTuple):
    """One completed movement of an account.

    ``row`` counts from 1. ``amount_cents``: in above zero, out below. ``balance_cents``: after it,
    None = it does not say. ``completed_at``: Nairobi wall-clock. Texts are "" when there is none.
    """

    row: int
    receipt: str
    completed_at: datetime
    amount_cents: int
    balance_cents: int | None
    kind: Kind
    reason: str
    details: str
    other_party: str
    linked: str | None
    reference: str


class Problem(NamedTuple):
    """A line that cannot be read; ``receipt`` None = not even that."""

    row: int
    receipt: str | None
    error: str


@dataclass(slots=True)
class Export:
    """What one export says. ``short_code`` None = it does not say.

    ``start`` and ``end``: the period it was made for, None = not said. ``unfinished``: receipts of
    lines that moved nothing (failed, cancelled, ...) and what each says of itself.
    """

    short_code: str | None
    account: str | None
    start: datetime | None = None
    end: datetime | None = None
    opening_cents: int | None = None
    closing_cents: int | None = None
    lines: list[Line] = field(default_factory=list)
    unfinished: list[tuple[str, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def takes_payments(self) -> bool:
        """Tell whether payers pay into this account; other accounts prove nothing of payments."""
        return receives_payments(self.account)

    @property
    def adds_up(self) -> bool | None:
        """Tell whether the lines lead from opening to closing balance; None = it does not say."""
        if self.opening_cents is None or self.closing_cents is None or self.problems:
            return None
        moved = sum(line.amount_cents for line in self.lines)
        return self.opening_cents + moved == self.closing_cents


def read_statement(tables: Sequence[Sequence[Sequence[str]]], name: str) -> Export:
    """Read the first of a file's tables that is a statement; ``name`` is for the errors.

    Raises:
        DomainError: ``unknown_header``, ``another_report``, ``personal_statement``.
    """
    for table in tables:
        at = next((row for row, cells in enumerate(table) if _is_header(cells)), None)
        if at is not None:
            columns = _columns(table[at], name)
            said = _said_above(table[:at])
            export = _preamble(said)
            _read_lines(export, table, at + 1, columns)
            _period(export, _ends(said))
            return export
    raise _no_statement([cells for table in tables for cells in table], name)


def folded(text: str) -> str:
    """Return a name as it is compared: lower case, letters and digits alone."""
    return _NOT_IN_NAMES.sub("", text.casefold())


def _is_header(cells: Sequence[str]) -> bool:
    first = next((cell for cell in cells if cell and not cell.isspace()), "")
    return folded(first) == "receiptno"


def _columns(header: Sequence[str], name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, cell in enumerate(header):
        key = folded(cell)
        if key and found.setdefault(key, place) != place:
            raise _unknown_header(f"{name} has the column {shown(cell.strip())} twice", header)
    missing = [title for key, title in NEEDED.items() if key not in found]
    if missing:
        raise _unknown_header(f"{name} has no column {' and no column '.join(missing)}", header)
    return found


def _unknown_header(what: str, header: Sequence[str]) -> DomainError:
    return DomainError(
        f"{what}. The header found: {_told(header)}",
        hint="Export the account statement from the organisation portal again, unchanged: "
        "its header begins with Receipt No.",
        code="unknown_header",
    )


def _told(header: Sequence[str]) -> str:
    text = ", ".join(cell.strip() for cell in header if cell.strip())
    text = "".join(sign if sign.isprintable() else "\ufffd" for sign in text) or "(nothing)"
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"


def _no_statement(rows: Sequence[Sequence[str]], name: str) -> DomainError:
    names = {folded(cell) for cells in rows[:50] for cell in cells}
    if len(names & _ANOTHER_REPORT) > 1:
        return DomainError(
            f"{name} is the portal's report of many stores, whose header stands one column beside "
            "its lines: kelly does not read it",
            hint="Export the account statement of each short code: Account Statement, Export",
            code="another_report",
        )
    if names & _PERSONAL:
        return DomainError(
            f"{name} is the statement of a person's own M-Pesa, not of a paybill or till",
            hint="Export the account statement from the organisation portal",
            code="personal_statement",
        )
    widest = max(rows[:50], key=lambda cells: sum(map(bool, cells)), default=())
    return _unknown_header(f"{name} has no row that begins with Receipt No.", widest)


# What stands above the header


def _said_above(rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """Return label → value: in the same cell behind a colon, or in the next one."""
    said: dict[str, str] = {}
    for cells in rows:
        given = [cell.strip() for cell in cells if cell.strip()]
        for place, cell in enumerate(given):
            label, _, rest = cell.partition(":")
            key = folded(label)
            if key in _LABELS:
                after = given[place + 1] if place + 1 < len(given) else ""
                said.setdefault(key, rest.strip() or after)
    return said


def _preamble(said: dict[str, str]) -> Export:
    account = said.get("account")
    export = Export(said.get("shortcode") or None, storable(account) if account else None)
    export.opening_cents = _balance(said.get("openingbalance", ""))
    export.closing_cents = _balance(said.get("closingbalance", ""))
    return export


def _ends(said: dict[str, str]) -> tuple[str, str]:
    together = _TOGETHER.search(said.get("timeperiod", ""))
    if together:
        return together[1], together[2]
    return said.get("from", ""), said.get("to", "")


def _balance(text: str) -> int | None:
    try:
        return _signed(text)
    except ValueError:
        return None


# The lines


def _read_lines(
    export: Export, table: Sequence[Sequence[str]], first: int, columns: dict[str, int]
) -> None:
    """Read every line twice: all of them teach which way round the days are."""
    rows = list(_receipts(export, table, first, columns))
    order = Order()
    at = columns["completiontime"]
    readings: list[Reading | None] = []
    for _, receipt, cells in rows:
        reading = read(_cell(cells, at))
        readings.append(reading)
        if reading is not None:
            order.learn(reading, receipt)
    for (row, receipt, cells), reading in zip(rows, readings, strict=True):
        status = _cell(cells, columns["transactionstatus"]).strip()
        if status.casefold() != COMPLETED:
            export.unfinished.append((receipt, status or "no status"))
            continue
        try:
            line = _line(row, receipt, cells, columns, _moment(reading, order, receipt, cells, at))
        except ValueError as error:
            export.problems.append(Problem(row, receipt, str(error)))
            continue
        if line is None:
            export.unfinished.append((receipt, "no amount"))
        else:
            export.lines.append(line)


def _receipts(
    export: Export, table: Sequence[Sequence[str]], first: int, columns: dict[str, int]
) -> Iterator[tuple[int, str, Sequence[str]]]:
    """Give every line with its canonical receipt; blank lines and the footer are none."""
    for row, cells in enumerate(table[first:], start=first + 1):
        written = _cell(cells, columns["receiptno"]).strip()
        if not written:
            if _cell(cells, columns["completiontime"]).strip():
                export.problems.append(Problem(row, None, "Receipt No. is missing"))
            continue
        receipt = receipt_or_none(written)
        if receipt is not None:
            yield row, receipt, cells
        elif read(_cell(cells, columns["completiontime"])) is not None:
            error = f"Receipt No. {shown(written)} is not 5 to 32 letters and digits"
            export.problems.append(Problem(row, None, error))


def _moment(
    reading: Reading | None, order: Order, receipt: str, cells: Sequence[str], at: int
) -> datetime:
    if reading is None:
        raise ValueError(f"Completion Time {shown(_cell(cells, at))} is no moment")
    if not reading.has_clock:
        raise ValueError(f"Completion Time {shown(_cell(cells, at))} has no time of day")
    return order.choose(reading, receipt)


def _line(
    row: int, receipt: str, cells: Sequence[str], columns: dict[str, int], at: datetime
) -> Line | None:
    """Return one completed line; None = it moved nothing.

    Raises:
        ValueError: an amount cannot be read, or is not in KES.
    """

    def text(key: str) -> str:
        place = columns.get(key)
        return "" if place is None else storable(_cell(cells, place)).strip()

    currency = text("currency").upper()
    if currency not in {"", "KES", "KSH"}:
        raise ValueError(f"Currency {shown(currency)} is not KES")
    amount_cents = _amount(text("paidin"), text("withdrawn"))
    if not amount_cents:
        return None
    reason, details, other = text("reasontype"), text("details"), text("otherpartyinfo")
    linked = receipt_or_none(text("linkedtransactionid"))
    linked = None if linked == receipt else linked
    kind = kind_of(
        amount_cents=amount_cents,
        reason=reason,
        details=details,
        other_party=other,
        linked=linked,
    )
    reference = text("acno")
    if not reference and (typed := _ACCOUNT_IN_DETAILS.search(details)):
        reference = typed[1].strip()
    balance = text("balance")
    balance_cents = _named("Balance", balance) if balance else None
    return Line(
        row,
        receipt,
        at,
        amount_cents,
        balance_cents,
        kind,
        display(reason) or "",
        details,
        other,
        linked,
        reference,
    )


def _amount(paid_in: str, withdrawn: str) -> int:
    """Return what a line moved, in cents: Withdrawn goes out, whatever its sign."""
    came = _named("Paid In", paid_in) if paid_in else 0
    went = _named("Withdrawn", withdrawn) if withdrawn else 0
    if came < 0:
        raise ValueError(f"Paid In {shown(paid_in)} is below zero")
    if came and went:
        raise ValueError(
            f"Paid In {shown(paid_in)} and Withdrawn {shown(withdrawn)} stand together"
        )
    return came or -abs(went)


def _named(column: str, text: str) -> int:
    try:
        return _signed(text)
    except ValueError:
        raise ValueError(f"{column} {shown(text)} is no amount in KES") from None


def _signed(text: str) -> int:
    """Return the cents of ``1,053.00``, ``-22779.95`` or ``(5.00)``.

    Raises:
        ValueError: no amount.
    """
    bare = text.strip()
    below = bare.startswith("-") or (bare.startswith("(") and bare.endswith(")"))
    if below:
        bare = bare.strip("()").removeprefix("-")
    bare = bare.removeprefix("KES").removeprefix("Ksh").strip()
    cents = parse_kes(bare)
    return -cents if below else cents


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place] if place < len(cells) else ""


def _period(export: Export, written: tuple[str, str]) -> None:
    """Set the period: the way round that holds all lines, if a spreadsheet turned its days too."""
    start, end = (read(text) for text in written)
    if start is None or end is None:
        return
    moments = [line.completed_at for line in export.lines]
    ways = [(a, b) for a in (start.usual, start.turned) for b in (end.usual, end.turned)]
    for first, last in ways:
        if first is None or last is None or first > last:
            continue
        to = last if end.has_clock else last + _LAST_SECOND
        if not moments or (first <= min(moments) and max(moments) <= to):
            export.start, export.end = first, to
            return
