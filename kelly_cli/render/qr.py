"""QR codes of plain words, drawn here: for a terminal, or as SVG. The same words, the same code.

Every phone's camera shows the words. They are no secret format: no app is promised to act on them.
"""

from __future__ import annotations

import io


def terminal_qr(words: str, *, unicode: bool = True) -> str:
    """Draw for a terminal, two modules to a character; without Unicode, one to two characters.

    The picture is right on dark and on light terminals: its own margin is drawn too.
    """
    import segno

    code = segno.make(words, error="m", micro=False)
    rows = [list(row) for row in code.matrix_iter(border=2)]
    if not unicode:
        return "\n".join("".join("  " if dark else "##" for dark in row) for row in rows)
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return "\n".join(
        "".join(_HALVES[bool(upper), bool(lower)] for upper, lower in zip(*pair, strict=True))
        for pair in pairs
    )


_HALVES = {
    (False, False): "\u2588",
    (False, True): "\u2580",
    (True, False): "\u2584",
    (True, True): " ",
}
"""Light modules are drawn, dark ones left out: light letters on a dark terminal."""


def svg_qr(words: str, *, title: str) -> bytes:
    """Return an SVG document; it says the words as its description too."""
    import segno

    drawn = io.BytesIO()
    segno.make(words, error="m", micro=False).save(
        drawn, kind="svg", scale=8, border=4, light="#fff", title=title, desc=words, nl=True
    )
    return drawn.getvalue()


def qr_data_uri(words: str) -> str:
    """Return an SVG drawing, dark on white, as an address that a page carries in itself."""
    import segno

    code = segno.make(words, error="m", micro=False)
    return str(code.svg_data_uri(scale=4, border=4, light="#fff", omitsize=False))


def qr_rows(words: str) -> list[list[bool]]:
    """Return the modules of a code, row by row, dark = True; its white margin is included."""
    import segno

    code = segno.make(words, error="m", micro=False)
    return [[bool(dark) for dark in row] for row in code.matrix_iter(border=4)]
