"""Everything that kelly asks of Safaricom, one method a request.

Promise: a request that moves money, registers something or prompts somebody is sent once, and a
failure says whether it went out. Knows nothing of the books; the clock is handed down.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Literal, NoReturn, Self

from kelly_cli.daraja.client import calls, pull, verdicts, wire
from kelly_cli.daraja.client.asking import Asking
from kelly_cli.daraja.client.credential import PRETENDED, security_credential
from kelly_cli.daraja.client.replies import text_in
from kelly_cli.daraja.client.shapes import (
    Acked,
    Keys,
    PullPage,
    QrPicture,
    Reply,
    StkAccepted,
    StkState,
    TokenSight,
)
from kelly_cli.daraja.client.transport import Limits, Transport
from kelly_cli.daraja.client.veil import Veil
from kelly_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from kelly_cli.daraja.client.calls import Call
    from kelly_cli.daraja.client.replies import Reading
    from kelly_cli.daraja.client.shapes import Api, Place

_PNG = b"\x89PNG\r\n\x1a\n"


class Daraja:
    """Safaricom, for the keys of one short code. Use it as a context manager."""

    def __init__(
        self,
        place: Place,
        keys: Keys,
        now: Callable[[], datetime],
        *,
        limits: Limits = Limits(),  # noqa: B008 - a value
    ) -> None:
        self._place = place
        keys = _pretended(keys) if place.environment == "local" else keys
        self._keys = keys
        self._veil = Veil()
        self._veil.keep(
            keys.consumer_key,
            keys.consumer_secret,
            keys.passkey,
            keys.initiator_name,
            keys.initiator_password,
            wire.basic(keys).removeprefix("Basic "),
        )
        self._transport = Transport(place.base_url, limits)
        self._asking = Asking(place, self._keys, now, self._transport, self._veil)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def token(self) -> TokenSight:
        """Take or find the access token, and say until when it is good.

        Raises:
            DarajaError: none could be taken.
            ConfigError: no keys are set.
        """
        self._need("consumer_key", "consumer_secret")
        found, fresh = self._asking.tokens.current()
        return TokenSight(found.expires_at, found.taken_at, fresh)

    def register_urls(
        self,
        *,
        short_code: str,
        confirmation_url: str,
        validation_url: str,
        response_type: str,
        api: Api,
    ) -> Reply:
        """Register where payments are told. Sent once.

        Raises:
            AlreadyRegisteredError: the short code has URLs already.
            DarajaError: anything else than a yes.
        """
        body = wire.register_urls(
            short_code=short_code,
            response_type=response_type,
            confirmation_url=confirmation_url,
            validation_url=validation_url,
        )
        return self._ask(calls.register_urls(api), body).reply

    def simulate(
        self,
        *,
        short_code: str,
        amount_cents: int,
        msisdn: str,
        bill_ref: str | None,
        buy_goods: bool,
        api: Api,
    ) -> Reply:
        """Let the sandbox's payer pay. Sent once.

        Raises:
            DarajaError: anything else than a yes.
            DomainError: not whole shillings.
        """
        body = wire.simulate(
            short_code=short_code,
            amount_cents=amount_cents,
            msisdn=msisdn,
            bill_ref=bill_ref,
            buy_goods=buy_goods,
        )
        return self._ask(calls.simulate(api), body).reply

    def stk_push(  # noqa: PLR0913 - a prompt has so many parts, each named at the call
        self,
        *,
        short_code: str,
        party_b: str,
        amount_cents: int,
        phone: str,
        reference: str,
        description: str,
        callback_url: str,
        buy_goods: bool,
        at: datetime,
    ) -> StkAccepted:
        """Prompt a phone for a payment. ``at``: Nairobi wall clock. Sent once.

        Raises:
            OutcomeUnknownError: the phone may ring; the money may come.
            DarajaError: anything else than a yes.
            DomainError: not whole shillings.
        """
        body = wire.stk_push(
            short_code=short_code,
            password=self._password(short_code, at),
            at=at,
            buy_goods=buy_goods,
            amount_cents=amount_cents,
            phone=phone,
            party_b=party_b,
            callback_url=callback_url,
            reference=reference,
            description=description,
        )
        reading = self._ask(calls.STK_PUSH, body)
        checkout = text_in(reading.members, "checkoutrequestid")
        if not checkout:
            _not_whole(calls.STK_PUSH, reading, "no CheckoutRequestID")
        return StkAccepted(
            text_in(reading.members, "merchantrequestid"),
            checkout,
            text_in(reading.members, "customermessage"),
            reading.reply,
        )

    def stk_query(self, *, short_code: str, checkout_request_id: str, at: datetime) -> StkState:
        """Ask what became of a prompt. ``at``: Nairobi wall clock.

        Raises:
            DarajaError: no answer says what became of it.
        """
        body = wire.stk_query(
            short_code=short_code,
            password=self._password(short_code, at),
            at=at,
            checkout_request_id=checkout_request_id,
        )
        reading = self._ask(calls.STK_QUERY, body)
        code = text_in(reading.members, "resultcode")
        words = text_in(reading.members, "resultdesc") or reading.message
        if calls.is_pending(reading):
            return StkState("pending", code, words, reading.reply)
        if not code:
            _not_whole(calls.STK_QUERY, reading, "no ResultCode")
        return StkState("refused" if code.strip("0") else "paid", code, words, reading.reply)

    def payment_status(
        self,
        *,
        short_code: str,
        receipt: str | None,
        original_conversation_id: str | None,
        result_url: str,
        timeout_url: str,
        remarks: str,
        occasion: str = "",
    ) -> Acked:
        """Ask for the state of one payment; the result comes by callback.

        Raises:
            OutcomeUnknownError: a result may still come.
            DarajaError: anything else than a yes.
            ConfigError: operator or certificate are not set.
        """
        asker = self._asker(short_code, result_url, timeout_url, remarks)
        body = wire.payment_status(
            asker,
            receipt=receipt,
            original_conversation_id=original_conversation_id,
            occasion=occasion,
        )
        return self._acked(calls.STATUS, body)

    def account_balance(
        self, *, short_code: str, result_url: str, timeout_url: str, remarks: str
    ) -> Acked:
        """Ask for the balances; the result comes by callback.

        Raises:
            OutcomeUnknownError: a result may still come.
            DarajaError: anything else than a yes.
            ConfigError: operator or certificate are not set.
        """
        body = wire.account_balance(self._asker(short_code, result_url, timeout_url, remarks))
        return self._acked(calls.BALANCE, body)

    def reversal(
        self,
        *,
        short_code: str,
        receipt: str,
        amount_cents: int,
        result_url: str,
        timeout_url: str,
        remarks: str,
    ) -> Acked:
        """Ask for a payment to be given back; the result comes by callback. Sent once.

        Raises:
            OutcomeUnknownError: it may be given back.
            DarajaError: anything else than a yes.
            ConfigError: operator or certificate are not set.
            DomainError: not whole shillings.
        """
        wire.shillings(amount_cents)
        asker = self._asker(short_code, result_url, timeout_url, remarks)
        body = wire.reversal(asker, receipt=receipt, amount_cents=amount_cents)
        return self._acked(calls.reversal(receipt), body)

    def pull_register(self, *, short_code: str, nominated_number: str, callback_url: str) -> Reply:
        """Register a short code for pulling. Sent once.

        Raises:
            AlreadyRegisteredError: it was registered before.
            DarajaError: anything else than a yes.
        """
        body = wire.pull_register(
            short_code=short_code, nominated_number=nominated_number, callback_url=callback_url
        )
        return self._ask(calls.PULL_REGISTER, body).reply

    def pull_query(
        self, *, short_code: str, start: datetime, end: datetime, offset: int
    ) -> PullPage:
        """Read one page of past payments. ``start``, ``end``: Nairobi wall clock.

        Raises:
            DarajaError: no page came.
        """
        body = wire.pull_query(short_code=short_code, start=start, end=end, offset=offset)
        reading = self._ask(calls.PULL_QUERY, body)
        page = pull.page_of(reading)
        if page is None:
            _not_whole(calls.PULL_QUERY, reading, "something that is no list of payments")
        return page

    def qr(
        self,
        *,
        merchant_name: str,
        reference: str,
        amount_cents: int | None,
        kind: Literal["PB", "BG"],
        cpi: str,
        size_px: int,
    ) -> QrPicture:
        """Have a QR code drawn.

        Raises:
            DarajaError: no picture came.
            DomainError: not whole shillings.
        """
        body = wire.qr(
            merchant_name=merchant_name,
            reference=reference,
            amount_cents=amount_cents,
            kind=kind,
            cpi=cpi,
            size_px=size_px,
        )
        reading = self._ask(calls.QR, body)
        try:
            png = base64.b64decode(text_in(reading.members, "qrcode"), validate=True)
        except (binascii.Error, ValueError):
            png = b""
        if not png.startswith(_PNG):
            _not_whole(calls.QR, reading, "something that is no picture")
        return QrPicture(png, reading.reply)

    def _ask(self, call: Call, body: wire.Body) -> Reading:
        self._need()
        return self._asking.ask(call, body)

    def _acked(self, call: Call, body: wire.Body) -> Acked:
        reading = self._ask(call, body)
        conversation = text_in(reading.members, "conversationid")
        originator = text_in(reading.members, "originatorconversationid", "originatorcoversationid")
        if not (conversation or originator):
            _not_whole(call, reading, "no conversation id")
        return Acked(conversation, originator, reading.reply)

    def _asker(
        self, short_code: str, result_url: str, timeout_url: str, remarks: str
    ) -> wire.Asker:
        self._need("initiator_name", "initiator_password")
        credential = self._security_credential()
        self._veil.keep(credential)
        initiator = self._keys.initiator_name
        return wire.Asker(initiator, credential, short_code, result_url, timeout_url, remarks)

    def _security_credential(self) -> str:
        certificate = self._place.certificate
        if certificate is not None:
            return security_credential(certificate, self._keys.initiator_password)
        if self._place.environment == "local":
            return PRETENDED
        raise ConfigError(
            "mpesa.certificate is not set",
            hint="Download M-Pesa's certificate from the Daraja portal and name the file: "
            "kelly config set mpesa.certificate FILE",
            code="missing_setting",
        )

    def _password(self, short_code: str, at: datetime) -> str:
        self._need("passkey")
        password = wire.stk_password(short_code, self._keys.passkey, wire.timestamp(at))
        self._veil.keep(password)
        return password

    def _need(self, *names: str) -> None:
        """Refuse before anything is sent."""
        for name in ("consumer_key", "consumer_secret", *names):
            if not getattr(self._keys, name):
                variable = f"MPESA_{name.upper()}"
                raise ConfigError(
                    f"mpesa.{name} is not set, and {self._place.environment} needs it",
                    hint=f"Put {variable} into the environment or .env, or name a file that holds "
                    f"it in {variable}_FILE",
                    code="missing_setting",
                )


def _pretended(keys: Keys) -> Keys:
    """Fill what is not set: the sandbox of this machine takes anything."""
    return Keys(
        keys.consumer_key or "local-key",
        keys.consumer_secret or "local-secret",
        keys.passkey or "local-passkey",
        keys.initiator_name or "local-operator",
        keys.initiator_password or "local-password",
    )


def _not_whole(call: Call, reading: Reading, what: str) -> NoReturn:
    why = f"{what} (HTTP {reading.status})"
    raise verdicts.unreadable(call, reading._replace(unreadable=why))
