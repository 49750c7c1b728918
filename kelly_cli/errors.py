"""One tree of errors. Each says what happened, what to do next, and its exit code.

    KellyError                    exit 1
    ├── UsageError                exit 2   the words on the command line are wrong
    ├── ConfigError               exit 1   a setting is wrong: names it and its origin
    ├── DomainError               exit 1   the books refuse: not found, already void, ...
    │   ├── NotFoundError
    │   └── ConflictError
    ├── StorageError              exit 1   the database cannot be used
    │   ├── DatabaseNotFoundError
    │   ├── DatabaseBusyError              retryable
    │   ├── SchemaTooOldError
    │   └── SchemaTooNewError
    └── BrokenInvariantError      exit 1   a bug in kelly: never swallowed

``code`` is public (``--json`` prints it); the class is not.
"""

from __future__ import annotations


class KellyError(Exception):
    """Anything that kelly says to a person instead of a traceback.

    ``message`` is one sentence with the value in it, ``hint`` the next step ("" = none known).
    """

    exit_code = 1
    code = "error"
    retryable = False

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code:
            self.code = code

    def as_dict(self) -> dict[str, dict[str, str]]:
        """Return the object that ``--json`` prints on stderr."""
        return {"error": {"code": self.code, "message": self.message, "hint": self.hint}}


class UsageError(KellyError):
    """The words on the command line are wrong."""

    exit_code = 2
    code = "usage"


class ConfigError(KellyError):
    """A setting is missing, unknown or wrong."""

    code = "bad_config"


class DomainError(KellyError):
    """The books refuse what was asked."""

    code = "refused"


class NotFoundError(DomainError):
    """Nothing in the books has this name."""

    code = "not_found"


class ConflictError(DomainError):
    """What was asked clashes with what stands in the books."""

    code = "conflict"


class StorageError(KellyError):
    """The database cannot be used."""

    code = "storage"


class DatabaseNotFoundError(StorageError):
    """A reading command found no database."""

    code = "database_not_found"


class DatabaseBusyError(StorageError):
    """Another process holds the database; trying again helps."""

    code = "database_busy"
    retryable = True


class SchemaTooOldError(StorageError):
    """The database was made by an older kelly and waits for ``kelly db upgrade``."""

    code = "schema_too_old"


class SchemaTooNewError(StorageError):
    """The database was made by a newer kelly; this one must not write to it."""

    code = "schema_too_new"


class BrokenInvariantError(KellyError):
    """A bug in kelly."""

    code = "broken_invariant"
