"""A sheet: the PDF that every paper is drawn on, and the laws that all of them keep.

The same paper gives the same bytes: the date is the paper's own and nothing is random. Letters are
embedded, only those used. A character that the font lacks is a box; it is never an error. Nothing
is fetched: pictures come as bytes.
"""

from __future__ import annotations

import io
import logging
import unicodedata
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fpdf import FPDF
from fpdf.enums import MethodReturnValue

from kelly_cli.errors import ConfigError
from kelly_cli.render.harmless import safe
from kelly_cli.render.qr import qr_rows

if TYPE_CHECKING:
    from kelly_cli.render.paper import Logo, Paper

FAMILY = "DejaVu"
FONTS = Path(__file__).with_name("fonts")
PAGES = "\u200b{n}\u200b"
"""Stands for the number of pages; no printed text can hold it, because ``safe`` lets none in."""

BOX = "\u25a1"
INK, SOFT, RULE, GOOD, BAD = (0, 0, 0), (85, 85, 85), (170, 170, 170), (11, 107, 58), (154, 52, 18)
_PT = 72 / 25.4


class Sheet(FPDF):
    """One PDF in the making. Lengths in mm, letters in points."""

    def __init__(self, paper: Paper, size: str | tuple[float, float], margin: float) -> None:
        super().__init__(unit="mm", format=size)
        # A missing glyph is drawn as a box, and nobody can do anything about it: no warning.
        logging.getLogger("fpdf").setLevel(logging.CRITICAL)
        logging.getLogger("fontTools").setLevel(logging.CRITICAL)
        self.set_creation_date(paper.made_at)
        self.set_margin(margin)
        self.add_font(FAMILY, "", FONTS / "DejaVuSans.ttf")
        self.add_font(FAMILY, "B", FONTS / "DejaVuSans-Bold.ttf")
        regular, bold = (set(font.cmap) for font in self.fonts.values())  # type: ignore[union-attr]
        self._known = regular & bold
        self.set_title(_whole(f"{paper.title} {paper.number}"))
        self.set_author(_whole(paper.letterhead.name))
        self.set_creator("kelly")
        self.set_lang("en")
        self.alias_nb_pages(PAGES)
        self.letters()

    def letters(
        self, points: float = 9, *, bold: bool = False, colour: tuple[int, int, int] = INK
    ) -> None:
        """Choose how the next text looks."""
        self.set_font(FAMILY, "B" if bold else "", points)
        self.set_text_color(*colour)

    def drawable(self, text: str) -> str:
        """Return a text as the letters can show it: harmless, and a box for what they lack."""
        whole = _whole(text)
        lacking = {ord(sign) for sign in whole} - self._known
        return whole.translate(dict.fromkeys(lacking, BOX))

    def say(self, text: str, *, width: float = 0, align: str = "L", leading: float = 1.35) -> None:
        """Write a text from here on, in as many lines as it needs, and go to the next line."""
        self.multi_cell(
            width,
            self.font_size * leading,
            self.drawable(text),
            align=align,
            new_x="LEFT",
            new_y="NEXT",
        )

    def lines_of(self, text: str, width: float) -> list[str]:
        """Return how a text breaks into lines of a width."""
        found: Any = self.multi_cell(
            width, text=self.drawable(text), dry_run=True, output=MethodReturnValue.LINES
        )
        return list(found)

    def rule(self, *, heavy: bool = False) -> None:
        """Draw a line across the page, here."""
        self.set_draw_color(*(INK if heavy else RULE))
        self.set_line_width(0.5 if heavy else 0.2)
        self.line(self.l_margin, self.y, self.w - self.r_margin, self.y)

    def room(self) -> float:
        """Return how much of this page is left."""
        return float(self.h - self.b_margin - self.y)

    def qr(self, words: str, x: float, y: float, size: float) -> None:
        """Draw a QR code on white, with its margin."""
        rows = qr_rows(words)
        step = size / len(rows)
        self.set_fill_color(255)
        self.rect(x, y, size, size, style="F")
        self.set_fill_color(0)
        for down, row in enumerate(rows):
            for start, length in _runs(row):
                self.rect(x + start * step, y + down * step, length * step, step, style="F")

    def logo(self, logo: Logo, x: float, y: float, width: float, height: float) -> None:
        """Draw a picture as large as it fits.

        Raises:
            ConfigError: ``bad_logo``: it holds what cannot be drawn in a PDF.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an SVG without viewBox is drawn all the same
                self.image(
                    io.BytesIO(logo.data), x=x, y=y, w=width, h=height, keep_aspect_ratio=True
                )
        except Exception as error:
            self.close_fonts()
            raise ConfigError(
                f"business.logo cannot be drawn in a PDF: {error}",
                hint="Save it as a PNG: kelly config set business.logo FILE.png",
                code="bad_logo",
            ) from error

    def bytes(self) -> bytes:
        """Return the finished PDF; nothing can be drawn after it."""
        try:
            return bytes(self.output())
        finally:
            self.close_fonts()

    def close_fonts(self) -> None:
        """Close the files of the letters, which stay open otherwise."""
        for font in self.fonts.values():
            font.ttfont.close()  # type: ignore[union-attr]


def _whole(text: str) -> str:
    """Return a text harmless, its letters and their accents in one piece."""
    return unicodedata.normalize("NFC", safe(text))


def _runs(row: list[bool]) -> list[tuple[int, int]]:
    """Return the stretches of dark modules as start and length: fewer shapes, no seams."""
    found: list[tuple[int, int]] = []
    for place, dark in enumerate(row):
        if not dark:
            continue
        if found and sum(found[-1]) == place:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((place, 1))
    return found
