"""kelly status: one screen for the morning, and the next command for each line of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from kelly_cli.commands.options import JsonOpt, ShortCodeOpt
from kelly_cli.commands.single import Single
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from datetime import timedelta

    from kelly_cli.services.morning import Morning

app = typer.Typer(rich_markup_mode=None, add_completion=False)

LINES = (
    Column("what", "What"),
    Column("state", "Now"),
    Column("command", "Next"),
)
MOST_DAYS = 3


@app.command(cls=Single)
def status(ctx: typer.Context, short_code: ShortCodeOpt = None, json: JsonOpt = False) -> None:
    """Show the morning on one screen: money, what waits, what is not proved, the next command.

    Usual is the middle of the same weekday's last four weeks, up to this hour.

    kelly status

    kelly status --short-code 174379 --json
    """
    from kelly_cli.commands.short_codes import Places
    from kelly_cli.services.morning import morning

    office = office_of(ctx, json=json)
    codes = None if short_code is None else Places(office).picked(short_code)
    found = morning(office.books_to_read(), office.now(), codes)
    spool = office.spool.waiting().records
    lines = _lines(found, spool)
    if office.show.json:
        todo = [line for line in lines if line["command"]]
        office.show.document({**_json(found, spool), "short_code": short_code, "todo": todo})
        return
    wall = nairobi_wall_clock(found.now)
    office.show.lines(f"{wall:%A %d %B %Y, %H:%M} (Nairobi)", "")
    office.show.table(lines, LINES)


def _lines(found: Morning, spool: int) -> list[dict[str, object]]:
    count, cents = found.money
    usual = "" if found.usual is None else f" (usual {kes_for_people(found.usual[1])})"
    money = f"{count} for KES {kes_for_people(cents)}{usual}"
    lines = [_line("Money today", money, "kelly report daily" if count else "")]
    free = found.unplaced
    lines.append(
        _line(
            "Unplaced money",
            f"{free.payments} for KES {kes_for_people(free.cents)}, oldest {found.unplaced_days} d"
            if free.payments
            else "none",
            "kelly suspense list" if free.payments else "",
        )
    )
    lines.append(_callbacks(found, spool))
    last = found.last_callback_at
    age = None if last is None else found.now - last
    came = "never" if age is None else f"{_age(age)} ago"
    lines.append(_line("Last callback", came, "kelly doctor" if age is None else ""))
    days = ", ".join(str(each) for each in found.unproved[:MOST_DAYS])
    more = (
        "" if len(found.unproved) <= MOST_DAYS else f" and {len(found.unproved) - MOST_DAYS} more"
    )
    lines.append(
        _line("Unproved days", f"{days}{more}" or "none", "kelly recon status" if days else "")
    )
    lines.append(
        _line(
            "Prompts open",
            str(found.prompts or "none"),
            "kelly mpesa prompt list" if found.prompts else "",
        )
    )
    lines.append(_flags(found))
    due, owed = found.overdue
    lines.append(
        _line(
            "Overdue",
            f"{due} for KES {kes_for_people(owed)}" if due else "none",
            "kelly invoice list --overdue" if due else "",
        )
    )
    lines.append(_closed(found))
    if found.below_zero:
        what = f"{found.below_zero} products below zero"
        lines.append(_line("Stock", what, "kelly product list --below 0"))
    return lines


def _callbacks(found: Morning, spool: int) -> dict[str, object]:
    parts = [
        f"{number} {name}"
        for number, name in (
            (found.failed, "failed"),
            (found.pending, "unfinished"),
            (spool, "in the spool"),
        )
        if number
    ]
    retry = found.pending or spool
    command = "kelly reprocess" if retry else "kelly webhook list --failed" if parts else ""
    return _line("Callbacks", ", ".join(parts) or "none waits", command)


def _flags(found: Morning) -> dict[str, object]:
    parts = [
        f"{number} {name}"
        for number, name in (
            (found.doubles, "possible doubles"),
            (found.late, "late"),
            (found.over_limit, "over a limit"),
        )
        if number
    ]
    return _line("Look at", ", ".join(parts) or "nothing", "kelly report daily" if parts else "")


def _closed(found: Morning) -> dict[str, object]:
    if found.last_closed is None:
        return _line("Last close", "never", "kelly day close --dry-run")
    state = str(found.last_closed)
    if found.unclosed:
        state += f", {len(found.unclosed)} days since"
        return _line("Last close", state, f"kelly day close --date {found.unclosed[0]}")
    return _line("Last close", state, "")


def _line(what: str, state: str, command: str) -> dict[str, object]:
    return {"what": what, "state": state, "command": command}


def _age(age: timedelta) -> str:
    minutes = max(int(age.total_seconds()) // 60, 0)
    if minutes < 120:  # noqa: PLR2004 - two hours in minutes
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < 48 else f"{hours // 24} d"  # noqa: PLR2004 - two days in hours


def _json(found: Morning, spool: int) -> dict[str, object]:
    last = found.last_callback_at
    usual = found.usual
    return {
        "date": found.today.isoformat(),
        "at": found.now.isoformat(),
        "money_today": {
            **_sum(found.money),
            "usual": None if usual is None else _sum(usual),
        },
        "unplaced": {
            "count": found.unplaced.payments,
            "total": kes(found.unplaced.cents),
            "oldest_days": found.unplaced_days if found.unplaced.payments else None,
        },
        "callbacks": {"failed": found.failed, "pending": found.pending, "spool": spool},
        "last_callback": {
            "at": last.isoformat() if last else None,
            "age_s": int((found.now - last).total_seconds()) if last else None,
        },
        "unproved_days": [each.isoformat() for each in found.unproved],
        "prompts_open": found.prompts,
        "flags": {
            "possible_double": found.doubles,
            "late": found.late,
            "over_limit": found.over_limit,
        },
        "overdue": _sum(found.overdue),
        "stock_below_zero": found.below_zero,
        "last_closed": found.last_closed.isoformat() if found.last_closed else None,
        "unclosed_days": [each.isoformat() for each in found.unclosed],
    }


def _sum(money: tuple[int, int]) -> dict[str, object]:
    return {"count": money[0], "total": kes(money[1])}
