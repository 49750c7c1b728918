"""kelly db check: every invariant of the books, on one snapshot, while others write.

What the database alone can answer is asked in ``store.checks``. Here the bytes of each callback
are read again with the content rules (contract section 7) and held to what was booked from them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from kelly_cli.core.masking import mask_reference
from kelly_cli.daraja.messages import Notice, PaymentMessage, parse_delivery
from kelly_cli.store.checks import OF_THE_BOOKS, OF_THE_FILE, logs, run_checks
from kelly_cli.store.checks.shape import Check, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from kelly_cli.daraja.messages import Kind, Outcome
    from kelly_cli.store.checks.shape import CheckResult, Found, Snapshot
    from kelly_cli.store.database import Database

_ANY_TIME = datetime.max  # noqa: DTZ901 - how far ahead a time lies is judged on arrival only
_KINDS = ("confirmation", "stk", "pull", "statement", "hand")
_NOT_TELLING = ("result", "timeout")
"""They add nothing to a payment."""
_MAY_BE_FILLED = ("short_code", "bill_ref")
"""What a later channel may add where the origin says nothing."""

_Filled: TypeAlias = dict[int, dict[str, object]]
"""Payment row → what the books hold and its origin does not say, by name."""


class Facts(NamedTuple):
    """What is booked of a payment, or what a callback says; ``paid_at`` as the driver gives it."""

    receipt: Any
    amount_cents: Any
    paid_at: Any
    short_code: Any
    bill_ref: Any


def check(database: Database, *, now: datetime) -> CheckResult:
    """Check the books, and change nothing. ``now``: aware UTC.

    Raises:
        StorageError: the database cannot be read at all.
    """
    # The database looks through its file on one core while Python looks through the books on
    # another, on one snapshot.
    with ThreadPoolExecutor(1) as beside:
        file = beside.submit(_check_part, database, now, OF_THE_FILE)
        result = _check_part(database, now, ALL_OF_THE_BOOKS)
    result.join(file.result())
    return result


def check_snapshot(connection: Connection, *, now: datetime) -> CheckResult:
    """Check file and books as one connection sees them."""
    return run_checks(connection, now, (*OF_THE_FILE, *ALL_OF_THE_BOOKS))


def _check_part(database: Database, now: datetime, checks: Sequence[Check]) -> CheckResult:
    with database.reading() as connection:
        return run_checks(connection, now, checks)


def bytes_say_the_same(books: Snapshot) -> Found:
    """Reading a payment's origin again gives its receipt, amount, time, short code, reference."""
    ours = logs.our_codes(books)
    filled: _Filled = {}
    for log_row, payment_row, kind, payload, encoding, *booked in logs.origins(books):
        message = _read(kind, payload, encoding, ours)
        if isinstance(message, PaymentMessage):
            if payment_row is None:
                yield f"log {log_row}", f"{message.receipt} was processed, and made no payment"
                continue
            said = _facts(message, as_text=books.is_sqlite)
            if said != tuple(booked):
                blanks = filled.setdefault(payment_row, {})
                yield from _differences(Facts(*booked), said, blanks, log_row)
        elif message is not None and payment_row is not None:
            told = message.text if isinstance(message, Notice) else message.error
            yield str(booked[0]), f"log {log_row} made it, and holds no payment: {told}"
    if filled:
        yield from _unexplained(books, ours, filled)


def _facts(message: PaymentMessage, *, as_text: bool) -> Facts:
    paid_at = message.paid_at
    return Facts(
        message.receipt,
        message.amount_cents,
        paid_at.isoformat(" ", "microseconds") if as_text else paid_at,
        message.short_code,
        message.bill_ref,
    )


def _differences(booked: Facts, said: Facts, blanks: dict[str, object], log_row: int) -> Found:
    """Tell what differs; put into ``blanks`` what only another channel can have added."""
    for name, ours, theirs in zip(Facts._fields, booked, said, strict=True):
        if theirs is None and name in _MAY_BE_FILLED and ours is not None:
            blanks[name] = ours
        elif ours != theirs:
            told = f"{name} is {shown(name, ours)}; log {log_row}, which made it, says "
            yield str(booked.receipt), told + str(shown(name, theirs))


def _unexplained(books: Snapshot, ours: frozenset[str], filled: _Filled) -> Found:
    """Look among the repeats for what the origins do not say."""
    for payment_row, kind, payload, encoding in logs.repeats_with_payment(books):
        blanks = filled.get(payment_row)
        if not blanks or kind in _NOT_TELLING:
            continue
        if kind not in _KINDS:
            blanks.clear()
            continue
        message = _read(kind, payload, encoding, ours)
        for name, booked in list(blanks.items()):
            said = getattr(message, name, None)
            # A purge masks the payment before the repeats that told of it.
            if said == booked or (name == "bill_ref" and said and mask_reference(said) == booked):
                del blanks[name]
    for payment_row, blanks in filled.items():
        if blanks:
            yield f"payment {payment_row}", f"no callback says its {' and '.join(sorted(blanks))}"


def _read(kind: Kind, payload: str, encoding: str, ours: frozenset[str]) -> Outcome | None:
    """Return what the bytes say; None when they cannot be had (I-10 tells)."""
    raw = logs.raw_bytes(payload, encoding)
    if raw is None:
        return None
    return parse_delivery(raw, kind, ours=ours, now=_ANY_TIME)[1]


ALL_OF_THE_BOOKS = (*OF_THE_BOOKS, Check("I-09", bytes_say_the_same))
