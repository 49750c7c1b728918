"""Papers as pages, PDFs and strips: the same words everywhere, the same bytes every time."""

import html
import importlib.util
import io
import random
import re
import unicodedata
from pathlib import Path

import pypdf
import pytest

from kelly_cli.errors import ConfigError
from kelly_cli.render import safe
from kelly_cli.render.paper import Letterhead, Logo, Table, paper_page
from kelly_cli.render.pdf import paper_pdf
from kelly_cli.render.strip import COLUMNS, strip_text
from kelly_cli.render.till import till_pdf


def _sibling(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


paper, ITEMS = _sibling("papers").paper, _sibling("papers").COLUMNS

LATIN = [
    "Wanjikũ wa Gĩthĩnji",
    "Mũthoni Kĩmani",
    "Ñandú Ağaoğlu Łukasz Žofie Þór Œuvre ß ẞ",
    "Wanjiku\u0303 Gi\u0303thi\u0303nji",
    "ÀÉÎÕÜ àéîõü ĀĒĪŌŪ āēīōū ŋ Ŋ ɓ ɗ",
]
PIECES = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "{% raw %}",
    "</td>",
    "&amp;", "&lt;b&gt;", "javascript:alert(1)", "' onload='x", "=1+1", "@SUM(A1)", "{nb}", "**b**",
    "__u__", "--s--", "[x](http://x)", "\x1b[31m", "\x00", "\r\n", "\n", "\t", "\u202e", "\u200b",
    "\ud800", "\ufeff", "李小龍", "👩\u200d👧", "❤\ufe0f", "ﷺ", "مرحبا", "e\u0301\u0302",
    "ĩũ", "O'Brien",
    "x" * 90, "字" * 60, "(", ")", "\\", "endobj", "%%EOF", "<</JS(x)>>", " ", "",
]  # fmt: skip


def hostile_names(count):
    chance = random.Random(20260203)
    mixed = ["".join(chance.choices(PIECES, k=chance.randint(1, 4))) for _ in range(count)]
    return (PIECES + mixed)[:count]


def read(pdf):
    return pypdf.PdfReader(io.BytesIO(pdf))


def words(pdf):
    return "\n".join(page.extract_text() for page in read(pdf).pages)


def page_text(page):
    """What a page says, as a browser would read it; tags away."""
    body = page[page.index("<body>") :]
    return html.unescape(re.sub(r"<[^>]*>", " ", body))


@pytest.mark.parametrize("name", LATIN)
def test_latin_names_are_whole_on_every_paper(name):
    whole = unicodedata.normalize("NFC", name)
    drawn = paper(name)
    assert name in page_text(paper_page(drawn))
    for pdf in (paper_pdf(drawn), till_pdf(drawn)):
        assert whole in " ".join(words(pdf).split())
    assert name.split()[0] in strip_text(drawn)


def test_letters_are_embedded_and_only_those_used():
    for draw in (paper_pdf, till_pdf):
        pdf = draw(paper())
        for page in read(pdf).pages:
            for font in page["/Resources"]["/Font"].values():
                (inside,) = font.get_object()["/DescendantFonts"]
                assert "/FontFile2" in inside.get_object()["/FontDescriptor"]
        assert len(pdf) < 80_000


@pytest.mark.parametrize("draw", [paper_page, paper_pdf, till_pdf, strip_text])
def test_the_same_paper_gives_the_same_bytes(draw):
    assert draw(paper()) == draw(paper())


def test_what_the_font_lacks_is_a_box_and_no_word_is_said_about_it(capfd, recwarn):
    drawn = paper("李小龍 👩 ok")
    assert "□□□ □ ok" in words(paper_pdf(drawn))
    assert "□□□ □ ok" in words(till_pdf(drawn))
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


@pytest.mark.parametrize("chunk", range(6))
def test_hostile_names_are_harmless_on_every_paper(chunk):
    names = hostile_names(300)[chunk::6]
    rows = [{"day": None, "name": each, "quantity": 1, "price": 5, "total": 5} for each in names]
    drawn = paper(names[chunk], tables=(Table(names[-1], ITEMS, rows),))
    page = paper_page(drawn)
    said = " ".join(page_text(page).split())
    assert page.count("<script") == page.count("<img src=x") == 0
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    assert all(" ".join(safe(each).split()) in said for each in names)
    for line in strip_text(drawn).splitlines():
        assert len(line) <= COLUMNS
        assert line == safe(line)
    for pdf in (paper_pdf(drawn), till_pdf(drawn)):
        found = read(pdf)
        root = found.trailer["/Root"]
        assert isinstance(root.get("/OpenAction", []), list)  # a page to show, no action
        assert "/Names" not in root
        assert not any("/Annots" in each for each in found.pages)
        assert "Step 8" in words(pdf)


def test_a_long_invoice_goes_on_over_pages_with_its_head_and_its_sums_in_one_piece():
    pdf = paper_pdf(paper(lines=120))
    pages = [each.extract_text() for each in read(pdf).pages]
    assert len(pages) >= 3
    for number, text in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in text
    *rows, _ = [text for text in pages if "Wanjikũ wa Gĩthĩnji 1" in text or "Quantity" in text]
    assert all("Quantity" in text for text in rows)
    together = [text for text in pages if "To pay" in text]
    assert len(together) == 1
    assert [f"Step {n}" in together[0] for n in (1, 8)] in ([True, True], [False, False])
    assert all(any(f"Gĩthĩnji {n}" in text for text in pages) for n in range(1, 121))


def test_a_strip_is_80_mm_wide_and_as_long_as_it_is():
    short, long = (read(till_pdf(paper(lines=n))) for n in (1, 200))
    for found in (short, long):
        assert len(found.pages) == 1
        assert float(found.pages[0].mediabox.width) == pytest.approx(80 / 25.4 * 72, abs=0.1)
    assert long.pages[0].mediabox.height > short.pages[0].mediabox.height * 5


def test_the_date_of_a_pdf_is_the_papers():
    told = read(paper_pdf(paper())).metadata
    assert told.creation_date.isoformat() == "2026-02-03T12:00:00+00:00"
    assert (told.title, told.author) == ("Invoice INV-20260203-0001", "Wanjikũ wa Gĩthĩnji")


def test_a_page_asks_nothing_of_any_network():
    page = paper_page(paper())
    assert "default-src 'none'" in page
    addresses = re.findall(r"""(?:src|href)=["']([^"']*)""", page)
    assert addresses
    assert all(each.startswith("data:") for each in addresses)


SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">
<rect width="40" height="20" fill="red"/></svg>"""


def test_a_logo_stands_in_page_and_pdf():
    logo = Logo("image/svg+xml", SVG)
    drawn = paper(letterhead=Letterhead("Duka", (), "", logo))
    assert logo.data_uri in paper_page(drawn)
    assert len(paper_pdf(drawn)) != len(paper_pdf(paper(letterhead=Letterhead("Duka"))))
    assert till_pdf(drawn) == till_pdf(drawn)


@pytest.mark.parametrize("draw", [paper_pdf, till_pdf])
def test_a_logo_that_no_pdf_can_hold_is_a_clear_error(draw):
    broken = Logo("image/svg+xml", SVG.replace(b'width="40"', b'width="wide"'))
    with pytest.raises(ConfigError) as refused:
        draw(paper(letterhead=Letterhead("Duka", (), "", broken)))
    assert refused.value.code == "bad_logo"
