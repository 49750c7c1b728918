"""Registering a short code for the Pull API: once, kept before it is sent, never sent blindly."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.refs import parse_phone
from kelly_cli.daraja.client.errors import AlreadyRegisteredError, DarajaError, OutcomeUnknownError
from kelly_cli.errors import DomainError
from kelly_cli.services.registering import veiled
from kelly_cli.store import audit_rows, registration_rows
from kelly_cli.store.registration_rows import NewRegistration

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from kelly_cli.daraja.client.daraja import Daraja
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.registration_rows import RegistrationView

ALREADY = "1001"
"""The code of a short code that is registered for pulling already."""


class Wanted(NamedTuple):
    """What is to be registered. ``nominated_number``: the business's phone, as typed."""

    environment: str
    short_code: str
    nominated_number: str
    callback_url: str


def register_pull(
    database: Database,
    daraja: Daraja,
    hand: Hand,
    wanted: Wanted,
    *,
    token: str | None,
    clock: Callable[[], datetime],
) -> RegistrationView:
    """Register; "already registered" is as good. ``token``: of the callback paths, never stored.

    The number is sent as 2547… or 2541…: production refuses 0114… (daraja-facts 6.8).

    Raises:
        DomainError: ``bad_phone``.
        OutcomeUnknownError: it may be registered; the books say so.
        DarajaError: it was not registered.
    """
    number = nominated(wanted.nominated_number)
    url = veiled(wanted.callback_url, token)
    code = wanted.short_code
    kept = NewRegistration(wanted.environment, code, "pull", url, None, None, hand.actor)
    with database.writing() as connection:
        row = registration_rows.add_registration(connection, kept, hand.at)

    def settle(outcome: str, reply: str | None) -> RegistrationView:
        with database.writing() as connection:
            registration_rows.settle_registration(
                connection, row, outcome=outcome, reply=reply, at=clock()
            )
            after = {"url": url, "outcome": outcome}
            audit_rows.record_audit(connection, hand, "mpesa.pull.register", code, after=after)
            return registration_rows.get_registration(connection, row)

    try:
        reply = daraja.pull_register(
            short_code=code, nominated_number=number, callback_url=wanted.callback_url
        )
    except AlreadyRegisteredError as already:
        return settle("already_registered", already.raw or already.message)
    except DarajaError as error:
        unknown = isinstance(error, OutcomeUnknownError)
        settle("unknown" if unknown else "refused", error.raw or error.message)
        raise
    return settle("already_registered" if reply.code == ALREADY else "accepted", reply.raw)


def nominated(text: str) -> str:
    """Return the phone in the form that Safaricom takes.

    Raises:
        DomainError: it is no Kenyan mobile number.
    """
    try:
        return parse_phone(text)
    except ValueError as error:
        raise DomainError(
            f"--nominated-number: {error}",
            hint="Give the phone that Safaricom has of the business, as 0712345678",
            code="bad_phone",
        ) from None
