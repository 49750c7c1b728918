"""What a check is handed, and what it hands back.

A check is a function from a ``Snapshot`` to pairs (subject, detail), one for each thing that is
wrong. It reads plain SQL and nothing of the code that writes the books, so that one mistake cannot
hide in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from kelly_cli.core.money import kes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from kelly_cli.store.checks.ledger import Ledger

MOST_LISTED = 50
"""Violations of one invariant that a result lists; all of them are counted."""

ROWS_AT_ONCE = 5_000
"""Rows that a check holds in memory while it streams."""

CACHE_KIB = 65_536
"""Pages that SQLite keeps while it is asked: half the time of the usual cache."""

Found: TypeAlias = Iterator[tuple[str, str]]


class Violation(NamedTuple):
    """One thing that breaks an invariant (``I-12``): what, and how."""

    invariant: str
    subject: str
    detail: str


@dataclass(slots=True)
class CheckResult:
    """What the checks found. ``counts``: invariant → how often it is broken, 0 = it holds.

    ``warnings`` break nothing: a person should look at them.
    """

    violations: list[Violation] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    warnings: list[Violation] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Every invariant holds, and every one could be checked."""
        return not any(self.counts.values())

    def looked_at(self, *invariants: str) -> None:
        """Note that these were checked."""
        for invariant in invariants:
            self.counts.setdefault(invariant, 0)

    def join(self, other: CheckResult) -> None:
        """Add what another run found, and put all in the order of the invariants."""
        self.warnings += other.warnings
        self.violations = sorted(self.violations + other.violations, key=lambda v: v.invariant)
        names = sorted(self.counts.keys() | other.counts.keys())
        self.counts = {name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in names}

    def add(self, violations: Iterable[Violation]) -> None:
        """Count every one and keep the first ``MOST_LISTED`` of each invariant."""
        for violation in violations:
            count = self.counts.get(violation.invariant, 0) + 1
            self.counts[violation.invariant] = count
            if count <= MOST_LISTED:
                self.violations.append(violation)


class Snapshot:
    """The books at one moment. ``now``: aware UTC."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self.ledger: Ledger | None = None
        self.is_sqlite = connection.dialect.name == "sqlite"
        if self.is_sqlite:
            connection.exec_driver_sql(f"PRAGMA cache_size=-{CACHE_KIB}")

    def rows(self, sql: str, *params: Any) -> Iterator[Any]:
        """Stream the rows of driver text; ``?`` marks a parameter on both databases."""
        if not self.is_sqlite:
            sql = sql.replace("?", "%s")
        result = self.connection.exec_driver_sql(
            sql,
            params or None,
            execution_options={"stream_results": True, "yield_per": ROWS_AT_ONCE},
        )
        with closing(result):
            yield from result

    def name_of(self, table: str, row: int) -> str:
        """Return the public id of a row, or its number when it is not there."""
        sql = f"SELECT {_PUBLIC_IDS[table]} FROM {table} WHERE id = {row:d}"
        found = self.first(sql)
        return str(found[0]) if found else f"{table} {row}"

    def first(self, sql: str) -> Any:
        """Return the first row of driver text."""
        return self.connection.exec_driver_sql(sql).first()

    def found(self, sql: str, detail: str, *params: Any) -> Found:
        """Give a pair for each row: its first column, and ``detail`` with the row's columns in it.

        Columns whose name ends in ``_cents`` are written as money.
        """
        for row in self.rows(sql, *params):
            values = {name: shown(name, value) for name, value in row._asdict().items()}
            yield str(row[0]), detail.format_map(values)

    def instant(self, moment: datetime) -> Any:
        """Return an aware instant as a parameter."""
        if not self.is_sqlite:
            return moment
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


_PUBLIC_IDS = {
    "customers": "customer_id",
    "invoices": "invoice_id",
    "payments": "mpesa_receipt_number",
}


class Check(NamedTuple):
    """One line of the list of checks."""

    invariant: str
    look: Callable[[Snapshot], Found]


def shown(name: str, value: Any) -> Any:
    """Return a column's value for people, whatever stands in it."""
    if name.endswith("_cents") and isinstance(value, int):
        return kes(value)
    return value


def moment_of(value: Any) -> datetime:
    """Return a UTC instant or a wall-clock as the driver gave it (SQLite: text)."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return datetime.fromisoformat(value)


def listed(values: Sequence[object]) -> str:
    """Write a few values in one line."""
    return ", ".join(str(value) for value in values)
