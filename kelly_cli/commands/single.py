"""Single: the class of every command that prints one object.

``@app.command(cls=Single)`` gives a command ``--fields``, which narrows its ``--json``. A command
that changes or sends something names its keys, ``cls=single(INVOICE, "dry_run")``, so that a
misspelt field is refused before anything is done.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from kelly_cli.errors import UsageError
from kelly_cli.office import Office
from kelly_cli.render.wanted import AS_EVER, Wanted, names_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kelly_cli.render import Field

FieldsOpt = Annotated[
    str | None,
    typer.Option("--fields", help="Only these fields of --json, as it names them.", metavar="A,B"),
]


class Single(TyperCommand):
    """A command that prints one object. ``known``: its keys, () = what it prints says them."""

    known: tuple[str, ...] = ()

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params = [*self.params, *_options()]

    def invoke(self, ctx: Any) -> Any:
        """Read ``--fields``, refuse what cannot be, and run the command."""
        _read(ctx, self.known)
        return super().invoke(ctx)


class SingleGroup(TyperGroup):
    """A group that prints one object by itself, without a subcommand."""

    known: tuple[str, ...] = ()

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.params = [*self.params, *_options()]

    def invoke(self, ctx: Any) -> Any:
        """Read ``--fields``, refuse what cannot be, and run what was asked for."""
        _read(ctx, self.known)
        return super().invoke(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the subcommand; the group's own fields are not its."""
        if ctx.find_object(Office).show.wanted != AS_EVER:
            raise UsageError(
                "--fields stands after the command", hint=f"{ctx.command_path} {args[0]} --help"
            )
        return super().resolve_command(ctx, args)


def single(*keys: str | Sequence[Field]) -> type[Single]:
    """Return the class of a command that prints these keys and changes something."""
    return type("Changing", (Single,), {"known": _names(keys)})


def single_group(*keys: str | Sequence[Field]) -> type[SingleGroup]:
    """Return the class of such a group."""
    return type("ChangingGroup", (SingleGroup,), {"known": _names(keys)})


def _names(keys: tuple[str | Sequence[Field], ...]) -> tuple[str, ...]:
    named = ([key] if isinstance(key, str) else [field.key for field in key] for key in keys)
    return tuple(dict.fromkeys(name.partition(".")[0] for some in named for name in some))


def _read(ctx: Any, known: tuple[str, ...]) -> None:
    given = ctx.params.pop("fields")
    if given is None:
        return
    office = ctx.find_object(Office)
    if not (office.flags.json or ctx.params.get("json")):
        raise UsageError("--fields: it narrows --json", hint="Give --json too")
    names = names_in(given)
    if known:
        from kelly_cli.render.narrowing import check_names

        check_names(names, known)
    office.show.wanted = Wanted(fields=names, known=known)


@cache
def _options() -> tuple[Any, ...]:
    bearer = typer.Typer(add_completion=False)
    bearer.command()(_bearer)
    return tuple(typer.main.get_command(bearer).params)


def _bearer(fields: FieldsOpt = None) -> None: ...
