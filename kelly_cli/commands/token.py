"""kelly webhook token: make a secret path. Mounted by kelly_cli.commands.webhook."""

from __future__ import annotations

import typer

from kelly_cli.commands.options import JsonOpt
from kelly_cli.office import office_of

VARIABLE = "KELLY_WEBHOOK_TOKEN"
PATHS = ("/c2b/confirmation", "/c2b/validation", "/stk/callback")


def token(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Make a secret for the callback paths, and say where to put it. It changes nothing.

    kelly webhook token

    kelly webhook token --json
    """
    from kelly_cli.services.tokens import new_token

    office = office_of(ctx, json=json)
    made = new_token()
    base = office.config.webhook.public_url or ""
    urls = [f"{base}/hooks/{made}{path}" for path in PATHS]
    if office.show.json:
        office.show.document({"token": made, "variable": VARIABLE, "urls": urls})
        return
    office.show.lines(made)
    office.show.note(
        f"Put it in .env beside kelly.toml, and keep that file to yourself: {VARIABLE}="
    )
    office.show.note("With it the callback paths are, for example:")
    for url in urls:
        office.show.note(f"  {url}")
