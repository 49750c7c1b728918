"""The HTTP server in this process: uvicorn with httptools, from the ready line to a clean end.

Promise: it listens on this machine only, SIGINT and SIGTERM end it in order, and what was answered
200 is on disk. Its own parser is the strict one; the laxer h11 is never taken.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
from contextlib import contextmanager
from importlib.util import find_spec
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

import uvicorn

from kelly_cli.errors import KellyError
from kelly_cli.listener.counts import Counts
from kelly_cli.listener.gate import Gate
from kelly_cli.listener.health import Health
from kelly_cli.listener.routes import Desk, Routes
from kelly_cli.listener.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from kelly_cli.listener.telling import Teller
    from kelly_cli.services.serving import Intake

BACKLOG = 2048
MOST_CONNECTIONS = 1024
IDLE_S = 15
FINISH_S = 7
"""How long accepted requests have to finish; with the writer's, 10 s in all."""
WRITER_S = 2.0
TELLER_S = 0.5


class Settings(NamedTuple):
    """How to listen. ``token`` None = the callback paths are bare."""

    token: str | None
    max_body_bytes: int


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


def loopback_socket(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address of this machine alone. ``port`` 0 = any free one.

    Raises:
        KellyError: ``not_loopback``, or ``address_in_use`` and its like.
    """
    address = _loopback(host)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
        # Bound is not taken: the address is ours once it listens.
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise _no_address(host, port, error) from error
    return bound


def _loopback(host: str) -> str:
    if host.lower() == "localhost":
        return "127.0.0.1"
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise KellyError(
            f"the listener does not listen on {host}: only on this machine's own addresses",
            hint="Use --host 127.0.0.1, and put a reverse proxy with TLS in front",
            code="not_loopback",
        )
    return str(address)


def _no_address(host: str, port: int, error: OSError) -> KellyError:
    if error.errno == errno.EADDRINUSE:
        return KellyError(
            f"another program listens on {host} port {port}",
            hint="Stop it, or choose another port: kelly webhook serve --port N (0 = any free one)",
            code="address_in_use",
        )
    return KellyError(
        f"cannot listen on {host} port {port}: {error.strerror}",
        hint="Choose another: kelly webhook serve --host 127.0.0.1 --port 8000",
        code="cannot_listen",
    )


def url_of(bound: socket.socket) -> str:
    """Return the URL of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(
    bound: socket.socket,
    intake: Intake,
    settings: Settings,
    *,
    teller: Teller,
    stop: Stop,
) -> bool:
    """Serve until a signal; tell whether the writer finished all that it had taken.

    The teller starts when the first connection can come.

    Raises:
        KellyError: the strict parser is not installed.
    """
    if find_spec("httptools") is None:
        raise KellyError(
            "the listener needs the package httptools",
            hint="pip install httptools",
            code="missing_package",
        )
    counts = Counts()
    writer = Writer(intake, counts, tell=teller.tell, complain=teller.complain)
    desk = Desk(writer, Health(intake, writer), counts)
    gate = Gate(Routes(desk, settings.token), counts, max_body_bytes=settings.max_body_bytes)

    server = _Server(_uvicorn_config(gate), stop, before=writer.start, after=teller.start)
    with _logs_told_by(teller):
        try:
            server.run([bound])
        finally:
            finished = writer.stop(timeout_s=WRITER_S)
            teller.stop(timeout_s=TELLER_S)
    return finished


def _uvicorn_config(gate: Gate) -> uvicorn.Config:
    return uvicorn.Config(
        gate,
        http="httptools",
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
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=FINISH_S,
    )


class _Server(uvicorn.Server):
    """The server, with a word ``before`` it takes the first connection and ``after`` it can."""

    def __init__(
        self,
        config: uvicorn.Config,
        stop: Stop,
        *,
        before: Callable[[asyncio.AbstractEventLoop], None],
        after: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._stop = stop
        self._before = before
        self._after = after

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the doors."""
        self._before(asyncio.get_running_loop())
        await super().startup(sockets)
        self._after()
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
