"""Customers: make, find, change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kelly_cli.core.refs import MAX_KEY, fold, parse_customer_id, parse_phone
from kelly_cli.errors import ConflictError, DomainError, NotFoundError
from kelly_cli.store import audit_rows, customer_rows
from kelly_cli.store.numbers import next_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.customer_rows import CustomerView
    from kelly_cli.store.database import Database

LONGEST_TEXT = 200


def create_customer(
    database: Database,
    hand: Hand,
    *,
    name: str,
    customer_id: str | None = None,
    phone: str | None = None,
    email: str | None = None,
) -> CustomerView:
    """Write a new customer. ``customer_id`` None = the next free CUST number.

    Raises:
        DomainError: name, id, phone or email is not one.
        ConflictError: the id already stands for a customer, an invoice or a sale.
    """
    values: dict[str, Any] = {
        "name": read_name(name),
        "phone": read_phone(phone),
        "email": read_email(email),
    }
    wanted = _wanted_id(customer_id)

    with database.writing() as connection:
        if wanted is None:
            wanted = next_id(connection)
        elif customer_rows.taken(connection, fold(wanted) or ""):
            raise ConflictError(
                f"{wanted} is already taken",
                hint=f"See it: kelly customer show {wanted}",
                code="customer_exists",
            )
        customer_rows.add_customer(connection, customer_id=wanted, created_at=hand.at, **values)
        audit_rows.record_audit(connection, hand, "customer.create", wanted, after=values)
        return get_customer(connection, wanted)


def edit_customer(
    database: Database,
    hand: Hand,
    customer_id: str,
    *,
    name: str | None = None,
    phone: str | None = None,
    email: str | None = None,
) -> CustomerView:
    """Change what is given; None = as it is, "" = take it away (phone and email only).

    Raises:
        NotFoundError: no such customer.
        DomainError: a value is not one, or nothing was given.
    """
    changes: dict[str, Any] = {}
    if name is not None:
        changes["name"] = read_name(name)
    if phone is not None:
        changes["phone"] = read_phone(phone)
    if email is not None:
        changes["email"] = read_email(email)
    if not changes:
        raise DomainError("nothing to change was given", hint="Give --name, --phone or --email")

    with database.writing() as connection:
        found = get_customer(connection, customer_id)
        before = {column: getattr(found, column) for column in changes}
        if before != changes:
            customer_rows.change_customer(connection, found.row, changes)
            audit_rows.record_audit(
                connection, hand, "customer.edit", found.customer_id, before=before, after=changes
            )
        return get_customer(connection, customer_id)


def show_customer(database: Database, customer_id: str) -> CustomerView:
    """Return one customer.

    Raises:
        NotFoundError: no such customer.
    """
    with database.reading() as connection:
        return get_customer(connection, customer_id)


def list_customers(
    database: Database, *, search: str | None = None, owing: bool = False, limit: int = 100
) -> Sequence[CustomerView]:
    """Return customers by id. ``search``: part of id, name, phone or email; ``owing``: in debt."""
    with database.reading() as connection:
        return customer_rows.list_customers(connection, search=search, owing=owing, limit=limit)


def get_customer(connection: Connection, customer_id: str) -> CustomerView:
    """Return the customer that an id names, in any written form.

    Raises:
        NotFoundError: no such customer.
    """
    key = fold(customer_id)
    found = customer_rows.find_customer(connection, key) if key else None
    if found is None:
        raise NotFoundError(
            f"no customer is called {customer_id!r}",
            hint="See who there is: kelly customer list",
            code="customer_not_found",
        )
    return found


def next_id(connection: Connection) -> str:
    """Return the next CUST number that nothing has."""
    while True:
        candidate = f"CUST-{next_number(connection, 'CUST'):03d}"
        if not customer_rows.taken(connection, fold(candidate) or ""):
            return candidate


def _wanted_id(customer_id: str | None) -> str | None:
    if customer_id is None:
        return None
    try:
        return parse_customer_id(customer_id)
    except ValueError as error:
        raise DomainError(
            f"--id: {error}",
            hint=f"Write it like CUST-001, up to {MAX_KEY} characters",
            code="bad_customer_id",
        ) from None


def read_name(text: str) -> str:
    """Return a name as it is kept.

    Raises:
        DomainError: ``bad_name``.
    """
    name = " ".join(text.split())
    if not name or len(name) > LONGEST_TEXT or not name.isprintable():
        raise DomainError(
            f"{text!r} is not a name of 1 to {LONGEST_TEXT} printable characters", code="bad_name"
        )
    return name


def read_phone(text: str | None) -> str | None:
    """Return a phone as it is kept; blank = none.

    Raises:
        DomainError: ``bad_phone``.
    """
    if text is None or not text.strip():
        return None
    try:
        return parse_phone(text)
    except ValueError as error:
        raise DomainError(f"--phone: {error}", code="bad_phone") from None


def read_email(text: str | None) -> str | None:
    """Return an e-mail address as it is kept; blank = none.

    Raises:
        DomainError: ``bad_email``.
    """
    if text is None or not text.strip():
        return None
    email = text.strip()
    user, at, host = email.rpartition("@")
    plain = email.isprintable() and " " not in email and len(email) <= LONGEST_TEXT
    if not (at and user and "." in host and plain):
        raise DomainError(
            f"--email: {text!r} is not an address like jane@example.co.ke", code="bad_email"
        )
    return email
