"""A paper as a PDF of A4 pages: heads repeat on every page, sums and steps stay in one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fpdf import FontFace

from kelly_cli.core.money import kes_for_people
from kelly_cli.render.columns import cell
from kelly_cli.render.pdf_sheet import BAD, FAMILY, GOOD, INK, PAGES, RULE, SOFT, Sheet

if TYPE_CHECKING:
    from kelly_cli.render.columns import Column
    from kelly_cli.render.paper import HowToPay, Paper, Table, Total

MARGIN = 16.0
FOOT = 20.0
_LOGO_WIDTH, _LOGO_HEIGHT = 50.0, 20.0
_QR = 38.0
_TOTALS = 90.0
_WIDTHS = {"money": 25, "count": 17, "date": 21, "id": 34, "receipt": 30, "status": 26, "wall": 38}
"""Widths in mm of what may not be folded; texts share what is left."""


def paper_pdf(paper: Paper) -> bytes:
    """Draw a paper on A4."""
    page = _Pages(paper)
    page.add_page()
    _head(page, paper)
    _about(page, paper)
    for table in paper.tables:
        _table(page, table)
    _totals(page, paper.totals)
    if paper.how_to_pay:
        _how_to_pay(page, paper.how_to_pay)
    _notes(page, paper.notes)
    return page.bytes()


class _Pages(Sheet):
    """A4 pages with a foot that says which paper it is, and which page of how many."""

    def __init__(self, paper: Paper) -> None:
        super().__init__(paper, "A4", MARGIN)
        self.set_auto_page_break(auto=True, margin=FOOT)
        self._foot = f"{paper.letterhead.name} · {paper.title} {paper.number}"

    def footer(self) -> None:
        """Write the foot of a page."""
        self.set_y(-FOOT + 6)
        self.rule()
        self.ln(1.5)
        self.letters(7.5, colour=SOFT)
        count = f"Page {self.page_no()} of "
        width = self.get_string_width(f"{count}{self.page_no():02}") + 3
        self.cell(self.epw - width, 4, self.lines_of(self._foot, self.epw - width)[0])
        # The count of pages is put in later, so the room for it is that of this page's number.
        self.cell(width, 4, f"{count}{PAGES}", align="L")


def _head(page: Sheet, paper: Paper) -> None:
    top = page.y
    half = page.epw * 0.58
    if paper.letterhead.logo:
        page.logo(paper.letterhead.logo, page.l_margin, top, _LOGO_WIDTH, _LOGO_HEIGHT)
        page.set_y(top + _LOGO_HEIGHT + 2)
    page.letters(13, bold=True)
    page.say(paper.letterhead.name, width=half)
    page.letters(8.5, colour=SOFT)
    for line in paper.letterhead.lines:
        page.say(line, width=half)
    if paper.letterhead.tax_number:
        page.say(f"Tax number {paper.letterhead.tax_number}", width=half)
    left = page.y
    page.set_xy(page.l_margin + half, top)
    right = page.epw - half
    page.letters(18, bold=True)
    page.say(paper.title, width=right, align="R", leading=1.2)
    page.letters(10)
    page.say(paper.number, width=right, align="R")
    if paper.stamp:
        page.letters(11, bold=True, colour=BAD if paper.alarm else GOOD)
        page.say(paper.stamp, width=right, align="R", leading=1.6)
    page.set_xy(page.l_margin, max(left, page.y) + 3)
    page.rule(heavy=True)
    page.ln(5)


def _about(page: Sheet, paper: Paper) -> None:
    top, half = page.y, page.epw * 0.5
    for place, line in enumerate(paper.to):
        page.letters(10 if place == 0 else 9, bold=place == 0)
        page.say(line, width=half)
    left = page.y
    page.set_y(top)
    for name, value in paper.facts:
        page.set_x(page.l_margin + half + 8)
        page.letters(9, colour=SOFT)
        down = page.y
        page.cell(32, page.font_size * 1.35, page.drawable(name))
        page.letters(9)
        page.set_xy(page.l_margin + half + 40, down)
        page.say(value, width=page.epw - half - 40)
    page.set_xy(page.l_margin, max(left, page.y) + 4)


def _table(page: Sheet, table: Table) -> None:
    if page.room() < 30:  # noqa: PLR2004 - mm: a title, a head and a row stay together
        page.add_page()
    if table.title:
        page.letters(10.5, bold=True)
        page.say(table.title)
        page.ln(0.5)
    if not table.rows:
        page.letters(9, colour=SOFT)
        page.say(table.empty)
        page.ln(4)
        return
    page.letters(8.5)
    page.set_draw_color(*RULE)
    page.set_line_width(0.2)
    with page.table(
        borders_layout="HORIZONTAL_LINES",
        col_widths=_widths(table.columns, page.epw),
        headings_style=FontFace(FAMILY, "BOLD", 8.5, SOFT),
        line_height=page.font_size * 1.35,
        padding=(0.9, 1.2, 0.9, 0),
        text_align=tuple("RIGHT" if column.right else "LEFT" for column in table.columns),
        width=page.epw,
    ) as drawn:
        drawn.row([page.drawable(column.title) for column in table.columns])
        for row in table.rows:
            drawn.row([page.drawable(cell(column, row[column.key])) for column in table.columns])
    page.ln(4)


def _widths(columns: tuple[Column, ...], whole: float) -> tuple[float, ...]:
    taken = sum(_WIDTHS.get(column.kind, 0) for column in columns)
    free = sum(column.kind not in _WIDTHS for column in columns)
    share = (whole - taken) / free if free else 0
    widths = [_WIDTHS.get(column.kind, share) for column in columns]
    stretch = whole / sum(widths)
    return tuple(width * stretch for width in widths)


def _totals(page: Sheet, totals: tuple[Total, ...]) -> None:
    if page.room() < 7.0 * len(totals):
        page.add_page()
    for total in totals:
        page.set_x(page.w - page.r_margin - _TOTALS)
        if total.strong:
            page.set_draw_color(*INK)
            page.set_line_width(0.4)
            page.line(page.x, page.y + 0.5, page.w - page.r_margin, page.y + 0.5)
            page.ln(1.5)
            page.set_x(page.w - page.r_margin - _TOTALS)
        page.letters(11 if total.strong else 9, bold=total.strong)
        height = page.font_size * 1.5
        page.cell(_TOTALS - 45, height, page.drawable(total.name))
        page.cell(45, height, f"KES {kes_for_people(total.cents)}", align="R")
        page.ln(height)
    page.ln(4)


def _how_to_pay(page: Sheet, pay: HowToPay) -> None:
    left = page.epw - _QR - 8
    page.letters(9)
    height = page.font_size * 1.45
    texts = [f"{place}. {step}" for place, step in enumerate(pay.steps, 1)]
    lines = sum(len(page.lines_of(text, left)) for text in (*texts, *pay.notes))
    needed = max(_QR, lines * height + 10) + 10
    if page.room() < needed:
        page.add_page()
    page.rule()
    page.ln(3)
    top = page.y
    page.letters(10.5, bold=True)
    page.say("How to pay", width=left)
    page.letters(9)
    for text in texts:
        page.say(text, width=left, leading=1.45)
    page.letters(8.5, colour=SOFT)
    page.ln(1)
    for note in pay.notes:
        page.say(note, width=left)
    page.qr(pay.qr_words, page.w - page.r_margin - _QR, top, _QR)
    page.set_xy(page.l_margin, max(page.y, top + _QR) + 4)


def _notes(page: Sheet, notes: tuple[str, ...]) -> None:
    page.letters(8, colour=SOFT)
    for note in notes:
        page.say(note)
