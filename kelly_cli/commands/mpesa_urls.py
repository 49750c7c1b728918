"""kelly mpesa urls: what was registered, and the rules of a URL. Mounted by commands.mpesa."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.listing import Listing, ListingGroup
from kelly_cli.commands.options import DEFAULT_LIMIT, JsonOpt, LimitOpt, ShortCodeOpt
from kelly_cli.commands.short_codes import Places
from kelly_cli.commands.single import Single
from kelly_cli.office import office_of
from kelly_cli.render import Column, fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kelly_cli.config import Config
    from kelly_cli.daraja.urls import Check
    from kelly_cli.office import Office
    from kelly_cli.store.registration_rows import RegistrationView

app = typer.Typer(cls=ListingGroup, rich_markup_mode=None, invoke_without_command=True)

CHECKS = (
    Column("level", "Result", "status"),
    Column("rule", "Rule"),
    Column("detail", "Detail"),
)
COLUMNS = (
    Column("created_at", "Sent at", "instant", priority=1),
    Column("environment", "In", "status", priority=3),
    Column("short_code", "Short code", "id"),
    Column("api", "API", "status", priority=2),
    Column("outcome", "Outcome", "status"),
    Column("confirmation_url", "Confirmation URL"),
    Column("validation_url", "Validation URL", priority=4),
    Column("response_type", "Response type", "status", priority=5),
)
REGISTRATION = fields(
    "id", "environment", "short_code", "api", "confirmation_url", "validation_url", "response_type",
    "outcome", "reply", "actor", "created_at", "answered_at", "response",
)  # fmt: skip
REPLY_SHOWN = 300

_REAL = "api.safaricom.co.ke"
_AS_GOOD_AS = {"intended": "unknown"}

CodeOpt = Annotated[
    str | None,
    typer.Option("--short-code", help="One of ours (default: the main one).", metavar="CODE"),
]


@app.callback()
def urls(
    ctx: typer.Context,
    short_code: ShortCodeOpt = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """List what was registered, newest first, with Safaricom's reply.

    kelly mpesa urls

    kelly mpesa urls --limit 1 --json
    """
    office = office_of(ctx, json=json)
    if ctx.invoked_subcommand is None:
        _list(office, short_code, limit)


@app.command("list", cls=Listing)
def list_(
    ctx: typer.Context,
    short_code: ShortCodeOpt = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """List what was registered, newest first, with Safaricom's reply.

    kelly mpesa urls list

    kelly mpesa urls list --short-code 600000 --json
    """
    _list(office_of(ctx, json=json), short_code, limit)


@app.command(cls=Single)
def check(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(help="The URL to check.", metavar="URL")],
    environment: Annotated[
        str | None,
        typer.Option(
            "--environment",
            help="local, sandbox or production (default: the one of the settings).",
            metavar="NAME",
        ),
    ] = None,
    json: JsonOpt = False,
) -> None:
    """Check a URL against every rule of Safaricom's; exit 1 when one would stop it.

    Nothing is sent.

    kelly mpesa urls check https://pay.example.co.ke/c2b/confirmation

    kelly mpesa urls check https://pay.example.co.ke/c2b/validation --environment production
    """
    from kelly_cli.daraja.urls import check_url, stops

    office = office_of(ctx, json=json)
    where = _known(environment) if environment is not None else environment_of(office.config)
    checks = check_url(url, where)
    if office.show.json:
        office.show.document(
            {
                "url": _veil(office.config, url),
                "environment": where,
                "ok": not stops(checks),
                "checks": checks_json(office, checks),
            }
        )
    tell_checks(office, checks)
    if stops(checks):
        raise typer.Exit(1)


def environment_of(config: Config, code: str = "") -> str:
    """Return how careful to be: production when anything says that this would be real."""
    from urllib.parse import urlsplit

    mpesa = config.mpesa
    named = {each.code: each.environment for each in mpesa.short_codes}
    said = {mpesa.environment, named.get(code or mpesa.short_code, "")}
    real = (urlsplit(mpesa.base_url).hostname or "").rstrip(".") == _REAL
    return "production" if real or "production" in said else mpesa.environment


def checks_json(office: Office, checks: Sequence[Check]) -> list[dict[str, object]]:
    """Return the rules for a document (contract section 4)."""
    return [
        {
            "rule": check.rule,
            "ok": check.ok,
            "level": check.level,
            "detail": _veil(office.config, check.detail),
        }
        for check in checks
    ]


def tell_checks(office: Office, checks: Sequence[Check]) -> None:
    """Print each rule as passed, warned or failed; nothing under ``--json``."""
    office.show.table(checks_json(office, checks), CHECKS)


def registration_json(view: RegistrationView) -> dict[str, object]:
    """Return one registration for a document; ``response`` is Safaricom's reply."""
    return {
        **view._asdict(),
        "outcome": _AS_GOOD_AS.get(view.outcome, view.outcome),
        "created_at": view.created_at.isoformat(),
        "answered_at": view.answered_at and view.answered_at.isoformat(),
        "response": response_json(view.reply),
    }


def response_json(reply: str | None) -> object:
    """Return a reply as the value that it spells, else as its text; None = there was none."""
    from json import loads

    try:
        return loads(reply) if reply else None
    except (ValueError, RecursionError):
        return reply


def veil(office: Office, url: str) -> str:
    """Return a URL as it may be shown: without the secret of the callback paths."""
    return _veil(office.config, url)


def callable_url(office: Office, url: str, code: str = "") -> str:
    """Return one of our own callback URLs, when Safaricom would take it for a short code of ours.

    Raises:
        DomainError: ``url_refused``: forbidden or malformed; in production also http, an address
            of this machine, a tunnel.
    """
    from kelly_cli.daraja.urls import check_url, stops
    from kelly_cli.errors import DomainError

    failed = stops(check_url(url, environment_of(office.config, code)))
    if not failed:
        return url
    raise DomainError(
        f"{failed[0].rule}: {veil(office, failed[0].detail)}; nothing was sent",
        hint="Correct webhook.public_url (and webhook.token); the rules: kelly mpesa urls check "
        f"{veil(office, url)}",
        code="url_refused",
    )


def _veil(config: Config, text: str) -> str:
    from kelly_cli.services.registering import veiled

    token = config.webhook.token
    return veiled(text, token.reveal() if token else None)


def _known(environment: str) -> str:
    from kelly_cli.config.values import ENVIRONMENTS
    from kelly_cli.errors import UsageError

    if environment not in ENVIRONMENTS:
        raise UsageError(
            f"--environment: {environment!r} is not one of {', '.join(ENVIRONMENTS)}",
            hint=f"Write one of {', '.join(ENVIRONMENTS)}",
        )
    return environment


def _list(office: Office, short_code: str | None, limit: int) -> None:
    from kelly_cli.services import registering

    found = registering.list_registrations(
        office.books_to_read(), short_codes=Places(office).picked(short_code), limit=limit
    )
    office.show.rows(
        [{**each._asdict(), "outcome": registration_json(each)["outcome"]} for each in found],
        COLUMNS,
        as_json=lambda: [registration_json(each) for each in found],
        empty="Nothing was registered from here. Do it: kelly mpesa register",
        fields=REGISTRATION,
    )
    if found and not office.show.json:
        reply = found[0].reply or "none"
        office.show.lines("", f"Safaricom's last reply: {reply[:REPLY_SHOWN]}")
