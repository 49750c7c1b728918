from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
from datetime import datetime

import pytest

from kelly_cli.errors import KellyError, NotFoundError
from kelly_cli.render import Column, Show, quiet_broken_pipe
from kelly_cli.render.chart import bar_lines

COLUMNS = [
    Column("receipt", "Receipt", "receipt"),
    Column("paid_at", "Paid at", "wall", priority=2),
    Column("amount", "Amount", "money"),
    Column("phone", "Phone", "phone", priority=1),
    Column("reference", "Reference"),
    Column("payer", "Payer", priority=3),
    Column("status", "Status", "status"),
]
ROWS = [
    {
        "receipt": "RKTQDM7W6S",
        "paid_at": datetime(2026, 2, 3, 14, 30, 22),
        "amount": 1234567800,
        "phone": "254708374149",
        "reference": "INV-20260203-0001",
        "payer": "JANE [/WANJIKU] \x1b[5mred",
        "status": "COMPLETED",
    },
    {
        "receipt": "RKTQDM7W6T",
        "paid_at": datetime(2026, 2, 3, 14, 31),
        "amount": -5000,
        "phone": None,
        "reference": "a long reference that goes on and on",
        "payer": "李小龍",
        "status": "UNMATCHED",
    },
]

AT_80 = """\
Receipt            Amount  Phone         Reference                     Status
────────────────────────────────────────────────────────────────────────────────
RKTQDM7W6S  12,345,678.00  254708374149  INV-20260203-0001             COMPLETED
RKTQDM7W6T         -50.00                a long reference that goes    UNMATCHED
                                         on and on
"""
AT_120 = """\
Receipt     Paid at                     Amount  Phone         Reference                Payer                   Status
────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
RKTQDM7W6S  2026-02-03 14:30:22  12,345,678.00  254708374149  INV-20260203-0001        JANE [/WANJIKU]         COMPLETED
                                                                                       \ufffd[5mred
RKTQDM7W6T  2026-02-03 14:31:00         -50.00                a long reference that    李小龍                  UNMATCHED
                                                              goes on and on
"""  # noqa: E501 - as wide as the terminal it shows
PIPED = (
    "Receipt\tPaid at\tAmount\tPhone\tReference\tPayer\tStatus\n"
    "RKTQDM7W6S\t2026-02-03 14:30:22\t12,345,678.00\t254708374149\tINV-20260203-0001"
    "\tJANE [/WANJIKU] \ufffd[5mred\tCOMPLETED\n"
    "RKTQDM7W6T\t2026-02-03 14:31:00\t-50.00\t\ta long reference that goes on and on"
    "\t李小龍\tUNMATCHED\n"
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class AsciiStream(io.TextIOWrapper):
    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="ascii")

    def text(self) -> str:
        self.seek(0)
        return self.read()


def on_terminal(*, width: int = 80, json: bool = False, stdin: io.StringIO | None = None) -> Show:
    return Show(
        json=json, stdout=Terminal(), stderr=Terminal(), environ={}, width=width, stdin=stdin
    )


def piped(*, json: bool = False) -> Show:
    return Show(json=json, stdout=io.StringIO(), stderr=io.StringIO(), environ={})


def out(show: Show) -> str:
    assert isinstance(show.stdout, io.StringIO)
    return show.stdout.getvalue()


def err(show: Show) -> str:
    assert isinstance(show.stderr, io.StringIO)
    return show.stderr.getvalue()


def without_style(text: str) -> str:
    """Take away kelly's own styles, and only these: bold, dim, green, yellow, the end of one."""
    return re.sub(r" +$", "", re.sub("\x1b\\[(?:0|1|2|32|33)m", "", text), flags=re.MULTILINE)


@pytest.mark.parametrize(("width", "drawn"), [(80, AT_80), (120, AT_120)])
def test_a_table_on_a_terminal_looks_like_this(width: int, drawn: str) -> None:
    show = on_terminal(width=width)
    show.rows(ROWS, COLUMNS, as_json=[], empty="No payments.")
    assert without_style(out(show)) == drawn


def test_columns_without_room_are_named_on_stderr() -> None:
    show = on_terminal(width=80)
    show.rows(ROWS, COLUMNS, as_json=[], empty="No payments.")
    assert err(show) == "No room at 80 columns for: Paid at, Payer (--json has all)\n"


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
def test_receipts_phones_ids_and_amounts_are_whole_at_every_width(width: int) -> None:
    columns = [
        Column("receipt", "Receipt", "receipt"),
        Column("note", "Note"),
        Column("phone", "Phone", "phone"),
        Column("invoice", "Invoice", "id"),
        Column("amount", "Amount", "money"),
    ]
    whole = ["RKTQDM7W6S" * 2, "254708374149", "INV-20260203-123456789", "1,000,000,000,000.00"]
    row = dict(zip(["receipt", "phone", "invoice"], whole, strict=False))
    show = on_terminal(width=width)
    rows = [{**row, "note": "x" * 300, "amount": 10**14}]
    show.rows(rows, columns, as_json=[], empty="")
    drawn = without_style(out(show))
    assert all(value in drawn for value in whole)
    assert drawn.count("x") == 300
    assert err(show) == ""
    assert width < 80 or max(map(len, drawn.splitlines())) <= width


def test_rows_that_do_not_fit_stand_below_each_other() -> None:
    show = on_terminal(width=24)
    show.rows(ROWS, COLUMNS[:1] + COLUMNS[2:3] + COLUMNS[4:5], as_json=[], empty="")
    assert without_style(out(show)) == (
        "Receipt    RKTQDM7W6S\n"
        "Amount     12,345,678.00\n"
        "Reference  INV-20260203-\n"
        "           0001\n"
        "\n"
        "Receipt    RKTQDM7W6T\n"
        "Amount     -50.00\n"
        "Reference  a long\n"
        "           reference\n"
        "           that goes on\n"
        "           and on\n"
    )


def test_a_piped_table_is_tabs_and_full_values() -> None:
    show = piped()
    show.rows(ROWS, COLUMNS, as_json=[], empty="No payments.")
    assert (out(show), err(show)) == (PIPED, "")


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_color_and_dumb_terminals_get_the_plain_text(environ: dict[str, str]) -> None:
    show = Show(json=False, stdout=Terminal(), stderr=Terminal(), environ=environ)
    show.rows(ROWS, COLUMNS, as_json=[], empty="")
    assert out(show) == PIPED


def test_nothing_found_is_said_on_stderr_and_is_an_empty_array_in_json() -> None:
    for show, shown, said in [
        (on_terminal(), "", "No payments.\n"),
        (piped(), "Receipt\n", "No payments.\n"),
        (piped(json=True), "[]\n", ""),
    ]:
        show.rows([], COLUMNS[:1], as_json=list, empty="No payments.")
        assert (out(show), err(show)) == (shown, said)


def test_the_width_comes_from_columns_then_the_terminal_then_eighty() -> None:
    def width(**environ: str) -> int:
        show = Show(json=False, stdout=Terminal(), stderr=Terminal(), environ=environ)
        show.rows([{"note": "x" * 500}], [Column("note", "Note")], as_json=[], empty="")
        return max(map(len, without_style(out(show)).splitlines()))

    assert [width(COLUMNS="60"), width(), width(COLUMNS="wide"), width(COLUMNS="3")] == [
        60,
        80,
        80,
        20,
    ]


def test_a_record_is_a_line_for_each_field() -> None:
    drawn, plain, machine = on_terminal(width=40), piped(), piped(json=True)
    for show in (drawn, plain, machine):
        show.record(ROWS[1], COLUMNS, {"status": "UNMATCHED"})
    assert without_style(out(drawn)).splitlines()[:6] == [
        "Receipt    RKTQDM7W6T",
        "Paid at    2026-02-03 14:31:00",
        "Amount     -50.00",
        "Phone",
        "Reference  a long reference that goes on",
        "           and on",
    ]
    assert out(plain).splitlines()[3:5] == [
        "Phone\t",
        "Reference\ta long reference that goes on and on",
    ]
    assert json.loads(out(machine)) == {"status": "UNMATCHED"}


def test_json_stands_alone_on_stdout() -> None:
    show = on_terminal(json=True)
    show.lines("for people")
    show.table(ROWS, COLUMNS, empty="none")
    show.fields(ROWS[0], COLUMNS)
    show.bar_chart([("08:00", 1)], unit="payments")
    show.note("a note")
    with show.progress(10, "Reading", after_s=0) as progress:
        progress.advance(10)
    show.rows(ROWS, COLUMNS, as_json=lambda: [{"amount": "1.00"}], empty="")
    assert json.loads(out(show)) == [{"amount": "1.00"}]
    assert err(show) == "a note\n"


def test_json_lines_are_a_line_each() -> None:
    show = piped(json=True)
    show.json_line({"name": "a\nb\u2028c"})
    show.json_line({"name": "d"})
    lines = out(show).splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["a\nb\u2028c", "d"]


def test_an_error_says_what_and_what_to_try() -> None:
    show = on_terminal()
    show.error(NotFoundError("No customer is called 'X\x1b[2J'", hint="kelly customer list"))
    show.error(KellyError("It failed"))
    assert err(show) == (
        "Error: No customer is called 'X\ufffd[2J'\nTry: kelly customer list\nError: It failed\n"
    )
    assert out(show) == ""


def test_an_error_under_json_is_one_object_on_stderr() -> None:
    show = piped(json=True)
    show.error(NotFoundError("No customer", hint="kelly customer list", code="customer_not_found"))
    assert json.loads(err(show)) == {
        "error": {
            "code": "customer_not_found",
            "message": "No customer",
            "hint": "kelly customer list",
        }
    }
    assert err(show).count("\n") == 1
    assert out(show) == ""


@pytest.mark.parametrize("answer", ["y\n", "YES\n", " y \n"])
def test_a_person_agrees_on_stderr(answer: str) -> None:
    show = on_terminal(stdin=Terminal(answer))
    show.confirm("Void INV-1?", yes=False, repeat="kelly invoice void INV-1")
    assert (out(show), err(show)) == ("", "Void INV-1? [y/N] ")


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "yep\n"])
def test_everything_but_yes_is_no(answer: str) -> None:
    with pytest.raises(KellyError) as caught:
        on_terminal(stdin=Terminal(answer)).confirm("Void?", yes=False, repeat="kelly x")
    assert (caught.value.code, caught.value.exit_code) == ("not_confirmed", 1)


@pytest.mark.parametrize("stdin", [None, io.StringIO("y\n")])
def test_without_a_terminal_the_command_to_repeat_is_named(stdin: io.StringIO | None) -> None:
    show = on_terminal(stdin=stdin)
    with pytest.raises(KellyError) as caught:
        show.confirm("Void INV-1?", yes=False, repeat="kelly invoice void INV-1")
    assert caught.value.code == "confirmation_needed"
    assert caught.value.hint == "kelly invoice void INV-1 --yes"
    show.confirm("Void INV-1?", yes=True, repeat="kelly invoice void INV-1")
    assert err(show) == ""


def test_progress_appears_only_when_work_is_slow_and_leaves_nothing_on_stdout() -> None:
    show = on_terminal()
    with show.progress(10, "Reading [/x]") as progress:
        progress.advance()
        show.note("fast")
    assert err(show) == "fast\n"
    with show.progress(10, "Reading [/x]", after_s=0) as progress:
        progress.advance(4)
        show.note("half-way [/x]")
        time.sleep(0.15)
    assert "Reading [/x]" in err(show)
    assert "4/10" in err(show)
    assert "half-way [/x]\n" in err(show)
    show.note("after")
    assert err(show).endswith("after\n")
    assert out(show) == ""


def test_progress_is_silent_without_a_terminal() -> None:
    show = piped()
    with show.progress(None, "Reading", after_s=0) as progress:
        progress.advance()
    assert (out(show), err(show)) == ("", "")


def test_a_bar_chart_shows_proportions_and_pipes_numbers() -> None:
    rows = [("08:00", 4), ("09:00", 100), ("10:00", 0), ("11:00", 1)]
    drawn, plain = on_terminal(width=40), piped()
    drawn.bar_chart(rows, unit="payments")
    plain.bar_chart(rows, unit="payments")
    assert out(drawn).splitlines() == [
        "       payments",
        "08:00         4  ▉",
        "09:00       100  " + "█" * 23,
        "10:00         0",
        "11:00         1  ▏",
    ]
    assert out(plain) == "08:00\t4\n09:00\t100\n10:00\t0\n11:00\t1\n"
    empty = on_terminal()
    empty.bar_chart([], unit="payments")
    assert out(empty).split() == ["payments"]


def test_a_document_is_whole_in_a_pipe_and_harmless_on_a_terminal() -> None:
    text = "name,amount\r\nJANE \x1b[2J\tx,5\r\n"
    pipe, terminal = piped(), on_terminal()
    pipe.verbatim(text)
    terminal.verbatim(text)
    assert out(pipe) == text
    assert out(terminal) == "name,amount\nJANE \ufffd[2J\tx,5\n"


def test_a_stream_without_unicode_gets_valid_json_and_readable_text() -> None:
    stdout = AsciiStream()
    show = Show(json=True, stdout=stdout, stderr=AsciiStream(), environ={})
    show.document({"name": "Müller 李"})
    assert json.loads(stdout.text()) == {"name": "Müller 李"}
    stdout = AsciiStream()
    show = Show(json=False, stdout=stdout, stderr=AsciiStream(), environ={})
    show.lines("Müller 李")
    assert stdout.text() == "M?ller ?\n"


def test_a_chart_for_a_stream_without_unicode_is_made_of_hashes() -> None:
    assert bar_lines([("a", 4), ("b", 1)], unit="n", width=13, ascii_only=True) == [
        "   n",
        "a  4  #######",
        "b  1  #",
    ]


def test_machines_and_pipes_never_load_rich() -> None:
    code = (
        "import sys; from kelly_cli.errors import KellyError; from kelly_cli.render import *\n"
        "for json in (True, False):\n"
        "    show = Show(json=json, stdout=sys.stdout, stderr=sys.stderr, environ={})\n"
        "    show.rows([{'a': 1}], [Column('a', 'A')], as_json=[1], empty='')\n"
        "    show.record({'a': 1}, [Column('a', 'A')], {})\n"
        "    show.bar_chart([('a', 1)], unit='x')\n"
        "    show.error(KellyError('x'))\n"
        "    with show.progress(1, 'x', after_s=0) as progress: progress.advance()\n"
        "assert not [name for name in sys.modules if name.split('.')[0] == 'rich']\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=30)


def test_a_reader_that_leaves_early_ends_the_run_quietly() -> None:
    code = (
        "import sys; from kelly_cli.render import Show, quiet_broken_pipe\n"
        "show = Show(json=False, stdout=sys.stdout, stderr=sys.stderr, environ={})\n"
        "try:\n"
        "    while True: show.lines('x' * 1000)\n"
        "except BrokenPipeError: sys.exit(quiet_broken_pipe(sys.stdout))\n"
    )
    reader, writer = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE
    ) as run:
        os.close(writer)
        os.read(reader, 10)
        os.close(reader)
        assert run.stderr is not None
        assert run.stderr.read() == b""
    assert run.returncode == 1


def test_a_stream_without_a_file_has_nothing_to_silence() -> None:
    assert quiet_broken_pipe(io.StringIO()) == 1
