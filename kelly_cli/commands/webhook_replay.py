"""kelly webhook replay: send a stored callback on. Mounted by commands.webhook."""

from __future__ import annotations

from typing import Annotated

import typer

from kelly_cli.commands.options import JsonOpt
from kelly_cli.commands.webhook_trigger import check_url
from kelly_cli.errors import DomainError, KellyError
from kelly_cli.office import office_of
from kelly_cli.render import Column

FIELDS = (
    Column("log_id", "Log", "count"),
    Column("to", "Sent to"),
    Column("bytes", "Bytes", "count"),
    Column("status", "Answered", "count"),
    Column("answer", "It says"),
)


def replay(
    ctx: typer.Context,
    log: Annotated[int, typer.Argument(help="The log's id.", metavar="LOG")],
    to: Annotated[str, typer.Option("--to", help="Where it is posted.", metavar="URL")],
    timeout: Annotated[
        int, typer.Option("--timeout", min=1, max=300, help="Seconds to wait for the answer.")
    ] = 10,
    json: JsonOpt = False,
) -> None:
    """Post the exact bytes of a stored callback to a URL, once. The books stay as they are.

    kelly webhook replay 5 --to http://127.0.0.1:8000/c2b/confirmation

    kelly webhook replay 5 --to https://test.example.co.ke/c2b/confirmation --json
    """
    from kelly_cli.daraja.sandbox.posting import post
    from kelly_cli.services import logs

    office = office_of(ctx, json=json)
    check_url(to)
    ours = frozenset(code.code for code in office.config.mpesa.short_codes)
    found = logs.show_log(office.books_to_read(), log, ours=ours)
    if found.log.purged_at is not None:
        raise DomainError(
            f"the people were taken out of log {log}: the bytes that came are gone",
            hint=f"See what is left: kelly webhook show {log}",
            code="log_purged",
        )
    raw = found.raw.raw
    posted = post(to, raw, timeout_s=timeout)
    if not posted.taken:
        told = posted.problem or f"it answered {posted.status}"
        raise KellyError(
            f"{to} did not take log {log}: {told}",
            hint="See that something listens there, and that it is the right path",
            code="callback_not_taken",
        )
    answer = posted.body.decode("utf-8", "replace")
    sent = {"log_id": log, "to": to, "bytes": len(raw), "status": posted.status, "answer": answer}
    office.show.record(sent, FIELDS, sent)
