"""kelly mpesa sandbox: a pretend Safaricom on this machine. Mounted by commands.mpesa."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.options import JsonOpt
from kelly_cli.errors import ConfigError, DomainError, KellyError
from kelly_cli.office import office_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from kelly_cli.config import Config
    from kelly_cli.daraja.sandbox.state import Event, Settings
    from kelly_cli.office import Office

HOW = (
    "How it behaves (default: well): good-day, duplicates, late, out-of-order, lost, blackout, "
    "validation-only, till, masked-hash, stk-cancelled, stk-timeout, token-thrash, waf-page, "
    "spike-arrest, reversal, garbage, busy-day, or a TOML file."
)
PORT = 8010
"""Where mpesa.base_url looks for it in the environment local."""


def sandbox(
    ctx: typer.Context,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="0 = any free port.")
    ] = PORT,
    host: Annotated[
        str, typer.Option("--host", help="An address of this machine alone.", metavar="ADDRESS")
    ] = "127.0.0.1",
    scenario: Annotated[
        str | None, typer.Option("--scenario", help=HOW, metavar="NAME|FILE")
    ] = None,
    one_shot: Annotated[
        bool,
        typer.Option("--one-shot", help="URLs register once, as in production.", metavar=""),
    ] = False,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="The same seed deals the same payments.")
    ] = None,
    json: JsonOpt = False,
) -> None:
    """Be Safaricom, until Ctrl-C: a pretend one, on this machine, where no money moves.

    The payments of --scenario are dealt once URLs are registered. GET /sandbox/truth shows all that
    was dealt; POST /sandbox/pay and /sandbox/play let people pay.

    kelly mpesa sandbox

    kelly mpesa sandbox --scenario lost --seed 7

    kelly mpesa sandbox --port 0 --one-shot --json
    """
    from kelly_cli.daraja.sandbox import serving, state
    from kelly_cli.daraja.sandbox.scenario import load
    from kelly_cli.listener.server import address_of, stopped_by_signals, url_of

    office = office_of(ctx, json=json)
    refuse_production(office.config, "pretend payments")
    address = address_of(host)
    _check_near(address)
    settings = state.Settings(
        office.now,
        new_seed() if seed is None else seed,
        load(scenario or "good-day"),
        one_shot,
        _tells(office),
        plays=scenario is not None,
    )
    with stopped_by_signals() as stop, closing(_socket(address, port)) as bound:

        def ready() -> bool:
            _say_ready(office, url_of(bound), settings)
            return not stop.asked

        serving.serve(settings, bound, ready)


def new_seed() -> int:
    """Return a seed that nobody had: receipts of two runs never meet."""
    import secrets

    return secrets.randbelow(10**9)


def refuse_production(config: Config, what: str) -> None:
    """Refuse where the books are about real money.

    Raises:
        DomainError: ``not_in_production``.
    """
    if config.mpesa.environment == "production":
        raise DomainError(
            f"there are no {what} in production: a payment there is money",
            hint="Use books of their own: kelly config set mpesa.environment local",
            code="not_in_production",
        )


def _check_near(address: str) -> None:
    from ipaddress import ip_address

    if not ip_address(address.partition("%")[0]).is_loopback:
        raise ConfigError(
            f"the sandbox stands on this machine alone, and {address} can be reached from others",
            hint="kelly mpesa sandbox --host 127.0.0.1",
            code="not_loopback",
        )


def _socket(address: str, port: int) -> socket.socket:
    from kelly_cli.listener.server import listening_socket

    try:
        return listening_socket(address, port)
    except KellyError as error:
        raise KellyError(
            error.message, hint="kelly mpesa sandbox --port 0 takes any free one", code=error.code
        ) from error


def _say_ready(office: Office, url: str, settings: Settings) -> None:
    steps = _next_steps(office.config, url)
    scenario = settings.scenario
    if office.show.json:
        facts = {"url": url, "scenario": scenario.name, "seed": settings.seed, "next": steps}
        office.show.json_line({"event": "ready", **facts})
        return
    office.show.note(f"A pretend Safaricom on {url}: no money moves here")
    office.show.note(f"Scenario {scenario.name}, seed {settings.seed}: {scenario.about}")
    if settings.plays and scenario.payers.count:
        office.show.note(f"It deals {scenario.payers.count} payments once URLs are registered")
    office.show.note("Next, in other terminals:")
    for step in steps:
        office.show.note(f"  {step}")


def _next_steps(config: Config, url: str) -> list[str]:
    base = config.webhook.public_url or f"http://127.0.0.1:{config.webhook.port or 8000}"
    hooks = f"{base}/hooks/TOKEN" if config.webhook.token else base
    confirmation, validation = f"{hooks}/c2b/confirmation", f"{hooks}/c2b/validation"
    there = f"kelly config set mpesa.base_url {url}"
    urls = f"--confirmation-url {confirmation} --validation-url {validation}"
    return [
        *([] if config.mpesa.base_url == url else [there]),
        "kelly webhook serve",
        f"kelly mpesa register {urls}",
        "kelly mpesa simulate --amount 1000 --msisdn 254708374149 --bill-ref CUST-001",
    ]


def _tells(office: Office) -> Callable[[Event], None]:
    """Return what prints a line for each request and each callback."""
    from kelly_cli.core.times import nairobi_wall_clock

    def as_json(event: Event) -> None:
        office.show.json_line({**event._asdict(), "at": event.at.isoformat()})

    def as_line(event: Event) -> None:
        at, what = f"{nairobi_wall_clock(event.at):%H:%M:%S}", event.what
        if office.show.draws:
            office.show.lines(f"{at}  {what:<12}  {event.name}  {event.outcome}")
        else:
            office.show.verbatim(f"{at}\t{what}\t{event.name}\t{event.outcome}\n")

    tell: Callable[[Event], None] | None = as_json if office.show.json else as_line

    def while_somebody_reads(event: Event) -> None:
        nonlocal tell
        try:
            if tell is not None:
                tell(event)
        except OSError:
            # Whoever read the lines has gone, and it goes on without him.
            tell = None

    return while_somebody_reads
