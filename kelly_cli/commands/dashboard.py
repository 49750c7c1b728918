"""kelly dashboard: the morning as a page that goes on by itself, on this machine alone."""

from __future__ import annotations

import os
import tempfile
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.options import JsonOpt, ShortCodeOpt
from kelly_cli.errors import ConfigError, KellyError, StorageError
from kelly_cli.office import office_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from kelly_cli.office import Office
    from kelly_cli.services.board import Board

app = typer.Typer(rich_markup_mode=None, add_completion=False)

BUSY_S = 1.0
"""A database that is held for longer is told on the page, and looked at again."""
LOOPBACK = "127.0.0.1"


@app.command()
def dashboard(
    ctx: typer.Context,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 = any free port.")] = 0,
    open_: Annotated[
        bool, typer.Option("--open/--no-open", help="Open it in the browser.", metavar="")
    ] = False,
    short_code: ShortCodeOpt = None,
    json: JsonOpt = False,
) -> None:
    """Show the morning as a live page on this machine, until Ctrl-C. It only reads.

    Prints the page's address, which nobody can guess: today's money by hour against the usual,
    unplaced money, failed callbacks, the last callback's age, what is owed, which days are proved.

    kelly dashboard

    kelly dashboard --port 8020 --open

    kelly dashboard --short-code 174379 --json
    """
    from kelly_cli.listener import board
    from kelly_cli.listener.server import stopped_by_signals, url_of

    office = office_of(ctx, json=json)
    if short_code is not None:
        from kelly_cli.commands.short_codes import Places

        Places(office).picked(short_code)
    office.busy_s = BUSY_S
    secret = board.new_secret()
    with (
        stopped_by_signals() as stop,
        closing(_socket(port, office.config.webhook.port)) as bound,
    ):
        query = "" if short_code is None else f"?code={short_code.strip()}"
        address = f"{url_of(bound)}/{secret}/{query}"
        with _door_to(address, wanted=open_) as door:

            def ready() -> bool:
                _say_ready(office, address)
                door()
                return not stop.asked

            board.serve(bound, Figures(office), secret=secret, whole=_whole(office), ready=ready)


class Figures:
    """The books as the page shows them. Its methods raise nothing, and run in one thread."""

    def __init__(self, office: Office) -> None:
        from kelly_cli.services.board import Boards
        from kelly_cli.store.changes import Marks

        self._office = office
        self._marks = Marks(office.database)
        self._boards = Boards(office.database)
        self._last: dict[str, dict[str, object]] = {}
        self._fault: StorageError | None = None

    def mark(self) -> object:
        """Return what differs when the books may have changed, or can be read or not."""
        try:
            found = self._marks.look()
        except StorageError as error:
            self._fault = error
            self._boards.forget()
            return error.message
        except Exception as error:  # noqa: BLE001 - the page goes on, and tells
            self._fault = StorageError(f"the books cannot be read: {type(error).__name__}")
            return self._fault.message
        self._fault = None
        return (found, self._spool())

    def draw(self, name: str) -> str:
        """Return the figures of a short code ("" = all money) as HTML."""
        from kelly_cli.commands.board_words import words_of
        from kelly_cli.render.board import draw_live

        places: list[dict[str, str]] = []
        mixed = False
        try:
            if self._fault is None:
                places, mixed, codes = self._codes(name)
                self._last[name] = words_of(self._board(codes), self._spool())
        except KellyError as error:
            self._fault = StorageError(error.message, hint=error.hint)
        except Exception as error:  # noqa: BLE001 - the page goes on, and tells
            self._fault = StorageError(f"the books cannot be read: {type(error).__name__}")
        values = self._last.get(name, {"board": None, "date": ""})
        return draw_live(
            **values,
            business=self._office.config.business.name,
            environment=self._office.config.mpesa.environment,
            code=name,
            places=places,
            mixed=mixed,
            notice=_sentence(self._fault.message) if self._fault else "",
            notice_more="This page looks again every second and goes on by itself."
            + (" The figures below are from before." if "money" in values else ""),
        )

    def rest(self) -> None:
        """Let go of the books: nobody looks."""
        self._marks.let_go()

    def _board(self, codes: tuple[str, ...] | None) -> Board:
        return self._boards.look(self._office.now(), codes)

    def _codes(self, name: str) -> tuple[list[dict[str, str]], bool, tuple[str, ...] | None]:
        """Return the short codes to choose from, whether all of them mix, and those to look at."""
        from kelly_cli.services import short_codes

        listed = self._office.config.mpesa.short_codes
        found = {each.code: (each.kind, each.environment) for each in listed}
        # The books keep what a code was when its first money came.
        for known in short_codes.known(self._office.database):
            kind = found.get(known.code, (known.kind, ""))[0]
            found[known.code] = (kind, known.environment)
        several = len({environment for _, environment in found.values()}) > 1
        places = [
            {"code": code, "about": f"{kind}, {environment}" if several else kind}
            for code, (kind, environment) in sorted(found.items())
        ]
        if not name:
            return places, several, None
        if name not in found:
            self._last.pop(name, None)
            raise StorageError(f"{name} is not one of our short codes")
        return places, False, (name, *(each.code for each in listed if each.under == name))

    def _spool(self) -> int:
        with suppress(KellyError, OSError):
            return self._office.spool.waiting().records
        return 0


NOT_YET = '<p class="soft">Reading the books …</p>'


def _whole(office: Office) -> Callable[[str, str, str], str]:
    def whole(name: str, drawing: str, nonce: str) -> str:
        from kelly_cli.listener.board import policy
        from kelly_cli.render.board import draw_whole

        title = f"{office.config.business.name}: {name or 'all money'}"
        return draw_whole(title=title, live=drawing or NOT_YET, policy=policy(nonce), nonce=nonce)

    return whole


def _sentence(message: str) -> str:
    return f"{message[:1].upper()}{message[1:]}."


def _socket(port: int, taken: int) -> socket.socket:
    """Listen on loopback, and never where callbacks come in: that port may be open to the world.

    Raises:
        ConfigError: ``webhook_port``.
    """
    from kelly_cli.listener.server import listening_socket

    if port and port == taken:
        raise ConfigError(
            f"port {port} is the listener's (webhook.port), which others can reach",
            hint="kelly dashboard takes any free port by itself",
            code="webhook_port",
        )
    while True:
        try:
            bound = listening_socket(LOOPBACK, port)
        except KellyError as error:
            hint = "kelly dashboard takes any free port by itself"
            raise KellyError(error.message, hint=hint, code=error.code) from error
        if bound.getsockname()[1] != taken:
            return bound
        bound.close()


def _say_ready(office: Office, address: str) -> None:
    if office.show.json:
        office.show.json_line({"event": "ready", "url": address})
        return
    office.show.lines(address)
    office.show.note("Open it in a browser on this machine. It only reads; Ctrl-C ends it")


@contextmanager
def _door_to(address: str, *, wanted: bool) -> Iterator[Callable[[], None]]:
    """Give what opens the browser. The address goes by a file: a command line is seen by others."""
    if not wanted:
        yield lambda: None
        return
    import webbrowser

    descriptor, name = tempfile.mkstemp(prefix="kelly-", suffix=".html")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f'<!doctype html><meta http-equiv="refresh" content="0;url={address}">\n')
    door = Path(name)
    try:
        yield lambda: _open(webbrowser.open, door)
    finally:
        door.unlink(missing_ok=True)


def _open(browser: Callable[[str], bool], door: Path) -> None:
    """Open the browser in a thread of its own: some wait until it is closed."""
    import threading

    threading.Thread(target=browser, args=(door.as_uri(),), daemon=True).start()
