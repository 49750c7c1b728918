"""The checks of `kelly doctor`: one function each, none of which can stop the others.

Each looks at a ``Case`` and tells what it found, with what to do about it. Whatever a check runs
into, even that it never ends, becomes its finding.
"""

from __future__ import annotations

import stat
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.daraja.client.errors import DarajaError, UnreachableError
from kelly_cli.daraja.urls import Level, check_pair
from kelly_cli.errors import KellyError, SchemaTooOldError
from kelly_cli.services import asking, registering, watching
from kelly_cli.services.spooling import SOURCE
from kelly_cli.store import log_rows, schema
from kelly_cli.store.tables import SCHEMA_REVISION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from kelly_cli.daraja.client.shapes import TokenSight
    from kelly_cli.store.database import Database
    from kelly_cli.store.spool import Spool

ENOUGH_S = 15.0
"""A check that takes longer has failed; it is left behind."""
FULL_MIB, TIGHT_MIB = 200, 1024
SLOW, WRONG = timedelta(seconds=30), timedelta(minutes=5)
"""How far the clock may be off: more is a warning, a failure."""
QUIET = timedelta(days=3)
_BUILT = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that is right says an earlier time."""
_HTTP_OK = 200


class Finding(NamedTuple):
    """One line of the examination. ``fix``: the next step, "" = none is needed."""

    check: str
    level: Level
    detail: str
    fix: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether it is no failure."""
        return self.level != "failed"


class Settled(NamedTuple):
    """The configuration as far as the checks need it."""

    environment: str
    """How careful to be: production when anything says so."""
    base_url: str
    short_code: str
    test_codes: tuple[str, ...]
    """Short codes of ours that are Safaricom's test codes."""
    listener_url: str
    public_url: str | None
    confirmation_url: str
    """"" = nobody outside could reach the listener by what is configured."""
    validation_url: str
    token: str | None
    missing: tuple[str, ...]
    """Variables of credentials that are not set."""
    changed: tuple[str, ...]
    """``setting = value (origin)`` of all that is not the default; no secret in it."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is examined. None = it could not even be made; ``broken`` says why."""

    versions: str
    broken: KellyError | None
    files: Sequence[Path]
    """kelly.toml and .env, those that there are."""
    dotenv: Path | None
    warnings: Sequence[str]
    settled: Settled | None
    database: Database | None
    spool: Spool | None
    now: Callable[[], datetime]
    take_token: Callable[[], TokenSight] | None
    online: bool


def examine(case: Case) -> Iterator[Finding]:
    """Run every check, in their order, whatever becomes of each."""
    for look in CHECKS:
        name = look.__name__.removeprefix("_").replace("_", " ")
        yield from _guarded(name, look, case)


def _guarded(name: str, look: Callable[[Case], Iterator[Finding]], case: Case) -> list[Finding]:
    found: list[Finding] = []

    def run() -> None:
        try:
            found.extend(look(case))
        except KellyError as error:
            found.append(Finding(name, "failed", error.message, error.hint))
        except Exception as error:  # noqa: BLE001 - one check must not stop the others
            what = f"could not be checked: {type(error).__name__}: {error}"
            found.append(Finding(name, "failed", what, "Run it again with KELLY_DEBUG=1"))

    thread = threading.Thread(target=run, name=f"kelly-doctor-{name}", daemon=True)
    thread.start()
    thread.join(ENOUGH_S)
    if thread.is_alive():
        return [Finding(name, "failed", f"no answer within {ENOUGH_S:.0f} s", "See why it hangs")]
    return found or [Finding(name, "warned", "not looked at: put right what stands above first")]


def _versions(case: Case) -> Iterator[Finding]:
    yield Finding("versions", "passed", case.versions)


def _configuration(case: Case) -> Iterator[Finding]:
    if case.broken is not None:
        yield Finding("configuration", "failed", case.broken.message, case.broken.hint)
        return
    files = ", ".join(map(str, case.files)) or "no kelly.toml and no .env: defaults"
    yield Finding("configuration", "passed", files, "" if case.files else "kelly init")
    for line in case.settled.changed if case.settled else ():
        yield Finding("setting", "passed", line)


def _unknown_names(case: Case) -> Iterator[Finding]:
    for warning in case.warnings:
        yield Finding("unknown names", "warned", warning, "Correct the name, or remove it")
    if not case.warnings and case.broken is None:
        yield Finding("unknown names", "passed", "none in kelly.toml, .env and the environment")


def _dotenv_mode(case: Case) -> Iterator[Finding]:
    if case.dotenv is None:
        yield Finding("dotenv mode", "passed", "there is no .env")
        return
    mode = stat.S_IMODE(case.dotenv.stat().st_mode)
    told = f"{case.dotenv} has mode {mode:04o}"
    if mode & 0o077:
        yield Finding(
            "dotenv mode", "failed", f"{told}: others may read it", f"chmod 600 {case.dotenv}"
        )
    else:
        yield Finding("dotenv mode", "passed", told)


def _database(case: Case) -> Iterator[Finding]:
    if case.database is None:
        return
    shown = case.database.shown()
    if not case.database.exists():
        yield Finding("database", "warned", f"no books at {shown} yet", "kelly init")
        return
    with case.database.reading() as connection:
        revision = schema.revision_of(connection)
    if revision is None:
        yield Finding("database", "warned", f"{shown} is empty", "kelly init")
        return
    try:
        schema.check_revision(revision)
    except SchemaTooOldError as error:
        yield Finding("database", "failed", error.message, "kelly db upgrade")
        return
    yield Finding("database", "passed", f"{shown}, schema {revision}")


def _spool(case: Case) -> Iterator[Finding]:
    """Look at what the spool holds, while it is at rest."""
    if case.spool is None:
        return
    held = case.spool.waiting()
    if held.damaged:
        told = f"{held.damaged} pieces are damaged: {case.spool.aside}"
        yield Finding("spool", "warned", told, "Look at them, then move them away")
    if held.records:
        told = f"{held.records} callbacks wait to be taken into the books"
        yield Finding("spool", "warned", told, "kelly reprocess")
    elif not held.damaged:
        yield Finding("spool", "passed", "nothing waits in it")


def _disk(case: Case) -> Iterator[Finding]:
    if case.database is None or case.spool is None:
        return
    free = watching.free_mib(case.database, case.spool.folder)
    level: Level = "failed" if free < FULL_MIB else "warned" if free < TIGHT_MIB else "passed"
    fix = "" if level == "passed" else "Make room: old backups, logs"
    yield Finding("disk", level, f"{free:,} MiB free where callbacks are kept", fix)


def _clock(case: Case) -> Iterator[Finding]:
    now, fix = case.now(), "Set the clock: timedatectl set-ntp true"
    told = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    newest = _newest_callback(case)
    if now < _BUILT or (newest is not None and newest > now + WRONG):
        later = f"; the newest callback came at {newest:%Y-%m-%d %H:%M:%S}" if newest else ""
        yield Finding("clock", "failed", f"{told} lies in the past{later}", fix)
        return
    if not case.online or case.settled is None:
        yield Finding("clock", "passed", f"{told} (compared with nothing: --online does)")
        return
    try:
        there = asking.look_at(case.settled.base_url).date
    except OSError as error:
        yield Finding("clock", "warned", f"{told}; {case.settled.base_url}: {error}", "")
        return
    if there is None:
        yield Finding("clock", "passed", f"{told}; {case.settled.base_url} tells no time")
        return
    off = abs(there - case.now())
    level: Level = "failed" if off > WRONG else "warned" if off > SLOW else "passed"
    told = f"{told}, {off.total_seconds():.0f} s off the clock of {case.settled.base_url}"
    yield Finding("clock", level, told, "" if level == "passed" else fix)


def _urls(case: Case) -> Iterator[Finding]:
    if case.settled is None:
        return
    settled = case.settled
    if not settled.confirmation_url:
        level: Level = "failed" if settled.environment == "production" else "warned"
        yield Finding(
            "urls",
            level,
            "webhook.public_url is not set: Safaricom would not know where to call",
            "kelly config set webhook.public_url https://pay.example.co.ke",
        )
        return
    checks = check_pair(settled.confirmation_url, settled.validation_url, settled.environment)
    told = [check for check in checks if check.level != "passed"]
    for check in told:
        detail = registering.veiled(check.detail, settled.token)
        fix = "kelly config set webhook.public_url, then kelly mpesa register --dry-run"
        yield Finding("urls", check.level, f"{check.rule}: {detail}", fix)
    if not told:
        shown = registering.veiled(settled.confirmation_url, settled.token)
        yield Finding("urls", "passed", f"{shown} and its neighbours keep every rule")


def _registration(case: Case) -> Iterator[Finding]:
    if case.settled is None or case.database is None or not _has_books(case.database):
        return
    settled = case.settled
    standing = registering.find_standing(
        case.database, environment=settled.environment, short_code=settled.short_code
    )
    strict = settled.environment != "local"
    if standing is None:
        told = f"no URLs of {settled.short_code} were registered from here"
        fix = "kelly mpesa register --dry-run" if strict else ""
        yield Finding("registration", "warned" if strict else "passed", told, fix)
        return
    ours = registering.veiled(settled.confirmation_url, settled.token)
    told = f"{standing.confirmation_url} since {standing.created_at:%Y-%m-%d}"
    if standing.outcome != "accepted":
        yield Finding("registration", "warned", f"{told}: unknown", "kelly mpesa urls")
    elif ours and ours != standing.confirmation_url:
        level: Level = "failed" if settled.environment == "production" else "warned"
        told = f"{told}, and the settings say {ours}"
        yield Finding("registration", level, told, "Set webhook.public_url or the token back")
    else:
        yield Finding("registration", "passed", told)


def _listener(case: Case) -> Iterator[Finding]:
    if case.settled is None:
        return
    settled = case.settled
    strict = settled.environment == "production"
    if settled.listener_url:
        yield _answering(f"{settled.listener_url}/healthz", "failed" if strict else "warned")
    else:
        yield Finding("listener", "passed", "its port is chosen by the system: not looked at")
    if case.online and settled.public_url:
        yield _answering(f"{settled.public_url}/healthz", "warned")


def _answering(url: str, level: Level) -> Finding:
    try:
        seen = asking.look_at(url)
    except OSError as error:
        return Finding("listener", level, f"{url} does not answer: {error}", "kelly webhook serve")
    if seen.status == _HTTP_OK:
        return Finding("listener", "passed", f"{url} answers: callbacks would be kept")
    told = f"{url} answers {seen.status}: a callback sent now would not be kept there"
    return Finding("listener", "failed", told, "Look at what the listener says")


def _last_callback(case: Case) -> Iterator[Finding]:
    if case.settled is None or case.database is None or not _has_books(case.database):
        return
    newest, is_live = _newest_callback(case), case.settled.environment == "production"
    level: Level = "warned" if is_live else "passed"
    fix = "kelly mpesa pull, and look at the proxy's log" if is_live else ""
    if newest is None:
        yield Finding("last callback", level, "none came over HTTP yet", fix)
        return
    age = case.now() - newest
    hours = age.days * 24 + age.seconds // 3600
    ago = f"{hours} hours ago" if hours else "within the hour"
    told = f"{newest:%Y-%m-%d %H:%M} UTC, {ago}"
    if age < QUIET:
        level, fix = "passed", ""
    yield Finding("last callback", level, told, fix)


def _credentials(case: Case) -> Iterator[Finding]:
    if case.settled is None:
        return
    settled = case.settled
    is_local = settled.environment == "local"
    for code in settled.test_codes if settled.environment == "production" else ():
        told = f"{code} is a short code of Safaricom's sandbox, and this is production"
        yield Finding("credentials", "failed", told, "kelly config set mpesa.short_code 123456")
    for name in () if is_local else settled.missing:
        level: Level = "failed" if "CONSUMER" in name else "warned"
        yield Finding("credentials", level, f"{name} is not set", f"Put {name}=... into .env")
    if is_local:
        yield Finding("credentials", "passed", "none are needed in local")
    elif not settled.missing:
        yield Finding("credentials", "passed", f"all are set for {settled.short_code}")


def _token(case: Case) -> Iterator[Finding]:
    if case.take_token is None or case.settled is None:
        return
    if not case.online:
        yield Finding("token", "passed", "not asked for: --online takes one")
        return
    try:
        sight = case.take_token()
    except UnreachableError as error:
        if case.settled.environment != "local":
            raise
        yield Finding("token", "warned", error.message, "kelly mpesa sandbox")
    except DarajaError as error:
        yield Finding("token", "failed", error.message, error.hint)
    else:
        yield Finding("token", "passed", f"good until {sight.expires_at:%H:%M:%S} UTC")


def _has_books(database: Database) -> bool:
    if not database.exists():
        return False
    with database.reading() as connection:
        return schema.revision_of(connection) == SCHEMA_REVISION


def _newest_callback(case: Case) -> datetime | None:
    if case.database is None or not _has_books(case.database):
        return None
    with case.database.reading() as connection:
        times = log_rows.list_times(connection, SOURCE, since=None, limit=1)
    return times[0] if times else None


CHECKS: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    _versions,
    _configuration,
    _unknown_names,
    _dotenv_mode,
    _database,
    _spool,
    _disk,
    _clock,
    _urls,
    _registration,
    _listener,
    _last_callback,
    _credentials,
    _token,
)
