"""kelly mpesa: what kelly asks of Safaricom. Each part of it has a file of its own."""

from __future__ import annotations

import typer

from kelly_cli.commands.keys import ASKED, PAYMENT, QR, REGISTERED, REVERSED, SIMULATED
from kelly_cli.commands.listing import Listing
from kelly_cli.commands.mpesa_ask import balance, requests, status
from kelly_cli.commands.mpesa_codes import codes
from kelly_cli.commands.mpesa_prompt import app as prompt
from kelly_cli.commands.mpesa_pull import app as pull
from kelly_cli.commands.mpesa_qr import qr
from kelly_cli.commands.mpesa_register import register
from kelly_cli.commands.mpesa_sandbox import sandbox
from kelly_cli.commands.mpesa_simulate import simulate
from kelly_cli.commands.mpesa_token import token
from kelly_cli.commands.mpesa_urls import app as urls
from kelly_cli.commands.options import JsonOpt
from kelly_cli.commands.reversals import ask as reverse
from kelly_cli.commands.single import Single, single
from kelly_cli.office import office_of

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def mpesa(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Safaricom: register, prompt, status, pull, reverse, sandbox."""
    office_of(ctx, json=json)


app.command("codes", cls=Listing)(codes)
app.command("qr", cls=single(*QR))(qr)
app.command("register", cls=single(*REGISTERED))(register)
app.command("sandbox")(sandbox)
app.command("simulate", cls=single(*SIMULATED))(simulate)
app.command("token", cls=Single)(token)
app.add_typer(prompt, name="prompt")
app.add_typer(prompt, name="stk-push", hidden=True)
app.add_typer(urls, name="urls")
app.command("status", cls=single(*ASKED))(status)
app.command("balance", cls=single(*ASKED))(balance)
app.command("reverse", cls=single(PAYMENT, *ASKED, *REVERSED))(reverse)
app.command("requests", cls=Listing)(requests)
app.add_typer(pull, name="pull")
