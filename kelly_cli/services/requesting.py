"""Asking Safaricom for a status, a balance or a reversal; the result comes by callback.

What is asked stands in the books before it is sent, and the reply after it. A request that may
have been sent and has no result keeps a second reversal of the same money from being sent; nothing
is ever sent again by itself. No unit of work is open while Safaricom is waited for.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core.money import kes
from kelly_cli.daraja.client.errors import BadAnswerError, DarajaError, OutcomeUnknownError
from kelly_cli.daraja.fields import receipt_or_none
from kelly_cli.daraja.results import accounts_in, answer_in
from kelly_cli.errors import BrokenInvariantError, ConflictError, DomainError, KellyError
from kelly_cli.services import answering, reversing
from kelly_cli.services.payments import get_payment
from kelly_cli.store import audit_rows, log_rows, payment_rows, request_rows
from kelly_cli.store.request_rows import UNSETTLED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from kelly_cli.daraja.client.daraja import Daraja
    from kelly_cli.daraja.client.shapes import Acked
    from kelly_cli.daraja.results import Account
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.payment_rows import PaymentView
    from kelly_cli.store.request_rows import RequestView

LOOK_AFTER = timedelta(minutes=10)
"""A status of so long after a reversal was sent tells whether it was carried out."""

LONGEST_REMARKS = 100
PAUSE_S = 0.5


class Desk(NamedTuple):
    """From where and as whom we ask. ``short_code``: whose money; URLs: where the answer goes."""

    environment: str
    short_code: str
    result_url: str
    timeout_url: str
    clock: Callable[[], datetime]


class Asked(NamedTuple):
    """A request, and the payment it is about as the books hold it now; None = they do not.

    ``conflict``: what its result says against the books, None = nothing.
    """

    request: RequestView
    payment: PaymentView | None
    conflict: str | None = None

    @property
    def says(self) -> dict[str, str | None]:
        """Return what the result says, by the names that it uses."""
        return json.loads(self.request.result) if self.request.result else {}

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Return the accounts of a balance."""
        return accounts_in(_parameter(self.request, "AccountBalance"))

    @property
    def is_settled(self) -> bool:
        """Tell whether a result came, or Safaricom did not take the request."""
        return self.request.state in {"done", "failed", "refused"}


def ask_status(database: Database, daraja: Daraja, hand: Hand, desk: Desk, receipt: str) -> Asked:
    """Ask for the state of one payment, known or not.

    Raises:
        DomainError: ``bad_receipt``: nothing that M-Pesa gives looks like it.
        DarajaError: it was not taken, or that is not known.
    """
    canonical = receipt_or_none(receipt)
    if canonical is None:
        raise DomainError(
            f"{receipt!r} is no receipt: it has 5 to 32 letters and digits",
            hint="Copy it from the payer's message; O and 0, I and 1 look alike",
            code="bad_receipt",
        )
    with database.writing() as connection:
        found = payment_rows.find_payment(connection, canonical)
        row = _intend(connection, hand, desk, "status", canonical, payment=found)
    return _send(
        database,
        desk,
        row,
        lambda: daraja.payment_status(
            short_code=desk.short_code,
            receipt=canonical,
            original_conversation_id=None,
            result_url=desk.result_url,
            timeout_url=desk.timeout_url,
            remarks="Status",
        ),
    )


def ask_balance(database: Database, daraja: Daraja, hand: Hand, desk: Desk) -> Asked:
    """Ask for the balances of a short code's accounts.

    Raises:
        DarajaError: it was not taken, or that is not known.
    """
    with database.writing() as connection:
        row = _intend(connection, hand, desk, "balance", None)
    return _send(
        database,
        desk,
        row,
        lambda: daraja.account_balance(
            short_code=desk.short_code,
            result_url=desk.result_url,
            timeout_url=desk.timeout_url,
            remarks="Balance",
        ),
    )


def ask_reversal(database: Database, daraja: Daraja, hand: Hand, desk: Desk, receipt: str) -> Asked:
    """Ask Safaricom to give a whole payment back. The books change when its result comes.

    Raises:
        NotFoundError, ConflictError, DomainError: ``check_reversal`` refuses.
        DarajaError: it was not taken, or that is not known.
    """
    with database.writing() as connection:
        payment = check_reversal(connection, receipt)
        canonical = payment.mpesa_receipt_number
        row = _intend(connection, hand, desk, "reversal", canonical, payment=payment)
        audit_rows.record_audit(
            connection,
            hand,
            "payment.reverse.ask",
            canonical,
            after={"amount": kes(payment.amount_cents), "short_code": desk.short_code},
        )
    return _send(
        database,
        desk,
        row,
        lambda: daraja.reversal(
            short_code=desk.short_code,
            receipt=canonical,
            amount_cents=payment.amount_cents,
            result_url=desk.result_url,
            timeout_url=desk.timeout_url,
            remarks=_remarks(hand.reason),
        ),
    )


def check_reversal(connection: Connection, receipt: str) -> PaymentView:
    """Return the payment that is to be given back, or refuse, in this order.

    Raises:
        NotFoundError: no such payment.
        ConflictError: ``already_reversed``.
        DomainError: ``not_mpesa``; ``amount_not_whole``: Safaricom takes whole shillings only.
        ConflictError: ``reversal_pending``: one was sent, and nobody knows what came of it.
    """
    payment = get_payment(connection, receipt)
    reversing.refuse(payment)
    reversing.refuse_other_money(payment)
    canonical = payment.mpesa_receipt_number
    if payment.amount_cents % 100:
        raise DomainError(
            f"{canonical} is {kes(payment.amount_cents)}: Safaricom reverses whole shillings only",
            hint="Reverse it in the M-Pesa portal, then: kelly payment reverse "
            f"{canonical} --done-in-portal --reason TEXT",
            code="amount_not_whole",
        )
    for sent in request_rows.list_requests(
        connection, kind="reversal", receipt=canonical, states=UNSETTLED, limit=100
    ):
        if not _looked_since(connection, sent):
            known = "accepted, no result yet" if sent.state == "accepted" else "outcome unknown"
            raise ConflictError(
                f"a reversal of {canonical} was sent already by {sent.actor} ({known})",
                hint=f"See what became of it: kelly mpesa status {canonical} --wait",
                code="reversal_pending",
            )
    return payment


def preview_reversal(database: Database, receipt: str) -> PaymentView:
    """Return the payment that would be given back.

    Raises:
        NotFoundError, ConflictError, DomainError: ``check_reversal`` refuses.
    """
    with database.reading() as connection:
        return check_reversal(connection, receipt)


def short_code_of(database: Database, receipt: str) -> str | None:
    """Return the short code that a payment went to, when the books know it."""
    canonical = receipt_or_none(receipt)
    if canonical is None:
        return None
    with database.reading() as connection:
        found = payment_rows.find_payment(connection, canonical)
    return None if found is None else found.short_code


def look(database: Database, row: int) -> Asked:
    """Return how a request stands."""
    with database.reading() as connection:
        return _standing(connection, row)


def wait(
    database: Database, asked: Asked, *, until: Callable[[], bool], pause: Callable[[float], None]
) -> Asked:
    """Read the books until the result is there, or ``until`` says that it is time to stop."""
    while not asked.is_settled and not until():
        pause(PAUSE_S)
        asked = look(database, asked.request.row)
    return asked


def list_requests(
    database: Database,
    *,
    limit: int,
    receipt: str | None = None,
    short_codes: Collection[str] | None = None,
) -> Sequence[RequestView]:
    """Return what was asked, newest first. ``receipt``: in any case."""
    canonical = None if receipt is None else receipt.strip().upper()
    with database.reading() as connection:
        return request_rows.list_requests(
            connection, limit=limit, receipt=canonical, short_codes=short_codes
        )


def _intend(
    connection: Connection,
    hand: Hand,
    desk: Desk,
    kind: str,
    receipt: str | None,
    *,
    payment: PaymentView | None = None,
) -> int:
    values: dict[str, Any] = {
        "kind": kind,
        "environment": desk.environment,
        "short_code": desk.short_code,
        "receipt": receipt,
        "payment_id": payment.row if payment else None,
        "amount_cents": payment.amount_cents if payment and kind == "reversal" else None,
        "reason": hand.reason,
        "actor": hand.actor,
    }
    return request_rows.add_request(connection, values, hand.at)


def _send(database: Database, desk: Desk, row: int, send: Callable[[], Acked]) -> Asked:
    """Send, and keep what is known of it then. Interrupted, it stays ``intended``."""
    try:
        acked = send()
    except KellyError as error:
        unknown = isinstance(error, OutcomeUnknownError | BadAnswerError)
        code = error.error_code if isinstance(error, DarajaError) else ""
        told = {
            "state": "unknown" if unknown else "refused",
            "result_code": code or None,
            "result_desc": error.message,
        }
        with database.writing() as connection:
            request_rows.change_request(connection, row, told, desk.clock())
        raise
    ids = {
        "state": "accepted",
        "conversation_id": acked.conversation_id or None,
        "originator_conversation_id": acked.originator_conversation_id or None,
    }
    with database.writing() as connection:
        request_rows.change_request(connection, row, ids, desk.clock())
        answering.tie_early(connection, row, desk.clock())
        return _standing(connection, row)


def _standing(connection: Connection, row: int) -> Asked:
    request = request_rows.find_request(connection, row)
    if request is None:
        raise BrokenInvariantError(f"request {row} is gone")
    payment = None
    if request.receipt is not None:
        payment = payment_rows.find_payment(connection, request.receipt)
    log = None if request.log_row is None else log_rows.find_log(connection, request.log_row)
    return Asked(request, payment, log.error if log is not None and log.is_duplicate else None)


def _looked_since(connection: Connection, sent: RequestView) -> bool:
    """Tell whether a status of later says that the money is still here."""
    looks = request_rows.list_requests(
        connection, kind="status", receipt=sent.receipt, states=("done",), limit=100
    )
    return any(
        each.created_at >= sent.updated_at + LOOK_AFTER
        and (_parameter(each, "TransactionStatus") or "").casefold() == answering.COMPLETED
        for each in looks
    )


def _parameter(request: RequestView, key: str) -> str | None:
    """Return a parameter of a kept result, however its key was spelt."""
    named = json.loads(request.result) if request.result else {}
    pairs = [{"Key": name, "Value": value} for name, value in named.items()]
    return answer_in({"ResultParameters": {"ResultParameter": pairs}}).text(key)


def _remarks(reason: str | None) -> str:
    """Return remarks as Safaricom takes them: 2 to 100 plain characters."""
    plain = (sign for sign in reason or "" if sign.isascii() and (sign.isalnum() or sign == " "))
    text = " ".join("".join(plain).split())[:LONGEST_REMARKS]
    return text if len(text) > 1 else "Reversal"
