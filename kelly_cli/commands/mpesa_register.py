"""kelly mpesa register: tell Safaricom where payments are told. Mounted by commands.mpesa."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kelly_cli.commands.mpesa_urls import (
    CodeOpt,
    checks_json,
    environment_of,
    registration_json,
    response_json,
    tell_checks,
    veil,
)
from kelly_cli.commands.options import DryRunOpt, JsonOpt, YesOpt
from kelly_cli.errors import DomainError, UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kelly_cli.daraja.client.shapes import Api
    from kelly_cli.daraja.urls import Check
    from kelly_cli.office import Office
    from kelly_cli.services.registering import Wanted

FIELDS = (
    Column("environment", "In", "status"),
    Column("short_code", "Short code", "id"),
    Column("api", "API", "status"),
    Column("confirmation_url", "Confirmation URL"),
    Column("validation_url", "Validation URL"),
    Column("response_type", "Response type", "status"),
)
RESPONSE_TYPES = ("Completed", "Cancelled")

ApiOpt = Annotated[
    str | None,
    typer.Option("--api", help="v1 or v2, as the app has it (default: mpesa.api).", metavar="V"),
]


def register(
    ctx: typer.Context,
    confirmation_url: Annotated[
        str | None,
        typer.Option(
            "--confirmation-url",
            help="Where payments are told (default: under webhook.public_url).",
            metavar="URL",
        ),
    ] = None,
    validation_url: Annotated[
        str | None,
        typer.Option(
            "--validation-url",
            help="Where payments are asked for first (default: the same).",
            metavar="URL",
        ),
    ] = None,
    response_type: Annotated[
        str,
        typer.Option(
            "--response-type",
            help="Completed or Cancelled: what becomes of a payment when nobody answers.",
            metavar="TYPE",
        ),
    ] = "Completed",
    api: ApiOpt = None,
    short_code: CodeOpt = None,
    dry_run: DryRunOpt = False,
    yes: YesOpt = False,
    json: JsonOpt = False,
) -> None:
    """Register the URLs that Safaricom calls, after each rule is checked.

    In production it is a one-time call: old and new URLs are shown, and you are asked.

    kelly mpesa register --dry-run

    kelly mpesa register --confirmation-url https://pay.example.co.ke/c2b/confirmation --api v1
    """
    from kelly_cli.daraja.urls import check_pair, stops

    office = office_of(ctx, json=json)
    wanted = _wanted(office, confirmation_url, validation_url, response_type, api, short_code)
    checks = check_pair(wanted.confirmation_url, wanted.validation_url, wanted.environment)
    tell_checks(office, checks)
    if stops(checks):
        _tell(office, wanted, checks, {"response": None, "dry_run": dry_run})
        raise _refusal(wanted, stops(checks), office)
    if dry_run:
        _tell(office, wanted, checks, {"response": None, "dry_run": True})
        office.show.note("Nothing was sent (--dry-run).")
        return
    _send(office, wanted, checks, yes=yes)


def response_type_of(text: str) -> str:
    """Read a response type, which Safaricom wants letter by letter.

    Raises:
        UsageError: any other spelling; the error names the right one.
    """
    if text in RESPONSE_TYPES:
        return text
    meant = RESPONSE_TYPES["canc" in text.lower()]
    raise UsageError(
        f"--response-type: {text!r} is not spelt as Safaricom wants it: Completed or Cancelled",
        hint=f"Write --response-type {meant}",
    )


def api_of(office: Office, text: str | None) -> Api:
    """Read a version of the C2B product; None = the one of the settings.

    Raises:
        UsageError: another word.
    """
    if text is None:
        return office.config.mpesa.api
    versions: dict[str, Api] = {"v1": "v1", "v2": "v2"}
    if text in versions:
        return versions[text]
    raise UsageError(f"--api: {text!r} is not a version", hint="Write --api v1 or --api v2")


def our_code(office: Office, code: str | None) -> str:
    """Return one of our short codes; None = the main one.

    Raises:
        ConfigError: it is not ours.
    """
    mpesa = office.config.mpesa
    if code is not None:
        mpesa.credentials(code)
    return code or mpesa.short_code


def _wanted(
    office: Office,
    confirmation_url: str | None,
    validation_url: str | None,
    response_type: str,
    api: str | None,
    short_code: str | None,
) -> Wanted:
    from kelly_cli.services.registering import Wanted

    spelt, version = response_type_of(response_type), api_of(office, api)
    code = our_code(office, short_code)
    if confirmation_url is None or validation_url is None:
        from kelly_cli.config.callbacks import callback_urls

        ours = callback_urls(office.config)
        confirmation_url = ours.confirmation if confirmation_url is None else confirmation_url
        validation_url = ours.validation if validation_url is None else validation_url
    environment = environment_of(office.config, code)
    return Wanted(environment, code, version, confirmation_url, validation_url, spelt)


def _refusal(wanted: Wanted, failed: Sequence[Check], office: Office) -> DomainError:
    from kelly_cli.daraja.urls import without_forbidden_path

    first, more = failed[0], len(failed) - 1
    others = f" (and {more} more)" if more else ""
    instead = without_forbidden_path(wanted.confirmation_url)
    hint = "Correct the URL; see the rules alone: kelly mpesa urls check URL"
    if instead:
        hint = f"The listener takes payments at this path too: --confirmation-url {instead}"
    return DomainError(
        f"{first.rule}: {veil(office, first.detail)}{others}; nothing was sent",
        hint=veil(office, hint),
        code="url_refused",
    )


def _send(office: Office, wanted: Wanted, checks: Sequence[Check], *, yes: bool) -> None:
    from kelly_cli.daraja.client.errors import DarajaError
    from kelly_cli.services import registering
    from kelly_cli.services.simulating import sandbox_named

    books = office.books_to_write()
    if wanted.environment == "production":
        _ask(office, wanted, yes=yes)
    token = office.config.webhook.token
    try:
        with (
            sandbox_named(wanted.environment, office.config.mpesa.base_url),
            office.daraja(wanted.short_code) as daraja,
        ):
            done = registering.register(
                books,
                daraja,
                office.hand(),
                wanted,
                token=token.reveal() if token else None,
                clock=office.now,
            )
    except DarajaError as error:
        _tell(office, wanted, checks, {"response": response_json(error.raw), "dry_run": False})
        raise
    kept = registration_json(done.view)
    _tell(office, wanted, checks, {**kept, "response": done.reply.members, "dry_run": False})
    office.show.lines(f"Safaricom says: {done.reply.description}")


def _ask(office: Office, wanted: Wanted, *, yes: bool) -> None:
    """Show old and new, and have a person agree: in production there is no second try."""
    from kelly_cli.services import registering

    old = registering.find_standing(
        office.database, environment=wanted.environment, short_code=wanted.short_code
    )
    note = office.show.note
    if old is None:
        note(f"Old URLs of {wanted.short_code}: none was registered from here")
    else:
        note(f"Old URLs of {wanted.short_code} ({old.outcome}, {old.created_at:%Y-%m-%d}):")
        note(f"  confirmation {old.confirmation_url}")
        note(f"  validation   {old.validation_url}")
    note(f"New URLs of {wanted.short_code}:")
    note(f"  confirmation {veil(office, wanted.confirmation_url)}")
    note(f"  validation   {veil(office, wanted.validation_url)}")
    office.show.confirm(
        "Register the new URLs in production? All payments will be told there, and only "
        "Safaricom can change it again.",
        yes=yes,
        repeat=_again(office, wanted),
    )


def _again(office: Office, wanted: Wanted) -> str:
    from shlex import quote

    return (
        f"kelly mpesa register --short-code {wanted.short_code} --api {wanted.api} "
        f"--confirmation-url {quote(veil(office, wanted.confirmation_url))} "
        f"--validation-url {quote(veil(office, wanted.validation_url))} "
        f"--response-type {wanted.response_type}"
    )


def _tell(office: Office, wanted: Wanted, checks: Sequence[Check], more: dict[str, Any]) -> None:
    """Print what was asked for, the rules and the reply as one document; people get the fields."""
    asked = {
        **wanted._asdict(),
        "confirmation_url": veil(office, wanted.confirmation_url),
        "validation_url": veil(office, wanted.validation_url),
    }
    if office.show.json:
        office.show.document({**asked, **more, "checks": checks_json(office, checks)})
        return
    office.show.lines("")
    office.show.fields(asked, FIELDS)
