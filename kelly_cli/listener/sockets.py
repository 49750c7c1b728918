"""Sockets that are no address and port: one that systemd opened, and one that is a file.

Promise: a socket file that somebody listens on is never taken away; one that was left behind is.
Nobody but its owner and group can use it.
"""

from __future__ import annotations

import os
import socket
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from kelly_cli.errors import KellyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BACKLOG = 2048
MODE = 0o660


def inherited_socket(descriptor: int, *, check: Callable[[str | None], None]) -> socket.socket:
    """Return the listening socket that stands behind an open descriptor.

    ``check`` refuses an address that must not be listened on (None = a unix socket).

    Raises:
        KellyError: ``bad_descriptor``, or what ``check`` raises.
    """
    try:
        bound = socket.socket(fileno=descriptor)
    except OSError as error:
        raise _bad_descriptor(descriptor, error.strerror or "no socket") from error
    if bound.type != socket.SOCK_STREAM or not _listens(bound):
        bound.detach()
        raise _bad_descriptor(descriptor, "no socket that listens")
    try:
        check(None if bound.family == socket.AF_UNIX else bound.getsockname()[0])
    except KellyError:
        bound.close()
        raise
    os.set_inheritable(descriptor, False)  # noqa: FBT003 - positional in the standard library
    return bound


def _listens(bound: socket.socket) -> bool:
    with suppress(OSError):
        return bool(bound.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    return False


def _bad_descriptor(descriptor: int, why: str) -> KellyError:
    return KellyError(
        f"file descriptor {descriptor} cannot be listened on: {why}",
        hint="Let systemd pass its socket (kelly webhook service), or use --port or --uds",
        code="bad_descriptor",
    )


@contextmanager
def unix_socket(path: Path) -> Iterator[socket.socket]:
    """Give a socket that listens at a path; the file is removed at the end, if it is still ours.

    Raises:
        KellyError: ``address_in_use``, somebody listens there; ``cannot_listen``.
    """
    try:
        with _locked(path.absolute().parent):
            _clear(path)
            bound = _bind(path)
    except OSError as error:
        raise _cannot_listen(path, error.strerror or str(error)) from error
    ours = path.stat().st_ino
    try:
        yield bound
    finally:
        bound.close()
        with suppress(OSError):
            if path.stat().st_ino == ours:
                path.unlink()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep two starters from taking the file away from each other."""
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _clear(path: Path) -> None:
    """Remove a socket file that nobody listens on."""
    if not os.path.lexists(path):
        return
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise _cannot_listen(path, "something else is there")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(1)
        try:
            asking.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except OSError:
            pass  # it is full, or not ours to ask: somebody is there
    raise KellyError(
        f"another program listens on {path}",
        hint="Stop it, or choose another path: kelly webhook serve --uds PATH",
        code="address_in_use",
    )


def _bind(path: Path) -> socket.socket:
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(str(path))
        # Nobody can connect before it listens.
        path.chmod(MODE)
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def _cannot_listen(path: Path, why: str) -> KellyError:
    return KellyError(
        f"cannot listen on {path}: {why}",
        hint="Choose another path, in a folder that you may write in: --uds PATH",
        code="cannot_listen",
    )
