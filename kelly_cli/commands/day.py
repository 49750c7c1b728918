"""kelly day: close a day against what was counted, and show it again as it was frozen."""

from __future__ import annotations

import json as json_text
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from kelly_cli.commands.listing import Listing
from kelly_cli.commands.options import (
    DEFAULT_LIMIT,
    DryRunOpt,
    JsonOpt,
    LimitOpt,
    amount,
    day,
    printable,
)
from kelly_cli.commands.single import Single, single
from kelly_cli.core.money import kes, kes_for_people, parse_kes
from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column, fields

if TYPE_CHECKING:
    from kelly_cli.office import Office
    from kelly_cli.store.close_rows import CloseView

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

LINES = (
    Column("method", "Method"),
    Column("count", "Payments", "count", priority=1),
    Column("total", "Came in", "money", priority=2),
    Column("expected", "Expected", "money"),
    Column("counted", "Counted", "money"),
    Column("difference", "Difference", "money"),
)
LATE = (
    Column("receipt", "Came after closing", "receipt"),
    Column("method", "Method", priority=1),
    Column("amount", "Amount", "money"),
    Column("paid_at", "Paid at"),
)
CLOSE = fields(
    "number", "day:date", "total:money", "difference:money", "corrects", "reason", "methods",
    "accounts", "without_owner.count", "without_owner.total:money", "came_after_closing",
    "came_after_closing_count", "not_closed_before", "last_payment", "closed_by", "closed_at",
    "hash", "previous_hash",
)  # fmt: skip
CLOSES = (
    Column("number", "Close", "count"),
    Column("day", "Day", "date"),
    Column("total", "Came in", "money"),
    Column("difference", "Difference", "money"),
    Column("corrects", "Corrects", "count", priority=2),
    Column("actor", "By", priority=3),
    Column("created_at", "At", "instant", priority=1),
)

CashOpt = Annotated[
    str | None, typer.Option("--cash", help="The drawer, as counted.", metavar="KES")
]
BankOpt = Annotated[
    str | None, typer.Option("--bank", help="Bank money of the day, as counted.", metavar="KES")
]
ChequeOpt = Annotated[
    str | None, typer.Option("--cheque", help="Cheques of the day, as counted.", metavar="KES")
]
BalanceOpt = Annotated[
    list[str] | None,
    typer.Option(
        "--mpesa-balance",
        help="The M-Pesa account's balance at the end of the day; CODE=KES for one of several.",
        metavar="KES",
    ),
]


@app.callback()
def day_(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Closing the day: expected, counted, difference."""
    office_of(ctx, json=json)


@app.command(cls=single(CLOSE, "dry_run"))
def close(
    ctx: typer.Context,
    cash: CashOpt = None,
    mpesa_balance: BalanceOpt = None,
    bank: BankOpt = None,
    cheque: ChequeOpt = None,
    date: Annotated[
        str | None, typer.Option("--date", help="The Nairobi day (default: today).")
    ] = None,
    short_code: Annotated[
        str | None,
        typer.Option(
            "--short-code", help="Whose balance it is (default: the main one).", metavar="CODE"
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Correct the close that the day has.", metavar="")
    ] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why, for the audit; a correction needs one.")
    ] = None,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Close a day: what the books expect, what you counted, the difference for each method.

    Cash, bank and cheques are expected as recorded for the day; M-Pesa as the last balance that
    came with a payment, and all that moved it since. The close is numbered and frozen. It cannot be
    taken back: --again writes a correction that names it. What comes later for a closed day is
    listed by the next close.

    kelly day close --cash 12400 --mpesa-balance 86350

    kelly day close --cash 0 --mpesa-balance 174379=86350 --date 2026-02-03 --dry-run
    """
    from kelly_cli.services import closing

    office = office_of(ctx, json=json)
    why = None if reason is None else printable(reason, option="--reason")
    if again and why is None:
        raise UsageError("--again needs --reason", hint="Say what was wrong with the first close")
    given = {"cash": cash, "bank": bank, "cheque": cheque}
    counted = closing.Count(
        day(date, option="--date") or office.today(),
        [each.code for each in office.config.mpesa.short_codes],
        {
            method: amount(text, option=f"--{method}", zero=True)
            for method, text in given.items()
            if text is not None
        },
        _balances(office, mpesa_balance or [], short_code),
        again,
    )
    made = closing.close_day(office.books_to_write(), office.hand(why), counted, dry_run=dry_run)
    _tell(office, made, dry_run=dry_run)


@app.command(cls=Single)
def show(
    ctx: typer.Context,
    number: Annotated[
        int | None,
        typer.Argument(help="The number of the close (default: the newest).", metavar="[N]", min=1),
    ] = None,
    date: Annotated[
        str | None, typer.Option("--date", help="The newest close of this day.")
    ] = None,
    json: JsonOpt = False,
) -> None:
    """Show a close again, as it was frozen.

    kelly day show 12

    kelly day show --date 2026-02-03 --json
    """
    from kelly_cli.services import closing

    office = office_of(ctx, json=json)
    if number is not None and date is not None:
        raise UsageError("a number and --date exclude each other")
    found = closing.show_close(
        office.books_to_read(), number=number, day=day(date, option="--date")
    )
    _tell(office, found)


@app.command("list", cls=Listing)
def list_(ctx: typer.Context, limit: LimitOpt = DEFAULT_LIMIT, json: JsonOpt = False) -> None:
    """List closes, newest first.

    kelly day list

    kelly day list --limit 31 --json
    """
    from kelly_cli.services import closing

    office = office_of(ctx, json=json)
    found = closing.list_closes(office.books_to_read(), limit=limit)
    office.show.rows(
        [_row(each) for each in found],
        CLOSES,
        as_json=lambda: [{**_json(each), **_sums(each)} for each in found],
        empty="No day is closed. Close one: kelly day close --cash 0 --mpesa-balance 0",
        fields=CLOSE,
    )


def _balances(office: Office, texts: list[str], short_code: str | None) -> dict[str, int]:
    codes = [each.code for each in office.config.mpesa.short_codes]
    main = short_code or office.config.mpesa.short_code
    found: dict[str, int] = {}
    for text in texts:
        code, equals, rest = text.partition("=")
        code, worth = (code.strip(), rest) if equals else (main, text)
        if code not in codes:
            raise UsageError(
                f"--mpesa-balance: {code} is not one of our short codes", hint=", ".join(codes)
            )
        if code in found:
            raise UsageError(
                f"--mpesa-balance: two balances of {code}", hint="Write CODE=KES for each account"
            )
        found[code] = amount(worth, option="--mpesa-balance", zero=True)
    return found


def _tell(office: Office, view: CloseView, *, dry_run: bool = False) -> None:
    frozen = json_text.loads(view.frozen)
    if office.show.json:
        office.show.document({**_json(view), **({"dry_run": True} if dry_run else {})})
        return
    show = office.show
    what = "Would be close" if dry_run else "Close"
    corrects = f", corrects close {frozen['corrects']}" if frozen["corrects"] else ""
    show.lines(f"{what} {view.number} · {view.day:%A %d %B %Y} (Nairobi){corrects}")
    if frozen["reason"]:
        show.lines(f"Reason: {frozen['reason']}")
    show.lines("")
    show.table([_line(each) for each in frozen["methods"]], LINES)
    show.lines("")
    for account in frozen["accounts"]:
        show.lines(*_account(account))
    rest = frozen["without_owner"]
    if rest["count"]:
        show.lines(f"Without owner: {rest['count']} payments, KES {_people(rest['total'])}")
    if frozen["not_closed_before"]:
        show.lines(f"Not closed before it: {', '.join(frozen['not_closed_before'])}")
    if frozen["came_after_closing"]:
        show.lines("")
        late = frozen["came_after_closing"]
        show.table([{**each, "amount": _cents(each["amount"])} for each in late], LATE)
    at = nairobi_wall_clock(view.created_at).isoformat(" ", "seconds")
    show.lines("", f"Closed by {view.actor}, {at} · {view.hash[:16]}")


def _line(each: dict[str, Any]) -> dict[str, object]:
    name = f"M-Pesa {each['short_code']}" if each["short_code"] else str(each["method"]).title()
    money = {key: _cents(each[key]) for key in ("total", "expected", "counted", "difference")}
    return {"method": name, "count": each["count"], **money}


def _account(account: dict[str, Any]) -> list[str]:
    last = account["last_balance"]
    if last is None:
        return [f"M-Pesa {account['short_code']}: no balance is known (none came with a payment)"]
    held = f"KES {_people(last['balance'])} after {last['receipt']}"
    since = f"{_people(account['moved_since'])} since"
    lines = [f"M-Pesa {account['short_code']}: {held}, {since}"]
    lines += [
        f"  Hole: KES {_people(gap['missing'])} between {gap['after']} and {gap['before']}"
        for gap in account["gaps"]
    ]
    if not account["gaps"]:
        lines.append("  The chain of balances is whole")
    return lines


def _row(view: CloseView) -> dict[str, object]:
    frozen = json_text.loads(view.frozen)
    known = [_cents(each["difference"]) for each in frozen["methods"]]
    differences = [cents for cents in known if cents is not None]
    return {
        **view._asdict(),
        "total": sum(_cents(each["total"]) or 0 for each in frozen["methods"]),
        "difference": sum(differences) if differences else None,
        "corrects": frozen["corrects"],
    }


def _sums(view: CloseView) -> dict[str, object]:
    row = _row(view)
    return {
        name: None if (cents := cast("int | None", row[name])) is None else kes(cents)
        for name in ("total", "difference")
    }


def _json(view: CloseView) -> dict[str, object]:
    return {
        **json_text.loads(view.frozen),
        "number": view.number,
        "day": view.day.isoformat(),
        "hash": view.hash,
        "previous_hash": view.previous_hash,
    }


def _cents(text: str | None) -> int | None:
    if text is None:
        return None
    return -parse_kes(text[1:]) if text.startswith("-") else parse_kes(text)


def _people(text: str) -> str:
    return kes_for_people(_cents(text) or 0)
