"""Results and time-outs of what we asked: tied to their request, and let act on the books.

All in the unit of work that keeps the log. A time-out means *unknown*, never failed, and nothing is
sent again. A result that fits no request stays a notice without money; when it was only faster than
the reply to its request, it is tied as soon as that reply is kept. What contradicts the books
changes nothing in them: its log becomes a conflict, which a person sees.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core.money import kes
from kelly_cli.daraja.fields import receipt_or_none
from kelly_cli.daraja.results import ALREADY_REVERSED, read_result
from kelly_cli.services import reversing
from kelly_cli.services.entries import CONFLICT
from kelly_cli.store import payment_rows, request_rows
from kelly_cli.store.audit_rows import Hand
from kelly_cli.store.inbox_rows import raw_bytes
from kelly_cli.store.request_rows import UNSETTLED

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from kelly_cli.daraja.results import Answer
    from kelly_cli.store.payment_rows import PaymentView
    from kelly_cli.store.request_rows import RequestView

EARLY = timedelta(minutes=5)
"""The listener's clock and ours may differ by so much."""

COMPLETED = "completed"
REVERSED = "revers"


class Came(NamedTuple):
    """A result or time-out that has its log. ``kind``: ``result`` or ``timeout``."""

    log_row: int
    kind: str
    raw: bytes


class Conflict(NamedTuple):
    """What a result says against the books."""

    receipt: str
    error: str


def settle(connection: Connection, came: Came, at: datetime) -> Conflict | None:
    """Tie a result to its request and do what it says; a repeat and a stranger do nothing.

    Return what contradicts the books: that is written into its log too.
    """
    answer = read_result(came.raw)
    if answer is None:
        return None
    request = request_rows.find_by_conversation(
        connection, answer.conversation_id, answer.originator_conversation_id
    )
    return None if request is None else _apply(connection, request, came, answer, at)


def tie_early(connection: Connection, row: int, at: datetime) -> None:
    """Do what results say that came before the reply to their request was kept."""
    request = request_rows.find_request(connection, row)
    if request is None:
        return
    for log in request_rows.results_since(connection, request.created_at - EARLY):
        raw = raw_bytes(log.payload, log.encoding)
        answer = read_result(raw)
        if answer is not None and _speaks_of(answer, request):
            _apply(connection, request, Came(log.row, log.kind, raw), answer, at)
            request = request_rows.find_request(connection, row) or request


def _speaks_of(answer: Answer, request: RequestView) -> bool:
    ours = {request.conversation_id, request.originator_conversation_id} - {None}
    return bool(ours & {answer.conversation_id, answer.originator_conversation_id})


def _apply(
    connection: Connection, request: RequestView, came: Came, answer: Answer, at: datetime
) -> Conflict | None:
    if request.state not in UNSETTLED:
        return None
    if came.kind == "timeout":
        told = {"state": "unknown", "result_desc": "timed out: the outcome is not known"}
        request_rows.change_request(connection, request.row, {**told, "log_id": came.log_row}, at)
        return None
    request_rows.change_request(
        connection,
        request.row,
        {
            "state": "done" if answer.is_success else "failed",
            "result_code": answer.code,
            "result_desc": answer.description,
            "result": _kept(answer),
            "log_id": came.log_row,
        },
        at,
    )
    conflict = _act(connection, request, answer, at)
    if conflict is not None:
        request_rows.mark_conflict(connection, came.log_row, *conflict)
    return conflict


def _act(
    connection: Connection, request: RequestView, answer: Answer, at: datetime
) -> Conflict | None:
    """Let a result change the books, when it agrees with them."""
    payment = None
    if request.receipt is not None:
        payment = payment_rows.find_payment(connection, request.receipt)
    if payment is None:
        return None
    against = _against(request, payment, answer)
    if against is not None:
        return Conflict(payment.mpesa_receipt_number, f"{CONFLICT}{against}")
    if _says_reversed(request, answer):
        if payment.reversed_at is None:
            hand = Hand(request.actor, at, request.reason)
            reversing.book(connection, hand, payment, _how(request, answer))
    elif _is_confirmed(request, payment, answer):
        request_rows.set_verified(connection, [payment.row], "status")
    return None


def _against(request: RequestView, payment: PaymentView, answer: Answer) -> str | None:
    """Say what a result says against the books, or None. A failed one says nothing of them."""
    if not answer.is_success or request.kind == "balance":
        return None
    if answer.twice:
        return f"{request.kind} result says {answer.twice[0]} in two ways"
    key = "OriginalTransactionID" if request.kind == "reversal" else "ReceiptNo"
    spoken = receipt_or_none(answer.text(key))
    if spoken is not None and spoken != payment.mpesa_receipt_number:
        return f"{request.kind} result speaks of {spoken}, asked of {payment.mpesa_receipt_number}"
    said_cents, booked_cents = answer.amount_cents, payment.amount_cents
    if said_cents is not None and said_cents != booked_cents:
        return f"{request.kind} result says amount {kes(said_cents)}, first {kes(booked_cents)}"
    status = answer.text("TransactionStatus")
    if request.kind == "status" and payment.reversed_at is None and status is not None:
        known = status.casefold()
        if known != COMPLETED and REVERSED not in known:
            return f"status result says {status!r} of money that is booked"
    return None


def _says_reversed(request: RequestView, answer: Answer) -> bool:
    """Tell whether Safaricom says that the money went back.

    ``R000001`` (already reversed) says it too: by somebody else, or by a request of ours whose
    result was lost. Source: daraja-facts 6.5.
    """
    if request.kind == "reversal":
        return answer.is_success or answer.code == ALREADY_REVERSED
    status = answer.text("TransactionStatus") or ""
    return request.kind == "status" and answer.is_success and REVERSED in status.casefold()


def _is_confirmed(request: RequestView, payment: PaymentView, answer: Answer) -> bool:
    return (
        request.kind == "status"
        and answer.is_success
        and (answer.text("TransactionStatus") or "").casefold() == COMPLETED
        and answer.text("ReceiptNo") is not None
        and answer.receipt == payment.mpesa_receipt_number
        and answer.amount_cents == payment.amount_cents
    )


def _how(request: RequestView, answer: Answer) -> str:
    if request.kind == "status":
        return "the status that Safaricom gave"
    if answer.is_success:
        return "Safaricom carried out our request"
    return "Safaricom said that it was reversed already"


def _kept(answer: Answer) -> str:
    kept: dict[str, Any] = dict(answer.named)
    return json.dumps(kept, ensure_ascii=False)
