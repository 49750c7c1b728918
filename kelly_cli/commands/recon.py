"""kelly recon: are the books complete? Statements, gaps, pulls, and which days are proved."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.keys import COMPARED, PULL_COMPARED, PULLED
from kelly_cli.commands.listing import Listing
from kelly_cli.commands.options import DEFAULT_LIMIT, JsonOpt, LimitOpt
from kelly_cli.commands.recon_proof import gaps, status
from kelly_cli.commands.recon_pull import pull
from kelly_cli.commands.single import single
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.core.times import iso_nairobi, nairobi_wall_clock
from kelly_cli.errors import KellyError
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kelly_cli.office import Office
    from kelly_cli.services.applying import Applied
    from kelly_cli.services.reconciling import Comparison, File, Known

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

PARTLY = 3

FILES = (
    Column("file", "File"),
    Column("short_code", "Short code", "id"),
    Column("account", "Account", priority=3),
    Column("start", "From", "wall", priority=2),
    Column("end", "To", "wall", priority=2),
    Column("lines", "Lines", "count", priority=1),
)
TOTALS = (
    Column("in_both", "In both", "count"),
    Column("only_statement", "Only in the statement", "count"),
    Column("only_kelly", "Only in kelly", "count"),
    Column("amount_differs", "Amount differs", "count"),
    Column("skipped", "Other lines", "count"),
    Column("fees_cents", "Charges", "money"),
    Column("applied", "Taken in now", "count"),
    Column("verified", "Proved now", "count"),
)
RECEIPTS = (
    Column("receipt", "Receipt", "receipt"),
    Column("amount_cents", "Amount", "money"),
    Column("note", "Note", priority=1),
)
DIFFERING = (
    Column("receipt", "Receipt", "receipt"),
    Column("statement_cents", "Statement", "money"),
    Column("kelly_cents", "Kelly", "money"),
)
PROBLEMS = (
    Column("file", "File"),
    Column("row", "Row", "count"),
    Column("error", "Error"),
)


@app.callback()
def recon(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Are the books complete? statement, gaps, pull, status."""
    office_of(ctx, json=json)


app.command("gaps", cls=Listing)(gaps)
app.command("pull", cls=single(*PULLED, *PULL_COMPARED))(pull)
app.command("status", cls=Listing)(status)


@app.command(cls=single(*COMPARED))
def statement(
    ctx: typer.Context,
    files: Annotated[
        list[str],
        typer.Argument(
            help="Exports of the portal: CSV, XLS, XLSX; - is stdin.", metavar="FILE..."
        ),
    ],
    apply: Annotated[
        bool,
        typer.Option("--apply", help="Take in what is missing, mark the rest proved.", metavar=""),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 3 when there are differences.", metavar="")
    ] = False,
    short_code: Annotated[
        str | None,
        typer.Option("--short-code", help="The one that the files must be of.", metavar="CODE"),
    ] = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """Hold the portal's account statement against the books, receipt by receipt.

    Nothing is changed without --apply. Files may overlap, in any order, as often as you like.
    --limit is for the lists that people read; --json has all.

    kelly recon statement september.xlsx

    kelly recon statement week1.csv week2.csv --apply

    kelly recon statement september.xls --check --json
    """
    from kelly_cli.services import applying, reconciling

    office = office_of(ctx, json=json)
    ours = office.config.mpesa.our_codes
    read = [reconciling.read_file(_raw(name), _name(name), ours, short_code) for name in files]
    now = nairobi_wall_clock(office.now())
    database = office.books_to_write() if apply else office.books_to_read()
    found = reconciling.compare(database, read, now=now)
    done = None
    if apply:
        done = applying.apply(database, office.inbox(database), office.hand(), found, now=now)
    _tell(office, found, done, limit)
    code = _exit_code(found, done, check=check)
    if code:
        raise typer.Exit(code)


def _exit_code(found: Comparison, done: Applied | None, *, check: bool) -> int:
    """Return 3 when lines were refused, or when differences were to be told."""
    if done is not None and (done.refused or found.unreadable):
        return PARTLY
    differences = [found.only_kelly, found.amount_differs, found.elsewhere]
    if done is None:
        differences.append(found.only_statement)
    return PARTLY if check and (any(differences) or found.unreadable) else 0


def _raw(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise KellyError(
            f"cannot read {name}: {error.strerror}",
            hint="Give the file that the portal exported",
            code="file_not_found",
        ) from None


def _name(name: str) -> str:
    return "stdin" if name == "-" else Path(name).name


def _tell(office: Office, found: Comparison, done: Applied | None, limit: int) -> None:
    from kelly_cli.services import reconciling

    show = office.show
    if show.json:
        document = {**reconciling.plain(found), **_done_json(done), **_more_json(found)}
        show.document(document)
    else:
        _tell_people(office, found, done, limit)
    for file in found.files:
        _warn_of_file(office, file)
    if found.only_kelly:
        show.warning(
            f"{len(found.only_kelly)} payments stand in the books and not in the statement: A "
            "POSSIBLE FORGERY. See each: kelly payment show RECEIPT"
        )
    if found.amount_differs:
        show.warning(f"{len(found.amount_differs)} amounts differ: the books were left as they are")
    for each in found.elsewhere:
        show.warning(f"{each.receipt}: {each.note}; it was left as it is")
    if found.late:
        show.warning(
            f"{len(found.late)} times differ, such as {found.late[0].receipt}: {found.late[0].note}"
        )
    _tell_next(office, found, done)


def _warn_of_file(office: Office, file: File) -> None:
    export = file.export
    if not export.takes_payments:
        office.show.warning(
            f"{file.name} is of the {export.account}: payers do not pay into it, so it proves no "
            "payment"
        )
    if export.adds_up is False:
        office.show.warning(
            f"{file.name} is not whole: its lines do not lead from {_money(export.opening_cents)} "
            f"to {_money(export.closing_cents)}"
        )
    if export.problems:
        office.show.warning(f"{file.name}: {len(export.problems)} lines could not be read")


def _money(cents: int | None) -> str:
    return kes_for_people(cents or 0)


def _tell_people(office: Office, found: Comparison, done: Applied | None, limit: int) -> None:
    show = office.show
    show.table([_file_row(file) for file in found.files], FILES)
    show.lines("")
    totals = {
        "in_both": len(found.in_both),
        "only_statement": len(found.only_statement),
        "only_kelly": len(found.only_kelly),
        "amount_differs": len(found.amount_differs),
        "skipped": found.skipped,
        "fees_cents": found.fees_cents,
        "applied": done.written if done else None,
        "verified": done.verified if done else None,
    }
    show.fields(totals, TOTALS if done else TOTALS[:-2])
    missing = [
        {"receipt": line.receipt, "amount_cents": line.amount_cents, "note": line.reference}
        for line in found.only_statement
    ]
    for title, rows, columns in (
        ("Only in the statement", missing, RECEIPTS),
        ("ONLY IN KELLY", [each._asdict() for each in found.only_kelly], RECEIPTS),
        ("Amount differs", [each._asdict() for each in found.amount_differs], DIFFERING),
        ("Not readable", _problems(found), PROBLEMS),
    ):
        if rows:
            show.lines("", title)
            show.table(rows[:limit], columns)
        if len(rows) > limit:
            show.note(f"{len(rows) - limit} more: --limit {len(rows)}")


def _problems(found: Comparison) -> list[dict[str, object]]:
    return [
        {"file": file.name, **problem._asdict()}
        for file in found.files
        for problem in file.export.problems
    ]


def _file_row(file: File) -> dict[str, object]:
    export = file.export
    return {
        "file": file.name,
        "short_code": file.short_code,
        "account": export.account,
        "start": export.start,
        "end": export.end,
        "lines": len(export.lines),
    }


def _tell_next(office: Office, found: Comparison, done: Applied | None) -> None:
    show = office.show
    if done is None:
        if found.only_statement:
            show.note("Nothing was changed. Take in what is missing: the same command and --apply")
        return
    if done.unmatched:
        show.note(f"{done.unmatched} of them have no owner yet: kelly suspense list")
    if done.refused:
        show.warning(f"{done.refused} lines were refused: kelly webhook list --failed")
    if done.reversed:
        show.note(f"Reversed, as the statement tells: {', '.join(done.reversed)}")
    for each in done.partial:
        show.warning(
            f"{each.receipt} takes back {kes_for_people(-each.amount_cents)} of "
            f"{each.payment_receipt}, which is {kes_for_people(each.payment_cents)}: not booked. "
            f"See it: kelly payment show {each.payment_receipt}"
        )


def _done_json(done: Applied | None) -> dict[str, object]:
    if done is None:
        return {"applied": 0, "verified": 0, "unmatched": 0, "refused": 0, "reversed": []}
    return {
        "applied": done.written,
        "verified": done.verified,
        "unmatched": done.unmatched,
        "refused": done.refused,
        "reversed": done.reversed,
        "partly_reversed": [
            {"receipt": each.payment_receipt, "amount": kes(-each.amount_cents)}
            for each in done.partial
        ],
        "failures": done.tally.failures,
    }


def _more_json(found: Comparison) -> dict[str, object]:
    return {
        "elsewhere": _receipts_json(found.elsewhere),
        "times_differ": _receipts_json(found.late),
        "fees": kes(found.fees_cents),
        "skipped_kinds": dict(sorted(found.kinds.items())),
        "problems": _problems(found),
        "files": [
            {
                **_file_row(file),
                "start": iso_nairobi(file.export.start) if file.export.start else None,
                "end": iso_nairobi(file.export.end) if file.export.end else None,
                "adds_up": file.export.adds_up,
            }
            for file in found.files
        ],
    }


def _receipts_json(known: Sequence[Known]) -> list[dict[str, object]]:
    return [
        {"receipt": each.receipt, "amount": kes(each.amount_cents), "note": each.note}
        for each in known
    ]
