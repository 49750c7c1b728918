"""kelly webhook trigger: post pretend callbacks to a listener. Mounted by commands.webhook."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.mpesa_sandbox import new_seed, refuse_production
from kelly_cli.commands.options import JsonOpt, amount, printable
from kelly_cli.errors import KellyError, UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from collections.abc import Callable

    from kelly_cli.config import Config
    from kelly_cli.daraja.sandbox.scenario import Scenario
    from kelly_cli.daraja.sandbox.state import Event, Settings
    from kelly_cli.daraja.sandbox.truth import Dealt

MOST = 10_000
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - replaced, not bound to

COLUMNS = (
    Column("receipt", "Receipt", "receipt"),
    Column("amount_cents", "Amount", "money"),
    Column("reference", "Reference"),
    Column("fate", "Meant to be", "status"),
    Column("confirmations", "Taken", "count"),
)


def trigger(
    ctx: typer.Context,
    ref: Annotated[
        str, typer.Option("--ref", help="The account number that is typed.", metavar="REFERENCE")
    ],
    amount_text: Annotated[str, typer.Option("--amount", help="In KES.", metavar="AMOUNT")],
    phone: Annotated[str, typer.Option("--phone", help="Who pays.")] = "254708374149",
    scenario: Annotated[
        str,
        typer.Option("--scenario", help="How they come, such as duplicates.", metavar="NAME|FILE"),
    ] = "good-day",
    times: Annotated[int, typer.Option("--times", min=1, max=MOST, help="So many payments.")] = 1,
    to: Annotated[
        str | None,
        typer.Option("--to", help="A URL instead of the configured listener's.", metavar="URL"),
    ] = None,
    json: JsonOpt = False,
) -> None:
    """Post callbacks of pretend payments to a running listener, over HTTP.

    kelly webhook trigger --ref CUST-001 --amount 1000

    kelly webhook trigger --ref INV-20260203-0001 --amount 50 --times 20 --scenario duplicates
    """
    from kelly_cli.core.money import kes
    from kelly_cli.core.refs import parse_phone
    from kelly_cli.daraja.sandbox.scenario import load
    from kelly_cli.daraja.sandbox.state import Settings

    office = office_of(ctx, json=json)
    refuse_production(office.config, "pretend callbacks")
    cents = amount(amount_text, option="--amount")
    reference = printable(ref, option="--ref")
    try:
        msisdn = parse_phone(phone)
    except ValueError as error:
        raise UsageError(f"--phone: {error}") from None
    failures: list[str] = []
    settings = Settings(
        office.now, new_seed(), _fit(load(scenario)), tell=_hears(failures), anywhere=True
    )
    urls = _urls(office.config, to)
    dealt = asyncio.run(
        _post(settings, urls, office.config.mpesa.short_code, (reference, cents, msisdn, times))
    )
    if failures:
        raise _not_taken(failures)
    document = {
        "payments": [each.as_json() for each in dealt],
        "posted": sum(each.confirmations for each in dealt),
        "total": kes(sum(each.amount_cents for each in dealt if each.state == "completed")),
    }
    if office.show.json:
        office.show.document(document)
        return
    rows = [{name: getattr(each, name) for name in each.__slots__} for each in dealt]
    office.show.table(rows, COLUMNS)


def _fit(scenario: Scenario) -> Scenario:
    """Return a scenario that says how callbacks come.

    Raises:
        UsageError: it is about requests to Safaricom, and no callback would differ.
    """
    if scenario.payers.count == 0:
        raise UsageError(
            f"--scenario: {scenario.name} is about requests, not about callbacks of payments",
            hint=f"Start it as Safaricom: kelly mpesa sandbox --scenario {scenario.name}",
        )
    return scenario


def _urls(config: Config, to: str | None) -> tuple[str, str]:
    """Return where confirmations and validations go."""
    if to is not None:
        check_url(to)
        return to, to
    webhook = config.webhook
    if webhook.port == 0:
        raise UsageError(
            "webhook.port is 0 (the system chooses), so the listener's address is not known",
            hint="Give it: --to http://127.0.0.1:PORT/c2b/confirmation",
        )
    host = _ANY_ADDRESS.get(webhook.host, webhook.host)
    base = f"http://{f'[{host}]' if ':' in host else host}:{webhook.port}"
    if webhook.token is not None:
        base += f"/hooks/{webhook.token.reveal()}"
    return f"{base}/c2b/confirmation", f"{base}/c2b/validation"


def check_url(text: str) -> None:
    """Refuse what nothing can be posted to.

    Raises:
        UsageError: no http URL.
    """
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and text.isprintable()
        good = good and parts.port != 0 and " " not in text
    except ValueError:
        good = False
    if not good:
        raise UsageError(
            f"--to: {text!r} is no URL", hint="Write it as http://127.0.0.1:8000/c2b/confirmation"
        )


async def _post(
    settings: Settings, urls: tuple[str, str], short_code: str, pay: tuple[str, int, str, int]
) -> list[Dealt]:
    from datetime import timedelta

    from kelly_cli.daraja.sandbox.busy_day import play
    from kelly_cli.daraja.sandbox.delivering import Wanted
    from kelly_cli.daraja.sandbox.state import Registered, Sandbox

    sandbox = Sandbox(settings)
    now, (reference, cents, phone, times) = sandbox.now(), pay
    asks = urls[1] if settings.scenario.deliveries.turns_away else ""
    sandbox.registered[short_code] = Registered(short_code, urls[0], asks, "Completed", "v2", now)
    till = settings.scenario.payers.till
    wanted = [
        Wanted(short_code, cents, reference, phone, till, now - timedelta(seconds=times - 1 - n))
        for n in range(times)
    ]
    try:
        await play(sandbox, short_code, wanted)
    finally:
        await sandbox.close()
    return list(sandbox.truth)


def _hears(failures: list[str]) -> Callable[[Event], None]:
    """Return what keeps the failures; garbage may be refused."""

    def hear(event: Event) -> None:
        taken = len(event.outcome) == 3 and event.outcome.startswith("2")  # noqa: PLR2004 - a status
        meant = event.outcome.startswith("lost")
        if event.what in {"confirmation", "validation"} and not taken and not meant:
            failures.append(event.outcome)

    return hear


def _not_taken(failures: list[str]) -> KellyError:
    first = failures[0]
    told = f"it answered {first}" if first.isdecimal() else first
    return KellyError(
        f"{len(failures)} of the callbacks were not taken: {told}",
        hint="Start the listener (kelly webhook serve), or name another with --to URL",
        code="callback_not_taken",
    )
