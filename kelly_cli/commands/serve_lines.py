"""What `kelly webhook serve` says: a line on stdout for each callback, the log on stderr."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.render import dump_json_line, safe
from kelly_cli.render.streams import is_unicode

if TYPE_CHECKING:
    from collections.abc import Callable

    from kelly_cli.listener.logs import Logbook
    from kelly_cli.listener.telling import Teller
    from kelly_cli.office import Office
    from kelly_cli.services.serving import Happened


def logbook_of(office: Office) -> Logbook:
    """Return the log of this run, on stderr."""
    from kelly_cli.listener.logs import Logbook

    ascii_only = not is_unicode(office.show.stderr)
    return Logbook(
        _writes_to(office.show.stderr),
        dump=partial(dump_json_line, ascii_only=ascii_only),
        clock=office.now,
        secrets=_secrets(office),
    )


def _secrets(office: Office) -> list[str]:
    """Return every secret of the configuration, and each address that alerts go to."""
    from urllib.parse import urlsplit

    config = office.config
    found = [config.webhook.token, config.alerts.urls]
    for credentials in config.mpesa.keys.values():
        found += [getattr(credentials, name) for name in credentials.__slots__]
    secrets = [each.reveal() for each in found if each is not None]
    if config.alerts.urls is not None:
        secrets += config.alerts.urls.reveal().split(",")
    password = urlsplit(config.database.url).password
    return [*secrets, password] if password else secrets


def teller_of(office: Office, logbook: Logbook, url: str) -> Teller:
    """Return the one who tells what becomes of callbacks, and first that they may come."""
    from kelly_cli.listener.telling import Teller

    return Teller(
        ready=lambda: _say_ready(office, logbook, url),
        line=_line_for(office),
        out=_writes_to(office.show.stdout),
        err=logbook.complaint,
        log=logbook.happened,
        note=logbook.write,
    )


def say_stopped(logbook: Logbook, *, finished: bool) -> None:
    """Write that the listener ended, and whether all that it had taken was done."""
    from kelly_cli.listener.logs import Note

    logbook.write(Note("info", "stopped", {"finished": finished}))


def _say_ready(office: Office, logbook: Logbook, url: str) -> None:
    from kelly_cli.listener.logs import Note

    environment, database = office.config.mpesa.environment, office.database.shown()
    facts = {
        "url": url,
        "environment": environment,
        "database": database,
        "spool": str(office.spool.folder),
    }
    if office.show.json:
        office.show.json_line({"event": "ready", **facts})
    else:
        office.show.note(f"Listening on {url} ({environment}), database {database}")
    logbook.write(Note("info", "started", facts))


def _line_for(office: Office) -> Callable[[Happened], str]:
    if office.show.json:
        ascii_only = not is_unicode(office.show.stdout)
        dump = partial(dump_json_line, ascii_only=ascii_only)
        return lambda happened: _json_line(happened, dump)
    return _columns if office.show.draws else _tabbed


def _json_line(happened: Happened, dump: Callable[[object], str]) -> str:
    """Write one by hand: a busy hour is mostly these lines, and an encoder for each is dear."""
    cents = happened.amount_cents
    return (
        f'{{"at": "{happened.at.isoformat()}", "outcome": "{happened.outcome}", '
        f'"trans_id": {dump(happened.trans_id)}, '
        f'"amount": {dump(None if cents is None else kes(cents))}, '
        f'"where": {dump(happened.where)}, "log_id": {happened.log_id}, '
        f'"error": {dump(happened.error)}}}'
    )


def _cells(happened: Happened) -> tuple[str, str, str, str, str]:
    cents = happened.amount_cents
    return (
        f"{nairobi_wall_clock(happened.at):%H:%M:%S}",
        happened.outcome,
        happened.trans_id or "-",
        "-" if cents is None else kes_for_people(cents),
        safe(happened.where),
    )


def _tabbed(happened: Happened) -> str:
    return "\t".join(_cells(happened))


def _columns(happened: Happened) -> str:
    at, outcome, receipt, amount, where = _cells(happened)
    return f"{at}  {outcome:<9}  {receipt:<12}  {amount:>12}  {where}"


def there(stream: TextIO | None) -> TextIO:
    """Return a stream to write to; None = it was closed before the start, and nobody reads."""
    return Path(os.devnull).open("w", encoding="utf-8") if stream is None else stream


def _writes_to(stream: TextIO) -> Callable[[str], None]:
    """Return what puts text on a stream, past its buffer.

    The thread that prints may hang in it when the process ends, and a buffer whose lock is held
    would abort the interpreter.
    """
    encoding = stream.encoding or "utf-8"

    def write(text: str) -> None:
        descriptor, data = stream.fileno(), text.encode(encoding, "replace")
        while data:
            data = data[os.write(descriptor, data) :]

    return write
