"""Telling Safaricom where payments are told: checked first, kept before it is sent, sent once.

In production it is a one-time call, and nobody can ask Safaricom what is registered. So the intent
stands in the books before the request goes out, and the whole reply after it.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.daraja.client.errors import (
    AlreadyRegisteredError,
    DarajaError,
    OutcomeUnknownError,
    ProductMismatchError,
)
from kelly_cli.errors import StorageError
from kelly_cli.store import audit_rows, registration_rows
from kelly_cli.store.registration_rows import NewRegistration

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from kelly_cli.daraja.client.daraja import Daraja
    from kelly_cli.daraja.client.shapes import Api, Reply
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.registration_rows import RegistrationView

OTHER_API: dict[Api, Api] = {"v1": "v2", "v2": "v1"}
_PORTAL = (
    "Delete them on developer.safaricom.co.ke under Self Services > URL Management (two operators "
    "of the business approve it), or write to apisupport@safaricom.co.ke; then register again"
)
_OLDER_PLATFORM = (
    "They stand on Safaricom's older (VPN or aggregator) platform and must be deleted there first: "
    "write to apisupport@safaricom.co.ke; then register again"
)
_LOOK = (
    "It may be registered. See what was sent: kelly mpesa urls; pay a small amount to see where "
    "it is told, or ask apisupport@safaricom.co.ke, before you register again"
)


class Wanted(NamedTuple):
    """What is to be registered, as it is sent. ``response_type``: as Safaricom spells it."""

    environment: str
    short_code: str
    api: Api
    confirmation_url: str
    validation_url: str
    response_type: str


class Registered(NamedTuple):
    """What Safaricom took, and its reply."""

    view: RegistrationView
    reply: Reply


def veiled(text: str, token: str | None) -> str:
    """Return a URL, or a text with URLs in it, with the secret segment replaced by a mark of it.

    The mark is the same for the same token, so that a change of it shows; it gives nothing away.
    """
    if not token:
        return text
    mark = f"TOKEN-{sha256(token.encode()).hexdigest()[:8]}"
    return re.sub(rf"(?<=/){re.escape(token)}(?![\w.~-])", mark, text, flags=re.ASCII)


def register(
    database: Database,
    daraja: Daraja,
    hand: Hand,
    wanted: Wanted,
    *,
    token: str | None,
    clock: Callable[[], datetime],
) -> Registered:
    """Register two URLs that were checked. ``token``: the secret of the paths, never stored.

    Raises:
        AlreadyRegisteredError: there are URLs, and they were not replaced.
        ProductMismatchError: the app has the other version, or none.
        OutcomeUnknownError: it may be registered; the books say so.
        DarajaError: it was not registered.
    """
    # Bad keys and a dead line show here, before there is anything to keep.
    daraja.token()
    kept = NewRegistration(
        wanted.environment,
        wanted.short_code,
        wanted.api,
        veiled(wanted.confirmation_url, token),
        veiled(wanted.validation_url, token),
        wanted.response_type,
        hand.actor,
    )
    with database.writing() as connection:
        row = registration_rows.add_registration(connection, kept, hand.at)
    settle = _Settling(database, hand, row, kept, clock)
    try:
        reply = daraja.register_urls(
            short_code=wanted.short_code,
            confirmation_url=wanted.confirmation_url,
            validation_url=wanted.validation_url,
            response_type=wanted.response_type,
            api=wanted.api,
        )
    except DarajaError as error:
        settle.as_(_outcome_of(error), error.raw or error.message, error.message)
        error.hint = _hint(error, wanted)
        raise
    except BaseException:
        settle.as_("unknown", None, "kelly was interrupted")
        raise
    return Registered(settle.as_("accepted", reply.raw, reply.description), reply)


class _Settling:
    """Writes what became of one registration, with its audit row."""

    def __init__(
        self,
        database: Database,
        hand: Hand,
        row: int,
        kept: NewRegistration,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._hand, self._row = database, hand, row
        self._kept, self._clock = kept, clock

    def as_(self, outcome: str, reply: str | None, said: str) -> RegistrationView:
        """Write the outcome; ``said``: what a person must hear if the books do not take it."""
        after = {**self._kept._asdict(), "outcome": outcome}
        try:
            with self._database.writing() as connection:
                registration_rows.settle_registration(
                    connection, self._row, outcome=outcome, reply=reply, at=self._clock()
                )
                audit_rows.record_audit(
                    connection, self._hand, "mpesa.register", self._kept.short_code, after=after
                )
                return registration_rows.get_registration(connection, self._row)
        except StorageError as error:
            raise StorageError(
                f"the registration is {outcome} ({said}), and the books did not keep that: "
                f"{error.message}",
                hint="Write it down; the books show the request as intended: kelly mpesa urls",
            ) from error


def _outcome_of(error: DarajaError) -> str:
    if isinstance(error, AlreadyRegisteredError):
        return "already_registered"
    return "unknown" if isinstance(error, OutcomeUnknownError) else "refused"


def _hint(error: DarajaError, wanted: Wanted) -> str:
    """Say what to do about a failure, where this verb knows more than the client."""
    if isinstance(error, AlreadyRegisteredError):
        return _OLDER_PLATFORM if "correlator" in error.raw else _PORTAL
    if isinstance(error, ProductMismatchError):
        other = OTHER_API[wanted.api]
        return (
            f"The app may have the {other} product of C2B: give the same command with --api "
            f"{other}, and when it is taken, kelly config set mpesa.api {other}. If both are "
            "refused, add the C2B product to the app on developer.safaricom.co.ke"
        )
    return _LOOK if isinstance(error, OutcomeUnknownError) else error.hint


def list_registrations(
    database: Database, *, short_codes: Collection[str] | None = None, limit: int = 100
) -> Sequence[RegistrationView]:
    """Return what was asked of Safaricom, newest first. ``short_codes`` None = all."""
    with database.reading() as connection:
        return registration_rows.list_registrations(
            connection, short_codes=short_codes, limit=limit
        )


def find_standing(
    database: Database, *, environment: str, short_code: str
) -> RegistrationView | None:
    """Return the newest registration that Safaricom may be following; None = none from here."""
    with database.reading() as connection:
        return registration_rows.find_standing(
            connection, environment=environment, short_code=short_code
        )
