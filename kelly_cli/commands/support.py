"""kelly support: where Safaricom's help is to be had, and by which addresses it calls."""

from __future__ import annotations

import typer

from kelly_cli.commands.options import JsonOpt
from kelly_cli.commands.single import Single
from kelly_cli.office import office_of
from kelly_cli.render import Column

app = typer.Typer(rich_markup_mode=None, add_completion=False)

PLACES = {
    "portal": "https://developer.safaricom.co.ke",
    "email": "apisupport@safaricom.co.ke",
    "sandbox_hours": "24 hours, 7 days",
    "production_hours": "business hours, East Africa Time (UTC+3)",
}
"""As Safaricom publishes it."""
FIELDS = (
    Column("portal", "Developer portal"),
    Column("email", "API support"),
    Column("sandbox_hours", "Sandbox"),
    Column("production_hours", "Production support"),
    Column("sandbox_url", "Sandbox API"),
    Column("production_url", "Production API"),
    Column("callback_addresses", "Callbacks come from"),
)
_WHAT_TO_SAY = """
Changing URLs that are registered in production: in the portal, Self Services >
URL Management; two operators of the business (Business Manager or
Administrator) approve it.
Switching validation on: by e-mail, and it takes about six hours.
With a question give the short code, the receipt, the time, and the requestId
or ConversationID of the reply (kelly mpesa urls, kelly webhook show). Never a
key or a password."""


@app.command(cls=Single)
def support(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Show Safaricom's portal, addresses and hours. Offline.

    kelly support

    kelly support --json
    """
    from kelly_cli.config import BASE_URLS, SAFARICOM_ADDRESSES

    office = office_of(ctx, json=json)
    found = {
        **PLACES,
        "sandbox_url": BASE_URLS["sandbox"],
        "production_url": BASE_URLS["production"],
    }
    shown = {**found, "callback_addresses": ", ".join(SAFARICOM_ADDRESSES)}
    office.show.record(shown, FIELDS, {**found, "callback_addresses": list(SAFARICOM_ADDRESSES)})
    office.show.lines(*_WHAT_TO_SAY.split("\n"))
