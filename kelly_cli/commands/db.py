"""kelly db: check the books, save them, put them back, bring them up to date, mend totals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.keys import BACKED_UP, PURGED, RESTORED, TOTALS, UPGRADED
from kelly_cli.commands.options import JsonOpt, YesOpt
from kelly_cli.commands.purge import purge
from kelly_cli.commands.single import Single, single
from kelly_cli.commands.totals import rebuild_totals
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from kelly_cli.office import Office
    from kelly_cli.store.backups import Backup
    from kelly_cli.store.checks.shape import CheckResult

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

BACKUP = (
    Column("file", "File"),
    Column("bytes", "Bytes", "count"),
    Column("payments", "Payments", "count"),
    Column("schema", "Schema", "id"),
)
VIOLATIONS = (
    Column("invariant", "Invariant", "id"),
    Column("subject", "Subject", "id"),
    Column("detail", "Detail"),
)


WARNINGS = (
    Column("invariant", "Look at", "id"),
    Column("subject", "Subject", "id"),
    Column("detail", "Why"),
)


@app.callback()
def db(ctx: typer.Context, json: JsonOpt = False) -> None:
    """The database: check, backup, restore, upgrade, purge, rebuild-totals."""
    office_of(ctx, json=json)


app.command(cls=single(*PURGED))(purge)
app.command("rebuild-totals", cls=single(*TOTALS))(rebuild_totals)


@app.command(cls=Single)
def check(
    ctx: typer.Context,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild", help="Make the books again from all that was kept, too.", metavar=""
        ),
    ] = False,
    json: JsonOpt = False,
) -> None:
    """Check that the books hold together; exit 1 when they do not.

    With --rebuild every callback and every action by hand is done again in empty books aside, and
    payments, invoices and balances are compared.

    kelly db check

    kelly db check --rebuild --json
    """
    from kelly_cli.services import checking, hinting

    office = office_of(ctx, json=json)
    books = office.books_to_read()
    result = checking.check(books, now=office.now())
    result.join(hinting.spool(office.spool, now=office.now()))
    result.join(hinting.hints(books, whole=rebuild))
    if rebuild:
        _rebuild(office, result)
    if office.show.json:
        office.show.document(_check_json(result))
    _tell_check(office, result)
    if not result.ok:
        raise typer.Exit(1)


def _rebuild(office: Office, result: CheckResult) -> None:
    """Add what a rebuild finds."""
    from kelly_cli.services import rebuilding

    with office.show.progress(None, "Callbacks") as progress:
        books = office.books_to_read()
        done = rebuilding.rebuild(books, now=office.now(), advance=progress.advance)
    result.join(done.result)
    office.show.note(
        f"Done again from nothing: {done.callbacks:,} callbacks, {done.actions:,} actions by hand"
    )


@app.command(cls=single(*BACKED_UP))
def backup(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="The file or folder to write to (default: beside the database).",
            metavar="FILE",
        ),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", "--force", help="Write over FILE without asking.", metavar=""),
    ] = False,
    json: JsonOpt = False,
) -> None:
    """Save all books into one file while others go on working.

    kelly db backup

    kelly db backup /mnt/usb/kelly.db --force
    """
    from kelly_cli.services import backups

    office = office_of(ctx, json=json)
    _refuse_dash(file)
    target = backups.backup_file(office.database, office.now(), file)
    if target.exists():
        office.show.confirm(f"Write over {target}?", yes=yes, repeat=f"kelly db backup {target}")
    made = _backup_json(backups.back_up(office.database, target))
    office.show.record(made, BACKUP, made)


@app.command(cls=single(*BACKED_UP, *RESTORED))
def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A backup.", metavar="FILE")],
    yes: YesOpt = False,
    json: JsonOpt = False,
) -> None:
    """Put a backup in the place of the books.

    What is there now is saved first, and the restored books are checked.

    kelly db restore kelly-20260203-143000.db

    kelly db restore kelly-20260203-143000.db --yes --json
    """
    from kelly_cli.services import backups

    office = office_of(ctx, json=json)
    _refuse_dash(file)
    found = backups.look_into(office.database, file)
    office.show.confirm(
        f"Put the books of {file} ({found.payments} payments) "
        f"in the place of those in {office.database.shown()}?",
        yes=yes,
        repeat=f"kelly db restore {file}",
    )
    done = backups.restore(office.database, office.hand(), found)
    restored = _backup_json(found)
    office.show.record(
        restored,
        BACKUP,
        {
            **restored,
            "kept": str(done.kept.file) if done.kept else None,
            **(
                _check_json(done.check)
                if done.check
                else {"ok": None, "violations": [], "counts": {}}
            ),
        },
    )
    if done.kept:
        office.show.note(f"What was there before: {done.kept.file}")
    office.show.note(
        "Money received since that backup is missing: kelly mpesa pull --since 48h brings back "
        "what came in the last two days; the statement that the M-Pesa portal exports has all of "
        "it: kelly recon statement FILE --apply"
    )
    if done.check is None:
        office.show.note(f"The books have the older schema {found.schema}. Run: kelly db upgrade")
        return
    _tell_check(office, done.check)
    if not done.check.ok:
        raise typer.Exit(1)


@app.command(cls=single(*UPGRADED))
def upgrade(
    ctx: typer.Context,
    no_backup: Annotated[
        bool,
        typer.Option("--no-backup", help="Save nothing first: there is a backup.", metavar=""),
    ] = False,
    json: JsonOpt = False,
) -> None:
    """Bring the books to the schema of this kelly.

    They are saved beside the database first.

    kelly db upgrade

    kelly db upgrade --no-backup
    """
    from kelly_cli.services import backups

    office = office_of(ctx, json=json)
    done = backups.upgrade(office.database, office.now(), backup=not no_backup)
    if done.backup:
        office.show.note(f"Saved first: {done.backup.file}")
    if office.show.json:
        saved = str(done.backup.file) if done.backup else None
        office.show.document({"before": done.before, "after": done.after, "backup": saved})
    elif done.before == done.after:
        office.show.lines(f"The books are up to date: schema {done.after}")
    elif done.before is None:
        office.show.lines(f"New books with schema {done.after}: {office.database.shown()}")
    else:
        office.show.lines(f"The books went from schema {done.before} to {done.after}")


def _refuse_dash(file: Path | None) -> None:
    if str(file) == "-":
        raise UsageError(
            "a database is not read from stdin nor written to stdout: - is no FILE here",
            hint="Name a file",
        )


def _backup_json(found: Backup) -> dict[str, object]:
    return {**found._asdict(), "file": str(found.file)}


def _check_json(result: CheckResult) -> dict[str, object]:
    return {
        "ok": result.ok,
        "violations": [each._asdict() for each in result.violations],
        "counts": result.counts,
        "warnings": [each._asdict() for each in result.warnings],
    }


def _tell_check(office: Office, result: CheckResult) -> None:
    office.show.lines(
        *(
            f"{invariant} {f'broken: {count}' if count else 'holds'}"
            for invariant, count in sorted(result.counts.items())
        )
    )
    if result.warnings and not office.show.json:
        office.show.table([each._asdict() for each in result.warnings], WARNINGS)
        office.show.lines("")
    if result.ok:
        office.show.lines("ok")
    else:
        office.show.table([each._asdict() for each in result.violations], VIOLATIONS)
    if result.counts.get("I-38"):
        office.show.note("I-38 can be mended from the payments: kelly db rebuild-totals")
