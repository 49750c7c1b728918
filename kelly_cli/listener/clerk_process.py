"""The clerk as a process, the listener's child.

The first one is forked on Linux, where that is safe: before there is any thread, and when nothing
of the books is open, since neither survives a fork. Later ones, and all on other systems, are
started on a fresh interpreter. He has one end of a socket pair and nothing else: not the sockets
that the listener listens on, no words on a command line, nothing of the terminal's signals.
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
from time import monotonic, sleep
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from kelly_cli.listener import wire

if TYPE_CHECKING:
    from collections.abc import Callable

LEAVE_S = 0.3
"""How long a process that nobody talks to any more may take to end, and then a killed one."""
HANGS = "killed, and hangs in the system"
"""As one does whose disk says nothing any more; the listener waits for nobody."""


def _fixed(table: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(table)


# A configuration holds tables that nobody can change.
copyreg.pickle(MappingProxyType, lambda table: (_fixed, (dict(table),)))


class Process:
    """A clerk on a fresh interpreter."""

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
                    stderr=None if _is_debugging() else subprocess.DEVNULL,
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
            try:
                code = self._process.wait(LEAVE_S)
            except subprocess.TimeoutExpired:
                return HANGS
        return _how(code)


class Fork:
    """A clerk forked off this process."""

    def __init__(self, run: Callable[[wire.Wire, Any], None], begin: Any) -> None:
        """Fork; in the child ``run`` it, and never come back.

        Raises:
            OSError: the system has no room for it.
        """
        self.end, his = socket.socketpair()
        with closing(his):
            try:
                self._pid = os.fork()
            except OSError:
                self.end.close()
                raise
            if self._pid == 0:
                _be_a_fork(his.detach(), run, begin)
        self._code: int | None = None

    def leave(self) -> str:
        """End it, if it has not ended, and tell how it did."""
        if not self._ends_in_time():
            os.kill(self._pid, signal.SIGKILL)
            self._ends_in_time()
        return HANGS if self._code is None else _how(self._code)

    def _ends_in_time(self) -> bool:
        end_s = monotonic() + LEAVE_S
        while not self._has_ended() and monotonic() < end_s:
            sleep(0.005)
        return self._code is not None

    def _has_ended(self) -> bool:
        if self._code is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code is not None


def can_fork() -> bool:
    """Tell whether a child may go on from here: there is one thread, also of those below Python."""
    if sys.platform != "linux":
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208 - as the system names them
    except OSError:
        return False


def _be_a_fork(descriptor: int, run: Callable[[wire.Wire, Any], None], begin: Any) -> NoReturn:
    """Be the clerk, with nothing of the listener but the memory; what he held stays his."""
    code = 1
    try:
        _hear_no_signals()
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1) if _is_debugging() else (0, 1, 2):
            os.dup2(nothing, stream)
        os.closerange(3, descriptor)
        os.closerange(descriptor + 1, os.sysconf("SC_OPEN_MAX"))
        run(wire.Wire(socket.socket(fileno=descriptor)), begin)
        code = 0
    finally:
        # Nothing of the listener's is tidied up here: it is his.
        os._exit(code)


def _how(code: int) -> str:
    return f"by signal {signal.Signals(-code).name}" if code < 0 else f"with code {code}"


def _is_debugging() -> bool:
    return os.environ.get("KELLY_DEBUG") == "1"


def _hear_no_signals() -> None:
    """Leave it to the wire to end him, in order: a service manager tells all processes at once."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _import_path() -> str:
    """Return where this process finds its modules: the child finds the same ones."""
    return os.pathsep.join(dict.fromkeys(place or os.getcwd() for place in sys.path))  # noqa: PTH109 - as Python means it


def begun(descriptor: int, run: Callable[[wire.Wire, Any], None]) -> None:
    """Be the clerk on a fresh interpreter: get what he is started with, and ``run`` on the wire."""
    _hear_no_signals()
    end = wire.Wire(socket.socket(fileno=descriptor))
    frames = list(end.receive(None))
    if frames:
        run(end, pickle.loads(frames[0][0]))  # noqa: S301 - from the process that started this one
    end.close()
