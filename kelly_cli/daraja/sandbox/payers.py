"""Payers and receipts out of a seed: the same seed deals the same day."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from kelly_cli.daraja.sandbox.truth import Payer

if TYPE_CHECKING:
    from datetime import datetime

_FIRST = ("JANE", "PETER", "AMINA", "JOHN", "GRACE", "BRIAN", "FAITH", "KEVIN", "MERCY", "DAVID")
_MIDDLE = ("WANJIKU", "OTIENO", "NJERI", "KIPTOO", "MUTHONI", "OUMA", "CHEBET", "MWANGI", "ABDI")
_LAST = ("KAMAU", "ODHIAMBO", "KIMANI", "CHERUIYOT", "WAMBUI", "MUTUA", "HASSAN", "BARASA", "KOECH")
_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_YEAR_A = 2006
_TAIL = 7


class Payers:
    """Draws payers and receipts. Knows every receipt that it gave."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - pretend money
        self._given: set[str] = set()
        self._names: dict[str, Payer] = {}

    def someone(self) -> Payer:
        """Return somebody with a number of his own."""
        return self.of_phone(f"2547{self.dice.randrange(10**8):08d}")

    def of_phone(self, phone: str) -> Payer:
        """Return whose number that is: the same person each time."""
        if phone not in self._names:
            names = (self.dice.choice(each) for each in (_FIRST, _MIDDLE, _LAST))
            self._names[phone] = Payer(phone, *names)
        return self._names[phone]

    def receipt(self, paid_at: datetime) -> str:
        """Return a fresh receipt: ten signs, the first three tell the day.

        Source: daraja-facts 9.5 (year letter from A = 2006, month letter, day 1 to V).
        """
        year = chr(ord("A") + (paid_at.year - _YEAR_A) % 26)
        month = chr(ord("A") + paid_at.month - 1)
        head = f"{year}{month}{_SIGNS[paid_at.day]}"
        while True:
            receipt = head + "".join(self.dice.choices(_SIGNS, k=_TAIL))
            if receipt not in self._given:
                self._given.add(receipt)
                return receipt
