"""kelly mpesa status, balance, requests: ask, and see what came. Mounted by commands.mpesa."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.mpesa_urls import CodeOpt, callable_url, environment_of
from kelly_cli.commands.options import DEFAULT_LIMIT, JsonOpt, LimitOpt, ShortCodeOpt
from kelly_cli.commands.short_codes import Places
from kelly_cli.core.money import kes
from kelly_cli.office import office_of
from kelly_cli.render import Column, fields

if TYPE_CHECKING:
    from kelly_cli.daraja.results import Account
    from kelly_cli.office import Office
    from kelly_cli.services.requesting import Asked, Desk
    from kelly_cli.store.database import Database
    from kelly_cli.store.request_rows import RequestView

COLUMNS = (
    Column("created_at", "Asked at", "instant", priority=1),
    Column("kind", "What", "status"),
    Column("receipt", "Receipt", "receipt"),
    Column("short_code", "Short code", "id", priority=3),
    Column("amount_cents", "Amount", "money", priority=4),
    Column("state", "State", "status"),
    Column("result_code", "Code", "id", priority=2),
    Column("result_desc", "Safaricom says", priority=2),
    Column("actor", "By", priority=5),
    Column("environment", "Environment", "status", priority=6),
)
FIELDS = (
    Column("kind", "What", "status"),
    Column("receipt", "Receipt", "receipt"),
    Column("short_code", "Short code", "id"),
    Column("state", "State", "status"),
    Column("result_code", "Code", "id"),
    Column("result_desc", "Safaricom says"),
    Column("booked", "In the books", "status"),
    Column("booked_cents", "Booked", "money"),
    Column("verified_by", "Known by", "status"),
    Column("conflict", "Conflict"),
)
SAYS = (Column("name", "Result"), Column("value", "Value"))
REQUEST = fields(
    "id", "kind", "environment", "short_code", "receipt", "amount:money", "state", "result_code",
    "result_desc", "reason", "actor", "conversation_id", "originator_conversation_id", "log_id",
    "created_at", "updated_at",
)  # fmt: skip
ACCOUNTS = (
    Column("name", "Account"),
    Column("current_cents", "Current", "money"),
    Column("available_cents", "Available", "money"),
    Column("reserved_cents", "Reserved", "money", priority=1),
    Column("uncleared_cents", "Uncleared", "money", priority=2),
)

ReceiptArg = Annotated[
    str, typer.Argument(help="The M-Pesa receipt, in any case.", metavar="RECEIPT")
]
WaitOpt = Annotated[bool, typer.Option("--wait", help="Wait for the result.", metavar="")]
TimeoutOpt = Annotated[
    int, typer.Option("--timeout", min=1, max=3600, help="Seconds that --wait waits.")
]
WAIT_S = 60


def status(
    ctx: typer.Context,
    receipt: ReceiptArg,
    wait: WaitOpt = False,
    timeout: TimeoutOpt = WAIT_S,
    short_code: CodeOpt = None,
    json: JsonOpt = False,
) -> None:
    """Ask Safaricom for the state of one payment; the result comes by callback.

    The same receipt and amount, completed, confirm a payment. Money that is not in the books is
    shown and not booked: a status names no account.

    kelly mpesa status QGK12XYZ91 --wait

    kelly mpesa status QGK12XYZ91 --wait --timeout 20 --json
    """
    from kelly_cli.services import requesting

    office = office_of(ctx, json=json)
    books = office.books_to_write()
    code = short_code or code_for(office, books, receipt)
    with office.daraja(code) as daraja:
        asked = requesting.ask_status(
            books, daraja, office.hand(), desk_for(office, "status", code), receipt
        )
    finish(office, books, asked, wait_s=timeout if wait else None)


def balance(
    ctx: typer.Context,
    wait: WaitOpt = False,
    timeout: TimeoutOpt = WAIT_S,
    short_code: CodeOpt = None,
    json: JsonOpt = False,
) -> None:
    """Ask Safaricom for the balances of a short code; the result comes by callback.

    kelly mpesa balance --wait

    kelly mpesa balance --short-code 600000 --wait --json
    """
    from kelly_cli.services import requesting

    office = office_of(ctx, json=json)
    books = office.books_to_write()
    code = short_code or office.config.mpesa.short_code
    with office.daraja(code) as daraja:
        asked = requesting.ask_balance(
            books, daraja, office.hand(), desk_for(office, "balance", code)
        )
    finish(office, books, asked, wait_s=timeout if wait else None)


def requests(
    ctx: typer.Context,
    receipt: Annotated[
        str | None, typer.Option("--receipt", help="Only about this one.", metavar="RECEIPT")
    ] = None,
    short_code: ShortCodeOpt = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """List what was asked of Safaricom and what came of it, newest first.

    kelly mpesa requests

    kelly mpesa requests --receipt QGK12XYZ91 --json
    """
    from kelly_cli.services import requesting

    office = office_of(ctx, json=json)
    codes = Places(office).picked(short_code)
    found = requesting.list_requests(
        office.books_to_read(), limit=limit, receipt=receipt, short_codes=codes
    )
    office.show.rows(
        [each._asdict() for each in found],
        COLUMNS,
        as_json=lambda: [request_json(each) for each in found],
        empty="Nothing was asked. Ask: kelly mpesa status RECEIPT, kelly mpesa balance",
        fields=REQUEST,
    )


def code_for(office: Office, books: Database, receipt: str) -> str:
    """Return the short code that a payment went to, when it is ours; else the main one."""
    from kelly_cli.services import requesting

    mpesa = office.config.mpesa
    found = requesting.short_code_of(books, receipt)
    return found if found in mpesa.our_codes else mpesa.short_code


def desk_for(office: Office, kind: str, code: str) -> Desk:
    """Return from where and as whom we ask; ``kind``: whose result it is."""
    from kelly_cli.config.callbacks import callback_urls
    from kelly_cli.services.requesting import Desk

    urls = callback_urls(office.config)
    environment = environment_of(office.config, code)
    results = callable_url(office, urls.results[kind], code)
    timeouts = callable_url(office, urls.timeouts[kind], code)
    return Desk(environment, code, results, timeouts, office.now)


def finish(office: Office, books: Database, asked: Asked, *, wait_s: float | None) -> None:
    """Wait for the result when asked to, print what is known, and end with 1 when that is bad.

    ``wait_s`` None = do not wait.
    """
    import time

    from kelly_cli.services import requesting

    if wait_s is not None and not asked.is_settled:
        end_s = time.monotonic() + wait_s
        asked = requesting.wait(
            books, asked, until=lambda: time.monotonic() >= end_s, pause=time.sleep
        )
    _tell(office, asked)
    waited_in_vain = wait_s is not None and not asked.is_settled
    if asked.request.state in {"failed", "refused"} or asked.conflict or waited_in_vain:
        raise typer.Exit(1)


def _tell(office: Office, asked: Asked) -> None:
    payment = asked.payment
    row = {
        **asked.request._asdict(),
        "booked": payment.status if payment else None,
        "booked_cents": payment.amount_cents if payment else None,
        "verified_by": payment.verified_by if payment else None,
        "conflict": asked.conflict,
    }
    told = [column for column in FIELDS if row[column.key] is not None]
    office.show.record(row, told, asked_json(asked))
    if asked.accounts:
        office.show.lines("")
        office.show.table([each._asdict() for each in asked.accounts], ACCOUNTS)
    elif asked.says:
        office.show.lines("")
        says = [{"name": name, "value": value} for name, value in asked.says.items()]
        office.show.table(says, SAYS)
    office.show.note(_next_step(asked))


def _next_step(asked: Asked) -> str:
    request = asked.request
    if asked.conflict:
        return (
            f"It contradicts the books; they stay as they are: kelly webhook show {request.log_row}"
        )
    if request.state == "unknown":
        return "Safaricom gave no result in time: the outcome is unknown. Nothing was sent again"
    if not asked.is_settled:
        return "Accepted; the result comes by callback to a listener: kelly mpesa requests"
    if request.kind == "status" and request.state == "done" and asked.payment is None:
        return (
            f"{request.receipt} is not in the books, and a status names no account: kelly mpesa "
            "pull takes it in, or the statement of the M-Pesa portal"
        )
    return "Safaricom did not do it" if request.state != "done" else "Done"


def request_json(request: RequestView) -> dict[str, object]:
    """Return a request without what its result says."""
    return {
        "id": request.row,
        "kind": request.kind,
        "environment": request.environment,
        "short_code": request.short_code,
        "receipt": request.receipt,
        "amount": None if request.amount_cents is None else kes(request.amount_cents),
        "state": request.state,
        "result_code": request.result_code,
        "result_desc": request.result_desc,
        "reason": request.reason,
        "actor": request.actor,
        "conversation_id": request.conversation_id,
        "originator_conversation_id": request.originator_conversation_id,
        "log_id": request.log_row,
        "created_at": request.created_at.isoformat(),
        "updated_at": request.updated_at.isoformat(),
    }


def asked_json(asked: Asked) -> dict[str, object]:
    """Return a request with its result, and the payment as the books hold it."""
    from kelly_cli.commands.shapes import payment_json

    return {
        **request_json(asked.request),
        "result": asked.says or None,
        "accounts": [_account_json(each) for each in asked.accounts],
        "conflict": asked.conflict,
        "payment": payment_json(asked.payment) if asked.payment else None,
    }


def _account_json(account: Account) -> dict[str, object]:
    figures = ("current_cents", "available_cents", "reserved_cents", "uncleared_cents")
    told: dict[str, object] = {"name": account.name, "currency": account.currency}
    for name in figures:
        cents: int | None = getattr(account, name)
        told[name.removesuffix("_cents")] = None if cents is None else kes(cents)
    return told
