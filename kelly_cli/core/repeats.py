"""The same receipt again: a duplicate when its facts agree, a conflict when they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import kes

if TYPE_CHECKING:
    from datetime import datetime


class Facts(NamedTuple):
    """What a channel says about a receipt. ``short_code`` and ``reference`` None = does not say.

    ``reference`` is folded; ``shown_reference`` as typed.
    """

    channel: str
    amount_cents: int
    short_code: str | None
    paid_at: datetime
    reference: str | None
    shown_reference: str | None


def differences(first: Facts, repeat: Facts) -> list[str]:
    """Name each fact in which a repeat differs from the first telling of its receipt.

    Amount and short code always count; time and reference only between two C2B confirmations,
    because other channels tell them otherwise or not at all (contract section 4).
    """
    found = []
    if first.amount_cents != repeat.amount_cents:
        found.append(f"amount {kes(repeat.amount_cents)}, first {kes(first.amount_cents)}")
    if first.short_code and repeat.short_code and first.short_code != repeat.short_code:
        found.append(f"short code {repeat.short_code}, first {first.short_code}")
    if first.channel == repeat.channel == "c2b":
        if first.paid_at != repeat.paid_at:
            found.append(f"time {repeat.paid_at}, first {first.paid_at}")
        # None and "" are both no reference; one that cannot be folded is compared as typed.
        ours, theirs = first.shown_reference or "", repeat.shown_reference or ""
        if first.reference != repeat.reference or (first.reference is None and ours != theirs):
            found.append(f"reference {theirs!r}, first {ours!r}")
    return found
