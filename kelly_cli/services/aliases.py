"""By what else customers pay: another phone, its hash or mask, another name, a reference.

Taught by a person, alone or beside an assignment, and taken back by one. An alias is only ever a
suggestion. The audit tells that there is one, and not whose phone it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.payers import Kind, Payer, forms_of, payer_of
from kelly_cli.core.refs import MAX_KEY
from kelly_cli.core.slips import loosely_folded
from kelly_cli.errors import ConflictError, DomainError, NotFoundError
from kelly_cli.services.customers import get_customer
from kelly_cli.services.names import full_name
from kelly_cli.store import alias_rows, audit_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from kelly_cli.store.alias_rows import AliasView
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.payment_rows import PaymentView

MOST_NUMBERS = 20_000
"""How many remembered phones a hash or a mask is held against."""

_KINDS = {
    Kind.PHONE: "phone",
    Kind.HASH: "hash",
    Kind.MASKED_HASH: "hash",
    Kind.MASKED: "masked",
}


class Alias(NamedTuple):
    """A live alias that fits a payment. ``kind``: no surer than what is known of the payer."""

    customer_row: int
    kind: str
    value: str
    amount_cents: int | None


def list_aliases(
    database: Database, customer_id: str | None = None, *, retired: bool = False, limit: int = 100
) -> Sequence[AliasView]:
    """Return aliases, the newest first. ``retired``: those that were taken back too.

    Raises:
        NotFoundError: no such customer.
    """
    with database.reading() as connection:
        row = get_customer(connection, customer_id).row if customer_id is not None else None
        return alias_rows.list_aliases(connection, customer_row=row, retired=retired, limit=limit)


def add_alias(
    database: Database,
    hand: Hand,
    customer_id: str,
    kind: str,
    text: str,
    *,
    amount_cents: int | None = None,
    dry_run: bool = False,
) -> AliasView:
    """Remember one more alias of a customer. ``kind``: phone (also masked or hashed), name,
    reference; ``amount_cents``: the usual amount, None = any.

    Raises:
        DomainError: ``bad_alias``: it is none of its kind.
        NotFoundError: no such customer.
        ConflictError: ``alias_exists``.
    """  # noqa: D205 - one sentence
    kind, value = _read(kind, text)
    with database.rehearsing() if dry_run else database.writing() as connection:
        customer = get_customer(connection, customer_id)
        known = alias_rows.find_live(connection, customer.row, kind, value)
        if known is not None:
            raise ConflictError(
                f"{customer.customer_id} has it already: alias {known.row}",
                hint=f"See them: kelly customer alias list {customer.customer_id}",
                code="alias_exists",
            )
        row = _add(connection, hand, customer.row, (kind, value), amount_cents, None)
        after = {"alias": row, "kind": kind}
        audit_rows.record_audit(connection, hand, "alias.add", customer.customer_id, after=after)
        return get_alias(connection, row)


def remove_alias(database: Database, hand: Hand, row: int, *, dry_run: bool = False) -> AliasView:
    """Take an alias back; what it brought stays where it is.

    Raises:
        NotFoundError: ``alias_not_found``: none has this number, or it was taken back already.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        found = get_alias(connection, row)
        if found.retired_at is not None:
            raise _not_found(row, "was taken back already")
        alias_rows.retire(connection, row, hand.at)
        before = {"alias": row, "kind": found.kind}
        audit_rows.record_audit(connection, hand, "alias.remove", found.customer_id, before=before)
        return get_alias(connection, row)


def learn(
    connection: Connection, hand: Hand, payment: PaymentView, customer_row: int
) -> list[dict[str, object]]:
    """Remember all that a payment says of its payer; return what is new or changed, for the audit.

    A known alias keeps its number and takes the newest amount as the usual one.
    """
    learnt: list[dict[str, object]] = []
    for kind, value in said_by(payment):
        amount = None if kind == "reference" else payment.amount_cents
        known = alias_rows.find_live(connection, customer_row, kind, value)
        if known is None:
            row = _add(
                connection, hand, customer_row, (kind, value), amount, payment.mpesa_receipt_number
            )
            learnt.append({"alias": row, "kind": kind})
        elif known.amount_cents != amount:
            alias_rows.set_usual(connection, known.row, amount)
            learnt.append({"alias": known.row, "kind": kind})
    return learnt


def said_by(payment: PaymentView) -> list[tuple[str, str]]:
    """Return (kind, value) of everything that a payment says of its payer."""
    payer = payer_of(payment.msisdn)
    found = [(_KINDS[payer.kind], payer.value)] if payer else []
    name = full_name(payment.payer_name)
    reference = loosely_folded(payment.bill_ref_number or "")
    if name:
        found.append(("name", name))
    if reference:
        found.append(("reference", reference))
    return found


def aliases_for(connection: Connection, payment: PaymentView) -> Iterator[Alias]:
    """Give the live aliases that fit a payment."""
    for kind, value in said_by(payment):
        if kind in {"name", "reference"}:
            yield from (Alias(*row) for row in alias_rows.live_of(connection, kind, [value]))
    payer = payer_of(payment.msisdn)
    if payer is None:
        return
    for form in forms_of(payer):
        for row in alias_rows.live_of(connection, _KINDS[form.kind], [form.value]):
            yield Alias(*row)
    if payer.kind == Kind.PHONE:
        return
    for customer, kind, value, amount in alias_rows.live_numbers(connection, most=MOST_NUMBERS):
        theirs = payer_of(value) if kind == "phone" else _hash(value)
        if theirs is not None and theirs != payer and payer in forms_of(theirs):
            yield Alias(customer, _KINDS[payer.kind], value, amount)


def get_alias(connection: Connection, row: int) -> AliasView:
    """Return an alias by its number.

    Raises:
        NotFoundError: ``alias_not_found``.
    """
    found = alias_rows.find_alias(connection, row)
    if found is None:
        raise _not_found(row, "is not there")
    return found


def _not_found(row: int, told: str) -> NotFoundError:
    return NotFoundError(
        f"alias {row} {told}",
        hint="See what is remembered: kelly customer alias list",
        code="alias_not_found",
    )


def _hash(value: str) -> Payer:
    return Payer(Kind.MASKED_HASH if "*" in value else Kind.HASH, value)


def _read(kind: str, text: str) -> tuple[str, str]:
    """Return the kind and the value of what a person taught, as they are kept."""
    if kind == "phone":
        payer = payer_of(text)
        if payer is not None:
            return _KINDS[payer.kind], payer.value
    if kind == "name" and (name := full_name(text)):
        return kind, name
    if kind == "reference" and 0 < len(value := loosely_folded(text)) <= 4 * MAX_KEY:
        return kind, value
    wanted = {
        "phone": "a Kenyan mobile number, or one as M-Pesa masks or hashes it",
        "name": "a name of two words or more",
        "reference": "a reference that a payer could type",
    }[kind]
    raise DomainError(
        f"--{kind}: {text!r} is not {wanted}",
        hint="Copy it from the payment: kelly payment show RECEIPT",
        code="bad_alias",
    )


def _add(
    connection: Connection,
    hand: Hand,
    customer_row: int,
    what: tuple[str, str],
    amount_cents: int | None,
    learnt_from: str | None,
) -> int:
    kind, value = what
    return alias_rows.add_alias(
        connection,
        customer_row=customer_row,
        kind=kind,
        value=value,
        amount_cents=amount_cents,
        learnt_from=learnt_from,
        actor=hand.actor,
        created_at=hand.at,
    )
