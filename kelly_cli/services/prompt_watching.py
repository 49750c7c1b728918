"""What became of a payment prompt: asked of the books first, then of Safaricom.

Pending is no failure. A prompt whose reply was lost has no name that Safaricom could be asked for:
the books are then searched for the callback that can only be its answer.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.daraja.client.errors import DarajaError
from kelly_cli.services.prompt_answers import find_lost, find_twin, tie
from kelly_cli.services.prompt_lookup import get_prompt
from kelly_cli.store import prompt_rows
from kelly_cli.store.prompt_rows import INTENDED, PAID, REFUSED, UNKNOWN, Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kelly_cli.daraja.client.shapes import StkState
    from kelly_cli.services.prompting import Desk
    from kelly_cli.store.prompt_rows import PromptView

LOOK_S = 1.0
"""Between two looks into the books."""
FIRST_QUESTION_S = 10.0
LONGEST_QUIET_S = 60.0
RECEIPT_S = 15.0
"""How long a callback may take after Safaricom said "paid"."""
DEAD_AFTER = timedelta(minutes=2)
"""Whoever sent a prompt has its reply long before."""


def query(desk: Desk, prompt: PromptView, *, business_code: str) -> PromptView:
    """Ask what became of a prompt, write it down, and return the prompt as it stands then.

    Raises:
        DarajaError: Safaricom gave no answer.
    """
    prompt = look(desk, prompt)
    if prompt.is_settled or prompt.checkout_request_id is None:
        return prompt
    found = _ask(desk, prompt.checkout_request_id, business_code)
    return look(desk, _note(desk, prompt, found))


def look(desk: Desk, prompt: PromptView) -> PromptView:
    """Return the prompt as the books have it; one without a name is looked for among callbacks."""
    with desk.database.reading() as connection:
        prompt = get_prompt(connection, prompt.id)
        twin = find_twin(connection, prompt)
        named = prompt.checkout_request_id is not None
        lost = None if named else find_lost(connection, prompt)
    if twin is not None:
        return _note_twin(desk, prompt)
    if named or prompt.is_settled:
        return prompt
    now = desk.clock()
    dead = prompt.state == INTENDED and now - prompt.created_at > DEAD_AFTER
    if lost is None and not dead:
        return prompt
    with desk.database.writing() as connection:
        lost = find_lost(connection, get_prompt(connection, prompt.id))
        if lost is not None:
            prompt_rows.set_sent(
                connection, prompt.id, checkout_request_id=lost, merchant_request_id=None, at=now
            )
            tie(connection, desk.inbox, get_prompt(connection, prompt.id), now)
        elif dead:
            words = "the program that sent it ended before the reply"
            prompt_rows.settle(connection, prompt.id, Answer(UNKNOWN, None, words), now)
        return get_prompt(connection, prompt.id)


def _note_twin(desk: Desk, prompt: PromptView) -> PromptView:
    with desk.database.writing() as connection:
        prompt = get_prompt(connection, prompt.id)
        twin = find_twin(connection, prompt)
        if twin is not None:
            paid = Answer(PAID, prompt.result_code, prompt.result_desc, twin)
            prompt_rows.settle(connection, prompt.id, paid, desk.clock())
        return get_prompt(connection, prompt.id)


def wait(
    desk: Desk,
    prompt: PromptView,
    *,
    business_code: str,
    timeout_s: float,
    sleep: Callable[[float], None],
) -> Iterator[PromptView]:
    """Give the prompt each time something about it has changed, until it is settled or time is up.

    Safaricom is asked ever more seldom; that it cannot be asked now ends nothing.
    """
    started = desk.clock()
    deadline = started + timedelta(seconds=timeout_s)
    quiet_s = FIRST_QUESTION_S
    ask_at = started + timedelta(seconds=quiet_s)
    while True:
        seen = look(desk, prompt)
        now = desk.clock()
        if not seen.is_settled and seen.checkout_request_id is not None and now >= ask_at:
            seen = _asked_gently(desk, seen, business_code)
            quiet_s = min(quiet_s * 2, LONGEST_QUIET_S)
            ask_at = desk.clock() + timedelta(seconds=quiet_s)
        if _differs(seen, prompt):
            prompt = seen
            yield prompt
            if prompt.state == PAID and prompt.receipt is None:
                deadline = min(deadline, desk.clock() + timedelta(seconds=RECEIPT_S))
                ask_at = deadline
        now = desk.clock()
        if prompt.is_settled or now >= deadline:
            return
        sleep(min(LOOK_S, (deadline - now).total_seconds()))


def _asked_gently(desk: Desk, prompt: PromptView, business_code: str) -> PromptView:
    try:
        return query(desk, prompt, business_code=business_code)
    except DarajaError:
        return prompt


def _ask(desk: Desk, checkout_request_id: str, business_code: str) -> StkState:
    return desk.daraja.stk_query(
        short_code=business_code,
        checkout_request_id=checkout_request_id,
        at=nairobi_wall_clock(desk.clock()),
    )


def _note(desk: Desk, prompt: PromptView, found: StkState) -> PromptView:
    states = {"paid": PAID, "refused": REFUSED}
    with desk.database.writing() as connection:
        if found.state in states and prompt.state != PAID:
            words = (found.result_code or None, found.description or None)
            prompt_rows.settle(
                connection, prompt.id, Answer(states[found.state], *words), desk.clock()
            )
        return get_prompt(connection, prompt.id)


def _differs(one: PromptView, other: PromptView) -> bool:
    return (one.state, one.receipt, one.checkout_request_id) != (
        other.state,
        other.receipt,
        other.checkout_request_id,
    )
