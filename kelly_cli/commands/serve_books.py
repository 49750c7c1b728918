"""What `kelly webhook serve` opens: the books, the spool beside them, and the validator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.errors import SchemaTooNewError, SchemaTooOldError, StorageError

if TYPE_CHECKING:
    from kelly_cli.listener.validation import Validator
    from kelly_cli.office import Office
    from kelly_cli.services.serving import Intake
    from kelly_cli.store.database import Database

BUSY_S = 1.0
"""How long a batch waits for other writers before it goes to the spool."""
NEVER_AWAY = {"not_a_kelly_database"}


def open_books(office: Office) -> tuple[Database, Intake, list[str]]:
    """Open the books and the spool, or the spool alone when the books that were there are away.

    The last is what to tell people about it.

    Raises:
        StorageError: there is no place for callbacks, or the books are not for this kelly.
    """
    from kelly_cli.services.serving import Intake

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
    intake = Intake(database, office.inbox(database), office.now, spool=spool, opened=opened)
    return database, intake, warnings


def validator_of(office: Office, intake: Intake) -> Validator | None:
    """Return who judges validation requests, started; None = the policy is off."""
    policy = office.config.webhook.validation
    if policy == "off":
        return None
    from kelly_cli.listener.validation import Validator
    from kelly_cli.services.validating import Judge
    from kelly_cli.store.database import Database

    # Connections of its own: a writer that hangs has no share in them.
    books = Database(office.config.database.url, busy_s=BUSY_S)
    judge = Judge(books, ours=office.config.mpesa.our_codes, stands=intake.standing.must_stand)
    validator = Validator(judge.doubt_of, strict=policy == "strict")
    validator.start()
    return validator
