"""kelly webhook serve: take callbacks over HTTP. Mounted by kelly_cli.commands.webhook."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.options import JsonOpt
from kelly_cli.errors import KellyError, UsageError
from kelly_cli.office import Office, office_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from kelly_cli.listener.channels import Channel
    from kelly_cli.listener.counts import Counts
    from kelly_cli.listener.server import Settings, Stop
    from kelly_cli.listener.telling import Teller
    from kelly_cli.listener.watch import Watch
    from kelly_cli.store.database import Database


def serve(
    ctx: typer.Context,
    host: Annotated[
        str | None, typer.Option("--host", help="The address to listen on.", metavar="ADDRESS")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="0 = any free port.")
    ] = None,
    uds: Annotated[
        Path | None, typer.Option("--uds", help="A unix socket to listen on.", metavar="PATH")
    ] = None,
    fd: Annotated[
        int | None,
        typer.Option("--fd", min=0, help="An open socket to listen on: 3 is systemd's first."),
    ] = None,
    json: JsonOpt = False,
) -> None:
    """Take callbacks over HTTP until Ctrl-C; every 200 is on disk.

    A line on stdout for each callback: time, outcome, receipt, amount and where it went.
    The log goes to stderr, an event a line, as JSON.

    kelly webhook serve

    kelly webhook serve --port 0 --json

    kelly webhook serve --uds /run/kelly/kelly.sock
    """
    if sys.platform == "win32":
        raise KellyError(
            "the listener does not run on Windows",
            hint="Run it under WSL, or take saved callbacks: kelly webhook ingest FILE",
            code="not_supported",
        )
    from kelly_cli.commands.serve_lines import there
    from kelly_cli.listener import server

    office = office_of(ctx, json=json)
    office.show.stdout, office.show.stderr = there(sys.stdout), there(sys.stderr)
    warnings: list[str] = []
    with (
        server.stopped_by_signals() as stop,
        _socket(office, host, port, uds, fd, _posture(office, warnings)) as bound,
    ):
        _serve(office, bound, stop, warnings)


def _serve(office: Office, bound: socket.socket, stop: Stop, warnings: list[str]) -> None:
    from kelly_cli.commands.serve_books import clerk_of, open_books, validator_of
    from kelly_cli.commands.serve_lines import logbook_of, say_stopped, teller_of
    from kelly_cli.listener import server
    from kelly_cli.listener.counts import Counts
    from kelly_cli.listener.doubt import Doubt
    from kelly_cli.services.quarantine import Quarantine
    from kelly_cli.services.serving import Shelf

    database, opened, away = open_books(office)
    logbook, counts, doubt = logbook_of(office), Counts(), Doubt()
    teller = teller_of(office, logbook, server.url_of(bound))
    for warning in [*warnings, *away]:
        teller.complain(f"Warning: {warning}")
    quarantine = Quarantine(database, office.config.mpesa.our_codes, office.now)
    shelf = Shelf(office.spool, office.now)
    # Before anything that has a thread.
    with clerk_of(office, opened=opened) as open_clerk:
        finished = server.run(
            bound,
            server.Books(database, shelf, open_clerk, quarantine, doubt),
            _settings(office),
            counts=counts,
            teller=teller,
            stop=stop,
            beside=_watch(office, database, counts, teller),
            validator=validator_of(office, doubt),
        )
    if finished:
        database.close()
    with suppress(OSError):
        say_stopped(logbook, finished=finished)


def _posture(office: Office, warnings: list[str]) -> Callable[[str | None], None]:
    """Return what refuses an address to listen on (None = a Unix socket), or warns about it."""
    from kelly_cli.config.posture import check_posture

    return lambda address: warnings.extend(check_posture(office.config, address))


def _settings(office: Office) -> Settings:
    from ipaddress import ip_network

    from kelly_cli.config.table import SAFARICOM_ADDRESSES
    from kelly_cli.listener.server import Settings

    webhook = office.config.webhook
    return Settings(
        token=webhook.token.reveal() if webhook.token else None,
        max_body_bytes=webhook.max_body_bytes,
        allowed=webhook.allowed_ips,
        trusted=webhook.trusted_proxies,
        published=[ip_network(each) for each in SAFARICOM_ADDRESSES],
    )


def _socket(
    office: Office,
    host: str | None,
    port: int | None,
    uds: Path | None,
    fd: int | None,
    check: Callable[[str | None], None],
) -> AbstractContextManager[socket.socket]:
    """Open the one socket that was asked for. ``check`` refuses its address."""
    from kelly_cli.listener import server, sockets

    asked = [name for name, value in (("--uds", uds), ("--fd", fd)) if value is not None]
    asked += ["--host or --port"] if host is not None or port is not None else []
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} name different sockets: choose one")
    if uds is not None:
        check(None)
        return sockets.unix_socket(uds)
    if fd is not None:
        return closing(sockets.inherited_socket(fd, check=check))
    settings = office.config.webhook
    address = server.address_of(settings.host if host is None else host)
    check(address)
    return closing(server.listening_socket(address, settings.port if port is None else port))


def _watch(
    office: Office, database: Database, counts: Counts, teller: Teller
) -> list[Channel | Watch]:
    """Return the watch and the channels of its alerts, not started yet."""
    from kelly_cli.listener.channels import open_channels
    from kelly_cli.listener.watch import Books, Watch, to_all

    settings = office.config.alerts
    channels = open_channels(settings.urls.reveal(), teller.note) if settings.urls else []
    watch = Watch(
        counts,
        Books(database, office.spool.folder, office.now).look,
        send=to_all([channel.send for channel in channels]),
        note=teller.note,
        repeat_s=settings.repeat_minutes * 60,
    )
    return [watch, *channels]
