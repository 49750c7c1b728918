"""The requests that kelly knows: where each goes, how carefully, and what counts as yes.

Source: daraja-facts 0, 2.1, 2.3, 5, 6.7, 6.8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from kelly_cli.daraja.client import pull
from kelly_cli.daraja.client.replies import text_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from kelly_cli.daraja.client.replies import Reading
    from kelly_cli.daraja.client.shapes import Api

Care = Literal["repeat", "ask", "once"]
"""``repeat``: it changes nothing, so it may be sent again. ``ask``: it changes nothing, but starts
something whose result comes later, so it is sent again only when Safaricom did not let it in.
``once``: never sent again."""

_REGISTERED_WORDS = ("already registered", "duplicate notification info")
_LEGACY_YES = ("success", "accept the service request successfully.")
_PENDING_CODE = "4999"
_PENDING_WORDS = ("being processed", "still under processing")


def _zero(reading: Reading) -> bool:
    return not reading.wrong and reading.zero


def _never(_reading: Reading) -> bool:
    return False


class Call(NamedTuple):
    """One kind of request."""

    name: str
    """For people: ``payment prompt``."""
    product: str
    """The API product and version, as the portal calls it."""
    path: str
    care: Care
    look: str = ""
    """How to find out what became of it, after "check with"."""
    yes: Callable[[Reading], bool] = _zero
    before: Callable[[Reading], bool] = _never
    """Tells "registered already" from any other no."""


def _accepted(reading: Reading) -> bool:
    """A zero, or an older reply: no code, but the words of a yes."""
    legacy = not reading.code and reading.message.lower() in _LEGACY_YES
    return not reading.wrong and (reading.zero or legacy)


def registered_before(reading: Reading) -> bool:
    """Tell "registered already" in its four shapes, HTTP 200 with empty ids among them."""
    words = reading.message.lower()
    vault = "addurlvault" in words and "409" in words
    return vault or any(word in words for word in _REGISTERED_WORDS)


def _registered(reading: Reading) -> bool:
    return _accepted(reading) and not registered_before(reading)


def _pull_registered_before(reading: Reading) -> bool:
    return pull.registered_before(reading) or registered_before(reading)


def is_pending(reading: Reading) -> bool:
    """Tell whether a prompt is still on its way, which Safaricom says as an error too."""
    words = f"{text_in(reading.members, 'resultdesc')} {reading.message}".lower()
    return text_in(reading.members, "resultcode") == _PENDING_CODE or any(
        word in words for word in _PENDING_WORDS
    )


def _says_state(reading: Reading) -> bool:
    return _zero(reading) or is_pending(reading)


def _has_picture(reading: Reading) -> bool:
    """Its code is 00 in the wild and an id in the documents: the picture decides."""
    return not reading.wrong and bool(text_in(reading.members, "qrcode"))


def register_urls(api: Api) -> Call:
    """C2B register URL."""
    return Call(
        "registration",
        f"C2B register URL {api}",
        f"/mpesa/c2b/{api}/registerurl",
        "once",
        "kelly mpesa urls, and on the portal (Self Services > URL Management)",
        yes=_registered,
        before=registered_before,
    )


def simulate(api: Api) -> Call:
    """C2B simulate."""
    name, product = "simulated payment", f"C2B simulate {api}"
    path = f"/mpesa/c2b/{api}/simulate"
    return Call(name, product, path, "once", "kelly webhook list", yes=_accepted)


def reversal(receipt: str) -> Call:
    """Reversal."""
    look = f"kelly mpesa status {receipt}"
    return Call("reversal", "Reversal", "/mpesa/reversal/v1/request", "once", look)


_ASK_AGAIN = "the same command: asking twice moves no money"

TOKEN = Call("access token", "OAuth", "/oauth/v1/generate?grant_type=client_credentials", "repeat")
STK_PUSH = Call(
    "payment prompt",
    "M-Pesa Express",
    "/mpesa/stkpush/v1/processrequest",
    "once",
    "kelly mpesa prompt list and kelly mpesa prompt query",
)
STK_QUERY = Call(
    "question about a prompt",
    "M-Pesa Express Query",
    "/mpesa/stkpushquery/v1/query",
    "repeat",
    yes=_says_state,
)
STATUS = Call(
    "status request",
    "Transaction Status",
    "/mpesa/transactionstatus/v1/query",
    "ask",
    _ASK_AGAIN,
)
BALANCE = Call(
    "balance request", "Account Balance", "/mpesa/accountbalance/v1/query", "ask", _ASK_AGAIN
)
PULL_REGISTER = Call(
    "registration for pulls",
    "Pull Transactions",
    "/pulltransactions/v1/register",
    "once",
    "kelly mpesa pull",
    yes=pull.registered,
    before=_pull_registered_before,
)
PULL_QUERY = Call(
    "pull", "Pull Transactions", "/pulltransactions/v1/query", "repeat", yes=pull.pulled
)
QR = Call("QR code", "Dynamic QR", "/mpesa/qrcode/v1/generate", "repeat", yes=_has_picture)
