"""The only wiring: flags → configuration → database, inbox, clock, and the way to print.

One office a run. Everything is made when first asked for, so that a command pays for what it uses.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kelly_cli.core.times import nairobi_day
from kelly_cli.errors import ConfigError
from kelly_cli.render import Show

if TYPE_CHECKING:
    from datetime import date

    import typer

    from kelly_cli.config import Config
    from kelly_cli.daraja.client.daraja import Daraja
    from kelly_cli.services.inbox import Inbox
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.spool import Spool


@dataclass(slots=True)
class Flags:
    """The global options, as given."""

    config_file: Path | None = None
    db: str | None = None
    json: bool = False


class Office:
    """What a command needs, made on demand."""

    def __init__(self, flags: Flags) -> None:
        self.flags = flags
        self.busy_s: float | None = None
        """How long a writer of this run waits for its turn; None = as long as people wait."""

    @cached_property
    def show(self) -> Show:
        """The output gate of this run."""
        return Show(
            json=self.flags.json,
            stdout=sys.stdout,
            stderr=sys.stderr,
            environ=os.environ,
            stdin=sys.stdin,
        )

    @cached_property
    def config(self) -> Config:
        """The configuration; its warnings are told once."""
        from kelly_cli.config import load

        config = load(
            config_file=self.flags.config_file,
            db=self.flags.db,
            environ=os.environ,
            cwd=Path.cwd(),
        )
        for warning in config.warnings:
            self.show.warning(warning)
        return config

    def now(self) -> datetime:
        """The clock: aware, UTC. The only place that looks at it."""
        return datetime.now(UTC)  # noqa: TID251 - this is the clock

    def today(self) -> date:
        """Today in Nairobi."""
        return nairobi_day(self.now())

    @cached_property
    def actor(self) -> str:
        """Who is at the keyboard, for the audit."""
        import getpass

        try:
            return getpass.getuser()
        except (KeyError, OSError):
            return "unknown"

    def hand(self, reason: str | None = None) -> Hand:
        """Who acts, now, and why: what every change by hand is signed with."""
        from kelly_cli.store.audit_rows import Hand

        return Hand(self.actor, self.now(), reason)

    @cached_property
    def database(self) -> Database:
        """The database of the configuration, not opened yet."""
        from kelly_cli.store.database import Database

        if self.busy_s is None:
            return Database(self.config.database.url)
        return Database(self.config.database.url, busy_s=self.busy_s)

    def books_to_read(self) -> Database:
        """The database, there and of the right age to read.

        Raises:
            DatabaseNotFoundError: there is none yet; a writing command makes it.
        """
        from kelly_cli.store.schema import open_for_reading

        open_for_reading(self.database)
        return self.database

    def books_to_write(self) -> Database:
        """The database, made when it is missing, and of the right age to write."""
        from kelly_cli.store.schema import open_for_writing

        open_for_writing(self.database)
        return self.database

    def inbox(self, database: Database) -> Inbox:
        """The one road's door, with our short codes and the clock."""
        from kelly_cli.services.inbox import Inbox, OurCode

        codes = [
            OurCode(code.code, code.kind, code.name or None, code.environment)
            for code in self.config.mpesa.short_codes
        ]
        return Inbox(database, codes, self.now, actor=self.actor)

    @cached_property
    def spool(self) -> Spool:
        """Where callbacks wait while the database is away; it need not exist."""
        from kelly_cli.config.places import spool_folder
        from kelly_cli.store.spool import Spool

        url, path = self.database.url, self.database.path
        shown = f"{url.host}:{url.port}/{url.database}?{sorted(url.query.items())}"
        return Spool(spool_folder(self.config, path=path, shown=shown))

    def daraja(self, code: str = "") -> Daraja:
        """Return the client of Safaricom, with the keys of one of our short codes ("" = the main).

        Raises:
            ConfigError: the code is not ours.
        """
        from kelly_cli.config.places import token_folder
        from kelly_cli.config.table import CREDENTIALS
        from kelly_cli.daraja.client.daraja import Daraja
        from kelly_cli.daraja.client.shapes import Keys, Place

        mpesa = self.config.mpesa
        given = mpesa.credentials(code)
        keys = {name: held.reveal() for name in CREDENTIALS if (held := getattr(given, name))}
        place = Place(mpesa.environment, mpesa.base_url, token_folder(), mpesa.certificate)
        return Daraja(place, Keys(**keys), self.now)

    def close(self) -> None:
        """Close the database, when this run used it."""
        if "database" in self.__dict__:
            self.database.close()


def office_with(config: Config, *, actor: str) -> Office:
    """Return an office for a configuration that was read already, by another process."""
    office = Office(Flags())
    office.config = config
    office.actor = actor
    return office


def office_of(ctx: typer.Context, *, json: bool = False) -> Office:
    """Return the office of this run. ``json``: the flag stood after the command."""
    office = ctx.find_object(Office)
    if office is None:
        raise ConfigError("a command was run without the front door")
    if json:
        office.flags.json = True
        office.show.json = True
    return office
