"""What the live page says: figures in words, and the next command for each that needs one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.core.money import kes_for_people
from kelly_cli.core.times import nairobi_wall_clock

if TYPE_CHECKING:
    from datetime import timedelta

    from kelly_cli.services.board import Board, ProvedDay

_SAYS = {
    "proved": "proved by a second source",
    "partly": "proved in part",
    "unproved": "not proved",
    "open": "not over yet",
    None: "no money came",
}


def words_of(board: Board, spool: int) -> dict[str, object]:
    """Return what the template shows of a board. ``spool``: callbacks that wait there."""
    from kelly_cli.render.board import chart_of

    wall = nairobi_wall_clock(board.now)
    count, cents = board.money
    usual = board.usual if board.weeks else ()
    return {
        "board": True,
        "date": f"{wall:%A} {wall.day} {wall:%B %Y}",
        "money": kes_for_people(cents),
        "money_note": _money_note(board, count, cents),
        "usual_note": _usual_note(board),
        "chart": chart_of(board.hours, usual, minutes=wall.hour * 60 + wall.minute),
        "cards": [_unplaced(board), _callbacks(board, spool), _last(board), _owed(board)],
        "days": [_day(each) for each in board.days],
        **_proved(board),
    }


def _money_note(board: Board, count: int, cents: int) -> str:
    told = _many(count, "payment")
    if not board.weeks:
        return told
    usual = board.usual_by_now
    told += f"; KES {kes_for_people(usual)} is usual by now"
    if usual:
        share = (cents - usual) * 100 // usual
        sign = "+" if share >= 0 else "\u2212"
        told += f" ({sign}{abs(share):,} %)"
    return told


def _usual_note(board: Board) -> str:
    if not board.weeks:
        return "nothing is usual yet: no money a week ago"
    weekday = f"{board.today:%A}"
    weeks = "last week's" if board.weeks == 1 else f"the mean of the last {board.weeks}"
    return f"usual: {weeks} {weekday}{'s' if board.weeks > 1 else ''}"


def _unplaced(board: Board) -> dict[str, object]:
    free = board.unplaced
    if not free.payments:
        return _card("Unplaced money", "none", "every payment found its place")
    days = board.unplaced_days
    oldest = f"oldest of {_many(days, 'day')} ago" if days else "all of today"
    note = f"{_many(free.payments, 'payment')}, {oldest}"
    figure = kes_for_people(free.cents)
    return _card("Unplaced money", figure, note, "kelly suspense list", look=True, kes=True)


def _callbacks(board: Board, spool: int) -> dict[str, object]:
    parts = [f"{number} {what}" for number, what in ((board.pending, "unfinished"),) if number]
    if spool:
        parts.append(f"{spool} in the spool")
    note = ", ".join(parts) or "nothing else waits"
    if not board.failed:
        command = "kelly reprocess" if parts else ""
        return _card("Failed callbacks", "none", note, command)
    return _card(
        "Failed callbacks", f"{board.failed:,}", note, "kelly webhook list --failed", look=True
    )


def _last(board: Board) -> dict[str, object]:
    at = board.last_callback_at
    if at is None:
        return _card("Last callback", "never", "none came over HTTP yet", "kelly doctor")
    wall = nairobi_wall_clock(at)
    same_day = wall.date() == board.today
    note = f"at {wall:%H:%M:%S}" + ("" if same_day else f" on {wall.day} {wall:%B}")
    return {
        **_card("Last callback", _age(board.now - at), note),
        "at": int(at.timestamp() * 1000),
    }


def _owed(board: Board) -> dict[str, object]:
    owed = board.owed
    if not owed.invoices:
        return _card("Owed to us", "nothing", "no open invoice")
    note = _many(owed.invoices, "open invoice")
    figure = kes_for_people(owed.cents)
    if not owed.overdue:
        return _card("Owed to us", figure, f"{note}, none overdue", kes=True)
    late = f"overdue: {owed.overdue:,} for KES {kes_for_people(owed.overdue_cents)}"
    return _card("Owed to us", figure, f"{note}; {late}", "kelly invoice list --overdue", kes=True)


def _day(each: ProvedDay) -> dict[str, object]:
    about = f"{each.day:%a} {each.day.day} {each.day:%b}: {_SAYS[each.state]}"
    return {"number": each.day.day, "state": each.state or "none", "about": about}


def _proved(board: Board) -> dict[str, object]:
    over = [each for each in board.days if each.state not in {None, "open"}]
    proved = sum(each.state == "proved" for each in over)
    missing = [each.day for each in over if each.state != "proved"]
    if not over:
        return {"days_note": "No money on the days before today.", "days_next": ""}
    if not missing:
        note = f"Every one of the last {len(over)} days with money is proved by a second source."
        return {"days_note": note, "days_next": ""}
    named = ", ".join(f"{day.day} {day:%b}" for day in missing[-3:])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""  # noqa: PLR2004 - the three named
    return {
        "days_note": f"{proved} of {len(over)} days with money are proved; not yet: {named}{more}.",
        "days_next": "kelly recon status",
    }


def _card(
    name: str, figure: str, note: str, command: str = "", *, look: bool = False, kes: bool = False
) -> dict[str, object]:
    return {
        "name": name,
        "figure": figure,
        "note": note,
        "next": command,
        "look": look,
        "kes": kes,
        "at": None,
    }


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _age(age: timedelta) -> str:
    """Say an age as the page's script goes on saying it."""
    seconds = max(int(age.total_seconds()), 0)
    for size, unit, below in ((1, "s", 120), (60, "min", 7200), (3600, "h", 172800)):
        if seconds < below:
            return f"{seconds // size} {unit}"
    return f"{seconds // 86400} d"
