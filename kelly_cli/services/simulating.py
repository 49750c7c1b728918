"""A pretend payment, asked of a sandbox: the rules of the request, then the request.

Accepted is not paid: the payment comes by callback. There is no such thing in production.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.daraja.client.errors import UnreachableError
from kelly_cli.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kelly_cli.daraja.client.daraja import Daraja
    from kelly_cli.daraja.client.shapes import Api, Reply

LONGEST_REFERENCE = 20
"""Source: daraja-facts 3."""
_SHILLING = 100


class PretendPayment(NamedTuple):
    """A payment to pretend. ``bill_ref`` None: a till takes none. ``msisdn``: ``2547XXXXXXXX``."""

    short_code: str
    amount_cents: int
    msisdn: str
    bill_ref: str | None
    buy_goods: bool
    api: Api


def check_pretend(pretend: PretendPayment, *, environment: str) -> None:
    """Refuse what no sandbox takes, in this order.

    Raises:
        DomainError: production; a reference for a till, none for a paybill, or one that is too
            long; an amount with cents.
    """
    if environment == "production":
        raise DomainError(
            "there is no simulation in production: a payment there is money",
            hint="Pay from a phone, or use the sandbox: kelly config set mpesa.environment sandbox",
            code="not_in_production",
        )
    if pretend.buy_goods and pretend.bill_ref is not None:
        raise DomainError(
            f"--bill-ref {pretend.bill_ref!r} with --buy-goods: a till takes no reference",
            hint="Leave out --bill-ref",
            code="bad_reference",
        )
    if not pretend.buy_goods and not pretend.bill_ref:
        raise DomainError(
            "a paybill needs a reference",
            hint="Give --bill-ref CUST-001, or --buy-goods for a till",
            code="bad_reference",
        )
    if len(pretend.bill_ref or "") > LONGEST_REFERENCE:
        raise DomainError(
            f"--bill-ref {pretend.bill_ref!r} is longer than the {LONGEST_REFERENCE} characters "
            "that M-Pesa carries",
            hint="Give an invoice, a sale or a customer by its id",
            code="bad_reference",
        )
    if pretend.amount_cents % _SHILLING:
        raise DomainError(
            "M-Pesa's simulation takes whole shillings only",
            hint="Leave out the cents",
            code="amount_not_whole",
        )


def simulate(daraja: Daraja, pretend: PretendPayment, *, environment: str, where: str) -> Reply:
    """Ask the sandbox to pay. ``where``: its address, for people.

    Raises:
        DomainError: see :func:`check_pretend`.
        DarajaError: the sandbox is not there, or refuses.
    """
    check_pretend(pretend, environment=environment)
    with sandbox_named(environment, where):
        return daraja.simulate(
            short_code=pretend.short_code,
            amount_cents=pretend.amount_cents,
            msisdn=pretend.msisdn,
            bill_ref=pretend.bill_ref,
            buy_goods=pretend.buy_goods,
            api=pretend.api,
        )


@contextmanager
def sandbox_named(environment: str, where: str) -> Iterator[None]:
    """Say in ``local`` that it is kelly's own sandbox which is not there, and how to start it.

    ``where``: its address, for people.
    """
    try:
        yield
    except UnreachableError as error:
        if environment != "local":
            raise
        raise UnreachableError(
            f"kelly's own sandbox does not answer at {where}",
            hint="Start it in another terminal: kelly mpesa sandbox",
        ) from error
