"""kelly webhook serve: take callbacks over HTTP. Mounted by kelly_cli.commands.webhook."""

from __future__ import annotations

import os
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from kelly_cli.commands.options import JsonOpt
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.errors import KellyError
from kelly_cli.office import Office, office_of
from kelly_cli.render import dump_json_line, safe
from kelly_cli.render.streams import is_unicode

if TYPE_CHECKING:
    from collections.abc import Callable

    from kelly_cli.listener.telling import Teller
    from kelly_cli.services.serving import Happened

BUSY_S = 4.0
"""How long a batch waits for other writers: its senders wait 5 s at most."""


def serve(
    ctx: typer.Context,
    host: Annotated[
        str | None, typer.Option("--host", help="An address of this machine alone.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="0 = any free port.")
    ] = None,
    json: JsonOpt = False,
) -> None:
    """Take callbacks over HTTP until Ctrl-C; every 200 is on disk.

    A line for each callback: time, outcome, receipt, amount and where it went.

    kelly webhook serve

    kelly webhook serve --port 0 --json
    """
    if sys.platform == "win32":
        raise KellyError(
            "the listener does not run on Windows",
            hint="Run it under WSL, or take saved callbacks: kelly webhook ingest FILE",
            code="not_supported",
        )
    from kelly_cli.listener import server
    from kelly_cli.services.serving import Intake

    office = office_of(ctx, json=json)
    office.show.stdout, office.show.stderr = _there(sys.stdout), _there(sys.stderr)
    settings = office.config.webhook
    with server.stopped_by_signals() as stop:
        bound = server.loopback_socket(
            settings.host if host is None else host, settings.port if port is None else port
        )
        with closing(bound):
            office.busy_s = BUSY_S
            database = office.books_to_write()
            finished = server.run(
                bound,
                Intake(database, office.inbox(database), office.now),
                server.Settings(
                    settings.token.reveal() if settings.token else None, settings.max_body_bytes
                ),
                teller=_teller(office, server.url_of(bound)),
                stop=stop,
            )
        if finished:
            database.close()
            _say(office, "Stopped.")
        else:
            _say(office, "Stopped while the database was busy: nothing that was answered is lost.")


def _say_ready(office: Office, url: str) -> None:
    environment, database = office.config.mpesa.environment, office.database.shown()
    if office.show.json:
        office.show.json_line(
            {"event": "ready", "url": url, "environment": environment, "database": database}
        )
    else:
        office.show.note(f"Listening on {url} ({environment}), database {database}")


def _say(office: Office, text: str) -> None:
    if not office.show.json:
        with suppress(OSError):
            office.show.note(text)


def _teller(office: Office, url: str) -> Teller:
    from kelly_cli.listener.telling import Teller

    out, err = _writes_to(office.show.stdout), _writes_to(office.show.stderr)
    return Teller(
        ready=lambda: _say_ready(office, url),
        line=_line_for(office),
        out=out,
        err=lambda text: err(f"{safe(text)}\n"),
    )


def _line_for(office: Office) -> Callable[[Happened], str]:
    if office.show.json:
        ascii_only = not is_unicode(office.show.stdout)
        return lambda happened: dump_json_line(_as_json(happened), ascii_only=ascii_only)
    return _columns if office.show.draws else _tabbed


def _as_json(happened: Happened) -> dict[str, object]:
    cents = happened.amount_cents
    return {
        "at": happened.at.isoformat(),
        "outcome": happened.outcome,
        "trans_id": happened.trans_id,
        "amount": None if cents is None else kes(cents),
        "where": happened.where,
        "log_id": happened.log_id,
        "error": happened.error,
    }


def _cells(happened: Happened) -> tuple[str, str, str, str, str]:
    cents = happened.amount_cents
    return (
        f"{nairobi_wall_clock(happened.at):%H:%M:%S}",
        happened.outcome,
        happened.trans_id or "-",
        "-" if cents is None else kes_for_people(cents),
        safe(happened.where),
    )


def _tabbed(happened: Happened) -> str:
    return "\t".join(_cells(happened))


def _columns(happened: Happened) -> str:
    at, outcome, receipt, amount, where = _cells(happened)
    return f"{at}  {outcome:<9}  {receipt:<12}  {amount:>12}  {where}"


def _there(stream: TextIO | None) -> TextIO:
    """Return a stream to write to; None = it was closed before the start, and nobody reads."""
    return Path(os.devnull).open("w", encoding="utf-8") if stream is None else stream


def _writes_to(stream: TextIO) -> Callable[[str], None]:
    """Return what puts text on a stream, past its buffer.

    The thread that prints may hang in it when the process ends, and a buffer whose lock is held
    would abort the interpreter.
    """
    descriptor, encoding = stream.fileno(), stream.encoding or "utf-8"

    def write(text: str) -> None:
        data = text.encode(encoding, "replace")
        while data:
            data = data[os.write(descriptor, data) :]

    return write
