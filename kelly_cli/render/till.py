"""A paper as a PDF of 80 mm till paper, one page as long as the paper is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.render.pdf_sheet import Sheet
from kelly_cli.render.strip import StripLine, strip

if TYPE_CHECKING:
    from kelly_cli.render.paper import Paper

WIDTH = 80.0
_MARGIN = 4.0
_LONGEST = 5000.0
"""A strip in mm while its length is still unknown."""

_SHORTEST = 60.0
_QR = 36.0
_LOGO_WIDTH, _LOGO_HEIGHT = 44.0, 18.0


def till_pdf(paper: Paper) -> bytes:
    """Draw a paper on till paper."""
    measured = _drawn(paper, _LONGEST)
    measured.close_fonts()
    length = measured.y + _MARGIN
    return _drawn(paper, max(length, _SHORTEST)).bytes()


def _drawn(paper: Paper, length: float) -> Sheet:
    sheet = Sheet(paper, (WIDTH, length), _MARGIN)
    sheet.set_auto_page_break(auto=False)
    sheet.add_page()
    if paper.letterhead.logo:
        left = (WIDTH - _LOGO_WIDTH) / 2
        sheet.logo(paper.letterhead.logo, left, sheet.y, _LOGO_WIDTH, _LOGO_HEIGHT)
        sheet.set_y(sheet.y + _LOGO_HEIGHT + 2)
    for line in strip(paper):
        _line(sheet, line)
    if paper.how_to_pay:
        sheet.qr(paper.how_to_pay.qr_words, (WIDTH - _QR) / 2, sheet.y + 2, _QR)
        sheet.set_y(sheet.y + _QR + 2)
    return sheet


def _line(sheet: Sheet, line: StripLine) -> None:
    if line.look in {"rule", "gap"}:
        sheet.ln(1.2)
        if line.look == "rule":
            sheet.rule()
        sheet.ln(1.2)
        return
    title = line.look == "title"
    sheet.letters(10 if title else 8, bold=title or line.look == "bold")
    if title or line.look == "centre":
        sheet.say(line.left, align="C")
    elif not line.right:
        sheet.say(line.left)
    else:
        _two_sides(sheet, line)


def _two_sides(sheet: Sheet, line: StripLine) -> None:
    right = sheet.drawable(line.right)
    width = sheet.get_string_width(right) + 2
    if width > sheet.epw * 0.7:
        sheet.say(line.left)
        sheet.say(line.right, align="R")
        return
    sheet.say(line.left, width=sheet.epw - width)
    height = sheet.font_size * 1.35
    sheet.set_xy(sheet.w - sheet.r_margin - width, sheet.y - height)
    sheet.cell(width, height, right, align="R")
    sheet.ln(height)
