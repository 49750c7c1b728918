"""What a rebuild reads: all that came and all that people did, in its order; and where it led."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, insert, select
from sqlmodel import col

from kelly_cli.store.audit_rows import Hand
from kelly_cli.store.database import fetch_in
from kelly_cli.store.inbox_rows import raw_bytes
from kelly_cli.store.tables import AuditRow, Customer, Payment, PaymentPrompt, ShortCode, WebhookLog

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

PAGE_ROWS = 2_000
"""Callbacks of one unit of work."""

_PHONE = "254700000000"


class Logged(NamedTuple):
    """A callback as it was kept. ``payment_row`` None = it led to no money.

    ``settled``: processed or a repeat; ``matched_by`` and ``owner`` are its payment's, when it made
    one; ``purged``: its bytes are those that came, without people in them.
    """

    row: int
    delivery_id: str
    kind: str
    source: str
    raw: bytes
    created_at: datetime
    payment_row: int | None
    settled: bool
    error: str | None
    purged: bool
    matched_by: str | None
    owner: str | None


class Done(NamedTuple):
    """What a person did. ``mark``: the last callback that was logged before it."""

    row: int
    hand: Hand
    action: str
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]
    mark: int


class Prompted(NamedTuple):
    """A payment prompt and what it asked money for, by public ids."""

    checkout_request_id: str
    customer_id: str | None
    invoice_id: str | None
    pos_id: str | None


class Code(NamedTuple):
    """A short code, and since when it is ours."""

    code: str
    kind: str
    name: str | None
    environment: str
    created_at: datetime


_LOG: tuple[Any, ...] = (
    col(WebhookLog.id),
    col(WebhookLog.delivery_id),
    col(WebhookLog.kind),
    col(WebhookLog.source),
    col(WebhookLog.raw_payload),
    col(WebhookLog.raw_encoding),
    col(WebhookLog.created_at),
    col(WebhookLog.payment_id),
    col(WebhookLog.processed),
    col(WebhookLog.is_duplicate),
    col(WebhookLog.error),
    col(WebhookLog.purged_at),
    col(Payment.matched_by),
    col(Customer.customer_id),
)


def logs_between(connection: Connection, after: int, last: int) -> Iterator[list[Logged]]:
    """Give the callbacks after one row up to another in the order they were logged, in pages."""
    while after < last:
        statement = (
            select(*_LOG)
            .outerjoin_from(WebhookLog, Payment, col(Payment.log_id) == WebhookLog.id)
            .outerjoin(Customer, col(Customer.id) == Payment.customer_id)
            .where(col(WebhookLog.id) > after, col(WebhookLog.id) <= last)
            .order_by(col(WebhookLog.id))
            .limit(PAGE_ROWS)
        )
        page = [_logged(row) for row in connection.execute(statement)]
        if not page:
            return
        yield page
        after = page[-1].row


def _logged(row: Any) -> Logged:
    return Logged(
        row[0],
        row[1],
        row[2],
        row[3],
        raw_bytes(row[4], row[5]),
        _aware(row[6]),
        row[7],
        bool(row[8] or row[9]),
        row[10],
        row[11] is not None,
        row[12],
        row[13],
    )


def last_log(connection: Connection) -> int:
    """Return the row of the last callback, 0 = there is none."""
    return connection.execute(select(func.max(col(WebhookLog.id)))).scalar() or 0


def unmatched(connection: Connection) -> set[int]:
    """Return the payments that have no owner, by row."""
    statement = select(col(Payment.id)).where(col(Payment.status) == "UNMATCHED")
    return {row for row in connection.execute(statement).scalars() if row is not None}


def actions(connection: Connection) -> Iterator[Done]:
    """Give all that people did in its order, a page at a time."""
    columns = (
        AuditRow.id,
        AuditRow.actor,
        AuditRow.at,
        AuditRow.reason,
        AuditRow.action,
        AuditRow.subject,
        AuditRow.before,
        AuditRow.after,
        AuditRow.log_mark,
    )
    after, mark = 0, 0
    while True:
        statement = select(*map(col, columns)).where(col(AuditRow.id) > after)
        rows: Sequence[Any] = connection.execute(
            statement.order_by(col(AuditRow.id)).limit(PAGE_ROWS)
        ).all()
        if not rows:
            return
        for row in rows:
            at = _aware(row[2])
            said = _logged_until(connection, at) if row[8] is None else row[8]
            mark = max(mark, said)
            hand = Hand(row[1], at, row[3])
            yield Done(row[0], hand, row[4], row[5], _plain(row[6]), _plain(row[7]), mark)
        after = rows[-1][0]


def _logged_until(connection: Connection, at: datetime) -> int:
    statement = select(func.max(col(WebhookLog.id))).where(col(WebhookLog.created_at) <= at)
    return connection.execute(statement).scalar() or 0


def actions_of(connection: Connection, action: str) -> Iterator[dict[str, Any]]:
    """Give what is said ``after`` every action of one name."""
    statement = select(col(AuditRow.after)).where(col(AuditRow.action) == action)
    for (after,) in connection.execute(statement):
        yield _plain(after)


def _plain(text: str | None) -> dict[str, Any]:
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def codes(connection: Connection) -> list[Code]:
    """Return all short codes that are or were ours."""
    columns: tuple[Any, ...] = (
        ShortCode.code,
        ShortCode.kind,
        ShortCode.name,
        ShortCode.environment,
        ShortCode.created_at,
    )
    rows: Sequence[Any] = connection.execute(select(*map(col, columns))).all()
    return [Code(row[0], row[1], row[2], row[3], _aware(row[4])) for row in rows]


def prompts(connection: Connection, names: Sequence[str]) -> list[Prompted]:
    """Return the prompts of these CheckoutRequestIDs that asked money for something."""
    rows = fetch_in(
        connection,
        "SELECT q.checkout_request_id, c.customer_id, i.invoice_id, s.pos_id "
        "FROM payment_prompts q LEFT JOIN customers c ON c.id = q.customer_id "
        "LEFT JOIN invoices i ON i.id = q.invoice_id LEFT JOIN pos_sales s ON s.id = q.sale_id",
        "q.checkout_request_id",
        list(names),
    )
    return [Prompted(*row) for row in rows if any(row[1:])]


def add_prompt(
    connection: Connection, name: str, target: tuple[int | None, int | None, int | None]
) -> None:
    """Write a prompt into books for a trial, unless it is there: customer, invoice, sale row."""
    known = select(col(PaymentPrompt.id)).where(col(PaymentPrompt.checkout_request_id) == name)
    if connection.execute(known).first() is not None:
        return
    at = datetime.min.replace(year=2000, tzinfo=UTC)
    values = {
        "checkout_request_id": name,
        "phone": _PHONE,
        "amount_cents": 1,
        "customer_id": target[0],
        "invoice_id": target[1],
        "sale_id": target[2],
        "environment": "local",
        "state": "pending",
        "actor": "kelly",
        "created_at": at,
        "updated_at": at,
    }
    connection.execute(insert(PaymentPrompt).values(**values))


def logs_named(connection: Connection, delivery_ids: Sequence[str]) -> list[int]:
    """Return the open logs of these deliveries, by row."""
    rows = fetch_in(
        connection,
        "SELECT id FROM webhook_logs",
        "delivery_id",
        list(delivery_ids),
        "AND NOT processed AND NOT is_duplicate ORDER BY id",
    )
    return [row[0] for row in rows]


def names_of_logs(connection: Connection, rows: Sequence[int]) -> list[Logged]:
    """Return callbacks by row, in the order they were logged."""
    found = []
    for row in sorted(rows):
        for page in logs_between(connection, row - 1, row):
            found += page
    return found


class Standing(NamedTuple):
    """Where a kind of subject stands: the name of the kind, its columns, and how to read it.

    Rows start with what names the subject, and come in the order of that name's bytes.
    """

    kind: str
    columns: tuple[str, ...]
    sql: str


STANDINGS = (
    Standing(
        "payment",
        (
            "receipt",
            "amount",
            "allocated",
            "customer",
            "status",
            "pinned",
            "method",
            "short code",
            "paid at",
        ),
        "SELECT p.mpesa_receipt_number {bytes} AS name, p.amount_cents, p.allocated_cents, "
        "c.customer_id, p.status, CASE WHEN p.pinned THEN 1 ELSE 0 END, p.method, p.short_code, "
        "p.transaction_date FROM payments p LEFT JOIN customers c ON c.id = p.customer_id "
        "ORDER BY name",
    ),
    Standing(
        "allocation",
        ("allocation", "amount"),
        "SELECT (p.mpesa_receipt_number || ' on ' || i.invoice_id) {bytes} AS name, "
        "sum(a.amount_cents) FROM allocations a JOIN payments p ON p.id = a.payment_id "
        "JOIN invoices i ON i.id = a.invoice_id GROUP BY 1 HAVING sum(a.amount_cents) <> 0 "
        "ORDER BY name",
    ),
    Standing(
        "invoice",
        ("invoice", "amount", "paid", "adjusted", "customer", "status", "on hold", "sale"),
        "SELECT i.invoice_id {bytes} AS name, i.amount_cents, i.amount_paid_cents, "
        "i.adjusted_cents, c.customer_id, i.status, CASE WHEN i.on_hold THEN 1 ELSE 0 END, "
        "s.pos_id FROM invoices i LEFT JOIN customers c ON c.id = i.customer_id "
        "LEFT JOIN pos_sales s ON s.invoice_id = i.id ORDER BY name",
    ),
    Standing(
        "sale",
        ("sale", "total", "customer", "void"),
        "SELECT s.pos_id {bytes} AS name, s.total_cents, c.customer_id, "
        "CASE WHEN s.voided_at IS NULL THEN 0 ELSE 1 END "
        "FROM pos_sales s LEFT JOIN customers c ON c.id = s.customer_id ORDER BY name",
    ),
    Standing(
        "product",
        ("product", "name", "price", "cost", "stock", "pieces moved", "retired"),
        "SELECT p.product_id {bytes} AS shown, p.name, p.price_cents, p.cost_cents, p.stock, "
        "coalesce((SELECT sum(m.quantity) FROM stock_moves m WHERE m.product_id = p.id), 0), "
        "CASE WHEN p.retired_at IS NULL THEN 0 ELSE 1 END FROM products p ORDER BY shown",
    ),
    Standing(
        "sold piece",
        ("sale and product", "pieces moved"),
        "SELECT (s.pos_id || ' of ' || p.product_id) {bytes} AS name, sum(m.quantity) "
        "FROM stock_moves m JOIN pos_sales s ON s.id = m.sale_id "
        "JOIN products p ON p.id = m.product_id GROUP BY 1 HAVING sum(m.quantity) <> 0 "
        "ORDER BY 1",
    ),
    Standing(
        "balance",
        ("customer", "balance"),
        "SELECT c.customer_id {bytes} AS name, "
        "coalesce((SELECT sum(i.amount_cents - i.adjusted_cents - i.amount_paid_cents) "
        "FROM invoices i WHERE i.customer_id = c.id AND i.voided_at IS NULL), 0) - "
        "coalesce((SELECT sum(p.amount_cents - p.allocated_cents) FROM payments p "
        "WHERE p.customer_id = c.id AND p.reversed_at IS NULL), 0) FROM customers c ORDER BY name",
    ),
)


def standing(connection: Connection, wanted: Standing) -> Iterator[tuple[Any, ...]]:
    """Stream where each subject of a kind stands, in the order of its name."""
    is_sqlite = connection.dialect.name == "sqlite"
    sql = wanted.sql.replace("{bytes}", "" if is_sqlite else 'COLLATE "C"')
    options = {"stream_results": True, "yield_per": PAGE_ROWS}
    result = connection.exec_driver_sql(sql, execution_options=options)
    with closing(result):
        for row in result:
            yield tuple(_comparable(value) for value in row)


def _comparable(value: Any) -> Any:
    """Return a value as both databases give it."""
    if isinstance(value, datetime):
        return value.isoformat(" ", "microseconds")
    return int(value) if value is not None and not isinstance(value, (str, int)) else value
