"""kelly config: where every setting comes from, and how to change one.

``path`` and ``set`` work while a setting is wrong, so that it can be found and corrected.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from kelly_cli.commands.keys import CHANGED_SETTING
from kelly_cli.commands.listing import Listing
from kelly_cli.commands.options import DEFAULT_LIMIT, JsonOpt, LimitOpt
from kelly_cli.commands.single import Single, single
from kelly_cli.config import find_files, set_value
from kelly_cli.office import office_of
from kelly_cli.render import Column

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

COLUMNS = (
    Column("setting", "Setting", "id"),
    Column("value", "Value"),
    Column("origin", "From", priority=1),
)
FILES = (Column("kelly_toml", "kelly.toml"), Column("dotenv", ".env"))
CHANGE = (
    Column("setting", "Setting", "id"),
    Column("value", "Value"),
    Column("kelly_toml", "Written to"),
)


@app.callback()
def config(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Settings: list, path, set."""
    office_of(ctx, json=json)


@app.command("list", cls=Listing)
def list_(ctx: typer.Context, limit: LimitOpt = DEFAULT_LIMIT, json: JsonOpt = False) -> None:
    """List every setting, its value and where that value comes from. Secrets are masked.

    kelly config list

    kelly --config shop/kelly.toml config list --json
    """
    office = office_of(ctx, json=json)
    rows = [
        {"setting": row.name, "value": row.value_for_people, "origin": row.origin}
        for row in office.config.settings()[:limit]
    ]
    office.show.rows(rows, COLUMNS, as_json=rows, empty="There are no settings")


@app.command("path", cls=Single)
def path(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Show which kelly.toml and which .env are read.

    kelly config path

    kelly config path --json
    """
    office = office_of(ctx, json=json)
    files = find_files(office.flags.config_file, os.environ, Path.cwd())._asdict()
    found = {name: str(file) if file else None for name, file in files.items()}
    office.show.record(found, FILES, found)


@app.command("set", cls=single(*CHANGED_SETTING))
def set_(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The setting, such as webhook.port.")],
    value: Annotated[str, typer.Argument(help="Its new value; commas separate a list.")],
    json: JsonOpt = False,
) -> None:
    """Write one setting into kelly.toml and keep everything else in it.

    kelly config set webhook.port 9000

    kelly config set webhook.trusted_proxies 10.0.0.1,10.0.0.2
    """
    office = office_of(ctx, json=json)
    cwd = Path.cwd()
    file = find_files(office.flags.config_file, os.environ, cwd).kelly_toml
    books = "" if file else office.config.database.url
    file = file or cwd / "kelly.toml"
    set_value(file, name, value, cwd, keep_database=books)
    changed = {"setting": name, "value": value, "kelly_toml": str(file)}
    office.show.record(changed, CHANGE, changed)
