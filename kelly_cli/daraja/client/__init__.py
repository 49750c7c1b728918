"""The client of Safaricom's Daraja: requests out, plain values or typed errors back."""

from __future__ import annotations

from kelly_cli.daraja.client.errors import (
    AlreadyRegisteredError,
    BadAnswerError,
    BusyError,
    CredentialsError,
    DarajaError,
    DarajaRefusedError,
    OutcomeUnknownError,
    ProductMismatchError,
    UnreachableError,
)
from kelly_cli.daraja.client.shapes import (
    Acked,
    Api,
    Keys,
    Place,
    PullPage,
    QrPicture,
    Reply,
    StkAccepted,
    StkState,
    TokenSight,
)

__all__ = [
    "Acked",
    "AlreadyRegisteredError",
    "Api",
    "BadAnswerError",
    "BusyError",
    "CredentialsError",
    "DarajaError",
    "DarajaRefusedError",
    "Keys",
    "OutcomeUnknownError",
    "Place",
    "ProductMismatchError",
    "PullPage",
    "QrPicture",
    "Reply",
    "StkAccepted",
    "StkState",
    "TokenSight",
    "UnreachableError",
]
