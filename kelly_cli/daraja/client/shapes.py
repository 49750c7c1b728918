"""The plain values that go into the client and come out of it. Knows no HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

Api = Literal["v1", "v2"]


class Reply(NamedTuple):
    """A readable yes."""

    status: int
    """The HTTP status."""
    code: str
    """Safaricom's response code, such as "0"; "" = it sent none."""
    description: str
    """Safaricom's own words."""
    members: dict[str, object]
    """The object as it came; a number is the text it was written as."""
    raw: str
    """The whole text, without secrets."""


class StkAccepted(NamedTuple):
    """A payment prompt is on its way to the phone. Accepted is not paid."""

    merchant_request_id: str
    checkout_request_id: str
    customer_message: str
    reply: Reply


class StkState(NamedTuple):
    """What became of a payment prompt. ``pending`` is no failure."""

    state: Literal["pending", "paid", "refused"]
    result_code: str
    """"" only while pending."""
    description: str
    reply: Reply


class Acked(NamedTuple):
    """A request whose result comes later, by callback."""

    conversation_id: str
    originator_conversation_id: str
    reply: Reply


class PullPage(NamedTuple):
    """One page of past payments, the inner lists flattened."""

    records: tuple[dict[str, object], ...]
    code: str
    message: str
    nothing: bool
    """True: Safaricom said 1001, which a quiet day and an unregistered short code share."""
    reply: Reply


class QrPicture(NamedTuple):
    """A QR code as Safaricom drew it."""

    png: bytes
    reply: Reply


class TokenSight(NamedTuple):
    """What may be seen of the access token: never itself."""

    expires_at: datetime
    taken_at: datetime
    fresh: bool
    """True: it was taken for this look."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What Safaricom gave for one short code, in clear. "" = not set. Prints as stars."""

    consumer_key: str = field(default="", repr=False)
    consumer_secret: str = field(default="", repr=False)
    passkey: str = field(default="", repr=False)
    initiator_name: str = field(default="", repr=False)
    initiator_password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Whom the client talks to, and where it keeps its token."""

    environment: str
    """``local``, ``sandbox`` or ``production``."""
    base_url: str
    """Without a slash at the end."""
    token_folder: Path
    certificate: Path | None = None
    """The certificate that encrypts the operator's password; None = not set."""
