"""Listing: the class of every command that prints a list.

``@app.command("list", cls=Listing)`` gives a command ``--csv``, ``--xlsx``, ``-o`` and ``--fields``
beside its own options; the command itself only calls ``office.show.rows``.
"""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from kelly_cli.commands.options import CsvOpt, FieldsOpt, OutputOpt, XlsxOpt
from kelly_cli.errors import UsageError
from kelly_cli.office import Office
from kelly_cli.render.wanted import AS_EVER, wanted

OPTIONS = ("csv", "xlsx", "output", "fields")


class Listing(TyperCommand):
    """A command whose list may become CSV, XLSX, a file, or fewer fields."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params = [*self.params, *_options()]

    def invoke(self, ctx: Any) -> Any:
        """Read the four options, refuse what cannot be, and run the command."""
        _read(ctx)
        return super().invoke(ctx)


class ListingGroup(TyperGroup):
    """A group that lists by itself, without a subcommand."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.params = [*self.params, *_options()]

    def invoke(self, ctx: Any) -> Any:
        """Read the four options, refuse what cannot be, and run what was asked for."""
        _read(ctx)
        return super().invoke(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the subcommand; the group's own options are not for it."""
        if ctx.find_object(Office).show.wanted != AS_EVER:
            raise UsageError(
                "--csv, --xlsx, -o and --fields stand after the command",
                hint=f"{ctx.command_path} {args[0]} --help",
            )
        return super().resolve_command(ctx, args)


def _read(ctx: Any) -> None:
    given = {name: ctx.params.pop(name) for name in OPTIONS}
    show = ctx.find_object(Office).show
    show.wanted = wanted(json=_asks_for_json(ctx), **given)
    if show.wanted.file is not None:
        from kelly_cli.render.files import check_place

        check_place(show.wanted.file)


def _asks_for_json(ctx: Any) -> bool:
    """Tell whether ``--json`` stands on the command line; the environment's yields to a form."""
    while ctx is not None:
        source = ctx.get_parameter_source("json")
        if ctx.params.get("json") and source is not None and source.name == "COMMANDLINE":
            return True
        ctx = ctx.parent
    return False


def _options() -> list[Any]:
    bearer = typer.Typer(add_completion=False)
    bearer.command()(_bearer)
    return typer.main.get_command(bearer).params


def _bearer(
    csv: CsvOpt = False,
    xlsx: XlsxOpt = False,
    output: OutputOpt = None,
    fields: FieldsOpt = None,
) -> None: ...
