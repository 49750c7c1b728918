"""The spool: callbacks on disk, beside the books, for as long as the books cannot take them.

Promise: when ``append`` returns, its records are on stable storage. Each process appends to files
of its own (segments); whoever drains reads them all. Bounded, with a reserve of disk space that was
taken before it was needed. What becomes of the records is ``spool_drain``'s.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.spooled import Record, pack_all, read
from kelly_cli.errors import StorageError
from kelly_cli.locks import try_lock, unlock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

MOST_BYTES = 1 << 30
"""All segments together, and never more than a tenth of the free space."""
SEGMENT_BYTES = 64 << 20
RESERVE_BYTES = 8 << 20
WINDOW_BYTES = 4 << 20
"""What is read of a segment at once."""
_SHARE = 10
_LOCK_S = 1.0
_SUFFIX = ".spool"
_BEGUN = ".begun"


class Waiting(NamedTuple):
    """What waits in a spool. ``damaged``: pieces that were kept aside, for a person.

    ``is_hidden``: there is more, or may be, that this user is not let read.
    """

    records: int = 0
    bytes: int = 0
    damaged: int = 0
    is_hidden: bool = False


class _Segment(NamedTuple):
    """A file that this process appends to, from ``start`` up to ``most_bytes``."""

    path: Path
    descriptor: int
    start: int
    most_bytes: int


class Spool:
    """One folder of segments. Nothing is made before ``prepare`` or ``append``."""

    def __init__(self, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self._most_bytes = most_bytes
        self._segment: _Segment | None = None
        self._failed = False
        self._counted: dict[str, tuple[int, int, int]] = {}
        self._counting = threading.Lock()

    # The folder

    def prepare(self) -> None:
        """Make the folder, for its owner only, and the reserve.

        Raises:
            StorageError: callbacks could not be kept here.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(self.folder, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise self._cannot(error) from error
        self._tidy()
        with suppress(OSError):
            self.make_reserve()

    def _tidy(self) -> None:
        """Take away what a process that died left before it was a segment."""
        for path in self.folder.glob(f"*{_BEGUN}"):
            with suppress(OSError), path.open("rb") as file:
                if try_lock(file.fileno()):
                    path.unlink()

    def make_reserve(self) -> None:
        """Take the reserve's disk space, unless it is there.

        Raises:
            OSError: the disk has no room for it.
        """
        reserve = self._reserve
        if reserve.exists() or not self.folder.exists():
            return
        unfinished = reserve.with_suffix(".making")
        descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
            else:
                _write_all(descriptor, bytes(RESERVE_BYTES), 0)
            _flush(descriptor)
        except OSError:
            unfinished.unlink()
            raise
        finally:
            os.close(descriptor)
        unfinished.rename(reserve)

    @property
    def _reserve(self) -> Path:
        return self.folder / "reserve"

    @property
    def _mark(self) -> Path:
        return self.folder / "books"

    def knows_books(self) -> bool:
        """Tell whether there were books beside this spool, the last time anybody looked."""
        return os.path.exists(self._mark)  # noqa: PTH110 - a folder that may not be read: no

    def known_books(self) -> frozenset[str]:
        """Return what the books began with, as far as it was noted."""
        try:
            return frozenset(self._mark.read_text(encoding="utf-8").splitlines())
        except (OSError, UnicodeDecodeError):
            return frozenset()

    def remember_books(self, traces: frozenset[str] = frozenset()) -> None:
        """Note that there are books: should they be gone one day, nobody makes empty ones.

        ``traces``: what they began with, by which they are known when they are back.
        """
        with suppress(OSError):
            self._mark.touch(mode=0o600)
            if traces:
                fresh = self._mark.with_suffix(f".{os.getpid()}")
                fresh.touch(mode=0o600)
                fresh.write_text("\n".join(sorted(traces)), encoding="utf-8")
                fresh.replace(self._mark)

    def segments(self) -> list[Path]:
        """Return the segments, the oldest first."""
        try:
            return sorted(path for path in self.folder.iterdir() if path.suffix == _SUFFIX)
        except OSError:
            return []

    def oldest_at(self) -> datetime | None:
        """Return when the oldest segment was last written: aware UTC; None = there is none."""
        for path in self.segments():
            with suppress(OSError):
                return datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return None

    @property
    def aside(self) -> Path:
        """The folder of pieces that nobody could read."""
        return self.folder / "damaged"

    def waiting(self) -> Waiting:
        """Count what waits; what this user may not read does not count. Any thread."""
        damaged = 0
        with self._counting:
            counted = [self._count(path) for path in self.segments()]
        with suppress(OSError):
            damaged = sum(1 for _ in self.aside.iterdir())
        records, held = sum(each[1] for each in counted), sum(each[2] for each in counted)
        return Waiting(records, held, damaged, self.is_hidden())

    def is_hidden(self) -> bool:
        """Tell whether this user may not read all of it; a spool that is not there is no secret."""
        try:
            self.folder.stat()
        except FileNotFoundError:
            return False
        except OSError:
            return True
        readable = os.access(self.folder, os.R_OK | os.X_OK)
        return not (readable and all(os.access(path, os.R_OK) for path in self.segments()))

    def _count(self, path: Path) -> tuple[int, int, int]:
        """Count on from where the last count of this segment ended."""
        place, records, held = self._counted.get(path.name, (0, 0, 0))
        with suppress(OSError), path.open("rb") as file:
            while (part := read_part(file, place, most=10_000))[2]:
                if not part[0] and not part[1]:
                    # A torn end, or what is being written at this moment.
                    break
                records += len(part[0])
                held += sum(len(record.raw) for record in part[0])
                place += part[2]
        self._counted[path.name] = place, records, held
        return place, records, held

    def takes(self) -> bool:
        """Tell whether, as far as can be seen without writing, it would keep a callback."""
        if self._failed or not os.access(self.folder, os.W_OK | os.X_OK):
            return False
        return self._reserve.exists() or self._segment is not None or self._room() > 0

    # Append

    def append(self, records: Sequence[Record]) -> None:
        """Put records on stable storage. One thread at a time.

        Raises:
            StorageError: none of them may be called kept.
        """
        data = pack_all(records)
        try:
            self._append(data)
        except OSError as error:
            self._give_up()
            try:
                self._segment = self._from_reserve()
                self._append(data)
            except OSError:
                self._give_up()
                self._failed = True
                raise self._cannot(error) from error
        self._failed = False

    def close(self) -> None:
        """Leave the segment: the next record begins another one."""
        segment, self._segment = self._segment, None
        if segment is not None:
            with suppress(OSError):
                os.close(segment.descriptor)

    def _give_up(self) -> None:
        """Leave the segment, and no file of it when nobody was told that it keeps anything."""
        segment = self._segment
        self.close()
        if segment is not None and segment.start == 0:
            for path in (segment.path, segment.path.with_suffix(_BEGUN)):
                with suppress(OSError):
                    path.unlink()

    def _append(self, data: bytes) -> None:
        for _ in range(2):
            segment = self._segment or self._fresh(len(data))
            end = segment.start + len(data)
            with locked(segment.descriptor) as got:
                if got and end <= segment.most_bytes and os.fstat(segment.descriptor).st_nlink:
                    self._write(segment, data)
                    written = True
                else:
                    written = False
            if written:
                # Whatever a failed flush left unwritten stays unwritten: no second try here.
                _flush(segment.descriptor)
                self._segment = segment._replace(start=end)
                return
            self._segment = segment
            self.close()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _write(self, segment: _Segment, data: bytes) -> None:
        try:
            _write_all(segment.descriptor, data, segment.start)
        except OSError:
            self._segment = segment
            if segment.most_bytes == SEGMENT_BYTES:
                with suppress(OSError):
                    os.ftruncate(segment.descriptor, segment.start)
            raise

    def _fresh(self, size: int) -> _Segment:
        if size > self._room():
            raise OSError(errno.ENOSPC, "the spool is full")
        return self._begin(self._new_path(), os.O_CREAT | os.O_EXCL, max(SEGMENT_BYTES, size))

    def _from_reserve(self) -> _Segment:
        path = self._new_path()
        self._reserve.rename(path.with_suffix(_BEGUN))
        return self._begin(path, 0, RESERVE_BYTES)

    def _begin(self, path: Path, flags: int, most_bytes: int) -> _Segment:
        """Open a file and lock it, and only then let it be seen as a segment.

        Whoever drains takes away segments that hold nothing: one without a lock would go before
        its first record is written.
        """
        begun = path.with_suffix(_BEGUN)
        descriptor = os.open(begun, os.O_RDWR | _CLOEXEC | flags, 0o600)
        try_lock(descriptor)
        self._segment = _Segment(path, descriptor, 0, most_bytes)
        begun.rename(path)
        _flush_folder(self.folder)
        return self._segment

    def _new_path(self) -> Path:
        name = f"{time.time_ns():016x}-{os.getpid()}-{os.urandom(4).hex()}{_SUFFIX}"
        return self.folder / name

    def _room(self) -> int:
        """Return how many bytes more it may take from the disk."""
        used = 0
        for path in self.segments():
            with suppress(OSError):
                used += path.stat().st_size
        try:
            disk = os.statvfs(self.folder)
        except OSError:
            return 0
        free = disk.f_bavail * disk.f_frsize
        return min(self._most_bytes, (free + used) // _SHARE) - used

    def _cannot(self, error: OSError) -> StorageError:
        return StorageError(
            f"callbacks cannot be kept in {self.folder}: {error.strerror}",
            hint="Make room on its disk, or name another folder: webhook.spool_folder",
            code="spool_unusable",
        )


def read_part(file: BinaryIO, place: int, *, most: int) -> tuple[list[Record], list[bytes], int]:
    """Read records from a place on: at least one, when the file holds one there.

    The last number is how many bytes of the file that took; 0 = there is nothing more.
    """
    window = WINDOW_BYTES
    while True:
        file.seek(place)
        data = file.read(window)
        part = read(data, at_end=len(data) < window, most=most)
        if part.used or len(data) < window:
            return part.records, part.damaged, part.used
        window *= 2


@contextmanager
def locked(descriptor: int) -> Iterator[bool]:
    """Hold the lock of a file for the block; False = another kept it for too long."""
    deadline = time.monotonic() + _LOCK_S
    while not (got := try_lock(descriptor)) and time.monotonic() < deadline:
        time.sleep(0.001)
    try:
        yield got
    finally:
        if got:
            unlock(descriptor)


_CLOEXEC = getattr(os, "O_CLOEXEC", 0)


def _write_all(descriptor: int, data: bytes, place: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, place)
        view, place = view[written:], place + written


def _flush(descriptor: int) -> None:
    if sys.platform == "darwin":
        import fcntl

        # A plain flush stops in the drive's cache.
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(descriptor)


def _flush_folder(folder: Path) -> None:
    """Put the names of a folder's files on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
