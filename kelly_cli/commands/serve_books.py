"""What `kelly webhook serve` opens: the books, the spool beside them, the clerk, the validator."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from kelly_cli.errors import SchemaTooNewError, SchemaTooOldError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kelly_cli.listener.clerk_line import OpenClerk
    from kelly_cli.listener.doubt import Doubt
    from kelly_cli.listener.validation import Validator
    from kelly_cli.office import Office
    from kelly_cli.services.serving import Intake
    from kelly_cli.store.database import Database

BUSY_S = 1.0
"""How long a batch waits for other writers before it goes to the spool."""
NEVER_AWAY = {"not_a_kelly_database"}


def open_books(office: Office) -> tuple[Database, bool, list[str]]:
    """Open the books and the spool, or the spool alone when the books that were there are away.

    Tells whether the books are open, and what to tell people when they are not.

    Raises:
        StorageError: there is no place for callbacks, or the books are not for this kelly.
    """
    office.busy_s = BUSY_S
    database, spool = office.database, office.spool
    warnings = []
    opened = True
    try:
        if spool.knows_books():
            office.books_to_read()
        else:
            office.books_to_write()
    except (SchemaTooOldError, SchemaTooNewError):
        raise
    except StorageError as error:
        is_away = spool.knows_books() or error.code == "database_damaged"
        if not is_away or error.code in NEVER_AWAY:
            raise
        opened = False
        warnings.append(
            f"the database is away, callbacks wait in the spool {spool.folder}: {error.message}. "
            f"Put it back or restore it; to begin anew instead, remove that folder's file 'books'"
        )
    spool.prepare()
    if opened:
        spool.remember_books()
    return database, opened, warnings


def intake_of(office: Office, *, opened: bool) -> Intake:
    """Return what takes callbacks into the books.

    Raises:
        StorageError: the books are said to be open, and there is no database file.
    """
    from kelly_cli.services.serving import Intake

    office.busy_s = BUSY_S
    inbox = office.inbox(office.database)
    return Intake(office.database, inbox, office.now, spool=office.spool, opened=opened)


@contextmanager
def clerk_of(office: Office, *, opened: bool) -> Iterator[OpenClerk]:
    """Give what starts a clerk. ``opened``: the books are there now.

    The first may be forked here: call it before there is a thread. It closes the books for that.
    """
    from kelly_cli.commands.serve_clerk import Begin, run
    from kelly_cli.listener.clerk_process import Fork, Process, can_fork

    def begin(*, opened: bool) -> Begin:
        return Begin(office.config, office.actor, opened)

    forked: list[Fork] = []
    if can_fork():
        office.database.close()
        with suppress(OSError):
            forked.append(Fork(run, begin(opened=opened)))

    def start(*, first: bool) -> Fork | Process:
        if forked:
            return forked.pop()
        # Only at the start were they opened by a person's own hand.
        return Process("kelly_cli.commands.serve_clerk", begin(opened=opened and first))

    try:
        yield start
    finally:
        # Nothing came of the listener.
        for clerk in forked:
            clerk.end.close()
            clerk.leave()


def validator_of(office: Office, doubt: Doubt) -> Validator | None:
    """Return who judges validation requests, started; None = the policy is off."""
    policy = office.config.webhook.validation
    if policy == "off":
        return None
    from kelly_cli.listener.validation import Validator
    from kelly_cli.services.validating import Judge
    from kelly_cli.store.database import Database

    # Connections of its own: a writer that hangs has no share in them.
    books = Database(office.config.database.url, busy_s=BUSY_S)
    judge = Judge(books, ours=office.config.mpesa.our_codes, stands=doubt.must_stand)
    validator = Validator(judge.doubt_of, strict=policy == "strict")
    validator.start()
    return validator
