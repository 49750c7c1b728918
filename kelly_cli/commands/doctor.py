"""kelly doctor: what is wrong with this installation, and how to put it right."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from kelly_cli import __version__
from kelly_cli.commands.options import JsonOpt
from kelly_cli.commands.single import Single
from kelly_cli.errors import KellyError
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from collections.abc import Callable

    from kelly_cli.config import Config
    from kelly_cli.daraja.client.shapes import TokenSight
    from kelly_cli.office import Office
    from kelly_cli.services.examining import Case, Settled

app = typer.Typer(rich_markup_mode=None, add_completion=False)

COLUMNS = (
    Column("level", "Result", "status"),
    Column("check", "Check"),
    Column("detail", "Found"),
    Column("fix", "Fix"),
)
BUSY_S = 3.0
"""How long a check waits for the books."""
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - replaced, not bound to

_T = TypeVar("_T")


@app.command(cls=Single)
def doctor(
    ctx: typer.Context,
    online: Annotated[
        bool,
        typer.Option(
            "--online",
            help="Ask Safaricom too: takes a token, compares clocks, looks at the public URL.",
            metavar="",
        ),
    ] = False,
    json: JsonOpt = False,
) -> None:
    """Look for what is wrong: settings, books, disk, clock, URLs, listener, credentials.

    Each line is passed, warned or failed, with its fix. It changes nothing; exit 1 when one failed.

    kelly doctor

    kelly doctor --online --json
    """
    from kelly_cli.services.examining import examine

    office = office_of(ctx, json=json)
    office.busy_s = BUSY_S
    findings = list(examine(_case(office, online=online)))
    failed = sum(not each.ok for each in findings)
    rows = [{**each._asdict(), "ok": each.ok} for each in findings]
    if office.show.json:
        office.show.document({"ok": not failed, "checks": rows})
    if office.show.draws:
        # A fix is to be copied: no column may break it.
        for each in findings:
            office.show.lines(f"{each.level}  {each.check}: {each.detail}")
            if each.fix:
                office.show.lines(f"        {each.fix}")
    else:
        office.show.table(rows, COLUMNS)
    warned = sum(each.level == "warned" for each in findings)
    office.show.lines("", f"{len(rows)} lines: {failed} failed, {warned} warned")
    if failed:
        raise typer.Exit(1)


def _case(office: Office, *, online: bool) -> Case:
    """Gather what is to be examined. What cannot be made is left out, with the reason kept."""
    from kelly_cli.config import find_files, load
    from kelly_cli.services.examining import Case

    broken: KellyError | None = None
    config: Config | None = None
    try:
        # Not by way of the office: its warnings are findings here.
        config = load(
            config_file=office.flags.config_file,
            db=office.flags.db,
            environ=os.environ,
            cwd=Path.cwd(),
        )
        office.config = config
    except KellyError as error:
        broken = error
    files = _or_none(lambda: find_files(office.flags.config_file, os.environ, Path.cwd()))
    return Case(
        versions=_versions(),
        broken=broken,
        files=[file for file in files or () if file],
        dotenv=files.dotenv if files else None,
        warnings=config.warnings if config else (),
        settled=_settled(config) if config else None,
        database=_or_none(lambda: office.database) if config else None,
        spool=_or_none(lambda: office.spool) if config else None,
        now=office.now,
        take_token=(lambda: _take_token(office)) if config else None,
        online=online,
    )


def _or_none(make: Callable[[], _T]) -> _T | None:
    """Return what is made, or None when it cannot be: a check says why."""
    try:
        return make()
    except KellyError:
        return None


def _versions() -> str:
    from kelly_cli.store.versions import database_versions

    machine = f"{platform.system()} {platform.machine()}"
    python = f"Python {platform.python_version()}"
    return f"kelly {__version__}, {python}, {database_versions()}, {machine}"


def _settled(config: Config) -> Settled:
    from kelly_cli.commands.mpesa_urls import environment_of
    from kelly_cli.config.callbacks import callback_urls
    from kelly_cli.config.posture import TEST_CODES
    from kelly_cli.services.examining import Settled

    urls = _or_none(lambda: callback_urls(config))
    webhook, mpesa = config.webhook, config.mpesa
    return Settled(
        environment=environment_of(config),
        base_url=mpesa.base_url,
        short_code=mpesa.short_code,
        test_codes=tuple(sorted(mpesa.our_codes & TEST_CODES)),
        listener_url=_listener_url(webhook.host, webhook.port),
        public_url=webhook.public_url,
        confirmation_url=urls.confirmation if urls else "",
        validation_url=urls.validation if urls else "",
        token=webhook.token.reveal() if webhook.token else None,
        missing=_missing(config),
        changed=tuple(
            f"{row.name} = {row.value_for_people} ({row.origin})"
            for row in config.settings()
            if row.origin != "default"
        ),
    )


def _listener_url(host: str, port: int) -> str:
    if port == 0:
        return ""
    host = _ANY_ADDRESS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _missing(config: Config) -> tuple[str, ...]:
    """Return the variables of the credentials that the main short code has not."""
    from kelly_cli.config.table import BY_NAME, CREDENTIALS

    ours = config.mpesa.credentials()
    return tuple(
        BY_NAME[f"mpesa.{name}"].names[0] for name in CREDENTIALS if getattr(ours, name) is None
    )


def _take_token(office: Office) -> TokenSight:
    with office.daraja() as daraja:
        return daraja.token()
