"""kelly db check: every invariant of the books, on one snapshot, while others write.

What the database alone can answer is asked in ``store.checks``. Here the bytes of each callback
are read again with the content rules (contract section 7) and held to what was booked from them.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from kelly_cli.daraja.messages import Notice, PaymentMessage, parse_delivery
from kelly_cli.store.checks import CHECKS, logs, run_checks
from kelly_cli.store.checks.shape import Check, shown

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kelly_cli.daraja.messages import Kind, Outcome
    from kelly_cli.store.checks.shape import CheckResult, Found, Snapshot
    from kelly_cli.store.database import Database

_ANY_TIME = datetime.max  # noqa: DTZ901 - how far ahead a time lies is judged on arrival only
_KINDS = ("confirmation", "stk")
_MAY_BE_FILLED = ("short_code", "bill_ref")
"""What a later channel may add where the origin says nothing."""

_ZEROS = ".000000"
_Filled: TypeAlias = dict[int, dict[str, object]]
"""Payment row → what the books hold and its origin does not say, by name."""


def check(database: Database, *, now: datetime) -> CheckResult:
    """Check the books, and change nothing. ``now``: aware UTC.

    Raises:
        StorageError: the database cannot be read at all.
    """
    with database.reading() as connection:
        return check_snapshot(connection, now=now)


def check_snapshot(connection: Connection, *, now: datetime) -> CheckResult:
    """Check the books as one connection sees them."""
    return run_checks(connection, now, (*CHECKS, Check("I-09", bytes_say_the_same)))


def bytes_say_the_same(books: Snapshot) -> Found:
    """Reading a payment's origin again gives its receipt, amount, time, short code, reference."""
    ours = logs.our_codes(books)
    filled: _Filled = {}
    for row in logs.origins(books):
        message = _read(row, ours)
        if row.payment_row is None:
            if isinstance(message, PaymentMessage):
                yield f"log {row.log_row}", f"{message.receipt} was processed, and made no payment"
        elif isinstance(message, PaymentMessage):
            yield from _differences(row, message, filled)
        elif message is not None:
            said = message.text if isinstance(message, Notice) else message.error
            yield row.receipt, f"log {row.log_row} made it, and holds no payment: {said}"
    if filled:
        yield from _unexplained(books, ours, filled)


def _differences(row: Any, message: PaymentMessage, filled: _Filled) -> Found:
    """Tell what differs; put into ``filled`` what only another channel can have added."""
    for name in ("receipt", "amount_cents", "paid_at", *_MAY_BE_FILLED):
        said, booked = getattr(message, name), getattr(row, name)
        if said == booked or (name == "paid_at" and str(said) == str(booked).removesuffix(_ZEROS)):
            continue
        if said is None and name in _MAY_BE_FILLED:
            filled.setdefault(row.payment_row, {})[name] = booked
        else:
            yield (
                str(row.receipt),
                (
                    f"{name} is {shown(name, booked)}; "
                    f"log {row.log_row}, which made it, says {shown(name, said)}"
                ),
            )


def _unexplained(books: Snapshot, ours: frozenset[str], filled: _Filled) -> Found:
    """Look among the repeats for what the origins do not say."""
    for row in logs.repeats_with_payment(books):
        waiting = filled.get(row.payment_row)
        if not waiting:
            continue
        if row.kind not in _KINDS:
            waiting.clear()
            continue
        message = _read(row, ours)
        for name, booked in list(waiting.items()):
            if getattr(message, name, None) == booked:
                del waiting[name]
    for payment_row, names in filled.items():
        if names:
            yield f"payment {payment_row}", f"no callback says its {' and '.join(sorted(names))}"


def _read(row: Any, ours: frozenset[str]) -> Outcome | None:
    """Return what the bytes say; None when they cannot be had (I-10 tells)."""
    raw = logs.raw_bytes(row.raw_payload, row.raw_encoding)
    if raw is None:
        return None
    kind: Kind = row.kind
    return parse_delivery(raw, kind, ours=ours, now=_ANY_TIME)[1]
