"""What still waits in the spool, as `webhook list`, `report daily` and `reprocess` tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kelly_cli.office import Office


def spool_json(office: Office) -> dict[str, object]:
    """Return what waits in the spool, for a document."""
    waiting = office.spool.waiting()
    return {"waiting": waiting.records, "bytes": waiting.bytes}


def tell_spool(office: Office) -> None:
    """Tell a person on stderr what waits in the spool, when something does."""
    if office.show.json:
        return
    waiting = office.spool.waiting()
    if waiting.records:
        office.show.note(spool_text(waiting.records))
    if waiting.damaged:
        office.show.warning(
            f"{waiting.damaged} pieces of the spool are damaged: see {office.spool.aside}"
        )


def spool_text(records: int) -> str:
    """Say how many callbacks wait."""
    them = "1 callback waits" if records == 1 else f"{records} callbacks wait"
    return f"{them} in the spool: a listener takes them in, or run kelly reprocess"
