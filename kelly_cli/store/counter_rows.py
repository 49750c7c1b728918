"""What the counter asks of the books: one receipt, where its money is, and who claimed it.

``peek`` asks through the plain driver: a clerk waits for the answer, and the toolkit behind
``Database`` takes half a second to load. What ``peek`` cannot answer, ``Database`` explains.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.core.verdicts import Holding, Seen, Spent
from kelly_cli.store.revision import SCHEMA_REVISION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    Ask = Callable[[str, Sequence[Any]], Sequence[Any]]

_SQLITE, _POSTGRES = "sqlite:///", "postgresql"
_WAIT_S = 5.0

_PAYMENT = (
    "SELECT p.id, p.mpesa_receipt_number, p.amount_cents, p.allocated_cents, p.transaction_date, "
    "p.short_code, p.payer_name, p.msisdn, c.customer_id, p.reversed_at FROM payments p "
    "LEFT JOIN customers c ON c.id = p.customer_id WHERE p.mpesa_receipt_number = ?"
)
_HOLDINGS = (
    "SELECT i.invoice_id, s.pos_id, sum(a.amount_cents), max(a.created_at) FROM allocations a "
    "JOIN invoices i ON i.id = a.invoice_id LEFT JOIN pos_sales s ON s.invoice_id = i.id "
    "WHERE a.payment_id = ? GROUP BY i.invoice_id, s.pos_id "
    "HAVING sum(a.amount_cents) <> 0 ORDER BY min(a.id)"
)
_CLAIM = (
    "SELECT s.pos_id, k.note, k.actor, k.created_at FROM payment_claims k "
    "LEFT JOIN pos_sales s ON s.id = k.sale_id WHERE k.payment_id = ? AND k.undone_at IS NULL"
)


def find_seen(ask: Ask, receipt: str) -> Seen | None:
    """Return the payment of a canonical receipt, with what it holds and who claimed it."""
    rows = ask(_PAYMENT, (receipt,))
    if not rows:
        return None
    payment = rows[0]
    holdings = ask(_HOLDINGS, (payment[0],)) if payment[3] else ()
    claims = ask(_CLAIM, (payment[0],))
    return Seen(
        row=payment[0],
        receipt=payment[1],
        amount_cents=payment[2],
        allocated_cents=payment[3],
        paid_at=_wall(payment[4]),
        short_code=payment[5],
        payer=payment[6],
        phone=payment[7],
        customer_id=payment[8],
        reversed_at=None if payment[9] is None else _in_nairobi(payment[9]),
        holdings=tuple(_holding(each) for each in holdings),
        claim=_spent(claims[0]) if claims else None,
    )


def _holding(row: Any) -> Holding:
    return Holding(row[0], row[1], int(row[2]), _in_nairobi(row[3]))


def _spent(row: Any) -> Spent:
    return Spent(row[0], row[1], row[2], _in_nairobi(row[3]))


def known_among(ask: Ask, receipts: Sequence[str]) -> list[str]:
    """Return those of these receipts that the books hold, in the order given."""
    if not receipts:
        return []
    marks = ", ".join("?" * len(receipts))
    select = f"SELECT mpesa_receipt_number FROM payments WHERE mpesa_receipt_number IN ({marks})"
    known = {row[0] for row in ask(select, receipts)}
    return [each for each in receipts if each in known]


def asking(connection: Connection) -> Ask:
    """Return the way to ask through a connection of ``Database``."""

    def ask(sql: str, params: Sequence[Any]) -> Sequence[Any]:
        if connection.dialect.name != "sqlite":
            sql = sql.replace("?", "%s")
        return connection.exec_driver_sql(sql, tuple(params)).fetchall()

    return ask


def peek(url: str, answer: Callable[[Ask], Any]) -> Any:
    """Let ``answer`` ask one snapshot of the books; None = they could not be asked like this."""
    try:
        if url.startswith(_SQLITE) and not set("?%") & set(url):
            return _peek_sqlite(url.removeprefix(_SQLITE), answer)
        if url.startswith(_POSTGRES):
            return _peek_postgres(url, answer)
    except Exception:  # noqa: BLE001 - whatever it is, the other road tells it to people
        return None
    return None


def _peek_sqlite(path: str, answer: Callable[[Ask], Any]) -> Any:
    import sqlite3
    from contextlib import closing
    from pathlib import Path

    uri = f"{Path(path).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=_WAIT_S, isolation_level=None)) as raw:
        raw.execute("BEGIN")

        def ask(sql: str, params: Sequence[Any]) -> Sequence[Any]:
            return raw.execute(sql, tuple(params)).fetchall()

        return _of_our_age(ask, answer)


def _peek_postgres(url: str, answer: Callable[[Ask], Any]) -> Any:
    import psycopg

    plain = _POSTGRES + url[url.index("://") :]
    with psycopg.connect(plain, connect_timeout=int(_WAIT_S)) as raw:
        raw.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        raw.read_only = True

        def ask(sql: str, params: Sequence[Any]) -> Sequence[Any]:
            return raw.execute(sql.replace("?", "%s"), tuple(params)).fetchall()

        return _of_our_age(ask, answer)


def _of_our_age(ask: Ask, answer: Callable[[Ask], Any]) -> Any:
    revision = ask("SELECT version_num FROM alembic_version", ())
    return answer(ask) if [tuple(row) for row in revision] == [(SCHEMA_REVISION,)] else None


def _wall(moment: Any) -> datetime:
    """Return Nairobi wall-clock as the driver gave it (SQLite: text)."""
    return moment if isinstance(moment, datetime) else datetime.fromisoformat(moment)


def _in_nairobi(moment: Any) -> datetime:
    """Return an instant (SQLite: text in UTC) as Nairobi wall-clock."""
    known = _wall(moment)
    return nairobi_wall_clock(known if known.tzinfo else known.replace(tzinfo=UTC))
