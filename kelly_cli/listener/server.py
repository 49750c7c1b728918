"""The HTTP server in this process: uvicorn with httptools, from the ready line to a clean end.

Promise: SIGINT and SIGTERM end it in order, and what was answered 200 is on disk. Its own parser is
the strict one, under guard; the laxer h11 is never taken.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
from contextlib import contextmanager
from importlib.util import find_spec
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, Protocol

import uvicorn

from kelly_cli.errors import KellyError
from kelly_cli.listener.crowd import Crowd
from kelly_cli.listener.entrance import Entrance
from kelly_cli.listener.gate import Gate
from kelly_cli.listener.guard import guarding
from kelly_cli.listener.health import Health
from kelly_cli.listener.keeper import Keeper
from kelly_cli.listener.routes import Desk, Routes
from kelly_cli.listener.spared import spare_the_collector
from kelly_cli.listener.writer import Writer
from kelly_cli.store.schema import open_for_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from kelly_cli.listener.addresses import Network
    from kelly_cli.listener.clerk_line import OpenClerk
    from kelly_cli.listener.counts import Counts
    from kelly_cli.listener.doubt import Doubt
    from kelly_cli.listener.telling import Teller
    from kelly_cli.listener.validation import Validator
    from kelly_cli.services.quarantine import Quarantine, SetAside, Stranger
    from kelly_cli.services.serving import Shelf
    from kelly_cli.store.database import Database

BACKLOG = 2048
IDLE_S = 15
FINISH_S = 7
"""How long accepted requests have to finish; with the writer's, 10 s in all."""
WRITER_S = 2.0
HELPERS_S = 0.8
"""For what waits to be printed and sent."""


class Settings(NamedTuple):
    """How to listen, and to whom. ``token`` None = the callback paths are bare.

    ``allowed`` empty = any address. ``trusted``: proxies. ``published``: never limited.
    """

    token: str | None
    max_body_bytes: int
    allowed: Sequence[Network]
    trusted: Sequence[Network]
    published: Sequence[Network]


class Books(NamedTuple):
    """What stands behind the listener: for callbacks, and for those of strangers.

    ``doubt``: what the clerk says against the books.
    """

    database: Database
    shelf: Shelf
    open_clerk: OpenClerk
    quarantine: Quarantine
    doubt: Doubt

    def take_strangers(self, strangers: Sequence[Stranger]) -> SetAside:
        """Set refused bodies aside, in books that can be trusted.

        Raises:
            StorageError: not now.
        """
        self.doubt.must_stand()
        return self.quarantine.take(strangers)

    def check(self) -> None:
        """Return when the books can be read; writes nothing. Any thread.

        Raises:
            StorageError: they cannot.
        """
        self.doubt.must_stand()
        open_for_reading(self.database)


class Helper(Protocol):
    """A thread beside the server, which no callback waits for."""

    def start(self) -> None:
        """Start it."""

    def stop(self, *, timeout_s: float) -> None:
        """End it, in that time or not at all."""


class Stop:
    """Whether a signal asked to end, also before the server stood."""

    asked = False

    def hear(self, _signal: int, _frame: FrameType | None) -> None:
        """Take the signal: nothing else happens, so that the process ends with 0."""
        self.asked = True


@contextmanager
def stopped_by_signals() -> Iterator[Stop]:
    """Hear SIGINT and SIGTERM for the block, instead of dying of them."""
    stop = Stop()
    heard = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, stop.hear) for number in heard}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def listening_socket(address: str, port: int) -> socket.socket:
    """Return a socket that listens on an address of this machine. ``port`` 0 = any free one.

    Raises:
        KellyError: ``address_in_use`` and its like.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
        # Bound is not taken: the address is ours once it listens.
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise _no_address(address, port, error) from error
    return bound


def address_of(host: str) -> str:
    """Return the address to listen on, given it or the name of a host.

    Raises:
        KellyError: ``cannot_listen``: there is no such name.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise _no_address(host, None, error) from error
    addresses = [str(each[4][0]) for each in found]
    return next((each for each in addresses if ":" not in each), addresses[0])


def _no_address(host: str, port: int | None, error: Exception) -> KellyError:
    if getattr(error, "errno", None) == errno.EADDRINUSE:
        return KellyError(
            f"another program listens on {host} port {port}",
            hint="Stop it, or choose another port: kelly webhook serve --port N (0 = any free one)",
            code="address_in_use",
        )
    return KellyError(
        f"cannot listen on {host}: {getattr(error, 'strerror', None) or error}",
        hint="Choose another: kelly webhook serve --host 127.0.0.1 --port 8000",
        code="cannot_listen",
    )


def url_of(bound: socket.socket) -> str:
    """Return the URL of a bound socket; of a unix socket its path, after ``unix:``."""
    if bound.family == socket.AF_UNIX:
        return f"unix:{bound.getsockname()}"
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(
    bound: socket.socket,
    books: Books,
    settings: Settings,
    *,
    counts: Counts,
    teller: Teller,
    stop: Stop,
    beside: Sequence[Helper] = (),
    validator: Validator | None = None,
) -> bool:
    """Serve until a signal; tell whether the clerk finished all that he was sent.

    The teller starts when the first connection can come, and with it what runs ``beside``.

    Raises:
        KellyError: the strict parser is not installed.
    """
    _must_have_the_strict_parser()
    writer = Writer(
        books.shelf,
        counts,
        open_clerk=books.open_clerk,
        doubt=books.doubt,
        tell=teller.tell,
        complain=teller.complain,
    )
    desk = Desk(writer, Health(books.check, writer), counts, validator)
    keeper = Keeper(books.take_strangers, counts, teller.complain)
    entrance = Entrance(
        allowed=settings.allowed, trusted=settings.trusted, published=settings.published
    )
    gate = Gate(
        Routes(desk, settings.token),
        counts,
        max_body_bytes=settings.max_body_bytes,
        entrance=entrance,
        keeper=keeper,
    )
    crowd = Crowd(entrance.place_of_stranger)
    counts.turned_away = lambda: crowd.turned_away
    beside = (keeper, *beside)
    helpers = (teller, *beside)
    server = _Server(
        _uvicorn_config(gate, guarding(counts, crowd)),
        stop,
        writer=writer,
        after=lambda: _start(helpers),
    )
    with _logs_told_by(teller):
        try:
            server.run([bound])
        finally:
            end_s = monotonic() + HELPERS_S
            for each in (*beside, teller):
                each.stop(timeout_s=max(end_s - monotonic(), 0.05))
    return server.finished


def _must_have_the_strict_parser() -> None:
    if find_spec("httptools") is None:
        raise KellyError(
            "the listener needs the package httptools",
            hint="pip install httptools",
            code="missing_package",
        )


def _start(helpers: Sequence[Helper]) -> None:
    for each in helpers:
        each.start()


def _uvicorn_config(gate: Gate, protocol: type[asyncio.Protocol]) -> uvicorn.Config:
    return uvicorn.Config(
        gate,
        http=protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,
        # Otherwise whoever is on this machine chooses his own address.
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=FINISH_S,
    )


class _Server(uvicorn.Server):
    """The server, with the writer at work around it, and a word ``after`` it takes connections."""

    def __init__(
        self,
        config: uvicorn.Config,
        stop: Stop,
        *,
        writer: Writer,
        after: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._stop = stop
        self._writer = writer
        self._after = after
        self.finished = False
        """Whether the clerk finished all that he was sent."""

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve to the end: answer who was let in, then let the clerk finish."""
        try:
            await super().serve(sockets)
        finally:
            self.finished = await self._writer.finish(timeout_s=WRITER_S)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the doors."""
        await self._writer.start()
        await super().startup(sockets)
        self._after()
        spare_the_collector()
        if self._stop.asked:
            self.should_exit = True


class _ToTeller(logging.Handler):
    """What the server's libraries complain about, in one line and without a traceback."""

    def __init__(self, teller: Teller) -> None:
        super().__init__(logging.WARNING)
        self._teller = teller

    def emit(self, record: logging.LogRecord) -> None:
        """Hand the record on."""
        text = record.getMessage().strip()
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, asyncio.CancelledError):
            return
        if error is not None:
            text = f"{text}: {type(error).__name__}: {error}"
        self._teller.complain(f"Warning: {text}")


@contextmanager
def _logs_told_by(teller: Teller) -> Iterator[None]:
    handler = _ToTeller(teller)
    loggers = [logging.getLogger(name) for name in ("uvicorn", "asyncio")]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
            logger.propagate = True
