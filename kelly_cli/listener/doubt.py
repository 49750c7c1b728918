"""What speaks against the books, as the clerk said it last: for those who never ask him."""

from __future__ import annotations

from kelly_cli.errors import StorageError


class Doubt:
    """One word, said by the loop's thread and heard by any."""

    def __init__(self) -> None:
        self._said: tuple[str, str, str] | None = None

    def say(self, facts: tuple[str, str, str] | None) -> None:
        """Take the clerk's word: message, hint and code, or None for nothing."""
        self._said = facts

    def must_stand(self) -> None:
        """Return unless something speaks against the books.

        Raises:
            StorageError: what it is.
        """
        said = self._said
        if said is not None:
            message, hint, code = said
            raise StorageError(message, hint=hint, code=code)
