"""How a callback lies in a spool file: one record of bytes that tells whether it is whole.

    mark, length, CRC32 of the rest, CRC32 of these three | delivery id, kind, received_at, bytes

A file that ends within a record (a crash) or in zeros (a reserve) has simply ended; anything else
that is no record is damage, and reading goes on at the next sound record. Pure: no files here.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable

MARK = b"\x1eKR1"
_HEAD = struct.Struct(">4sII")
_SUM = struct.Struct(">I")
_FACTS = struct.Struct(">BBq")
HEAD_BYTES = _HEAD.size + _SUM.size
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Record(NamedTuple):
    """One callback. ``received_at``: aware UTC, to the microsecond."""

    delivery_id: str
    kind: str
    received_at: datetime
    raw: bytes


class Part(NamedTuple):
    """What was read: whole records, what was no record, and how many bytes that took."""

    records: list[Record]
    damaged: list[bytes]
    used: int


def pack(record: Record) -> bytes:
    """Return a record as it stands in a file."""
    name, kind = record.delivery_id.encode(), record.kind.encode()
    at = (record.received_at - _EPOCH) // _MICROSECOND
    rest = b"".join((_FACTS.pack(len(name), len(kind), at), name, kind, record.raw))
    head = _HEAD.pack(MARK, len(rest), crc32(rest))
    return b"".join((head, _SUM.pack(crc32(head)), rest))


def pack_all(records: Iterable[Record]) -> bytes:
    """Return records as they stand in a file, one after another."""
    return b"".join(pack(record) for record in records)


def read(data: bytes, *, at_end: bool, most: int) -> Part:
    """Read up to ``most`` records. ``at_end``: nothing follows these bytes in the file."""
    records: list[Record] = []
    damaged: list[bytes] = []
    place = 0
    while place < len(data) and len(records) < most:
        end = _end_of(data, place)
        if end is not None and end <= len(data):
            record = _record(data, place, end)
            if record is None:
                damaged.append(data[place:end])
            else:
                records.append(record)
            place = end
            continue
        if not at_end and (end is not None or len(data) - place < HEAD_BYTES):
            break
        # A record that the file cuts short, or zeros: it was never answered for.
        if end is not None or len(data) - place < HEAD_BYTES or not data[place:].strip(b"\0"):
            place = len(data) if at_end else place
            break
        after = _next_record(data, place + 1)
        if after is None and not at_end:
            break
        damaged.append(data[place : len(data) if after is None else after])
        place = len(data) if after is None else after
    return Part(records, damaged, place)


def _end_of(data: bytes, place: int) -> int | None:
    """Return where the record that begins here ends, or None: none begins here."""
    head = data[place : place + _HEAD.size]
    given = data[place + _HEAD.size : place + HEAD_BYTES]
    if len(given) < _SUM.size or not head.startswith(MARK):
        return None
    if _SUM.unpack(given)[0] != crc32(head):
        return None
    return place + HEAD_BYTES + int(_HEAD.unpack(head)[1])


def _next_record(data: bytes, place: int) -> int | None:
    while (place := data.find(MARK, place)) >= 0:
        if _end_of(data, place) is not None:
            return place
        place += 1
    return None


def _record(data: bytes, place: int, end: int) -> Record | None:
    _, _, given = _HEAD.unpack_from(data, place)
    rest = data[place + HEAD_BYTES : end]
    if crc32(rest) != given or len(rest) < _FACTS.size:
        return None
    name_bytes, kind_bytes, at = _FACTS.unpack_from(rest)
    kind_at = _FACTS.size + name_bytes
    raw_at = kind_at + kind_bytes
    try:
        name, kind = rest[_FACTS.size : kind_at].decode(), rest[kind_at:raw_at].decode()
    except UnicodeDecodeError:
        return None
    return Record(name, kind, _EPOCH + at * _MICROSECOND, rest[raw_at:])
