"""Draining a spool: unit by unit, by one process at a time; a segment that is all in goes.

Nothing here keeps count of what was drained beyond this process: whoever puts the records into the
books knows by their delivery ids which ones stand there already.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.errors import StorageError
from kelly_cli.locks import try_lock, unlock
from kelly_cli.store.spool import locked, read_part

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kelly_cli.core.spooled import Record
    from kelly_cli.store.spool import Spool

UNIT_RECORDS = 500


class _Unit(NamedTuple):
    """Records of one segment, and where they end there."""

    path: Path
    records: list[Record]
    damaged: list[bytes]
    start: int
    end: int


class Drain:
    """Reads a spool from its beginning."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._places: dict[str, int] = {}
        self.damaged = 0
        """Pieces that this drain found unreadable and kept aside."""

    @contextmanager
    def unit(self) -> Iterator[list[Record] | None]:
        """Give the next records; they count as drained when the block ends without an error.

        None = another process drains at this moment. Nothing = the spool is empty.

        Raises:
            StorageError: the spool cannot be read, or its damage not kept aside.
        """
        if not self._spool.segments():
            yield []
            return
        try:
            lock = os.open(self._spool.folder / "drain.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._cannot(error) from error
        try:
            if not try_lock(lock):
                yield None
                return
            try:
                yield from self._next_unit()
            finally:
                unlock(lock)
        finally:
            os.close(lock)

    def _next_unit(self) -> Iterator[list[Record]]:
        try:
            while (unit := self._find()) is not None:
                self._keep_aside(unit)
                if unit.records:
                    break
                self._places[unit.path.name] = unit.end
        except OSError as error:
            raise self._cannot(error) from error
        if unit is None:
            yield []
            return
        yield unit.records
        self._places[unit.path.name] = unit.end

    def _find(self) -> _Unit | None:
        """Return the first unit, and remove the segments that are drained on the way."""
        for path in self._spool.segments():
            try:
                unit = self._read(path, self._places.get(path.name, 0))
            except FileNotFoundError:
                continue
            if unit is not None:
                return unit
        return None

    def _read(self, path: Path, start: int) -> _Unit | None:
        with path.open("rb+") as file, locked(file.fileno()) as got:
            if not got:
                return None
            records, damaged, used = read_part(file, start, most=UNIT_RECORDS)
            if records or damaged:
                return _Unit(path, records, damaged, start, start + used)
            # Under its lock: nobody appends now, and who comes later sees that it is gone.
            path.unlink()
            self._places.pop(path.name, None)
            return None

    def _keep_aside(self, unit: _Unit) -> None:
        if not unit.damaged:
            return
        self._spool.aside.mkdir(mode=0o700, exist_ok=True)
        for number, piece in enumerate(unit.damaged):
            name = f"{unit.path.stem}-{unit.start}-{number}.piece"
            with (self._spool.aside / name).open("wb") as file:
                file.write(piece)
                file.flush()
                os.fsync(file.fileno())
        self.damaged += len(unit.damaged)

    def _cannot(self, error: OSError) -> StorageError:
        return StorageError(
            f"the spool {self._spool.folder} cannot be drained: {error.strerror}",
            hint="Run kelly as the user that the listener runs as",
            code="spool_unusable",
        )
