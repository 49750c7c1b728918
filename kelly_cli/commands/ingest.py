"""kelly webhook ingest: callbacks from files and stdin."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from kelly_cli.commands.options import JsonOpt
from kelly_cli.errors import KellyError, UsageError
from kelly_cli.office import Office, office_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kelly_cli.services.inbox import Tally
    from kelly_cli.services.ingesting import Ingest

KINDS = ("confirmation", "validation", "stk")
PARTLY = 3
INTERRUPTED = 130
SHOWN_FAILURES = 10


def ingest(
    ctx: typer.Context,
    files: Annotated[
        list[str], typer.Argument(help="Files of callbacks; - is stdin.", metavar="FILE...|-")
    ],
    kind: Annotated[
        str | None,
        typer.Option(help=f"What the bodies are: {', '.join(KINDS)} (default: by their shape)."),
    ] = None,
    json: JsonOpt = False,
) -> None:
    """Take callbacks from files: JSON objects, arrays or JSON Lines, in any mix.

    A file may be taken again: what was booked is not booked twice.

    kelly webhook ingest callbacks.jsonl

    cat *.json | kelly webhook ingest -
    """
    from kelly_cli.services.ingesting import Ingest

    if kind is not None and kind not in KINDS:
        raise UsageError(f"--kind: {kind!r} is not one of {', '.join(KINDS)}")
    office = office_of(ctx, json=json)
    _refuse_unreadable(files)

    run = Ingest(office.inbox(office.books_to_write()), kind=kind)  # type: ignore[arg-type]
    with _stopped_by_ctrl_c(office, run):
        whole = _take_all(office, run, files)
    _tell(office, run.tally)
    if not whole:
        office.show.note("Interrupted: what is counted here is in the books, the rest is not.")
        office.show.note("Try: the same command again; nothing is booked twice")
        raise typer.Exit(INTERRUPTED)
    if run.tally.failed:
        raise typer.Exit(PARTLY)


def _take_all(office: Office, run: Ingest, files: list[str]) -> bool:
    sizes = [Path(name).stat().st_size for name in files if name != "-"]
    total = sum(sizes) if "-" not in files else None
    with office.show.progress(total, "Bytes read") as progress:
        for name in files:
            with _opened(name) as stream:
                source = "stdin" if name == "-" else "file"
                if not run.run(stream, source, progress.advance):
                    return False
    return True


def _refuse_unreadable(files: list[str]) -> None:
    """Refuse before anything is taken: a mistyped name must not leave half of the files done."""
    for name in files:
        if name == "-":
            if sys.stdin.isatty():
                sys.stderr.write("Reading callbacks from the keyboard; end with Ctrl-D.\n")
            continue
        if not Path(name).is_file() and not Path(name).is_fifo():
            raise KellyError(
                f"{name}: there is no such file",
                hint="Give the path of a file of callbacks, or - for stdin",
                code="file_not_found",
            )
        if not os.access(name, os.R_OK):
            raise KellyError(f"{name}: this user may not read it", code="file_not_readable")


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    with Path(name).open("rb") as stream:
        yield stream


@contextmanager
def _stopped_by_ctrl_c(office: Office, run: Ingest) -> Iterator[None]:
    """The first Ctrl-C stops between two units of work, the second at once."""

    def stop(_signal: int, _frame: object) -> None:
        run.stop()
        office.show.note("Stopping after this batch; once more to stop at once")
        signal.signal(signal.SIGINT, before)

    try:
        before = signal.signal(signal.SIGINT, stop)
    except ValueError:  # not the main thread: nobody types Ctrl-C there
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(office: Office, tally: Tally) -> None:
    show = office.show
    if show.json:
        show.document(
            {
                "received": tally.received,
                "processed": tally.processed,
                "duplicates": tally.duplicates,
                "failed": tally.failed,
                "conflicts": tally.conflicts,
                "failures": tally.failures,
            }
        )
        return
    tell_tally(office, tally, f"received {tally.received}")


def tell_tally(office: Office, tally: Tally, first: str) -> None:
    """Print what became of a number of callbacks, the first failures, and what to do about them."""
    show = office.show
    had = f"already had {tally.duplicates}"
    if tally.conflicts:
        had += f" ({tally.conflicts} with other facts: kelly webhook list --conflicts)"
    show.lines(f"{first} · processed {tally.processed} · {had} · failed {tally.failed}")
    for failure in tally.failures[:SHOWN_FAILURES]:
        show.lines(f"  log {failure['log_id']}  {failure['trans_id'] or '-'}  {failure['error']}")
    if tally.failed > SHOWN_FAILURES:
        show.lines(f"  … and {tally.failed - SHOWN_FAILURES} more")
    if tally.failed:
        show.note("See them: kelly webhook list --failed. Put it right, then: kelly reprocess")
