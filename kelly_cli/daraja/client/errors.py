"""What can go wrong between kelly and Safaricom: each failure says what is known about the request.

    DarajaError                          exit 1
    ├── UnreachableError                 nothing was sent
    ├── OutcomeUnknownError              sent, no readable answer: look before sending it again
    ├── BadAnswerError                   an unreadable answer to a request that changes nothing
    ├── BusyError                        Safaricom turned it away for now; nothing was done
    ├── CredentialsError                 keys or tokens are refused
    ├── ProductMismatchError             the app has not this product, or not in this version
    └── DarajaRefusedError               a readable no
        └── AlreadyRegisteredError       the URLs stand there already

Promise: no error holds a key, a password or a token: what is put in has been cleaned before.
"""

from __future__ import annotations

from typing import Self

from kelly_cli.errors import KellyError


class DarajaError(KellyError):
    """A request to Safaricom did not do what was asked.

    ``status``: the HTTP status (0 = no answer); ``error_code`` and ``error_message``: Safaricom's
    own ("" = none); ``raw``: the whole answer as text, without secrets.
    """

    code = "daraja"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        status: int = 0,
        error_code: str = "",
        error_message: str = "",
        raw: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.error_code = error_code
        self.error_message = error_message
        self.raw = raw

    def once(self) -> Self:
        """Return it as one that was tried often enough."""
        self.retryable = False
        return self


class UnreachableError(DarajaError):
    """Nothing was sent: no connection came about."""

    code = "daraja_unreachable"
    retryable = True


class OutcomeUnknownError(DarajaError):
    """The request went out and no readable answer came: it may have been carried out."""

    code = "daraja_outcome_unknown"


class BadAnswerError(DarajaError):
    """An answer that cannot be read, to a request that is safe to repeat."""

    code = "daraja_bad_answer"
    retryable = True


class BusyError(DarajaError):
    """Safaricom turned the request away for now; it was not carried out."""

    code = "daraja_busy"
    retryable = True


class CredentialsError(DarajaError):
    """Safaricom does not take our keys, or not the token that it gave for them."""

    code = "daraja_credentials"


class ProductMismatchError(DarajaError):
    """The app has no such API product, or has it in another version."""

    code = "daraja_product_mismatch"


class DarajaRefusedError(DarajaError):
    """Safaricom said no, and why."""

    code = "daraja_refused"


class AlreadyRegisteredError(DarajaRefusedError):
    """The short code has registered URLs, which were not replaced."""

    code = "urls_already_registered"
