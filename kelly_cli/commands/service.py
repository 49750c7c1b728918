"""kelly webhook service: print what runs the listener all year. Mounted by commands.webhook."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.options import JsonOpt
from kelly_cli.errors import UsageError
from kelly_cli.office import Office, office_of

if TYPE_CHECKING:
    from kelly_cli.commands.service_files import Place

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}", re.ASCII)
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}", re.ASCII)
_HIDDEN = ("/home/", "/root/", "/run/user/", "/tmp/")  # noqa: S108 - named, not used
"""Where the unit's own rules let it see nothing."""


def service(
    ctx: typer.Context,
    user: Annotated[
        str | None,
        typer.Option(
            "--user", help="Who runs it; by default systemd makes a user.", metavar="NAME"
        ),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", help="The units' name; another one is another listener.")
    ] = "kelly",
    json: JsonOpt = False,
) -> None:
    """Print a systemd unit with its socket, and blocks of nginx and caddy for TLS.

    Nothing is installed. Each text says where it belongs.

    kelly webhook service

    kelly webhook service --user shop --name kelly-shop --json
    """
    from kelly_cli.commands.service_files import files

    office = office_of(ctx, json=json)
    _check(_NAME, name, "--name", "a letter, then letters, digits and dashes, in lower case")
    if user is not None:
        _check(_USER, user, "--user", "the name of a user of this machine")
    texts = files(_place(office, name, user))
    if office.show.json:
        office.show.document(texts)
        return
    for path, text in texts.items():
        office.show.lines(f"# ---- {path} ----")
        office.show.verbatim(f"{text}\n")


def _check(pattern: re.Pattern[str], value: str, option: str, expected: str) -> None:
    if not pattern.fullmatch(value):
        raise UsageError(f"{option} {value!r} is not {expected}")


def _place(office: Office, name: str, user: str | None) -> Place:
    from urllib.parse import urlsplit

    from kelly_cli.commands.service_files import Place

    settings = office.config.webhook
    host = urlsplit(settings.public_url or "").hostname or "pay.example.co.ke"
    return Place(name, _command(office), user, host, settings.max_body_bytes)


def _command(office: Office) -> str:
    """Return how this very kelly is started, as a unit writes it."""
    found = shutil.which(sys.argv[0])
    path = Path(found or sys.executable).absolute()
    if str(path).startswith(_HIDDEN):
        office.show.warning(f"the unit will not see {path}: install kelly in /opt, for example")
    quoted = '"' + str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'
    if '"' not in str(path) and " " not in str(path):
        quoted = str(path).replace("%", "%%")
    return quoted if path.name.startswith("kelly") else f"{quoted} -m kelly_cli"
