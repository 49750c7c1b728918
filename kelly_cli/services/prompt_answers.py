"""What became of payment prompts: callbacks tied to them by CheckoutRequestID, once and for all.

Runs inside the unit of work that books the money, so prompt and payment never disagree. A callback
may come before the reply that names its prompt: it then waits as any money without an owner, and
``tie`` finds it when the reply is written down.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import kes
from kelly_cli.core.refs import fold
from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.daraja.messages import Notice, PaymentMessage, parse_stk
from kelly_cli.store import inbox_rows, prompt_rows
from kelly_cli.store.prompt_rows import PAID, REFUSED, UNKNOWN, Answer, PromptView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from kelly_cli.services.entries import Entry
    from kelly_cli.services.inbox import Inbox

CLOCKS_APART = timedelta(minutes=5)
"""How far the clock of a listener's machine may be behind that of who prompts."""

_ANY_TIME = datetime.max  # noqa: DTZ901 - how far ahead a time lies was judged on arrival
_STILL_PENDING = "4999"


class _Told(NamedTuple):
    """What a logged callback says of a prompt. ``receipt`` None = it was refused."""

    log_row: int
    is_open: bool
    receipt: str | None
    answer: Answer
    message: PaymentMessage | Notice


def settle_prompts(connection: Connection, entries: Sequence[Entry], now: datetime) -> None:
    """Write into our prompts what these callbacks, logged and booked by now, say of them."""
    answers: dict[str, Answer] = {}
    for entry in entries:
        if entry.kind != "stk":
            continue
        told = _answer(entry.parsed, entry.payment_row, entry.log_row)
        if told is not None:
            checkout, answer = told
            # A payment is more than a refusal, whichever stands first.
            if checkout not in answers or answer.state == PAID:
                answers[checkout] = answer
    if not answers:
        return
    for checkout, prompt in prompt_rows.standing(connection, answers.keys()).items():
        _settle(connection, prompt.row, answers[checkout], now)


def tie(connection: Connection, inbox: Inbox, prompt: PromptView, now: datetime) -> None:
    """Give a prompt, named a moment ago, the callbacks that came before its name was known.

    Money that waited for an owner goes to what the prompt asked it for.
    """
    checkout = prompt.checkout_request_id
    for told in _told_since(connection, prompt.created_at - CLOCKS_APART):
        if told.message.checkout_request_id != checkout:
            continue
        if told.is_open and told.receipt is not None:
            inbox.retry_next(connection, [told.log_row], 0)
        answer = told.answer
        if told.receipt is not None:
            known = inbox_rows.find_payments(connection, [told.receipt]).get(told.receipt)
            if known is None:
                continue
            answer = answer._replace(payment_row=known.money.row)
        _settle(connection, prompt.id, answer, now)


def _settle(connection: Connection, row: int, answer: Answer, now: datetime) -> None:
    """Write an answer; money of another amount than was asked answers nothing, and is told."""
    if answer.payment_row is not None:
        asked_cents, paid_cents = prompt_rows.amounts(connection, row, answer.payment_row)
        if asked_cents != paid_cents:
            told = f"KES {kes(paid_cents)} came for it, and KES {kes(asked_cents)} was asked"
            answer = answer._replace(state=UNKNOWN, result_desc=told, payment_row=None)
    prompt_rows.settle(connection, row, answer, now)


def find_lost(connection: Connection, prompt: PromptView) -> str | None:
    """Return the CheckoutRequestID of a prompt whose reply was lost, when only one can be it.

    That is a paid callback which no prompt of ours is named by, from this phone, with this amount,
    since this prompt; and no second nameless prompt that it could answer as well.
    """
    if prompt_rows.nameless_like(connection, prompt) != 1:
        return None
    found = {
        told.message.checkout_request_id
        for told in _told_since(connection, prompt.created_at - CLOCKS_APART)
        if isinstance(told.message, PaymentMessage)
        and told.message.amount_cents == prompt.amount_cents
        and told.message.msisdn == prompt.phone
    }
    names = {each for each in found if each is not None}
    names -= prompt_rows.standing(connection, names).keys()
    return names.pop() if len(names) == 1 else None


def find_twin(connection: Connection, prompt: PromptView) -> int | None:
    """Return the payment (row) that must be this paid prompt's, though its callback never came.

    Safaricom tells of a prompted payment like of any other too, under the reference that the
    prompt carried; only when exactly one payment can be meant.
    """
    wanted = fold(prompt.reference or "")
    if prompt.state != PAID or prompt.receipt is not None or wanted is None:
        return None
    since = nairobi_wall_clock(prompt.created_at - CLOCKS_APART)
    found = prompt_rows.twins(connection, prompt, since)
    rows = [row for row, reference in found.items() if fold(reference) == wanted]
    return rows[0] if len(rows) == 1 else None


def _told_since(connection: Connection, since: datetime) -> list[_Told]:
    told = []
    for log in prompt_rows.stk_logs(connection, since):
        message = parse_stk(log.raw, now=_ANY_TIME)
        found = _answer(message, None, log.row)
        if found is not None and isinstance(message, PaymentMessage | Notice):
            told.append(_Told(log.row, log.is_open, message.receipt, found[1], message))
    return told


def _answer(parsed: object, payment_row: int | None, log_row: int) -> tuple[str, Answer] | None:
    """Return the CheckoutRequestID that a callback names, and its answer; None = no answer."""
    if isinstance(parsed, PaymentMessage) and parsed.checkout_request_id is not None:
        return parsed.checkout_request_id, Answer(PAID, "0", None, payment_row, log_row)
    if isinstance(parsed, Notice) and parsed.checkout_request_id is not None:
        if parsed.result_code == _STILL_PENDING:
            return None
        words = Answer(REFUSED, parsed.result_code, parsed.result_desc, None, log_row)
        return parsed.checkout_request_id, words
    return None
