"""The options of papers, and the files they become: --html, --pdf, --till."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kelly_cli.render import Show
    from kelly_cli.render.paper import Paper

HtmlOpt = Annotated[
    str | None,
    typer.Option("--html", help="Write a page for browser and print (-: stdout).", metavar="FILE"),
]
PdfOpt = Annotated[
    str | None, typer.Option("--pdf", help="Write a PDF (-: stdout).", metavar="FILE")
]
TillOpt = Annotated[
    bool,
    typer.Option(
        "--till", help="For 80 mm till paper: plain text, or a strip with --pdf.", metavar=""
    ),
]
PayToOpt = Annotated[
    str | None,
    typer.Option(
        "--short-code", help="Where to pay: one of ours (default: the main one).", metavar="CODE"
    ),
]


class Places:
    """Where a paper is to go, checked before any work is done.

    Raises:
        UsageError: two things for stdout, or a PDF for a terminal.
        StorageError: ``file_not_writable``.
    """

    def __init__(self, show: Show, *, html: str | None, pdf: str | None) -> None:
        self._show = show
        self._wanted = [(form, to) for form, to in (("html", html), ("pdf", pdf)) if to is not None]
        to_stdout = [form for form, to in self._wanted if to == "-"]
        if len(to_stdout) + show.json > 1:
            raise UsageError("two documents cannot go to stdout", hint="Name a file for one")
        if to_stdout == ["pdf"] and show.stdout.isatty():
            raise UsageError("--pdf -: this is a terminal", hint="--pdf FILE.pdf")
        for _, to in self._wanted:
            if to != "-":
                _check(to)

    @property
    def files(self) -> dict[str, str]:
        """What is written where, for ``--json``."""
        return {form: to for form, to in self._wanted if to != "-"}

    def __bool__(self) -> bool:
        return bool(self._wanted)

    def write(self, paper: Paper, *, till: bool = False) -> None:
        """Draw the paper in every form that is wanted; each file is written whole or not at all."""
        drawers: dict[str, Callable[[], bytes]] = {
            "html": lambda: _html(paper),
            "pdf": lambda: _pdf(paper, till=till),
        }
        drawn = [(to, drawers[form]()) for form, to in self._wanted]
        for to, data in drawn:
            _put(self._show, to, data)


def put_strip(show: Show, paper: Paper) -> None:
    """Print a paper as plain text for 80 mm till paper."""
    from kelly_cli.render.strip import strip_text

    show.put(strip_text(paper))


def show_paper(show: Show, paper: Paper) -> None:
    """Print a paper for people: on a terminal drawn, in a pipe as lines and tabs."""
    from kelly_cli.render import Column

    head = paper.letterhead
    number = f"{paper.title} {paper.number}"
    show.lines(head.name, *head.lines)
    if head.tax_number:
        show.lines(f"Tax number {head.tax_number}")
    show.lines("", f"{number}  {paper.stamp}".rstrip(), *paper.to)
    columns = [Column(f"{place}", name) for place, (name, _) in enumerate(paper.facts)]
    show.fields({str(place): value for place, (_, value) in enumerate(paper.facts)}, columns)
    for table in paper.tables:
        show.lines("", *filter(None, [table.title]))
        show.table(table.rows, table.columns)
        if not table.rows:
            show.lines(table.empty)
    show.lines("")
    sums = [Column(f"{place}", total.name, "money") for place, total in enumerate(paper.totals)]
    show.fields({str(place): total.cents for place, total in enumerate(paper.totals)}, sums)
    if paper.how_to_pay:
        show.lines("", "How to pay:")
        show.lines(*(f"{n}. {step}" for n, step in enumerate(paper.how_to_pay.steps, 1)))
        show.lines(*paper.how_to_pay.notes)
    if paper.notes:
        show.lines("", *paper.notes)


def _check(to: str) -> None:
    from kelly_cli.render.files import check_place

    check_place(Path(to))


def _html(paper: Paper) -> bytes:
    from kelly_cli.render.paper import paper_page

    return paper_page(paper).encode()


def _pdf(paper: Paper, *, till: bool) -> bytes:
    if till:
        from kelly_cli.render.till import till_pdf

        return till_pdf(paper)
    from kelly_cli.render.pdf import paper_pdf

    return paper_pdf(paper)


def _put(show: Show, to: str, data: bytes) -> None:
    from kelly_cli.render.streams import write_bytes

    if to == "-":
        write_bytes(show.stdout, data)
        return
    from kelly_cli.render.files import save

    save(Path(to), data)
    show.note(f"Wrote {to}")
