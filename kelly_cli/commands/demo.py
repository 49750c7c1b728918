"""kelly demo: a day of business in books of its own, told and checked."""

from __future__ import annotations

import os
import signal
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from kelly_cli.commands.keys import DEMO
from kelly_cli.commands.options import JsonOpt
from kelly_cli.commands.single import single
from kelly_cli.errors import KellyError
from kelly_cli.office import Office, office_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kelly_cli.services.demo import Check, Step

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


@app.command(cls=single(*DEMO))
def demo(
    ctx: typer.Context,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="The listener's; 0 = any free port.")
    ] = 0,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", help="Leave its books in this new folder.", metavar="FOLDER"),
    ] = None,
    json: JsonOpt = False,
) -> None:
    """Run a day of business in a book of its own: invoices, callbacks, Safaricom, a report.

    Safaricom is a pretend one, beside it: no account and no internet is needed. Your own books,
    settings and environment stay out of it. Every result is checked.

    kelly demo

    kelly demo --keep kelly-demo
    """
    office = office_of(ctx, json=json)
    with ExitStack() as stack:
        stack.enter_context(_ended_by_signals())
        if keep is None:
            temporary = tempfile.TemporaryDirectory(
                prefix="kelly-demo-", ignore_cleanup_errors=True
            )
            folder = Path(stack.enter_context(temporary)).resolve()
        else:
            folder = _new_folder(keep)
        _play(office, folder, port, kept=keep is not None)


def _play(office: Office, folder: Path, port: int, *, kept: bool) -> None:
    from kelly_cli.config import load
    from kelly_cli.services import demo as service

    show = office.show
    settings = folder / "kelly.toml"
    settings.write_text(service.SETTINGS, encoding="utf-8")
    own = load(config_file=settings, db=None, environ={}, cwd=folder)
    screen = show.stdout if show.stdout.isatty() and not show.json else None
    place = service.Place(folder, own.database.url, service.examples_folder(), os.environ, screen)
    teller = _Teller(office)
    show.lines(f"A day of business, in books of its own: {folder}")
    finished = False
    try:
        service.play(place, teller, office.now(), port=port)
        finished = True
    finally:
        if show.json:
            show.document(_document(teller.steps, folder if kept else None, finished=finished))
    checks = sum(len(step.checks) for step in teller.steps)
    show.lines("", f"Everything came out as promised: {checks} results checked.")
    if kept:
        show.lines(
            f"Look around: kelly --config {settings} --db {folder / 'kelly.db'} invoice list"
        )
    else:
        show.lines("Its books are gone again; `kelly demo --keep FOLDER` leaves them.")


class _Teller:
    """Tells people each step as it happens, and keeps all for the document."""

    def __init__(self, office: Office) -> None:
        self._show = office.show
        self.steps: list[Step] = []

    def begins(self, step: Step) -> None:
        self.steps.append(step)
        self._show.lines("", f"{len(self.steps)}. {step.title}", _prompted(step.command))

    def said(self, step: Step) -> None:
        if step.output and not self._show.json:
            self._show.verbatim(step.output)

    def checked(self, check: Check) -> None:
        if check.ok:
            self._show.lines(f"ok: {check.what}: {check.found}")
        else:
            self._show.lines(f"NOT AS PROMISED: {check.what}: {check.found}")


def _prompted(command: str) -> str:
    return f"$ {command}" if command.startswith(("kelly ", "kill ")) else command


def _document(steps: list[Step], folder: Path | None, *, finished: bool) -> dict[str, object]:
    """Return the whole demo; unless it finished, its last step is the one that went wrong."""
    told = [
        {
            "title": step.title,
            "command": step.command,
            "output": step.output,
            "ok": finished or step is not steps[-1],
            "checks": [{**check._asdict(), "ok": check.ok} for check in step.checks],
        }
        for step in steps
    ]
    return {"ok": finished, "folder": str(folder) if folder else None, "steps": told}


def _new_folder(keep: Path) -> Path:
    folder = keep.expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        empty = next(folder.iterdir(), None) is None
    except OSError as refusal:
        raise KellyError(
            f"--keep: {folder} cannot be used: {refusal.strerror}",
            hint="Give a folder that you may write to",
            code="folder_not_usable",
        ) from None
    if not empty:
        raise KellyError(
            f"--keep: {folder} is not empty",
            hint="Give the name of a new folder",
            code="folder_not_empty",
        )
    return folder


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """A request to end takes the listener and the folder with it."""

    def end(number: int, _frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    before = {}
    try:
        for each in _ENDING:
            before[each] = signal.signal(each, end)
    except ValueError:  # not the main thread: nobody sends it signals
        yield
        return
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
