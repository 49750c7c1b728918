"""Serves the pretend Safaricom on a socket of this machine: for a command, or beside a program."""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from kelly_cli.daraja.sandbox.app import build_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.applications import Starlette

    from kelly_cli.daraja.sandbox.state import Settings

FINISH_S = 2
START_S = 10.0


class _Server(uvicorn.Server):
    """The server, with a word once it takes connections."""

    def __init__(self, app: Starlette, ready: Callable[[], bool]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=FINISH_S,
            )
        )
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the doors; ``ready`` tells whether it is to go on."""
        await super().startup(sockets)
        if not self._ready():
            self.should_exit = True


def serve(settings: Settings, bound: socket.socket, ready: Callable[[], bool]) -> None:
    """Serve until a signal. ``ready`` is called once; False = end at once."""
    _Server(build_sandbox(settings), ready).run([bound])


@contextmanager
def _log_levels_kept() -> Iterator[None]:
    """Keep what uvicorn sets for the whole process to the block."""
    loggers = [logging.getLogger(f"uvicorn.{name}") for name in ("error", "access", "asgi")]
    before = [logger.level for logger in loggers]
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextmanager
def beside(settings: Settings, port: int = 0) -> Iterator[str]:
    """Serve in a thread on loopback while the block runs; give the URL. ``port`` 0 = any.

    Raises:
        OSError: the port is taken.
    """
    started = threading.Event()

    def ready() -> bool:
        started.set()
        return True

    with _log_levels_kept(), socket.create_server(("127.0.0.1", port)) as bound:
        server = _Server(build_sandbox(settings), ready)
        thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
        thread.start()
        try:
            if not started.wait(START_S):
                raise RuntimeError("the sandbox did not start")
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(START_S)
