"""Reminders: to those who still owe when it is written down, each recorded, none twice in a while.

Who owes is asked again inside the unit of work that records the reminder; a payment that came since
the list was made takes its payer off it. Credit counts: whoever could pay what is overdue with it
is not reminded. One that is to be sent is recorded first, sent once, and then marked: after a crash
it stands as ``sending``, which may have gone out, and counts. One that failed does not count, so
the next run tries again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.times import nairobi_day
from kelly_cli.errors import DomainError, NotFoundError
from kelly_cli.services.customers import get_customer
from kelly_cli.store import audit_rows, reminder_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.reminder_rows import Late, LateInvoice, ReminderView

BY_HAND = "hand"
BY_ALERTS = "alerts"
_MAX_ROW = 2**31 - 1


class Terms(NamedTuple):
    """Whom to remind: overdue for so many days, and not reminded for so many (0 = whenever)."""

    overdue_days: int = 7
    again_after: int = 7
    customer_id: str | None = None


class Due(NamedTuple):
    """A customer to remind. ``owed_cents``: all that he owes, less his credit."""

    row: int
    customer_id: str
    name: str
    phone: str | None
    owed_cents: int
    late_cents: int
    since: date
    invoices: tuple[LateInvoice, ...]


class Skipped(NamedTuple):
    """A customer with overdue invoices who is not reminded, and why."""

    customer_id: str
    name: str
    reason: str


class Plan(NamedTuple):
    """Who is to be reminded, who has no phone, and who is not reminded."""

    due: tuple[Due, ...]
    without_phone: tuple[Due, ...]
    skipped: tuple[Skipped, ...]


class Made(NamedTuple):
    """One reminder of this run. ``row`` None = it was tried out and not kept."""

    due: Due
    message: str
    state: str
    row: int | None = None
    error: str | None = None


def plan(database: Database, terms: Terms, today: date) -> Plan:
    """Return who would be reminded today.

    Raises:
        NotFoundError: no such customer.
    """
    with database.reading() as connection:
        row = _row_of(connection, terms)
        return _plan(connection, terms, today, row)


def make_ready(
    database: Database, hand: Hand, terms: Terms, compose: Callable[[Due], str]
) -> tuple[list[Made], Plan]:
    """Record the reminders of today as messages that a person sends; all of them or none.

    Raises:
        NotFoundError: no such customer.
    """
    today = nairobi_day(hand.at)
    with database.writing() as connection:
        found = _plan(connection, terms, today, _row_of(connection, terms))
        made = []
        for due in found.due:
            message = compose(due)
            row = _record(connection, hand, due, message, today, state="ready", channel=BY_HAND)
            made.append(Made(due, message, "ready", row))
        return made, found


def send(
    database: Database,
    hand: Hand,
    terms: Terms,
    found: Plan,
    *,
    compose: Callable[[Due], str],
    deliver: Callable[[Due, str], str | None],
    clock: Callable[[], object],
) -> Iterator[Made]:
    """Send the reminders of a plan one by one. ``deliver`` returns why it failed, None = it went.

    Nothing is held while one is on its way. Who owes nothing any more is passed over.
    """
    today = nairobi_day(hand.at)
    for planned in found.due:
        with database.writing() as connection:
            still = _plan(connection, terms, today, planned.row).due
            if not still:
                continue
            due = still[0]
            message = compose(due)
            row = _record(connection, hand, due, message, today, state="sending", channel=BY_ALERTS)
        error = deliver(due, message)
        state = "sent" if error is None else "failed"
        with database.writing() as connection:
            sent_at = clock() if error is None else None
            reminder_rows.change(connection, row, state=state, error=error, sent_at=sent_at)
        yield Made(due, message, state, row, error)


def list_reminders(
    database: Database,
    *,
    customer_id: str | None = None,
    state: str | None = None,
    limit: int = 100,
) -> Sequence[ReminderView]:
    """Return reminders, the newest first.

    Raises:
        NotFoundError: no such customer.
    """
    with database.reading() as connection:
        row = get_customer(connection, customer_id).row if customer_id is not None else None
        return reminder_rows.list_reminders(connection, customer_row=row, state=state, limit=limit)


def cancel(database: Database, hand: Hand, row: int, *, dry_run: bool = False) -> ReminderView:
    """Take a reminder back that did not go out: it counts no longer.

    Raises:
        NotFoundError: ``reminder_not_found``.
        DomainError: it went out, or ``already_cancelled``.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        found = _get(connection, row)
        if found.state == "sent":
            raise DomainError(
                f"reminder {row} went out at {found.sent_at}: that cannot be taken back",
                hint="To remind sooner: kelly remind --again-after 0",
            )
        if found.state == "cancelled":
            raise DomainError(
                f"reminder {row} was taken back already",
                hint="See them: kelly remind list",
                code="already_cancelled",
            )
        reminder_rows.change(connection, row, state="cancelled")
        audit_rows.record_audit(
            connection,
            hand,
            "remind.cancel",
            found.customer_id,
            before={"reminder": row, "state": found.state},
            after={"state": "cancelled"},
        )
        return _get(connection, row)


def _get(connection: Connection, row: int) -> ReminderView:
    found = reminder_rows.find(connection, row) if 0 < row <= _MAX_ROW else None
    if found is None:
        raise NotFoundError(
            f"there is no reminder {row}",
            hint="See them: kelly remind list",
            code="reminder_not_found",
        )
    return found


def _row_of(connection: Connection, terms: Terms) -> int | None:
    if terms.customer_id is None:
        return None
    return get_customer(connection, terms.customer_id).row


def _plan(connection: Connection, terms: Terms, today: date, row: int | None) -> Plan:
    due_before = today - timedelta(days=max(terms.overdue_days - 1, 0))
    invoices: dict[int, list[LateInvoice]] = {}
    for each in reminder_rows.late_invoices(connection, due_before, row):
        invoices.setdefault(each.customer_row, []).append(each)
    told = reminder_rows.last_days(connection, today - timedelta(days=terms.again_after), row)
    due: list[Due] = []
    bare: list[Due] = []
    skipped: list[Skipped] = []
    for late in reminder_rows.late_customers(connection, due_before, row):
        why = _why_not(late, told.get(late.row) if terms.again_after else None)
        if why:
            skipped.append(Skipped(late.customer_id, late.name, why))
            continue
        owed = late.open_cents - late.credit_cents
        found = Due(
            late.row,
            late.customer_id,
            late.name,
            late.phone,
            owed,
            late.late_cents - late.credit_cents,
            late.since,
            tuple(invoices.get(late.row, ())),
        )
        (due if late.phone else bare).append(found)
    return Plan(tuple(due), tuple(bare), tuple(skipped))


def _why_not(late: Late, told_on: date | None) -> str:
    """Return why a customer is not reminded; "" = he is."""
    if late.credit_cents >= late.late_cents:
        return "owes nothing: the credit covers what is overdue"
    return f"was reminded on {told_on}" if told_on is not None else ""


def _record(
    connection: Connection,
    hand: Hand,
    due: Due,
    message: str,
    today: date,
    *,
    state: str,
    channel: str,
) -> int:
    row = reminder_rows.add(
        connection,
        customer_id=due.row,
        channel=channel,
        address=due.phone,
        message=message,
        owed_cents=due.owed_cents,
        as_of=today,
        state=state,
        actor=hand.actor,
        created_at=hand.at,
    )
    # The audit tells that there is one, and not to which phone.
    after = {"reminder": row, "owed_cents": due.owed_cents, "channel": channel}
    audit_rows.record_audit(connection, hand, "remind", due.customer_id, after=after)
    return row
