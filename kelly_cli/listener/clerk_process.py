"""The clerk as a process: started by the listener, on a fresh interpreter.

Not a fork: a listener has threads, and open connections to its books, which no child may carry on
with. He gets one end of a socket pair and nothing else: not the sockets that the listener listens
on, no words on a command line, nothing of the terminal's signals.
"""

from __future__ import annotations

import copyreg
import os
import pickle
import signal
import socket
import subprocess
import sys
from contextlib import closing, suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kelly_cli.listener import wire

if TYPE_CHECKING:
    from collections.abc import Callable

LEAVE_S = 0.3
"""How long a process that nobody talks to any more may take to end."""


def _fixed(table: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(table)


# A configuration holds tables that nobody can change.
copyreg.pickle(MappingProxyType, lambda table: (_fixed, (dict(table),)))


class Process:
    """A clerk in a process of his own."""

    def __init__(self, module: str, begin: Any) -> None:
        """Start ``python -m module``, which calls ``begun``; ``begin`` is what it starts with.

        Raises:
            OSError: the system has no room for it.
        """
        self.end, his = socket.socketpair()
        with closing(his):
            try:
                self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and a module of ours
                    [sys.executable, "-P", "-m", module, str(his.fileno())],
                    env={**os.environ, "PYTHONPATH": _import_path()},
                    pass_fds=[his.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=None if os.environ.get("KELLY_DEBUG") == "1" else subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError:
                self.end.close()
                raise
        with suppress(OSError):
            self.end.sendall(wire.pack((pickle.dumps(begin),)))

    def leave(self) -> str:
        """End it, if it has not ended, and tell how it did."""
        try:
            code = self._process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if code < 0:
            return f"by signal {signal.Signals(-code).name}"
        return f"with code {code}"


def _import_path() -> str:
    """Return where this process finds its modules: the child finds the same ones."""
    return os.pathsep.join(dict.fromkeys(place or os.getcwd() for place in sys.path))  # noqa: PTH109 - as Python means it


def begun(descriptor: int, run: Callable[[wire.Wire, Any], None]) -> None:
    """Be the clerk: get what the listener started him with, and ``run`` on the wire.

    Whatever ends a listener (a service manager tells all processes of a group) ends him by the
    wire, in order.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    end = wire.Wire(socket.socket(fileno=descriptor))
    frames = list(end.receive(None))
    if frames:
        run(end, pickle.loads(frames[0][0]))  # noqa: S301 - from the process that started this one
    end.close()
