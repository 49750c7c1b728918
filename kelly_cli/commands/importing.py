"""kelly import: customers and open invoices from a table that people kept."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.keys import IMPORTED, TAKEN_BACK
from kelly_cli.commands.listing import Listing
from kelly_cli.commands.options import (
    DEFAULT_LIMIT,
    DryRunOpt,
    JsonOpt,
    LimitOpt,
    ReasonOpt,
    YesOpt,
    day,
    printable,
)
from kelly_cli.commands.single import Single, single
from kelly_cli.errors import KellyError, UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column, fields

if TYPE_CHECKING:
    from kelly_cli.office import Office
    from kelly_cli.services.import_verdicts import Verdict
    from kelly_cli.services.importing import Imported
    from kelly_cli.services.undoing_imports import Undone
    from kelly_cli.store.import_rows import ImportView, RowView

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

PARTLY_DONE = 3

VERDICTS = (
    Column("line", "Row", "count"),
    Column("verdict", "Verdict", "status"),
    Column("subject", "What"),
    Column("field", "Field"),
    Column("value", "Value"),
    Column("reason", "Reason"),
)
IMPORT = fields(
    "import", "kind", "file", "sha256", "created", "exists", "refused", "actor", "created_at",
    "undone_at",
)  # fmt: skip
IMPORTS = (
    Column("number", "Import", "count"),
    Column("kind", "Kind"),
    Column("file_name", "File", priority=2),
    Column("created", "Created", "count"),
    Column("exists", "Exists", "count", priority=1),
    Column("refused", "Refused", "count"),
    Column("created_at", "At", "instant", priority=3),
    Column("undone_at", "Undone at", "instant", priority=4),
)
ROWS = (
    Column("line", "Row", "count"),
    Column("verdict", "Verdict", "status"),
    Column("subject", "What"),
    Column("error", "Error"),
)

FileArg = Annotated[
    str, typer.Argument(help="A CSV, XLS or XLSX file; - is stdin.", metavar="FILE")
]
MapOpt = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        help="Which column is which field, where its name is unusual.",
        metavar="COLUMN=FIELD",
    ),
]
NumberArg = Annotated[int, typer.Argument(help="The number of the import.", metavar="N", min=1)]


@app.callback()
def import_(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Import customers and open invoices from CSV, XLS and XLSX."""
    office_of(ctx, json=json)


@app.command(cls=single(*IMPORTED))
def customers(
    ctx: typer.Context,
    file: FileArg,
    columns: MapOpt = None,
    date: Annotated[
        str | None,
        typer.Option("--date", help="The day of the opening balances (default: yesterday)."),
    ] = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Import customers: name, phone, e-mail, account and opening balance.

    The first row names the columns. An opening balance above zero is owed: it becomes an invoice.
    Below zero it is credit, recorded as money from the bank named "Opening balance". A customer
    that is there already is left as it is, its balance too. Without an account, name and phone
    say who it is. A refused row stops nothing; correct it and import the file again.

    kelly import customers customers.csv --dry-run

    kelly import customers customers.xlsx --map "Plot=customer" --date 2026-02-01
    """
    run_import(ctx, "customers", file, columns, date, limit, dry_run=dry_run, json=json)


@app.command(cls=single(*IMPORTED))
def invoices(
    ctx: typer.Context,
    file: FileArg,
    columns: MapOpt = None,
    date: Annotated[
        str | None,
        typer.Option("--date", help="The day of issue where a row has none (default: yesterday)."),
    ] = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Import open invoices: customer, number, amount or balance, day, due day.

    What is still owed is imported: the balance where there is one, else the amount. Each invoice
    gets a number of kelly's own; the one it had stands in its description, and a payment that
    names it is suggested to its customer. The customer is found by id, else by phone, else by its
    whole name.

    kelly import invoices open.csv --dry-run

    kelly import invoices open.xlsx --map "Bill to=customer" --map "Owing=balance"
    """
    run_import(ctx, "invoices", file, columns, date, limit, dry_run=dry_run, json=json)


@app.command("list", cls=Listing)
def list_(ctx: typer.Context, limit: LimitOpt = DEFAULT_LIMIT, json: JsonOpt = False) -> None:
    """List imports, newest first.

    kelly import list

    kelly import list --limit 5 --json
    """
    from kelly_cli.services import importing

    office = office_of(ctx, json=json)
    found = importing.list_imports(office.books_to_read(), limit=limit)
    office.show.rows(
        [_import_row(each) for each in found],
        IMPORTS,
        as_json=lambda: [_import_json(each) for each in found],
        empty="No imports. Make one: kelly import customers FILE",
        fields=IMPORT,
    )


@app.command(cls=Single)
def show(
    ctx: typer.Context,
    number: NumberArg,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """Show one import and the verdict on each row.

    kelly import show 1

    kelly import show 1 --limit 1000 --json
    """
    from kelly_cli.services import importing

    office = office_of(ctx, json=json)
    found, rows = importing.show_import(office.books_to_read(), number, limit=limit)
    if office.show.json:
        office.show.document(
            {**_import_json(found), "verdicts": [_row_json(each) for each in rows]}
        )
        return
    office.show.fields(_import_row(found), IMPORTS)
    office.show.lines("")
    office.show.table([each._asdict() for each in rows], ROWS)


@app.command(cls=single(IMPORT, *TAKEN_BACK))
def undo(
    ctx: typer.Context,
    number: NumberArg,
    reason: ReasonOpt,
    yes: YesOpt = False,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Take an import back, while nothing hangs on what it made.

    Its invoices become void, its opening credit is reversed, its products are retired, and its
    customers too: their ids find nobody. Nothing is deleted: import the file again, they are back.

    kelly import undo 1 --reason "last year's file" --dry-run

    kelly import undo 1 --reason "last year's file" --yes
    """
    from kelly_cli.services.undoing_imports import undo_import

    office = office_of(ctx, json=json)
    why = printable(reason, option="--reason")
    if not dry_run:
        tried = undo_import(office.books_to_write(), office.hand(why), number, dry_run=True)
        office.show.confirm(
            f"Take back import {number}: {_counted(tried)}?",
            yes=yes,
            repeat=f"kelly import undo {number} --reason TEXT",
        )
    done = undo_import(office.books_to_write(), office.hand(why), number, dry_run=dry_run)
    if office.show.json:
        office.show.document(
            {
                **_import_json(done.view),
                "dry_run": dry_run,
                "customers": done.customers,
                "invoices": done.invoices,
                "receipts": done.receipts,
                "products": done.products,
            }
        )
        return
    told = "Would be taken back" if dry_run else "Taken back"
    office.show.lines(f"{told}: {_counted(done)}")


def _counted(done: Undone) -> str:
    if done.view.kind == "products":
        return f"{len(done.products)} products"
    return (
        f"{len(done.customers)} customers, {len(done.invoices)} invoices, "
        f"{len(done.receipts)} payments"
    )


def run_import(
    ctx: typer.Context,
    kind: str,
    file: str,
    columns: list[str] | None,
    date: str | None,
    limit: int,
    *,
    dry_run: bool,
    json: bool,
) -> None:
    """Import a file of one kind and tell the verdicts; exit 3 when a row was refused."""
    from kelly_cli.services import importing

    office = office_of(ctx, json=json)
    told = _mapping(columns or [], importing.fields_of(kind))
    opening_on = day(date, option="--date") or office.today() - timedelta(days=1)
    raw = _bytes_of(file)
    name = "stdin" if file == "-" else Path(file).name
    wanted = importing.WantedImport(kind, name, raw, told, opening_on)
    database = office.books_to_write()
    with office.show.progress(None, "Rows") as progress:
        done = importing.import_file(
            database,
            office.inbox(database),
            office.hand(),
            wanted,
            dry_run=dry_run,
            told=progress.advance,
        )
    if office.show.json:
        office.show.document({**_done_json(done), "dry_run": dry_run})
    else:
        _tell(office, done, limit, dry_run=dry_run)
    if done.count("refused"):
        raise typer.Exit(PARTLY_DONE)


def _bytes_of(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise KellyError(
            f"{file}: there is no such file",
            hint="Give the path of a CSV, XLS or XLSX file, or - for stdin",
            code="file_not_found",
        ) from None
    except OSError as error:
        raise KellyError(f"{file}: {error.strerror}", code="file_not_readable") from None


def _mapping(columns: list[str], fields: list[str]) -> dict[str, str]:
    told = {}
    for each in columns:
        column, equals, field = each.rpartition("=")
        if not equals or not column.strip() or field.strip().lower() not in fields:
            raise UsageError(
                f"--map: {each!r} is not COLUMN=FIELD", hint=f"FIELD is one of {', '.join(fields)}"
            )
        told[column.strip()] = field.strip().lower()
    return told


def _tell(office: Office, done: Imported, limit: int, *, dry_run: bool) -> None:
    show = office.show
    shown = [each for each in done.verdicts if each.reason]
    rest = [each for each in done.verdicts if not each.reason]
    chosen = sorted([*shown, *rest][:limit], key=lambda each: each.line)
    show.table([each._asdict() for each in chosen], VERDICTS)
    if len(chosen) < len(done.verdicts):
        show.note(f"{len(done.verdicts) - len(chosen)} more rows: --limit {len(done.verdicts)}")
    show.lines("")
    if done.number is not None:
        show.lines(f"Import {done.number} of {done.file_name}")
    columns = (f"{field}: {' and '.join(names)}" for field, names in done.columns.items())
    show.lines(f"Columns: {', '.join(columns)}")
    would = "would be created" if dry_run else "created"
    show.lines(
        f"{done.count('created')} {would}, {done.count('exists')} there already, "
        f"{done.count('refused')} refused"
    )
    if done.count("refused"):
        show.note("Correct the refused rows and import the file again: nothing is added twice")


def _done_json(done: Imported) -> dict[str, object]:
    return {
        "import": done.number,
        "kind": done.kind,
        "file": done.file_name,
        "columns": done.columns,
        "rows": len(done.verdicts),
        "created": done.count("created"),
        "exists": done.count("exists"),
        "refused": done.count("refused"),
        "verdicts": [_verdict_json(each) for each in done.verdicts],
    }


def _verdict_json(verdict: Verdict) -> dict[str, object]:
    subject, _, opening = (verdict.subject or "").partition(" + ")
    return {
        "row": verdict.line,
        "verdict": verdict.verdict,
        "id": subject or None,
        "opening": opening or None,
        "field": verdict.field,
        "value": verdict.value,
        "reason": verdict.reason,
    }


def _row_json(row: RowView) -> dict[str, object]:
    subject, _, opening = (row.subject or "").partition(" + ")
    return {
        "row": row.line,
        "verdict": row.verdict,
        "id": subject or None,
        "opening": opening or None,
        "error": row.error,
    }


def _import_row(view: ImportView) -> dict[str, object]:
    return {**view._asdict(), "number": view.row}


def _import_json(view: ImportView) -> dict[str, object]:
    return {
        "import": view.row,
        "kind": view.kind,
        "file": view.file_name,
        "sha256": view.sha256,
        "created": view.created,
        "exists": view.exists,
        "refused": view.refused,
        "actor": view.actor,
        "created_at": view.created_at.isoformat(),
        "undone_at": view.undone_at.isoformat() if view.undone_at else None,
    }
