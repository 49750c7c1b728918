"""kelly ledger: double entry, read from the documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.listing import Listing
from kelly_cli.commands.options import DEFAULT_LIMIT, JsonOpt, LimitOpt, days
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.office import office_of
from kelly_cli.render import Column, fields

if TYPE_CHECKING:
    from kelly_cli.core.ledger import Entry
    from kelly_cli.services.ledger import Balance, Line

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

FromOpt = Annotated[str | None, typer.Option("--from", help="From this Nairobi day.")]
ToOpt = Annotated[str | None, typer.Option("--to", help="Up to this Nairobi day.")]

JOURNAL = (
    Column("day", "Day", "date"),
    Column("debit", "Debit"),
    Column("credit", "Credit"),
    Column("amount_cents", "KES", "money"),
    Column("kind", "What", priority=1),
    Column("documents", "Documents", priority=2),
    Column("text", "Text", priority=3),
)
JOURNAL_FIELDS = fields(
    "at:instant", "debit", "credit", "amount:money", "kind", "documents", "text"
)
BALANCES = (
    Column("account", "Account"),
    Column("opening_cents", "Opening", "money", priority=2),
    Column("debit_cents", "Debit", "money", priority=1),
    Column("credit_cents", "Credit", "money", priority=1),
    Column("closing_cents", "Balance", "money"),
)
BALANCE_FIELDS = fields("account", "opening:money", "debit:money", "credit:money", "balance:money")
LINES = (
    Column("day", "Day", "date"),
    Column("documents", "Documents", priority=1),
    Column("other", "Other account", priority=2),
    Column("debit_cents", "Debit", "money"),
    Column("credit_cents", "Credit", "money"),
    Column("balance_cents", "Balance", "money"),
)
LINE_FIELDS = fields(
    "at:instant", "kind", "documents", "debit:money", "credit:money", "other", "balance:money",
    "text",
)  # fmt: skip


@app.callback()
def ledger(ctx: typer.Context, json: JsonOpt = False) -> None:
    """The ledger: journal, balances, and one account line by line."""
    office_of(ctx, json=json)


@app.command(cls=Listing)
def journal(
    ctx: typer.Context,
    first: FromOpt = None,
    last: ToOpt = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """List the newest entries, oldest first: one debit, one credit, one amount each.

    kelly ledger journal --limit 20

    kelly ledger journal --from 2026-02-01 --to 2026-02-28 --json
    """
    from kelly_cli.render.journal_table import entry_json
    from kelly_cli.services import ledger

    office = office_of(ctx, json=json)
    wanted = ledger.Days(*days(first, last))
    found = ledger.list_entries(office.books_to_read(), wanted, limit=limit, today=office.today())
    office.show.rows(
        [_entry_row(each) for each in found.entries],
        JOURNAL,
        as_json=lambda: [entry_json(each) for each in found.entries],
        empty="No entries on these days.",
        fields=JOURNAL_FIELDS,
    )
    if found.more and not office.show.is_quiet:
        office.show.note(f"The newest {limit}; for all of them: kelly export --format csv -o FILE")


@app.command(cls=Listing)
def balances(
    ctx: typer.Context,
    first: FromOpt = None,
    last: ToOpt = None,
    zero: Annotated[
        bool, typer.Option("--zero", help="Accounts that hold nothing, too.", metavar="")
    ] = False,
    limit: LimitOpt = 10_000,
    json: JsonOpt = False,
) -> None:
    """List what each account holds; debit above zero, all together zero.

    kelly ledger balances --to 2026-01-31

    kelly ledger balances --from 2026-02-01 --to 2026-02-28 --json
    """
    from kelly_cli.services import ledger

    office = office_of(ctx, json=json)
    wanted = ledger.Days(*days(first, last))
    found = [
        each
        for each in ledger.list_balances(office.books_to_read(), wanted)
        if zero or any(each[1:])
    ]
    if not zero:
        found = [each for each in found if each.closing_cents or wanted.first]
    office.show.rows(
        [each._asdict() | {"closing_cents": each.closing_cents} for each in found[:limit]],
        BALANCES,
        as_json=lambda: [_balance_json(each) for each in found[:limit]],
        empty="No account holds anything.",
        fields=BALANCE_FIELDS,
    )
    if len(found) > limit and not office.show.is_quiet:
        office.show.note(f"{len(found) - limit} accounts more: --limit {len(found)}")


@app.command(cls=Listing)
def account(
    ctx: typer.Context,
    code: Annotated[
        str, typer.Argument(help="An account, the end of its name, or the name above several.")
    ],
    first: FromOpt = None,
    last: ToOpt = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """Show an account: what it held, the newest lines, oldest first, and what it holds.

    kelly ledger account assets:mpesa --from 2026-02-01

    kelly ledger account receivables:CUST-001 --json
    """
    from kelly_cli.services import ledger

    office = office_of(ctx, json=json)
    wanted = ledger.Days(*days(first, last))
    found = ledger.show_account(
        office.books_to_read(), code, wanted, limit=limit, today=office.today()
    )
    since = " (before the lines shown)" if found.more else ""
    office.show.lines(
        found.account, f"Opening{since}: KES {kes_for_people(found.opening_cents)}", ""
    )
    office.show.rows(
        [_line_row(each) for each in found.lines],
        LINES,
        as_json=lambda: [_line_json(each) for each in found.lines],
        empty="Nothing moved it on these days.",
        fields=LINE_FIELDS,
        wrap=lambda lines: {
            "account": found.account,
            "opening": kes(found.opening_cents),
            "lines": lines,
            "balance": kes(found.closing_cents),
            "more": found.more,
        },
    )
    office.show.lines("", f"Balance: KES {kes_for_people(found.closing_cents)}")


def _entry_row(entry: Entry) -> dict[str, object]:
    return entry._asdict() | {"day": entry.at.date(), "documents": " ".join(entry.documents)}


def _line_row(line: Line) -> dict[str, object]:
    return line._asdict() | {
        "day": line.entry.at.date(),
        "documents": " ".join(line.entry.documents),
    }


def _line_json(line: Line) -> dict[str, object]:
    from kelly_cli.core.times import iso_nairobi

    return {
        "at": iso_nairobi(line.entry.at),
        "kind": line.entry.kind,
        "documents": list(line.entry.documents),
        "debit": kes(line.debit_cents),
        "credit": kes(line.credit_cents),
        "other": line.other,
        "balance": kes(line.balance_cents),
        "text": line.entry.text,
    }


def _balance_json(balance: Balance) -> dict[str, object]:
    return {
        "account": balance.account,
        "opening": kes(balance.opening_cents),
        "debit": kes(balance.debit_cents),
        "credit": kes(balance.credit_cents),
        "balance": kes(balance.closing_cents),
    }
