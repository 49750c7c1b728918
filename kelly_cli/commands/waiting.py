"""What still waits in the spool, as `webhook list`, `report daily` and `reprocess` tell it."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from kelly_cli.errors import KellyError, StorageError
from kelly_cli.render import Column, fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kelly_cli.office import Office
    from kelly_cli.services.spooling import InSpool

SPOOL = (
    Column("came_at", "Came at", "instant"),
    Column("kind", "Kind", "status"),
    Column("trans_id", "Receipt"),
    Column("bytes", "Bytes", "count"),
    Column("delivery_id", "Delivery", priority=2),
)


SPOOLED = fields(
    "id", "trans_id", "kind", "source", "outcome", "processed", "is_duplicate", "error", "attempts",
    "created_at", "delivery_id", "bytes",
)  # fmt: skip


def spool_json(office: Office) -> dict[str, object]:
    """Return what waits in the spool, for a document."""
    waiting = office.spool.waiting()
    return {
        "waiting": waiting.records,
        "bytes": waiting.bytes,
        "readable": not waiting.is_hidden,
        "folder": str(office.spool.folder),
    }


def tell_spool(office: Office) -> None:
    """Tell a person on stderr what waits in the spool, when something does."""
    warn_of_hidden(office)
    if office.show.json:
        return
    waiting = office.spool.waiting()
    if waiting.records:
        office.show.note(spool_text(waiting.records))
    if waiting.damaged:
        office.show.warning(
            f"{waiting.damaged} pieces of the spool are damaged: see {office.spool.aside}"
        )


def warn_of_hidden(office: Office) -> bool:
    """Warn when the spool is another user's, and tell whether it is."""
    is_hidden = office.spool.is_hidden()
    if is_hidden:
        office.show.warning(
            f"this user ({office.actor}) may not read the spool {office.spool.folder}: what waits "
            "there is neither seen nor taken. Run kelly as the user that the listener runs as"
        )
    return is_hidden


@contextmanager
def spool_told_too(office: Office) -> Iterator[None]:
    """Say what waits in the spool also when the books cannot be read: in the error's hint."""
    try:
        yield
    except StorageError as error:
        with suppress(KellyError):
            waiting = office.spool.waiting()
            if waiting.is_hidden:
                error.hint = _after(error.hint, f"the spool {office.spool.folder} is not readable")
            elif waiting.records:
                them = _them(waiting.records)
                error.hint = _after(
                    error.hint,
                    f"{them} safely in the spool {office.spool.folder} until the database is "
                    "back: kelly webhook list --spool",
                )
        raise


def list_waiting(office: Office, *, limit: int) -> None:
    """List what waits in the spool, from the spool alone; as logs that are not logged yet."""
    from kelly_cli.services.spooling import list_spool

    found = list_spool(office.spool, limit=limit)
    office.show.rows(
        [each._asdict() for each in found],
        SPOOL,
        as_json=lambda: [_json(each) for each in found],
        empty="The spool is empty",
        fields=SPOOLED,
    )
    warn_of_hidden(office)


def spool_text(records: int) -> str:
    """Say how many callbacks wait."""
    return f"{_them(records)} in the spool: a listener takes them in, or run kelly reprocess"


def _them(records: int) -> str:
    return "1 callback waits" if records == 1 else f"{records} callbacks wait"


def _after(hint: str, more: str) -> str:
    return f"{hint}. {more[0].upper()}{more[1:]}" if hint else more


def _json(waiting: InSpool) -> dict[str, object]:
    """Return the keys of a log, as far as there is one: it gets its id in the books."""
    return {
        "id": None,
        "trans_id": waiting.trans_id,
        "kind": waiting.kind,
        "source": "http",
        "outcome": "spooled",
        "processed": False,
        "is_duplicate": False,
        "error": None,
        "attempts": 0,
        "created_at": waiting.came_at.isoformat(),
        "delivery_id": waiting.delivery_id,
        "bytes": waiting.bytes,
    }
