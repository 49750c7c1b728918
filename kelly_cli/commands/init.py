"""kelly init: kelly.toml, .env and the books, in one go. Nothing that is there is written over."""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from kelly_cli.commands.keys import SET_UP
from kelly_cli.commands.options import JsonOpt
from kelly_cli.commands.single import single
from kelly_cli.errors import DomainError, UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kelly_cli.office import Office
    from kelly_cli.services.setting_up import Made

app = typer.Typer(rich_markup_mode=None, add_completion=False)

MADE = (Column("state", "State", "status"), Column("what", "What"))
SECRETS = {
    "MPESA_CONSUMER_KEY": "Consumer key",
    "MPESA_CONSUMER_SECRET": "Consumer secret",
    "MPESA_PASSKEY": "Passkey of payment prompts",
}
"""Asked for on a terminal, outside ``local``; unseen."""


class Question(NamedTuple):
    """Something to settle: its setting, and how a person is asked."""

    setting: str
    words: str
    default: str
    local: bool = True
    """False: not asked while kelly works offline."""


QUESTIONS = (
    Question("mpesa.environment", "local (offline), sandbox or production", "local"),
    Question("mpesa.short_code", "Your paybill or till", "174379"),
    Question("business.name", "The name of your business", "My business"),
    Question(
        "webhook.public_url", "The https address of this machine (empty: later)", "", local=False
    ),
)


@app.command(cls=single(*SET_UP))
def init(
    ctx: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Argument(help="Where they go (default: this folder).", metavar="FOLDER"),
    ] = None,
    environment: Annotated[
        str | None, typer.Option("--environment", help="local, sandbox or production.")
    ] = None,
    short_code: Annotated[
        str | None, typer.Option("--short-code", help="Your paybill or till.", metavar="CODE")
    ] = None,
    business_name: Annotated[
        str | None, typer.Option("--business-name", help="As documents show it.", metavar="NAME")
    ] = None,
    public_url: Annotated[
        str | None,
        typer.Option("--public-url", help="Where Safaricom reaches this machine.", metavar="URL"),
    ] = None,
    secrets: Annotated[
        Path | None,
        typer.Option(
            "--secrets",
            help="NAME=VALUE lines (MPESA_CONSUMER_KEY=...) to take into .env; - is stdin.",
            metavar="FILE",
        ),
    ] = None,
    token: Annotated[
        bool | None,
        typer.Option(
            "--token/--no-token",
            help="A secret in the callback paths (default: yes, but not in local).",
            metavar="",
        ),
    ] = None,
    json: JsonOpt = False,
) -> None:
    """Write kelly.toml, .env and the books. It asks on a terminal only, and overwrites nothing.

    kelly init

    kelly init shop --environment sandbox --short-code 600984 --secrets keys.txt
    """
    office = office_of(ctx, json=json)
    toml = _target(office, folder)
    flags = {
        "mpesa.environment": environment,
        "mpesa.short_code": short_code,
        "business.name": business_name,
        "webhook.public_url": public_url,
    }
    given = {name: value for name, value in flags.items() if value is not None}
    _refuse_lost_answers(toml, given, secrets)
    chosen, hidden = _answers(office, toml, given, secrets)
    if _wants_token(toml, chosen, token, hidden):
        from kelly_cli.services.tokens import new_token

        hidden["KELLY_WEBHOOK_TOKEN"] = new_token()
    _write(office, toml, chosen, hidden)


def _target(office: Office, folder: Path | None) -> Path:
    """Return where kelly.toml is to stand: what a flag or the environment names, else FOLDER."""
    named = office.flags.config_file
    if named is not None and folder is not None:
        raise UsageError(
            f"--config {named} and FOLDER {folder} both say where", hint="Give one of them"
        )
    if folder is not None:
        return folder.expanduser().absolute() / "kelly.toml"
    named = named or (Path(os.environ["KELLY_CONFIG"]) if os.environ.get("KELLY_CONFIG") else None)
    return Path.cwd() / (named or "kelly.toml")


def _refuse_lost_answers(toml: Path, given: Mapping[str, str], secrets: Path | None) -> None:
    """Refuse answers for a file that is kept as it is: they would be lost."""
    dotenv = toml.parent / ".env"
    if given and toml.exists():
        name, value = next(iter(given.items()))
        raise DomainError(
            f"{toml} is there already, and nothing is written over",
            hint=f"Change it: kelly config set {name} {quote(value)}",
            code="file_exists",
        )
    if secrets is not None and dotenv.exists():
        raise DomainError(
            f"{dotenv} is there already, and nothing is written over",
            hint=f"Put the secrets into {dotenv} by hand",
            code="file_exists",
        )


def _answers(
    office: Office, toml: Path, given: Mapping[str, str], secrets: Path | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Return settings and secrets: given by flags, else asked for, else the defaults."""
    for name, value in given.items():
        _checked(name, value)
    hidden = {} if secrets is None else _read_secrets(secrets)
    chosen = dict(given)
    if not _can_ask(office):
        return chosen, hidden
    if not toml.exists():
        for question in QUESTIONS:
            offline = chosen.get("mpesa.environment", "local") == "local"
            if question.setting not in chosen and (question.local or not offline):
                chosen[question.setting] = _ask(question)
    dotenv = toml.parent / ".env"
    if chosen.get("mpesa.environment", "local") != "local" and not dotenv.exists():
        for name, words in SECRETS.items():
            if name not in hidden:
                hidden[name] = _ask_unseen(words)
    return (
        {name: value for name, value in chosen.items() if value},
        {name: value for name, value in hidden.items() if value},
    )


def _can_ask(office: Office) -> bool:
    show = office.show
    return not show.json and show.stdin is not None and show.stdin.isatty() and show.stderr.isatty()


def _ask(question: Question) -> str:
    def read(text: str) -> str:
        try:
            _checked(question.setting, text)
        except UsageError as error:
            raise typer.BadParameter(error.message) from None
        return text.strip()

    answer: str = typer.prompt(
        question.words,
        default=question.default,
        show_default=bool(question.default),
        value_proc=read,
        err=True,
    )
    return answer


def _ask_unseen(words: str) -> str:
    answer: str = typer.prompt(
        f"{words} (empty: later)", default="", show_default=False, hide_input=True, err=True
    )
    return answer.strip()


def _checked(name: str, value: str) -> None:
    """Refuse what a setting does not take.

    Raises:
        UsageError: the value is wrong; empty is right where nothing is needed.
    """
    from kelly_cli.config.table import BY_NAME

    if not value.strip() and BY_NAME[name].default is None:
        return
    try:
        BY_NAME[name].parse(value, Path.cwd())
    except ValueError as refusal:
        option = name.partition(".")[2].replace("_", "-")
        if name == "business.name":
            option = "business-name"
        raise UsageError(
            f"--{option}: {value!r} is not {refusal.args[0]}",
            hint=f"Write --{option} with {refusal.args[0]}",
        ) from None


def _read_secrets(file: Path) -> dict[str, str]:
    """Read NAME=VALUE lines; only names of secrets are taken.

    Raises:
        UsageError: a line is none, or its name is of no secret. The values are never shown.
    """
    import sys

    from kelly_cli.config.sources import parse_dotenv, read_text
    from kelly_cli.config.table import SETTINGS

    text = sys.stdin.read() if str(file) == "-" else read_text(file)
    known = {row.names[0] for row in SETTINGS if row.secret}
    found = parse_dotenv(text, f"--secrets {file}")
    strange = [name for name in found if name not in known]
    if strange:
        raise UsageError(
            f"--secrets: {strange[0]} is no secret of kelly",
            hint=f"Known are {', '.join(sorted(known))}",
        )
    return found


def _wants_token(
    toml: Path, chosen: Mapping[str, str], token: bool | None, hidden: Mapping[str, str]
) -> bool:
    if (toml.parent / ".env").exists() or "KELLY_WEBHOOK_TOKEN" in hidden:
        return False
    return chosen.get("mpesa.environment", "local") != "local" if token is None else token


def _write(office: Office, toml: Path, chosen: dict[str, str], hidden: dict[str, str]) -> None:
    from kelly_cli.config import load
    from kelly_cli.config.starting import starting_dotenv, starting_toml
    from kelly_cli.services import setting_up
    from kelly_cli.store.database import Database

    settings, private = _place_of_books(office, toml)
    made = [
        setting_up.make_file(toml, starting_toml({**settings, **chosen}), mode=setting_up.SHARED),
        setting_up.make_file(
            toml.parent / ".env", starting_dotenv({**private, **hidden}), mode=setting_up.OWN
        ),
    ]
    config = load(config_file=toml, db=office.flags.db, environ=os.environ, cwd=Path.cwd())
    for warning in config.warnings:
        office.show.warning(warning)
    books = Database(config.database.url)
    try:
        made.append(setting_up.make_books(books))
    finally:
        books.close()
    _tell(office, toml, made)


def _place_of_books(office: Office, toml: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return where the books are to be, when not beside kelly.toml: as a setting, or a secret.

    Books that were made without a kelly.toml stay in use.
    """
    from kelly_cli.config import find_files, load, mask
    from kelly_cli.config.values import database_url
    from kelly_cli.config.writing import stands

    if toml.exists():
        return {}, {}
    url = ""
    if office.flags.db is not None:
        url = database_url(office.flags.db, Path.cwd())
    elif find_files(None, {**os.environ, "KELLY_CONFIG": ""}, Path.cwd()).kelly_toml is None:
        before = load(config_file=None, db=None, environ={}, cwd=Path.cwd())
        url = before.database.url if stands(before.database.url) else ""
    if url == f"sqlite:///{toml.parent.as_posix()}/kelly.db":
        url = ""
    if not url:
        return {}, {}
    secret = mask(url) != url
    return ({}, {"KELLY_DATABASE_URL": url}) if secret else ({"database.url": url}, {})


def _tell(office: Office, toml: Path, made: Sequence[Made]) -> None:
    rows = [{"what": each.what, "state": "made" if each.made else "kept"} for each in made]
    then = "kelly doctor"
    if toml.parent != Path.cwd() or toml.name != "kelly.toml":
        then = f"kelly --config {quote(str(toml))} doctor"
    if office.show.json:
        files = dict(zip(("kelly_toml", "dotenv", "database"), rows, strict=True))
        office.show.document({**files, "next": then})
        return
    office.show.table(rows, MADE)
    office.show.lines("", f"Next: {then}")
