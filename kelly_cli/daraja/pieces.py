r"""Files of callbacks: a stream of bytes cut into pieces, each to be one callback.

The promise is the last paragraph of contract section 4. At the top level white space, commas,
brackets and byte-order marks only separate. From ``{`` a piece runs to its matching ``}``, strings
respected, if that comes within 1 MiB; if none does, or a string meets a line end first, the piece
is the line from that ``{`` on. Anything else runs to the next ``{`` or line end and is one piece,
without the separators at its end. A line end is ``\n``; a line without one is cut at 16 MiB.

Memory is bounded by one block and the longest piece. Work is linear in the bytes, whatever they
are: a search that found no match is remembered with every brace that it left open, and goes on from
where it stopped. What is read again is a piece that waits for the next block, at most 16 times.
Whether a piece is sound JSON is not known here.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK_BYTES: Final = 1 << 20
MATCH_BYTES: Final = 1 << 20
"""A piece from ``{`` to its matching ``}`` is no longer."""
LINE_BYTES: Final = 16 << 20
"""Any other piece is no longer."""

_BLANK = b" \t\r\v\f"
_LOOSE = b" \t\r\v\f,[]"
_OPEN, _CLOSE, _QUOTE, _LINE_END, _BACKSLASH = b'{}"\n\\'
_SEPARATORS = re.compile(rb"(?:[ \t\r\v\f,\[\]]++|\xef\xbb\xbf)*+")
_ANYTHING_ELSE = re.compile(rb"[^{\n]*+")
_TO_BRACE = re.compile(rb'[^"{}]*+(?:"(?:[^"\\\n]++|\\[^\n])*+"[^"{}]*+)*+')
_REST_OF_STRING = re.compile(rb"(?:[^\"\\\n]++|\\[^\n])*+")

_UNDECIDED = -1
_NO_MATCH = -2


def split(stream: BinaryIO, *, block_bytes: int = BLOCK_BYTES) -> Pieces:
    """Cut ``stream`` into pieces as it is read; iterate over the result once.

    Source: contract section 4, ``webhook ingest``.
    """
    return Pieces(stream, block_bytes=block_bytes)


class _Search:
    """Looks for the matching brace of the first open one, and can go on when more bytes are there.

    Positions count from the start of the stream. ``opens`` are the braces seen outside strings
    that have no match before ``at``.
    """

    __slots__ = ("at", "broken", "in_string", "opens")

    def __init__(self, start: int) -> None:
        self.opens = deque([start])
        self.at = start + 1
        self.in_string = False
        self.broken = False

    def run(self, buffer: bytes, base: int, limit: int) -> int:
        """Return the position after the match, ``_NO_MATCH`` before ``limit``, or ``_UNDECIDED``.

        ``buffer`` starts at position ``base``.
        """
        opens = self.opens
        stop = min(len(buffer), limit - base)
        at = self.at - base
        while not self.broken and at < stop:
            if self.in_string:
                at = self._leave_string(buffer, at, stop)
                if self.in_string:
                    break
            at = _TO_BRACE.match(buffer, at, stop).end()  # type: ignore[union-attr]  # may be empty
            if at == stop:
                break
            sign = buffer[at]
            at += 1
            if sign == _OPEN:
                opens.append(base + at - 1)
            elif sign == _CLOSE:
                opens.pop()
                if not opens:
                    return base + at
            else:
                self.in_string = True
        self.at = base + at
        return _NO_MATCH if self.broken or base + stop == limit else _UNDECIDED

    def _leave_string(self, buffer: bytes, at: int, stop: int) -> int:
        """Go to the end of the string, or as far as the bytes reach; a line end breaks it."""
        at = _REST_OF_STRING.match(buffer, at, stop).end()  # type: ignore[union-attr]
        if at < stop and buffer[at] == _QUOTE:
            self.in_string = False
            return at + 1
        self.broken = at < stop and not (buffer[at] == _BACKSLASH and at + 1 == stop)
        return at


class Pieces:
    """The pieces of one stream, in order. ``bytes_read`` grows while they are taken."""

    def __init__(
        self,
        stream: BinaryIO,
        *,
        block_bytes: int = BLOCK_BYTES,
        match_bytes: int = MATCH_BYTES,
        line_bytes: int = LINE_BYTES,
    ) -> None:
        self.bytes_read = 0
        self._stream = stream
        self._block_bytes = block_bytes
        self._match_bytes = match_bytes
        self._line_bytes = line_bytes
        self._buffer = b""
        self._base = 0  # position in the stream of the buffer's first byte
        self._next = 0  # what is before it in the buffer has been handed out
        self._ended = False
        self._search = _Search(-1)
        self._search.opens.clear()

    def __iter__(self) -> Iterator[bytes]:
        """Yield the pieces; each holds at least one byte."""
        while self._read_block() or self._next < len(self._buffer):
            lines_end = len(self._buffer) if self._ended else self._buffer.rfind(b"\n") + 1
            if lines_end > self._next:
                yield from self._whole_lines(lines_end)
            else:
                yield from self._one_line()

    def _read_block(self) -> bool:
        block = b"" if self._ended else self._stream.read(self._block_bytes)
        if not block:
            self._ended = True
            return False
        self.bytes_read += len(block)
        self._base += self._next
        self._buffer = self._buffer[self._next :] + block
        self._next = 0
        return True

    def _whole_lines(self, lines_end: int) -> Iterator[bytes]:
        """Hand out plain lines at once; every other line goes through ``_one_line``."""
        lines = self._buffer[self._next : lines_end].split(b"\n")
        end = self._base + lines_end
        known, start = 0, self._base + self._next  # lines[known] starts at this position
        longest = min(self._match_bytes, self._line_bytes)
        index, count = 0, len(lines)
        while index < count:
            line = lines[index]
            if line.rfind(_OPEN) == 0 and line.find(_CLOSE) == len(line) - 1 < longest:
                index += 1
                yield line
                continue
            piece = _plain(line, longest)
            if piece is not None:
                index += 1
                if piece:
                    yield piece
                continue
            start += sum(map(len, lines[known:index])) + index - known
            self._next = start - self._base
            yield from self._one_line()
            reached = self._base + self._next
            if reached > end:
                return
            known = index
            while start < reached:
                start += len(lines[known]) + 1
                known += 1
            index = known
        self._next = end - self._base

    def _one_line(self) -> Iterator[bytes]:
        """Yield what begins on this line and stop behind a line end, maybe of a later line."""
        while True:
            at = self._next = _SEPARATORS.match(self._buffer, self._next).end()  # type: ignore[union-attr]
            if at == len(self._buffer):
                if not self._read_block():
                    return
                continue
            if self._buffer[at] == _LINE_END:
                self._next = at + 1
                return
            end, trimmed = (self._from_brace if self._buffer[at] == _OPEN else self._other)(at)
            if end == _UNDECIDED:
                self._read_block()
                continue
            self._next = end
            yield self._buffer[at:end].rstrip(trimmed)

    def _from_brace(self, at: int) -> tuple[int, bytes]:
        """Return the end of the piece that this ``{`` starts, and what to trim there."""
        position = self._base + at
        search = self._search
        while search.opens and search.opens[0] < position:
            search.opens.popleft()
        if not (search.opens and search.opens[0] == position):
            search = _Search(position)
        match = search.run(self._buffer, self._base, position + self._match_bytes)
        if match >= 0:
            return match - self._base, b""
        if search.at >= self._search.at:
            self._search = search
        if match == _UNDECIDED and not self._ended:
            return _UNDECIDED, b""
        return self._decided(self._buffer.find(b"\n", at, at + self._line_bytes), at), _BLANK

    def _other(self, at: int) -> tuple[int, bytes]:
        """Return the end of the piece that starts here without a brace, and what to trim there."""
        end = _ANYTHING_ELSE.match(self._buffer, at, at + self._line_bytes).end()  # type: ignore[union-attr]
        return self._decided(end if end < len(self._buffer) else -1, at), _LOOSE

    def _decided(self, end: int, at: int) -> int:
        """Return ``end`` if there is one, else where a piece without an end is cut."""
        if end >= 0:
            return end
        if len(self._buffer) - at >= self._line_bytes:
            return at + self._line_bytes
        return len(self._buffer) if self._ended else _UNDECIDED


def _plain(line: bytes, longest: int) -> bytes | None:
    """Return the one piece of a line, empty when it holds none, or None: it takes a closer look.

    With one ``{`` at its start and one ``}`` at its end a line is a piece by either rule: the brace
    matches, or it stands in a string that meets the line end. A comma behind it is a separator only
    in the first case, so the quotes are counted.
    """
    line = line.rstrip(_BLANK).lstrip(_LOOSE)
    if line.endswith(b",") and line.find(_BACKSLASH) < 0 and line.count(_QUOTE) % 2 == 0:
        line = line.rstrip(_BLANK + b",")
    plain = line.rfind(_OPEN) == 0 and line.find(_CLOSE) == len(line) - 1 < longest
    return line if plain or not line else None
