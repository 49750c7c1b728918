"""Streams: what a terminal can do, how wide it is, and writing that never half-fails.

Knows nothing of what is written.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

DEFAULT_WIDTH = 80
NARROWEST = 20
"""Columns; a terminal that says less is not believed."""


def can_draw(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether to draw: a terminal, and neither NO_COLOR nor TERM=dumb asks for plain text."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def width_of(stream: TextIO, environ: Mapping[str, str]) -> int:
    """Return the terminal's width in cells: ``COLUMNS``, the terminal's own word, else 80."""
    given = environ.get("COLUMNS", "")
    columns = int(given) if given.isascii() and given.isdigit() else 0
    if not columns:
        with suppress(OSError, ValueError):  # not a terminal after all, or no file behind it
            columns = os.get_terminal_size(stream.fileno()).columns
    return max(columns or DEFAULT_WIDTH, NARROWEST)


def is_unicode(stream: TextIO) -> bool:
    """Tell whether every character can be written to the stream."""
    return (stream.encoding or "utf-8").lower().startswith("utf")


def write(stream: TextIO, text: str) -> None:
    """Write and flush, so that a full disk or a closed pipe is noticed here and not at exit.

    What the stream's encoding does not have becomes ``?``.

    Raises:
        OSError: the text did not get out (BrokenPipeError: nobody reads any more).
    """
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()


def write_bytes(stream: TextIO, data: bytes) -> None:
    """Write bytes as they are to what is behind a stream, and flush.

    Raises:
        OSError: they did not get out.
    """
    stream.flush()
    stream.buffer.write(data)
    stream.buffer.flush()


def quiet_broken_pipe(*streams: TextIO) -> int:
    """Silence streams that nobody reads any more, and return the exit code for it.

    What is still buffered goes nowhere; otherwise the interpreter would complain about it at exit.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        with suppress(OSError, ValueError):  # no file behind the stream: nothing to complain
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    return 1
