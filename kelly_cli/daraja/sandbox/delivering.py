"""Lets payers pay, and posts what M-PESA would: validation first, then confirmation, then prompts.

Nothing is ever sent again because nobody took it (daraja-facts 4.6): what is lost waits for pull.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.daraja.sandbox import payloads
from kelly_cli.daraja.sandbox.truth import Dealt

if TYPE_CHECKING:
    from datetime import datetime

    from kelly_cli.daraja.sandbox.posting import Posted
    from kelly_cli.daraja.sandbox.state import Prompt, Registered, Sandbox

LATE_S = 1.0
FATES = ("delivered", "lost", "late", "duplicate")

_OUTCOMES = {
    "cancelled": (1032, "Request cancelled by user"),
    "timeout": (1037, "DS timeout user cannot be reached"),
    "wrong-pin": (2001, "The initiator information is invalid."),
    "no-money": (1, "The balance is insufficient for the transaction"),
}
"""Source: daraja-facts 5, the table of ResultCodes."""


class Wanted(NamedTuple):
    """A payment that somebody is about to make. ``phone`` None = a fresh payer."""

    short_code: str
    amount_cents: int
    reference: str
    phone: str | None
    till: bool
    paid_at: datetime


def paid(sandbox: Sandbox, wanted: Wanted, via: str = "c2b") -> Dealt:
    """Return a payment with its receipt; its money has not moved yet."""
    payers = sandbox.payers
    payer = payers.someone() if wanted.phone is None else payers.of_phone(wanted.phone)
    return Dealt(
        receipt=payers.receipt(wanted.paid_at),
        amount_cents=wanted.amount_cents,
        reference="" if wanted.till else wanted.reference,
        short_code=wanted.short_code,
        kind="till" if wanted.till else "paybill",
        via=via,
        paid_at=wanted.paid_at,
        payer=payer,
    )


async def pay(sandbox: Sandbox, wanted: Wanted, fate: str = "") -> Dealt:
    """Let one payer pay now, and post what follows. ``fate`` "" = as the weather is."""
    dealt = paid(sandbox, wanted)
    sandbox.truth.take(dealt, moved=await is_wanted(sandbox, dealt))
    await follow(sandbox, dealt, fate or fate_of_one(sandbox))
    return dealt


def fate_of_one(sandbox: Sandbox) -> str:
    """Draw what becomes of the confirmation of a single payment."""
    weather, drawn = sandbox.scenario.deliveries, sandbox.payers.dice.random() * 100
    shares = (
        ("lost", weather.lost_percent),
        ("late", weather.late_percent),
        ("duplicate", weather.duplicate_percent),
    )
    for fate, percent in shares:
        if drawn < percent:
            return fate
        drawn -= percent
    return "delivered"


async def follow(sandbox: Sandbox, dealt: Dealt, fate: str) -> None:
    """Post the confirmations of a single payment that its fate has for it."""
    if dealt.state == "cancelled":
        return
    dealt.fate = fate
    weather = sandbox.scenario.deliveries
    if fate == "lost":
        sandbox.tell("confirmation", dealt.receipt, "lost, as the scenario wants")
    elif fate == "late":
        sandbox.begin(_confirm_late(sandbox, dealt))
    else:
        await asyncio.sleep(weather.delay_s)
        for _ in range(weather.copies if fate == "duplicate" else 1):
            await confirm(sandbox, dealt)


async def _confirm_late(sandbox: Sandbox, dealt: Dealt) -> None:
    await asyncio.sleep(LATE_S)
    await confirm(sandbox, dealt)


async def is_wanted(sandbox: Sandbox, dealt: Dealt) -> bool:
    """Ask the validation URL, and tell whether the payment goes through.

    Nobody who answers within the deadline: the registered ResponseType decides.
    """
    registered, weather = sandbox.registered.get(dealt.short_code), sandbox.scenario.deliveries
    if weather.validation and registered is not None and registered.validation_url:
        body = _c2b(sandbox, dealt, registered, validating=True)
        url = registered.validation_url
        posted = await sandbox.post("validation", dealt.receipt, url, body)
        if not _accepts(posted, dealt, registered):
            return False
    return not weather.turns_away


def _accepts(posted: Posted, dealt: Dealt, registered: Registered) -> bool:
    try:
        reply = json.loads(posted.body) if posted.taken else None
    except ValueError:
        reply = None
    if not isinstance(reply, dict) or "ResultCode" not in reply:
        return registered.response_type == "Completed"
    dealt.third_party_id = str(reply.get("ThirdPartyTransID") or "")
    return str(reply["ResultCode"]) == "0"


async def confirm(sandbox: Sandbox, dealt: Dealt) -> None:
    """Post a confirmation once."""
    registered = sandbox.registered.get(dealt.short_code)
    if registered is None:
        dealt.fate = "lost"
        sandbox.tell("confirmation", dealt.receipt, f"lost: {dealt.short_code} has no URLs")
        return
    body = _c2b(sandbox, dealt, registered, validating=False)
    url = registered.confirmation_url
    posted = await sandbox.post("confirmation", dealt.receipt, url, body)
    dealt.confirmations += posted.taken


def _c2b(sandbox: Sandbox, dealt: Dealt, registered: Registered, *, validating: bool) -> bytes:
    weather = sandbox.scenario.deliveries
    shape = registered.api if weather.msisdn == "registered" else weather.msisdn
    return payloads.c2b(dealt, shape=shape, names=weather.names, validating=validating)


async def answer_prompt(sandbox: Sandbox, prompt: Prompt, delay_s: float) -> None:
    """Let the payer answer a prompt, and post what follows (daraja-facts 4.8)."""
    await asyncio.sleep(delay_s)
    weather = sandbox.scenario.prompts
    if weather.outcome != "paid":
        prompt.code, prompt.told = _OUTCOMES[weather.outcome]
        ids = (prompt.merchant_id, prompt.checkout_id)
        body = payloads.prompt_refused(*ids, prompt.code, prompt.told)
        if weather.callback:
            await sandbox.post("stk", prompt.checkout_id, prompt.callback_url, body)
        return
    wanted = Wanted(
        prompt.short_code,
        prompt.amount_cents,
        prompt.reference,
        prompt.phone,
        prompt.kind == "till",
        sandbox.now(),
    )
    dealt = paid(sandbox, wanted, "stk")
    sandbox.truth.take(dealt, moved=True)
    prompt.code, prompt.told = 0, "The service request is processed successfully."
    if weather.twin and weather.twin_first:
        await follow(sandbox, dealt, fate_of_one(sandbox))
    if weather.callback:
        body = payloads.prompt_paid(prompt.merchant_id, prompt.checkout_id, dealt)
        posted = await sandbox.post("stk", dealt.receipt, prompt.callback_url, body)
        dealt.prompts += posted.taken
    if weather.twin and not weather.twin_first:
        await follow(sandbox, dealt, fate_of_one(sandbox))
