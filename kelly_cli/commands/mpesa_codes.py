"""kelly mpesa codes: what Safaricom's codes mean. Mounted by kelly_cli.commands.mpesa."""

from __future__ import annotations

from typing import Annotated

import typer

from kelly_cli.commands.options import DEFAULT_LIMIT, JsonOpt, LimitOpt, printable
from kelly_cli.errors import NotFoundError
from kelly_cli.office import office_of
from kelly_cli.render import Column, fields

COLUMNS = (
    Column("code", "Code", "id"),
    Column("place", "Where", "status"),
    Column("meaning", "What it means"),
    Column("action", "What to do"),
)


CODE = fields("code", "place", "meaning", "action", "words")


def codes(
    ctx: typer.Context,
    code: Annotated[
        str | None, typer.Argument(help="Only this code, such as 1032.", metavar="[CODE]")
    ] = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """Explain Safaricom's error and result codes, and what to do about each. Works offline.

    kelly mpesa codes

    kelly mpesa codes 500.001.1001 --json
    """
    from kelly_cli.daraja.client.codes import CATALOGUE, explain

    office = office_of(ctx, json=json)
    found = CATALOGUE if code is None else explain(printable(code, option="CODE"))
    if code is not None and not found:
        raise NotFoundError(
            f"{code} is not among the codes that kelly knows",
            hint="See all of them: kelly mpesa codes",
            code="code_not_found",
        )
    shown = found[:limit]
    rows = [
        {
            "code": known.code,
            "place": known.place,
            "meaning": f"{known.meaning} (when it says “{known.words}”)"
            if known.words
            else known.meaning,
            "action": known.action,
        }
        for known in shown
    ]
    office.show.rows(
        rows,
        COLUMNS,
        as_json=[known._asdict() for known in shown],
        empty="No such codes",
        fields=CODE,
    )
