"""The process of `kelly webhook serve` that has the books open. Started by it, not by people."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.commands.serve_books import intake_of
from kelly_cli.listener.clerk import Clerk
from kelly_cli.listener.clerk_process import begun
from kelly_cli.listener.inspector import Inspector
from kelly_cli.listener.spared import spare_the_collector
from kelly_cli.listener.wire import SAID
from kelly_cli.office import office_with

if TYPE_CHECKING:
    from kelly_cli.config import Config
    from kelly_cli.listener.wire import Wire

STOP_S = 0.2


class Begin(NamedTuple):
    """What the listener starts it with. ``opened``: the books are there, by a person's own hand."""

    config: Config
    actor: str
    opened: bool


def run(end: Wire, begin: Any) -> None:
    """Work for the listener at the other end, until it ends."""
    office = office_with(begin.config, actor=begin.actor)
    intake = intake_of(office, opened=begin.opened)
    inspector = Inspector(intake.standing, lambda text: end.send(SAID, text))
    inspector.start()
    spare_the_collector()
    Clerk(intake, end, opened=begin.opened).run()
    inspector.stop(timeout_s=STOP_S)
    office.close()


if __name__ == "__main__":
    begun(int(sys.argv[1]), run)
