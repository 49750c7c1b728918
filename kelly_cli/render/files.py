"""Files for people: whole or not at all. Knows nothing of what is in them."""

from __future__ import annotations

import os
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING

from kelly_cli.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CODE = "file_not_writable"


def check_place(file: Path) -> None:
    """Refuse a place where no file can be, before any work is done for it.

    Raises:
        StorageError: ``file_not_writable``; the folder is missing, or the name is a folder's.
    """
    try:
        if file.is_dir():
            raise _refused(file, "that is a folder")
        if not file.parent.is_dir():
            raise _refused(file, f"there is no folder {file.parent}")
    except OSError as error:
        raise _refused(file, error.strerror or str(error)) from error


def save(file: Path, data: bytes | Iterable[bytes]) -> None:
    """Write a file whole, in the place of one that is there, or leave all as it was.

    The new file's mode follows the umask. A link stays a link; a device or pipe is written to.

    Raises:
        StorageError: ``file_not_writable``; the message says why.
    """
    pieces = (data,) if isinstance(data, bytes) else data
    check_place(file)
    try:
        if file.exists() and not file.is_file():
            with file.open("wb") as sink:
                sink.writelines(pieces)
            return
        _replace(file.resolve(), pieces)
    except OSError as error:
        raise _refused(file, error.strerror or str(error)) from error


def _replace(target: Path, pieces: Iterable[bytes]) -> None:
    part = target.with_name(f".kelly-{token_hex(8)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with open(descriptor, "wb") as sink:  # noqa: PTH123 - an open descriptor, not a path
            sink.writelines(pieces)
            sink.flush()
            os.fsync(descriptor)
        part.replace(target)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def _refused(file: Path, why: str) -> StorageError:
    return StorageError(
        f"cannot write {file}: {why}; nothing was written",
        hint="Choose another place with -o",
        code=CODE,
    )
