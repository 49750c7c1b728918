"""How to pay: the steps on a phone, the words of a QR code, and the amount that can be typed.

M-Pesa takes whole shillings, so what is owed is rounded up to one; what is over becomes credit.
The words of a QR code are plain words for a camera: no app is promised to act on them.
"""

from __future__ import annotations

from typing import NamedTuple

from kelly_cli.core.money import kes

MOST_CENTS = 250_000_00
"""M-Pesa takes no more at once."""

_SHILLING = 100


class PayTo(NamedTuple):
    """Where money goes. ``buy_goods``: a till, which knows no account number."""

    code: str
    account: str
    buy_goods: bool = False

    @property
    def place(self) -> str:
        """Say where in few words."""
        return f"Till {self.code}" if self.buy_goods else f"Paybill {self.code}"


def shillings(owed_cents: int) -> int:
    """Return the whole shillings that pay what is owed."""
    return -(-owed_cents // _SHILLING)


def steps(to: PayTo, owed_cents: int) -> tuple[str, ...]:
    """Return the eight steps by which a payer pays what is owed.

    A till takes no account number, so there the eighth step is to show the message.
    Source: features S13, S14.
    """
    amount = f"Enter the amount: {_typed(owed_cents)}"
    end = (amount, "Enter your M-Pesa PIN", "Check the details and confirm")
    if to.buy_goods:
        return (
            "Open the M-Pesa menu",
            "Choose Lipa na M-Pesa",
            "Choose Buy Goods and Services",
            f"Enter the till number: {to.code}",
            *end,
            f"Show the M-Pesa message: a till payment does not name {to.account}",
        )
    return (
        "Open the M-Pesa menu",
        "Choose Lipa na M-Pesa",
        "Choose Pay Bill",
        f"Enter the business number: {to.code}",
        f"Enter the account number: {to.account}",
        *end,
    )


def qr_words(to: PayTo, amount_cents: int | None) -> str:
    """Return the words of a QR code, the amount in whole shillings; None = the payer's choice."""
    lines = [f"M-PESA {'Buy Goods' if to.buy_goods else 'Pay Bill'} {to.code}"]
    if not to.buy_goods:
        lines.append(f"Account {to.account}")
    if amount_cents is not None:
        lines.append(f"Amount KES {shillings(amount_cents)}")
    return "\n".join(lines)


def _typed(owed_cents: int) -> str:
    """Write an amount as a payer types it, and what M-Pesa does not take."""
    short = kes(owed_cents).removesuffix(".00")
    if owed_cents > MOST_CENTS:
        return f"{short} (in parts: M-Pesa takes at most {MOST_CENTS // _SHILLING} at once)"
    if owed_cents % _SHILLING:
        return f"{short} (M-Pesa takes whole shillings: {shillings(owed_cents)})"
    return short
