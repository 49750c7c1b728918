"""Payment prompts (STK push): whom to ask for what, asked once, and never blindly again.

The intent is on disk before the request goes out. A prompt that may still be paid stops another one
like it. What became of a request that got no readable answer is unknown, and is said to be.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.books import Target
from kelly_cli.core.money import kes
from kelly_cli.core.refs import MAX_PROMPTED, fold, long_form, parse_phone
from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.daraja.client.errors import (
    BadAnswerError,
    DarajaError,
    OutcomeUnknownError,
    UnreachableError,
)
from kelly_cli.errors import BrokenInvariantError, ConflictError, DomainError, KellyError
from kelly_cli.services.customers import get_customer
from kelly_cli.services.payables import payable_invoice, payable_sale
from kelly_cli.services.prompt_answers import tie
from kelly_cli.services.prompt_lookup import get_prompt
from kelly_cli.store import book_rows, prompt_rows
from kelly_cli.store.prompt_rows import REFUSED, UNKNOWN, Answer, NewPrompt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from kelly_cli.daraja.client.daraja import Daraja
    from kelly_cli.daraja.client.shapes import StkAccepted
    from kelly_cli.services.inbox import Inbox
    from kelly_cli.services.payables import Payable
    from kelly_cli.store.database import Database
    from kelly_cli.store.prompt_rows import PromptView

_SHILLING = 100
_REFERENCE = re.compile(rf"[A-Za-z0-9-]{{1,{MAX_PROMPTED}}}", re.ASCII)
"""Other signs are reported to break prompts in silence (daraja-facts 5)."""


class Ask(NamedTuple):
    """What to ask money for: an invoice, a sale, or an amount of somebody.

    ``amount_cents`` None = all that is open. ``phone`` None = the customer's. ``again``: also when
    another prompt like it may still be paid.
    """

    invoice_id: str | None = None
    pos_id: str | None = None
    amount_cents: int | None = None
    phone: str | None = None
    reference: str | None = None
    again: bool = False


class Route(NamedTuple):
    """Through which of our short codes, and where the answer goes.

    ``code`` is paid; ``business_code`` asks, which for a till is its store number.
    """

    code: str
    business_code: str
    buy_goods: bool
    environment: str
    callback_url: str


class Desk(NamedTuple):
    """What a prompt needs around it. ``clock``: aware UTC now."""

    database: Database
    inbox: Inbox
    daraja: Daraja
    clock: Callable[[], datetime]
    actor: str


class _Wanted(NamedTuple):
    """What an ask comes down to. ``description`` is a plain word of at most 13 letters."""

    prompt: NewPrompt
    description: str


class _Aim(NamedTuple):
    """What is asked money for. ``name``: what may stand as reference, None = the customer's."""

    open_cents: int | None
    customer_id: str | None
    name: str | None
    description: str = "Payment"
    target: Target = Target()


def send(desk: Desk, ask: Ask, route: Route) -> PromptView:
    """Note the intent, ask for the money, and note the reply; refused in this order.

    Raises:
        NotFoundError: no such invoice, sale or customer.
        DomainError: nothing is open, or less than the amount; cents; no phone; a bad reference.
        ConflictError: ``prompt_open``, one like it may still be paid.
        OutcomeUnknownError: it may have been sent; the prompt is ``unknown``.
        DarajaError: it was not sent, or refused; the prompt is ``refused``.
    """
    with desk.database.writing() as connection:
        desk.inbox.prepare(connection)
        wanted = _wanted(connection, ask, route, desk.actor)
        if not ask.again:
            _refuse_second(prompt_rows.unsettled_like(connection, wanted.prompt))
        row = prompt_rows.add(connection, wanted.prompt, desk.clock())
    accepted = _push(desk, row, wanted, route)
    _note_reply(desk, row, accepted)
    with desk.database.reading() as connection:
        return get_prompt(connection, row)


def _push(desk: Desk, row: int, wanted: _Wanted, route: Route) -> StkAccepted:
    try:
        return desk.daraja.stk_push(
            short_code=route.business_code,
            party_b=route.code,
            amount_cents=wanted.prompt.amount_cents,
            phone=wanted.prompt.phone,
            reference=wanted.prompt.reference,
            description=wanted.description,
            callback_url=route.callback_url,
            buy_goods=route.buy_goods,
            at=nairobi_wall_clock(desk.clock()),
        )
    except (OutcomeUnknownError, BadAnswerError) as error:
        _note(desk, row, Answer(UNKNOWN, error.error_code or None, error.message))
        raise OutcomeUnknownError(
            f"prompt {row}: {error.message}",
            hint=f"Do not send it again: the phone may ring. Look: kelly mpesa prompt query {row}",
            status=error.status,
            error_code=error.error_code,
            error_message=error.error_message,
            raw=error.raw,
        ) from error
    except DarajaError as error:
        words = error.error_message or error.message
        _note(desk, row, Answer(REFUSED, error.error_code or error.code, words))
        if isinstance(error, UnreachableError) and route.environment == "local":
            raise UnreachableError(
                "kelly's own sandbox does not answer",
                hint="Start it in another terminal: kelly mpesa sandbox",
            ) from error
        raise
    except KellyError as error:
        _note(desk, row, Answer(REFUSED, error.code, f"not sent: {error.message}"))
        raise
    except BaseException:
        _note(desk, row, Answer(UNKNOWN, None, "interrupted while it was sent"))
        raise


def _note(desk: Desk, row: int, answer: Answer) -> None:
    with desk.database.writing() as connection:
        prompt_rows.settle(connection, row, answer, desk.clock())


def _note_reply(desk: Desk, row: int, accepted: StkAccepted) -> None:
    """Write the name that Safaricom gave; a callback that came before it is tied to it."""
    try:
        try:
            with desk.database.writing() as connection:
                name_prompt(connection, desk, row, accepted)
                tie(connection, desk.inbox, get_prompt(connection, row), desk.clock())
        except KellyError:
            raise
        except Exception:  # noqa: BLE001 - a callback that cannot be taken must not cost the name
            with desk.database.writing() as connection:
                name_prompt(connection, desk, row, accepted)
    except KellyError as error:
        raise KellyError(
            f"prompt {row} was sent as {accepted.checkout_request_id}, and the books could not "
            f"note that: {error.message}",
            hint=f"Do not send it again; later: kelly mpesa prompt query {row}",
            code="prompt_not_noted",
        ) from error


def name_prompt(connection: Connection, desk: Desk, row: int, accepted: StkAccepted) -> None:
    """Write Safaricom's names of a prompt."""
    prompt_rows.set_sent(
        connection,
        row,
        checkout_request_id=accepted.checkout_request_id,
        merchant_request_id=accepted.merchant_request_id or None,
        at=desk.clock(),
    )


def _wanted(connection: Connection, ask: Ask, route: Route, actor: str) -> _Wanted:
    aim = _aim(connection, ask)
    amount_cents = _amount(ask.amount_cents, aim.open_cents)
    customer = None if aim.customer_id is None else get_customer(connection, aim.customer_id)
    phone = ask.phone or (customer.phone if customer else None)
    if phone is None:
        raise DomainError(
            "there is no phone to ring" + (f": {aim.customer_id} has none" if customer else ""),
            hint="Give one: --phone 0712345678",
            code="no_phone",
        )
    phone = _phone(phone)
    owner = customer.row if customer else None
    nobody = owner is None and aim.target == Target()
    if nobody:
        owners = book_rows.find_phones(connection, [phone]).get(phone, [])
        owner = owners[0] if len(owners) == 1 else None
    prompt = NewPrompt(
        short_code=route.code,
        environment=route.environment,
        phone=phone,
        amount_cents=amount_cents,
        reference=_reference((aim.name, customer.customer_id if customer else None), phone),
        actor=actor,
        customer_id=owner,
        invoice_id=aim.target.invoice,
        sale_id=aim.target.sale,
    )
    return _Wanted(prompt, aim.description)


def _aim(connection: Connection, ask: Ask) -> _Aim:
    if ask.invoice_id is not None:
        return _aim_at(payable_invoice(connection, ask.invoice_id))
    if ask.pos_id is not None:
        return _aim_at(payable_sale(connection, ask.pos_id))
    if ask.reference is None:
        return _Aim(None, None, None)
    key = fold(ask.reference)
    target = book_rows.find_keys(connection, [key]).get(key) if key else None
    if target is not None and key is not None:
        named = long_form(key) or key
        if target.invoice is not None:
            return _aim_at(payable_invoice(connection, named))
        if target.sale is not None:
            return _aim_at(payable_sale(connection, named))
        return _Aim(None, key, None)
    if not _REFERENCE.fullmatch(ask.reference):
        raise DomainError(
            f"--ref {ask.reference!r} is no reference that a prompt can carry",
            hint=f"Use up to {MAX_PROMPTED} letters, digits and dashes, or an id of the books",
            code="bad_reference",
        )
    return _Aim(None, None, ask.reference)


def _aim_at(found: Payable) -> _Aim:
    return _Aim(found.open_cents, found.customer_id, found.short, found.noun, found.target)


def _amount(wanted_cents: int | None, open_cents: int | None) -> int:
    amount_cents = wanted_cents if wanted_cents is not None else open_cents
    if amount_cents is None:
        raise BrokenInvariantError("a prompt for nothing: neither invoice, sale nor amount")
    if open_cents is not None and amount_cents > open_cents:
        raise DomainError(
            f"KES {kes(amount_cents)} is more than is open, {kes(open_cents)}",
            hint="Leave out --amount to ask for all that is open",
            code="more_than_open",
        )
    if amount_cents % _SHILLING:
        whole = amount_cents // _SHILLING
        raise DomainError(
            f"KES {kes(amount_cents)} has cents, and a prompt asks for whole shillings",
            hint=f"--amount {whole}" if whole else "It cannot be prompted for",
            code="amount_not_whole",
        )
    return amount_cents


def _phone(text: str) -> str:
    try:
        return parse_phone(text)
    except ValueError as error:
        raise DomainError(f"--phone: {error}", code="bad_phone") from None


def _reference(names: Iterable[str | None], phone: str) -> str:
    """Return the best name that a prompt can carry; the last one is the phone."""
    for name in names:
        if name is None:
            continue
        text = name if _REFERENCE.fullmatch(name) else fold(name) or ""
        if _REFERENCE.fullmatch(text):
            return text
    return phone


def _refuse_second(other: PromptView | None) -> None:
    if other is not None:
        raise ConflictError(
            f"prompt {other.id} asked {other.phone} for KES {kes(other.amount_cents)} and is "
            f"{other.state}: it may still be paid",
            hint=f"kelly mpesa prompt query {other.id}; to send another all the same: --again",
            code="prompt_open",
        )
