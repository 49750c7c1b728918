"""The front door: the table of commands, the global options, and errors turned into exit codes.

A command's module is imported when that command is run; ``--help`` shows the table and loads none.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from kelly_cli import __version__
from kelly_cli.commands.options import JsonOpt
from kelly_cli.errors import KellyError, UsageError
from kelly_cli.office import Flags, Office

COMMANDS: dict[str, tuple[str, str]] = {
    "customer": ("group", "Customers: who owes and who pays."),
    "invoice": ("group", "Invoices: what is owed."),
    "pos": ("group", "Sales at the counter."),
    "product": ("group", "The catalogue: create, list, edit, receive, import."),
    "payment": ("group", "Payments: money in."),
    "suspense": ("group", "Money that found no owner."),
    "credit": ("group", "Money of customers that pays nothing yet."),
    "remind": ("group", "Messages to those who are late: make, send, list."),
    "webhook": ("group", "Callbacks: serve, ingest, list, show, dismiss, quarantine."),
    "mpesa": ("group", "Safaricom: register, prompt, status, pull, reverse, sandbox."),
    "recon": ("group", "Are the books complete? statement, gaps, pull, status."),
    "reprocess": ("command", "Try failed and unfinished callbacks again."),
    "report": ("group", "Reports: the day in figures."),
    "ledger": ("group", "Double entry: journal, balances, one account."),
    "export": ("command", "The journal for hledger, beancount or a spreadsheet."),
    "status": ("command", "One screen for the morning: what came, what waits, what to do."),
    "dashboard": ("command", "The morning as a live page on this machine."),
    "day": ("group", "Closing the day: expected, counted, difference."),
    "import": ("group", "Customers and open invoices from a table."),
    "audit": ("group", "What people did: list it, verify its chain."),
    "db": ("group", "The database: check, backup, restore, upgrade."),
    "config": ("group", "Settings: list, path, set."),
    "init": ("command", "Write kelly.toml, .env and the books."),
    "doctor": ("command", "Look for what is wrong with this installation."),
    "support": ("command", "Where Safaricom's help is to be had."),
    "demo": ("command", "Run a day of business in a book of its own."),
}
"""Name → (kind, help). The module is kelly_cli.commands.NAME; its ``app`` is the Typer of it."""

MODULES = {"import": "importing"}
"""Where a name is a word of Python, and no module can be called so."""

INTERRUPTED = 130
"""The exit code of Ctrl-C."""


class FrontDoor(TyperGroup):
    """The root: stands for every command by name and help, and loads the one that is run."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (_, text) in COMMANDS.items():
            self.add_command(TyperCommand(name, help=text))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Put the real command in its place before it is looked up."""
        if args and args[0] in COMMANDS:
            self.add_command(_loaded(args[0]), args[0])
        return super().resolve_command(ctx, args)


def _loaded(name: str) -> Any:
    from importlib import import_module

    app = import_module(f"kelly_cli.commands.{MODULES.get(name, name)}").app
    if COMMANDS[name][0] == "group":
        return typer.main.get_group(app)
    return typer.main.get_command(app)


app = typer.Typer(
    cls=FrontDoor,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def front_door(
    ctx: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", help="The kelly.toml to use.", metavar="FILE")
    ] = None,
    db: Annotated[
        str | None, typer.Option("--db", help="The database.", metavar="URL|PATH")
    ] = None,
    json: JsonOpt = False,  # noqa: FBT002 - an option's default
    version: Annotated[  # noqa: FBT002
        bool, typer.Option("--version", help="Print the version.", metavar="")
    ] = False,
) -> None:
    """Back office of a business that takes M-Pesa."""
    if version:
        typer.echo(f"kelly {__version__}")
        raise typer.Exit
    office: Office = ctx.obj
    office.flags = Flags(config, db, json or office.flags.json)
    office.show.json = office.flags.json


def main(argv: list[str]) -> int:
    """Run one command line and return its exit code (contract section 1).

    A traceback is shown only with ``KELLY_DEBUG=1``.
    """
    if argv == ["--version"]:
        sys.stdout.write(f"kelly {__version__}\n")
        return 0
    # A usage error is found before the options are known: whether it must be JSON is read here.
    office = Office(Flags(json="--json" in argv))
    try:
        code = typer.main.get_group(app).main(
            args=argv, prog_name="kelly", standalone_mode=False, obj=office
        )
    except KellyError as error:
        return _told(office, error)
    except TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError" and not office.show.json:
            sys.stderr.write(f"{error.format_message()}\n")
            return error.exit_code
        return _told(office, _usage(error))
    except typer.Abort:
        return INTERRUPTED
    except BrokenPipeError:
        from kelly_cli.render import quiet_broken_pipe

        return quiet_broken_pipe()
    except Exception as error:  # noqa: BLE001 - the last resort: no command shows a traceback
        return _told(office, _bug(error))
    finally:
        office.close()
    return code if isinstance(code, int) else 0


def _told(office: Office, error: KellyError) -> int:
    if error.__cause__ is not None or error.code == "bug":
        _debug_traceback()
    office.show.error(error)
    return error.exit_code


def _usage(error: TyperException) -> KellyError:
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "kelly"
    return UsageError(error.format_message(), hint=f"{where} --help")


def _bug(error: Exception) -> KellyError:
    return KellyError(
        f"unexpected {type(error).__name__}: {error}",
        hint="Run it again with KELLY_DEBUG=1 to see where",
        code="bug",
    )


def _debug_traceback() -> None:
    import os

    if os.environ.get("KELLY_DEBUG") == "1":
        import traceback

        traceback.print_exc()


def run() -> None:
    """Run the command line of this process; Ctrl-C at any moment of it is 130, and no traceback."""
    import signal

    try:
        code = main(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    # On the way out it changes nothing any more.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if code == INTERRUPTED:
        _leave(code)
    sys.exit(code)


def _leave(code: int) -> NoReturn:
    """End without the interpreter's own end.

    ``python -m`` would end by the signal, whoever caught it, when it came in the middle of a text
    that Python evaluates (each named tuple is one): https://bugs.python.org/issue1054041
    """
    import os
    from contextlib import suppress

    for stream in (sys.stdout, sys.stderr):
        # Closed, full, or nobody reads.
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)
