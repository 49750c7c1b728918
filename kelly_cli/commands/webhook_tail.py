"""kelly webhook tail: callbacks as lines, as they come. Mounted by kelly_cli.commands.webhook."""

from __future__ import annotations

import re
import select
import signal
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.options import JsonOpt, ShortCodeOpt
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.core.times import NAIROBI, nairobi_wall_clock
from kelly_cli.errors import StorageError, UsageError
from kelly_cli.office import office_of
from kelly_cli.render import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from kelly_cli.office import Office
    from kelly_cli.services.tailing import Line, Tail

LOOK_S = 0.5
BUSY_S = 2.0
FIRST = 10
_AGO = re.compile(r"([1-9][0-9]{0,4})([smhd])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def tail(
    ctx: typer.Context,
    number: Annotated[
        int,
        typer.Option("--lines", "-n", min=0, max=10**6, help="Begin with so many that came."),
    ] = FIRST,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            help="Begin with all since then: 90m, 24h, 2d, or 2026-02-03T14:00 in Nairobi.",
            metavar="TIME",
        ),
    ] = None,
    short_code: ShortCodeOpt = None,
    json: JsonOpt = False,
) -> None:
    """Show callbacks as they come, whoever takes them, until Ctrl-C: a line each.

    Time in Nairobi, outcome, receipt, amount, reference, and why it failed. What waits in the spool
    is told too. It only reads; it may run beside the listener, and more than once.

    kelly webhook tail

    kelly webhook tail --since 2h --short-code 174379

    kelly webhook tail -n 100 --json
    """
    from kelly_cli.commands.short_codes import Places
    from kelly_cli.services.tailing import Tail

    office = office_of(ctx, json=json)
    begin = None if since is None else moment(since, office.now())
    office.busy_s = BUSY_S
    codes = None if short_code is None else Places(office).picked(short_code)
    ours = frozenset(code.code for code in office.config.mpesa.short_codes)
    watched = Tail(office.books_to_read(), ours=ours, codes=codes)
    with _ended_by_sigterm() as over:
        tell = _teller(office)
        for lines in watched.begin(count=number, since=begin):
            tell(lines)
        if office.show.json:
            office.show.json_line({"event": "ready", "database": office.database.shown()})
        else:
            office.show.note(f"Watching {office.database.shown()}; Ctrl-C ends it")
        _follow(office, watched, tell, over)


def _follow(
    office: Office, watched: Tail, tell: Callable[[list[Line]], None], over: threading.Event
) -> None:
    """Tell what comes, until it is over. A fault of the database is told once, and waited out."""
    away = ""
    in_spool = 0
    while not over.is_set():
        try:
            for lines in watched.more():
                tell(lines)
        except StorageError as error:
            if error.message != away:
                office.show.warning(f"{error.message}; looking again until it can be read")
            away = error.message
        else:
            if away:
                office.show.note("The books can be read again")
            away = ""
        in_spool = _tell_spool(office, in_spool)
        _wait(office, over)


def _tell_spool(office: Office, before: int) -> int:
    """Tell how many wait in the spool when it is another number than ``before``; return it."""
    waiting = before
    with suppress(StorageError, OSError):
        waiting = office.spool.waiting().records
    if waiting == before:
        return before
    if office.show.json:
        office.show.json_line({"event": "spool", "waiting": waiting})
    else:
        office.show.note(f"In the spool: {waiting}" if waiting else "The spool is empty again")
    return waiting


def _wait(office: Office, over: threading.Event) -> None:
    """Wait for the next look; a reader who has gone ends it at once."""
    try:
        descriptor = office.show.stdout.fileno()
        gone = select.poll()
    except (OSError, ValueError, AttributeError):  # no file behind it, or no poll on this system
        over.wait(LOOK_S)
        return
    # Without a wish, only the end of the other side is told.
    gone.register(descriptor, 0)
    if gone.poll(LOOK_S * 1000):
        raise BrokenPipeError


@contextmanager
def _ended_by_sigterm() -> Iterator[threading.Event]:
    """End in order on SIGTERM; Ctrl-C interrupts, as anywhere."""
    over = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: over.set())
    try:
        yield over
    finally:
        signal.signal(signal.SIGTERM, before)


def _teller(office: Office) -> Callable[[list[Line]], None]:
    show = office.show
    if show.json:

        def as_json(lines: list[Line]) -> None:
            for line in lines:
                show.json_line(_json(line))

        return as_json
    if not show.draws:
        return lambda lines: show.verbatim(
            "".join("\t".join(_cells(each)) + "\n" for each in lines)
        )
    return _Drawn(office).tell


class _Drawn:
    """Lines on a terminal; a day has its name above it when it is not today."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._day: date = office.today()

    def tell(self, lines: list[Line]) -> None:
        for line in lines:
            wall = nairobi_wall_clock(line.at)
            if wall.date() != self._day:
                self._day = wall.date()
                self._office.show.lines(f"{wall:%A %d %B %Y}")
            _, outcome, receipt, amount, reference, error = _cells(line)
            why = f"  {error}" if error else ""
            self._office.show.lines(
                f"{wall:%H:%M:%S}  {outcome:<9}  {receipt:<12}  {amount:>12}  {reference}{why}"
            )


def _cells(line: Line) -> tuple[str, str, str, str, str, str]:
    cents = line.amount_cents
    return (
        f"{nairobi_wall_clock(line.at):%Y-%m-%d %H:%M:%S}",
        line.outcome,
        safe(line.trans_id or "-"),
        "-" if cents is None else kes_for_people(cents),
        safe(line.reference or "-"),
        safe(line.error or ""),
    )


def _json(line: Line) -> dict[str, object]:
    cents = line.amount_cents
    return {
        "at": line.at.isoformat(),
        "outcome": line.outcome,
        "trans_id": line.trans_id,
        "amount": None if cents is None else kes(cents),
        "bill_ref_number": line.reference,
        "short_code": line.short_code,
        "kind": line.kind,
        "source": line.source,
        "log_id": line.log_id,
        "error": line.error,
    }


def moment(text: str, now: datetime) -> datetime:
    """Read ``--since``: a length of time before ``now`` (aware), or a moment of Nairobi's clock.

    Raises:
        UsageError: neither.
    """
    ago = _AGO.fullmatch(text.strip().lower())
    if ago is not None:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    found = None
    with suppress(ValueError):
        found = datetime.fromisoformat(text.strip())
    if found is None or found.tzinfo is not None:
        raise UsageError(
            f"--since: {text!r} is neither a length of time nor a moment of Nairobi's clock",
            hint="Write 90m, 24h, 2d, 2026-02-03 or 2026-02-03T14:00",
        )
    return found.replace(tzinfo=NAIROBI).astimezone(UTC)
