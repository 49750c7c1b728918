"""Which clock a list of past payments is written by: found out from payments that are known.

The Pull API writes ``Z`` behind a time that may be Nairobi's (daraja-facts 6.8). Three hours move
a payment to another day, so nothing is taken on trust: known receipts decide, and where they
disagree, or there are none and no person says it, the list is refused.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.daraja.pulled import clock_that_says, digits_of, receipt_of
from kelly_cli.errors import DomainError
from kelly_cli.store import inbox_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from kelly_cli.daraja.pulled import Clock

TOLERANCE = timedelta(minutes=15)
"""Two channels may tell one payment's time so far apart."""

_BY_CLOCK = ("c2b", "stk")
"""Channels whose times are Nairobi's for certain; a person may have typed the others."""


class _Vote(NamedTuple):
    receipt: str
    digits: datetime
    paid_at: datetime
    channel: str
    clock: Clock | None


def calibrate(
    connection: Connection, records: Sequence[Mapping[str, object]], told: Clock | None
) -> Clock | None:
    """Return the clock of these records; None = none of them has a readable time.

    Raises:
        DomainError: ``clock_disagrees``, ``clock_unknown``.
    """
    digits = {
        receipt: moment
        for record in records
        if (receipt := receipt_of(record)) and (moment := digits_of(record))
    }
    if not digits:
        return told
    votes = _votes(connection, digits)
    clocks = {vote.clock for vote in votes} - {None}
    if len(clocks) > 1 or (votes and not clocks):
        raise _disagree(votes, "Safaricom's times and the times of known receipts do not agree")
    if not clocks:
        if told is None:
            raise _unknown(*next(iter(digits.items())))
        return told
    [found] = clocks
    if told is not None and told != found:
        raise _disagree(
            votes, f"--clock {told} is wrong by three hours for receipts that are known"
        )
    return found


def _votes(connection: Connection, digits: Mapping[str, datetime]) -> list[_Vote]:
    """Return what known receipts say. Where none came by callback, earlier pulls decide."""
    votes = []
    for receipt, known in inbox_rows.find_payments(connection, list(digits)).items():
        paid_at = known.money.paid_at
        clock = clock_that_says(digits[receipt], paid_at, TOLERANCE)
        votes.append(_Vote(receipt, digits[receipt], paid_at, known.channel, clock))
    sure = [vote for vote in votes if vote.channel in _BY_CLOCK]
    return sure or [vote for vote in votes if vote.channel == "pull"]


def _disagree(votes: Sequence[_Vote], what: str) -> DomainError:
    shown = next((vote for vote in votes if vote.clock != "eat"), votes[0])
    return DomainError(
        f"{what}: {shown.receipt} is of {shown.digits} by the one and of {shown.paid_at} by the "
        "other; nothing was taken in",
        hint="Compare them with the portal's: kelly recon statement FILE. Without --clock, "
        "receipts that are known decide",
        code="clock_disagrees",
    )


def _unknown(receipt: str, digits: datetime) -> DomainError:
    return DomainError(
        f"no receipt of the {receipt} kind that Safaricom lists is known yet, so nobody can tell "
        f"whether its time, {digits}, is Nairobi's or UTC; nothing was taken in",
        hint="Look into the payer's message of one of them, then add --clock eat or --clock utc",
        code="clock_unknown",
    )
