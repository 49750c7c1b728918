"""I-35 and I-34: the books made again from nothing, and the same callbacks told once more.

Every callback that was kept and every action of people is done again, in the order they took
effect, by the same verbs, in empty books for a trial. Payments, allocations, invoices, sales and
balances must stand where they stand. Then all callbacks are told again: nothing may move.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import kes
from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.daraja.messages import PaymentMessage, parse_delivery
from kelly_cli.errors import KellyError
from kelly_cli.services.inbox import Delivery, Inbox, OurCode
from kelly_cli.services.replaying import REPLAYED, WITHOUT_MONEY
from kelly_cli.services.retry_audit import ACTION as RETRIED
from kelly_cli.store import book_rows, rebuild_rows
from kelly_cli.store.checks.shape import CheckResult, Violation
from kelly_cli.store.rebuild_rows import STANDINGS
from kelly_cli.store.scratch import scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from kelly_cli.services.entries import Entry
    from kelly_cli.store.database import Database
    from kelly_cli.store.rebuild_rows import Code, Done, Logged, Prompted, Standing
    from kelly_cli.store.scratch import Scratch

SAME, AGAIN = "I-35", "I-34"
_MONEY = frozenset({"confirmation", "stk", "pull", "statement", "hand"})
_BUG = "internal_error"


class Rebuilt(NamedTuple):
    """What a rebuild did and found."""

    callbacks: int
    actions: int
    result: CheckResult


def rebuild(
    database: Database,
    *,
    now: datetime,
    folder: Path | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Rebuilt:
    """Make the books again in a temporary SQLite file (in ``folder``) and compare.

    ``now``: aware UTC; ``advance`` is told of callbacks as they are done.

    Raises:
        StorageError: the database cannot be read.
    """
    result = CheckResult()
    result.looked_at(SAME, AGAIN)
    with scratch(folder) as books, database.reading() as connection, books.trial() as trial:
        again = _Again(connection, books, now, advance)
        result.add(again.run())
        result.add(_differences(connection, trial))
        result.add(again.tell_twice())
    return Rebuilt(again.callbacks, again.actions, result)


class _Again:
    """One replay: ``connection`` reads what happened, ``books`` are where it happens again."""

    def __init__(
        self,
        connection: Connection,
        books: Scratch,
        now: datetime,
        advance: Callable[[int], None],
    ) -> None:
        self._connection = connection
        self._books = books
        self._now = now
        self._advance = advance
        self._codes = rebuild_rows.codes(connection)
        self._inbox = self._door(self._codes)
        self._later: set[int] = set()
        self._early: set[int] = set()
        for after in rebuild_rows.actions_of(connection, RETRIED):
            self._early.update(after.get("logs", ()))
            self._later.update(after.get("made", ()))
        self.callbacks = 0
        self.actions = 0

    def run(self) -> Iterator[Violation]:
        """Do everything again; tell what could not be done."""
        done_until = 0
        for done in rebuild_rows.actions(self._connection):
            yield from self._tell(done_until, done.mark)
            done_until = max(done_until, done.mark)
            yield from self._act(done)
        yield from self._tell(done_until, rebuild_rows.last_log(self._connection))

    def _door(self, codes: Sequence[Code]) -> Inbox:
        ours = [OurCode(each.code, each.kind, each.name, each.environment) for each in codes]
        return Inbox(self._books, ours, lambda: self._now)

    def _act(self, done: Done) -> Iterator[Violation]:
        self.actions += 1
        try:
            if done.action == RETRIED:
                yield from self._retry(done)
            elif done.action in REPLAYED:
                REPLAYED[done.action](self._books, done)
            elif done.action not in WITHOUT_MONEY:
                yield Violation(SAME, done.subject, f"nobody knows how to do {done.action} again")
        except (KellyError, LookupError, TypeError, ValueError) as error:
            told = error.message if isinstance(error, KellyError) else repr(error)
            what = f"audit {done.row}, {done.action}, cannot be done again: {told}"
            yield Violation(SAME, done.subject, what)

    def _tell(self, after: int, last: int) -> Iterator[Violation]:
        """Take callbacks again as they were logged."""
        for page in rebuild_rows.logs_between(self._connection, after, last):
            told = [each for each in page if each.row not in self._later and self._counts(each)]
            self._prompts([each for each in told if each.row not in self._early])
            yield from self._take(told)
            self.callbacks += len(page)
            self._advance(len(page))

    def _take(self, logs: Sequence[Logged]) -> Iterator[Violation]:
        entries = self._inbox.take([_delivery(each) for each in logs]) if logs else []
        for log, entry in zip(logs, entries, strict=True):
            if (entry.error or "").startswith(_BUG):
                yield Violation(SAME, f"log {log.row}", f"taken again, it fails: {entry.error}")

    def _counts(self, log: Logged) -> bool:
        """Tell whether a callback had an effect, or should have had one."""
        if log.kind not in _MONEY:
            return False
        if log.payment_row is not None:
            return True
        if log.error is None or log.settled or log.error.startswith(_BUG):
            # Settled by another, dismissed, a notice, or not looked at yet.
            return False
        ours = frozenset(each.code for each in self._codes if each.created_at <= log.created_at)
        wall = nairobi_wall_clock(log.created_at)
        _, parsed = parse_delivery(log.raw, log.kind, ours=ours, now=wall)  # type: ignore[arg-type]
        return isinstance(parsed, PaymentMessage)

    def _retry(self, done: Done) -> Iterator[Violation]:
        """Try again what took effect by a second try only."""
        logs = rebuild_rows.names_of_logs(self._connection, done.after["logs"])
        self._prompts(logs)
        made = set(done.after["made"])
        yield from self._take([each for each in logs if each.row in made])
        names = [each.delivery_id for each in logs if each.row not in made]
        rows = rebuild_rows.logs_named(self._books.held, names)
        for _ in self._inbox.retry(rows) if rows else ():
            pass

    def _prompts(self, logs: Sequence[Logged]) -> None:
        """Let the trial know the prompts that these callbacks answer."""
        names = []
        for log in logs:
            if log.kind == "stk":
                _, parsed = parse_delivery(
                    log.raw, "stk", ours=frozenset(), now=nairobi_wall_clock(self._now)
                )
                if isinstance(parsed, PaymentMessage) and parsed.checkout_request_id:
                    names.append(parsed.checkout_request_id)
        for prompt in rebuild_rows.prompts(self._connection, names):
            with self._books.writing() as connection:
                rebuild_rows.add_prompt(connection, *_target(connection, prompt))

    def tell_twice(self) -> Iterator[Violation]:
        """Tell every settled callback once more: nothing may move (I-34)."""
        last = rebuild_rows.last_log(self._connection)
        # Money without an owner is tried again by a repeat, and its owner may be there now.
        waits = rebuild_rows.unmatched(self._connection)
        with self._books.rehearsing():
            for page in rebuild_rows.logs_between(self._connection, 0, last):
                logs = [
                    each
                    for each in page
                    if each.settled and each.payment_row not in waits and self._counts(each)
                ]
                deliveries = [_delivery(each, mark="again:") for each in logs]
                entries = self._inbox.take(deliveries) if deliveries else []
                for log, entry in zip(logs, entries, strict=True):
                    if not entry.is_duplicate:
                        yield Violation(AGAIN, f"log {log.row}", _moved(entry))
            yield from self._moved_by_telling()

    def _moved_by_telling(self) -> Iterator[Violation]:
        for violation in _differences(self._connection, self._books.held):
            yield violation._replace(
                invariant=AGAIN, detail=f"all callbacks told twice: {violation.detail}"
            )


def _moved(entry: Entry) -> str:
    what = entry.error or "it is booked again"
    return f"told once more, it is no repeat: {what}"


def _delivery(log: Logged, mark: str = "") -> Delivery:
    raw = log.raw
    if log.purged and log.matched_by == "phone" and log.owner and log.kind == "confirmation":
        # The phone that was its reference is gone; whose it was still stands.
        raw = json.dumps(json.loads(raw) | {"BillRefNumber": log.owner}).encode()
    kind = log.kind
    return Delivery(raw, kind, log.source, mark + log.delivery_id, log.created_at)  # type: ignore[arg-type]


def _target(
    connection: Connection, prompt: Prompted
) -> tuple[str, tuple[int | None, int | None, int | None]]:
    """Return the prompt's name and what it asked for, by row: customer, invoice, sale."""
    from kelly_cli.core.refs import fold

    found: list[int | None] = []
    for place, public_id in enumerate(prompt[1:]):
        key = fold(public_id) if public_id else None
        target = book_rows.find_keys(connection, [key]).get(key) if key else None
        found.append(target[place] if target else None)
    return prompt.checkout_request_id, (found[0], found[1], found[2])


def _differences(real: Connection, trial: Connection) -> Iterator[Violation]:
    for wanted in STANDINGS:
        yield from _compared(wanted, real, trial)


def _compared(wanted: Standing, real: Connection, trial: Connection) -> Iterator[Violation]:
    """Walk both sides in the order of their names."""
    ours = rebuild_rows.standing(real, wanted)
    theirs = rebuild_rows.standing(trial, wanted)
    mine, made = next(ours, None), next(theirs, None)
    while mine is not None or made is not None:
        if made is None or (mine is not None and mine[0] < made[0]):
            yield Violation(
                SAME, str(mine and mine[0]), f"nothing that was kept makes this {wanted.kind}"
            )
            mine = next(ours, None)
        elif mine is None or made[0] < mine[0]:
            what = f"what was kept makes this {wanted.kind}, and the books do not hold it"
            yield Violation(SAME, str(made[0]), what)
            made = next(theirs, None)
        else:
            for name, here, there in zip(wanted.columns, mine, made, strict=True):
                if here != there:
                    told = f"{name} is {_shown(name, here)}; rebuilt, it is {_shown(name, there)}"
                    yield Violation(SAME, str(mine[0]), told)
            mine, made = next(ours, None), next(theirs, None)


_CENTS = frozenset({"amount", "allocated", "paid", "adjusted", "total", "balance", "price", "cost"})


def _shown(name: str, value: object) -> object:
    return kes(value) if name in _CENTS and isinstance(value, int) else value
