"""The truth that was dealt: every payment, what became of it, and each account's balance.

Money is integer cents, times are Nairobi wall-clock. Books can be checked against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import kes
from kelly_cli.core.times import iso_nairobi

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime


class Payer(NamedTuple):
    """Somebody with a phone, ``2547XXXXXXXX``."""

    phone: str
    first: str
    middle: str
    last: str

    @property
    def name(self) -> str:
        """The whole name."""
        return f"{self.first} {self.middle} {self.last}"


@dataclass(slots=True, kw_only=True)
class Dealt:
    """One payment. ``kind``: paybill or till; ``via``: c2b, or stk for one that was prompted."""

    receipt: str
    amount_cents: int
    reference: str
    short_code: str
    kind: str
    via: str
    paid_at: datetime
    payer: Payer
    balance_cents: int = 0
    """What the account held after it."""
    state: str = "completed"
    """``completed``, ``cancelled`` (no money moved) or ``reversed``."""
    third_party_id: str = ""
    """What the validation's answer wanted to hear again."""
    confirmations: int = 0
    """How often the confirmation was posted and answered 2xx."""
    prompts: int = 0
    """How often the callback of its prompt was."""
    fate: str = "delivered"
    """What was meant for it: delivered, lost, late, duplicate."""

    def as_json(self) -> dict[str, object]:
        """Return it as ``/sandbox/truth`` shows it."""
        return {
            "receipt": self.receipt,
            "amount": kes(self.amount_cents),
            "amount_cents": self.amount_cents,
            "reference": self.reference,
            "short_code": self.short_code,
            "kind": self.kind,
            "via": self.via,
            "paid_at": iso_nairobi(self.paid_at),
            "phone": self.payer.phone,
            "state": self.state,
            "reversed": self.state == "reversed",
            "fate": self.fate,
            "confirmations": self.confirmations,
            "prompts": self.prompts,
        }


class Truth:
    """All that was dealt, in the order in which it was paid."""

    def __init__(self) -> None:
        self._payments: dict[str, Dealt] = {}
        self._balances: dict[str, int] = {}
        self._latest: dict[str, datetime] = {}

    def take(self, dealt: Dealt, *, moved: bool) -> None:
        """Keep a payment; ``moved``: its money reached the account."""
        self._payments[dealt.receipt] = dealt
        if not moved:
            dealt.state = "cancelled"
            return
        dealt.balance_cents = self.balance(dealt.short_code) + dealt.amount_cents
        self._balances[dealt.short_code] = dealt.balance_cents
        self._latest[dealt.short_code] = max(
            dealt.paid_at, self.latest(dealt.short_code, dealt.paid_at)
        )

    def turn_back(self, dealt: Dealt) -> int:
        """Reverse a payment; return what its account holds then."""
        dealt.state = "reversed"
        self._balances[dealt.short_code] -= dealt.amount_cents
        return self._balances[dealt.short_code]

    def find(self, receipt: str) -> Dealt | None:
        """Return a payment by its receipt."""
        return self._payments.get(receipt)

    def balance(self, short_code: str) -> int:
        """Return what an account holds, in cents."""
        return self._balances.get(short_code, 0)

    def latest(self, short_code: str, otherwise: datetime) -> datetime:
        """Return when an account was last paid; its balances are true only after that."""
        return self._latest.get(short_code, otherwise)

    def moved(self, short_code: str, start: datetime, end: datetime) -> list[Dealt]:
        """Return what an account was paid from ``start`` to ``end``, the oldest first."""
        found = [
            each
            for each in self
            if each.short_code == short_code
            and each.state != "cancelled"
            and start <= each.paid_at <= end
        ]
        return sorted(found, key=lambda each: each.paid_at)

    def __iter__(self) -> Iterator[Dealt]:
        return iter(self._payments.values())

    def __len__(self) -> int:
        return len(self._payments)

    def as_json(self) -> dict[str, object]:
        """Return all of it; ``payments`` holds those whose money moved, the reversed ones too."""
        moved = [each for each in self if each.state != "cancelled"]
        standing = [each for each in moved if each.state == "completed"]
        return {
            "count": len(moved),
            "total": kes(sum(each.amount_cents for each in moved)),
            "standing": kes(sum(each.amount_cents for each in standing)),
            "balances": {code: kes(cents) for code, cents in self._balances.items()},
            "payments": [each.as_json() for each in moved],
            "cancelled": [each.as_json() for each in self if each.state == "cancelled"],
        }
