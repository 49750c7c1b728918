"""Reconciling: what the portal's statement says, against what stands in the books.

Both ways by receipt, over the file's short code and period. Files are read and judged before
anything is kept: one that is refused stops all. What is done about it is told in ``applying``.
Source: daraja-facts 10.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import kes
from kelly_cli.daraja.statement import Export, Line, read_statement
from kelly_cli.errors import DomainError
from kelly_cli.services import sheets
from kelly_cli.store import inbox_rows, statement_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kelly_cli.store.database import Database
    from kelly_cli.store.inbox_rows import KnownPayment

CLOCK_TOLERANCE = timedelta(minutes=15)
"""Two channels may tell one payment's time so far apart."""

_SAME_SHIFT = timedelta(minutes=2)
_FARTHEST_CLOCK = timedelta(hours=14)
"""No clock on Earth is farther from UTC; what is farther out is no other clock."""

_SHIFTED = 3
"""So many known receipts, all wrong by the same time, make a clock that is wrong."""


class File(NamedTuple):
    """One export that was read and is ours."""

    name: str
    sha256: str
    short_code: str
    export: Export


class Known(NamedTuple):
    """A receipt and what it is worth; ``note`` says what a person should know of it."""

    receipt: str
    amount_cents: int
    note: str | None = None


class Differing(NamedTuple):
    """A receipt of which statement and books say different things."""

    receipt: str
    statement_cents: int
    kelly_cents: int


@dataclass(slots=True)
class Comparison:
    """Both sides of one or more files.

    ``in_both``: same receipt, same amount. ``skipped``: lines that are no completed payment.
    ``elsewhere``: same receipt, but the books hold it under another short code. ``blanks``: of
    those in both, the ones whose payment lacks what the line says. ``late``: receipts whose times
    are far apart on the two sides. ``kinds``: what the skipped lines are.
    """

    files: list[File]
    in_both: list[Line] = field(default_factory=list)
    only_statement: list[Line] = field(default_factory=list)
    only_kelly: list[Known] = field(default_factory=list)
    amount_differs: list[Differing] = field(default_factory=list)
    elsewhere: list[Known] = field(default_factory=list)
    blanks: list[Line] = field(default_factory=list)
    late: list[Known] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    fees_cents: int = 0

    @property
    def skipped(self) -> int:
        """Lines that are no completed payment, or an equal line of another file."""
        return sum(self.kinds.values())

    @property
    def unreadable(self) -> int:
        """Lines that could not be read."""
        return sum(len(file.export.problems) for file in self.files)


def read_file(raw: bytes, name: str, ours: Collection[str], expected: str | None = None) -> File:
    """Read one file. ``expected``: the short code that a person says it is of.

    Raises:
        DomainError: ``unreadable_file``, ``unknown_header``, ``another_report``,
            ``personal_statement``, ``no_short_code``, ``foreign_short_code``.
    """
    if raw.lstrip()[:4] == b"%PDF":
        raise DomainError(
            f"{name} is a PDF: a person's own M-Pesa statement, or one made for the eye",
            hint="Export the account statement from the organisation portal: CSV, XLS or XLSX",
            code="personal_statement",
        )
    export = read_statement(sheets.read_tables(raw, name), name)
    code = export.short_code or expected
    if code is None:
        raise DomainError(
            f"{name} does not say which short code it is of (Short Code: ...)",
            hint="Say it yourself: --short-code CODE",
            code="no_short_code",
        )
    if code not in ours:
        raise DomainError(
            f"{name} is of short code {code}, which is not one of ours "
            f"({', '.join(sorted(ours))}); nothing was taken in",
            hint="Add it as [[mpesa.short_codes]] in kelly.toml if it is yours",
            code="foreign_short_code",
        )
    if expected is not None and code != expected:
        raise DomainError(
            f"{name} is of short code {code}, not of {expected}; nothing was taken in",
            hint="Leave --short-code out: the file says it",
            code="foreign_short_code",
        )
    return File(name, sha256(raw).hexdigest(), code, export)


def compare(database: Database, files: Sequence[File], *, now: datetime) -> Comparison:
    """Hold files against the books. ``now``: Nairobi wall-clock.

    Raises:
        DomainError: ``clock_disagrees``: the file's times are all wrong by the same time.
    """
    found = Comparison(list(files))
    with database.reading() as connection:
        for code in sorted({file.short_code for file in files}):
            of_code = [file for file in files if file.short_code == code]
            lines = _payments(found, of_code)
            known = inbox_rows.find_payments(connection, list(lines))
            _check_clock(found, lines, known)
            _sort(found, code, lines, known)
            spans = [span for file in of_code if (span := span_of(file.export, now))]
            ours = {}
            for first, last in spans:
                between = statement_rows.payments_between(connection, code, first, last)
                ours.update({payment.receipt: payment for payment in between})
            _only_ours(found, of_code, set(lines), list(ours.values()))
    return found


def span_of(export: Export, now: datetime) -> tuple[datetime, datetime] | None:
    """Return the time of which an export tells all payments; None = it tells nothing of them.

    A period that is not over ends with the last line; a file without one is as long as its lines.
    """
    if not export.takes_payments:
        return None
    moments = [line.completed_at for line in export.lines]
    if export.start is not None and export.end is not None:
        end = export.end if export.end <= now else max(moments, default=None)
        return None if end is None else (export.start, end)
    return (min(moments), max(moments)) if moments else None


def _payments(found: Comparison, files: Sequence[File]) -> dict[str, Line]:
    """Return the payments of files by receipt, oldest first, and count what is none."""
    lines: dict[str, Line] = {}
    every: set[tuple[object, ...]] = set()
    for file in files:
        found.kinds.update(status.casefold() for _, status in file.export.unfinished)
        for line in file.export.lines:
            first = line[1:] not in every
            every.add(line[1:])
            if line.kind != "payment" or not file.export.takes_payments:
                found.kinds[line.kind] += 1
                if line.kind == "charge" and first:
                    found.fees_cents -= line.amount_cents
            elif lines.setdefault(line.receipt, line) is not line:
                found.kinds["repeated"] += 1
    return dict(sorted(lines.items(), key=lambda item: (item[1].completed_at, item[0])))


def _sort(
    found: Comparison, code: str, lines: dict[str, Line], known: dict[str, KnownPayment]
) -> None:
    for receipt, line in lines.items():
        payment = known.get(receipt)
        if payment is None:
            found.only_statement.append(line)
        elif payment.money.amount_cents != line.amount_cents:
            found.amount_differs.append(
                Differing(receipt, line.amount_cents, payment.money.amount_cents)
            )
        elif payment.told["short_code"] not in {None, code}:
            note = f"the books hold it under {payment.told['short_code']}"
            found.elsewhere.append(Known(receipt, line.amount_cents, note))
        else:
            found.in_both.append(line)
            told = payment.told
            if told["short_code"] is None or (line.reference and not told["bill_ref_number"]):
                found.blanks.append(line)


def _only_ours(
    found: Comparison,
    files: Sequence[File],
    receipts: set[str],
    ours: Sequence[statement_rows.OurPayment],
) -> None:
    """List payments of the books that the statement should hold, and does not."""
    said = dict(each for file in files for each in file.export.unfinished)
    unread = {problem.receipt for file in files for problem in file.export.problems}
    last = max((line.completed_at for file in files for line in file.export.lines), default=None)
    for payment in ours:
        if payment.receipt in receipts or payment.receipt in unread:
            continue
        note = None
        if payment.receipt in said:
            note = f"the statement calls it {said[payment.receipt]}"
        elif last is None or payment.paid_at > last:
            note = "after the last line: was the file exported before its period was over?"
        found.only_kelly.append(Known(payment.receipt, payment.amount_cents, note))


def _check_clock(found: Comparison, lines: dict[str, Line], known: dict[str, KnownPayment]) -> None:
    """Hold the file's times to those of callbacks, which are Nairobi's for certain."""
    shifts = {
        receipt: lines[receipt].completed_at - payment.money.paid_at
        for receipt, payment in known.items()
        if payment.channel in {"c2b", "stk"}
    }
    wrong = {receipt: each for receipt, each in shifts.items() if abs(each) > CLOCK_TOLERANCE}
    if (
        len(wrong) >= _SHIFTED
        and len(wrong) == len(shifts)
        and max(wrong.values()) - min(wrong.values()) <= _SAME_SHIFT
        and max(abs(each) for each in wrong.values()) <= _FARTHEST_CLOCK
    ):
        receipt = next(iter(wrong))
        raise DomainError(
            f"the statement's times are not Nairobi's: {receipt} is of "
            f"{lines[receipt].completed_at} there and came at {known[receipt].money.paid_at}, and "
            f"so it is with all {len(wrong)} known receipts; nothing was taken in",
            hint="Export the statement again and give that very file, not one that was saved again",
            code="clock_disagrees",
        )
    for receipt in wrong:
        line = lines[receipt]
        note = f"{line.completed_at} in the statement, {known[receipt].money.paid_at} in the books"
        found.late.append(Known(receipt, line.amount_cents, note))


def plain(comparison: Comparison) -> dict[str, object]:
    """Return a comparison as the contract's JSON object has it (section 4)."""
    return {
        "in_both": len(comparison.in_both),
        "only_statement": [
            {"receipt": line.receipt, "amount": kes(line.amount_cents)}
            for line in comparison.only_statement
        ],
        "only_kelly": [_known(each) for each in comparison.only_kelly],
        "amount_differs": [
            {
                "receipt": each.receipt,
                "statement": kes(each.statement_cents),
                "kelly": kes(each.kelly_cents),
            }
            for each in comparison.amount_differs
        ],
        "skipped": comparison.skipped,
    }


def _known(each: Known) -> dict[str, object]:
    return {"receipt": each.receipt, "amount": kes(each.amount_cents), "note": each.note}
