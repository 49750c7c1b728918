"""kelly mpesa token: until when the access token is good. Mounted by kelly_cli.commands.mpesa."""

from __future__ import annotations

from typing import Annotated

import typer

from kelly_cli.commands.options import JsonOpt
from kelly_cli.office import office_of
from kelly_cli.render import Column

COLUMNS = (
    Column("environment", "Environment", "status"),
    Column("base_url", "Server"),
    Column("expires_at", "Good until", "instant"),
    Column("taken_at", "Taken at", "instant"),
    Column("fresh", "Taken now", "flag"),
)


def token(
    ctx: typer.Context,
    short_code: Annotated[
        str,
        typer.Option("--short-code", help="With this code's keys.", metavar="CODE"),
    ] = "",
    json: JsonOpt = False,
) -> None:
    """Take an access token, or find the one that is still good. It is never shown.

    kelly mpesa token

    kelly mpesa token --short-code 600000 --json
    """
    office = office_of(ctx, json=json)
    with office.daraja(short_code) as daraja:
        sight = daraja.token()
    mpesa = office.config.mpesa
    seen = {"environment": mpesa.environment, "base_url": mpesa.base_url, **sight._asdict()}
    document = {
        **seen,
        "expires_at": sight.expires_at.isoformat(),
        "taken_at": sight.taken_at.isoformat(),
    }
    office.show.record(seen, COLUMNS, document)
