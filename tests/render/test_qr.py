"""QR codes of plain words."""

import segno

from kelly_cli.render.qr import svg_qr, terminal_qr

WORDS = "M-PESA Pay Bill 174379\nAccount I2602030001\nAmount KES 500"


def modules(drawn):
    """The dark modules that a terminal shows, row by row."""
    halves = {"\u2588": (0, 0), "\u2580": (0, 1), "\u2584": (1, 0), " ": (1, 1)}
    rows = []
    for line in drawn.splitlines():
        pairs = [halves[sign] for sign in line]
        rows += [[upper for upper, _ in pairs], [lower for _, lower in pairs]]
    return rows


def test_a_terminal_shows_the_very_modules():
    code = segno.make(WORDS, error="m", micro=False)
    wanted = [list(row) for row in code.matrix_iter(border=2)]
    shown = modules(terminal_qr(WORDS))
    assert shown[: len(wanted)] == wanted
    plain = [
        [int(line[at : at + 2] == "  ") for at in range(0, len(line), 2)]
        for line in terminal_qr(WORDS, unicode=False).splitlines()
    ]
    assert plain == wanted


def test_it_fits_a_terminal_of_80_columns():
    assert max(map(len, terminal_qr(WORDS).splitlines())) <= 80
    assert max(map(len, terminal_qr(WORDS, unicode=False).splitlines())) <= 80


def test_an_svg_says_its_words_and_no_markup_of_theirs():
    drawn = svg_qr("<script>&", title="Pay <INV>").decode()
    assert drawn.startswith("<?xml")
    assert "<script>" not in drawn
    assert "&lt;script&gt;&amp;" in drawn
    assert svg_qr(WORDS, title="x") == svg_qr(WORDS, title="x")
