"""Invoice, receipt and statement in a real browser: read on a phone, at a desk and on paper."""

import importlib.util
from pathlib import Path

import pytest

from kelly_cli.render.paper import Letterhead, Logo, paper_page

SOURCE = Path(__file__).parent.parent / "render" / "papers.py"
SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40">
<circle cx="20" cy="20" r="16" fill="#0b6b3a"/><rect x="44" y="10" width="70" height="20"/></svg>"""
LONG = "Wanjikũ" * 25
HOSTILE = "<script>document.title='taken'</script><img src='http://example.com/x' onerror=alert(1)>"


@pytest.fixture(scope="module")
def paper():
    spec = importlib.util.spec_from_file_location("papers", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.paper


@pytest.fixture
def write(tmp_path):
    def written(paper):
        path = tmp_path / "paper.html"
        path.write_text(paper_page(paper), encoding="utf-8")
        return path

    return written


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", ["Wanjikũ wa Gĩthĩnji", LONG, HOSTILE])
def test_a_paper_is_read_on_a_phone_and_at_a_desk(look, write, paper, name, width, dark):
    logo = Logo("image/svg+xml", SVG)
    drawn = paper(name, letterhead=Letterhead(name, ("Moi Avenue 12", "Nairobi"), "P05", logo))
    seen = look(write(drawn), width=width, dark=dark)
    seen.assert_clean()
    seen.assert_readable()
    assert seen.page.title() == "Invoice INV-20260203-0001"
    for words in (name, "INV-20260203-0001", "150.00", "Step 8", "PAID", "Nothing yet."):
        assert words in seen.text
    loaded = "() => [...document.images].map(each => each.complete && each.naturalWidth > 0)"
    assert seen.page.evaluate(loaded) == [True, True]
    seen.picture(f"paper-{'dark' if dark else 'light'}")


def test_dark_is_dark_and_paper_is_white(look, write, paper):
    page = write(paper())
    assert look(page, dark=False).background == "rgb(255, 255, 255)"
    assert look(page, dark=True).background != "rgb(255, 255, 255)"
    assert look(page, dark=True, paper=True).background == "rgb(255, 255, 255)"


def test_a_printed_paper_breaks_over_pages_with_its_head_repeated(look, write, paper):
    import io

    import pypdf

    seen = look(write(paper(lines=120)), paper=True)
    printed = pypdf.PdfReader(io.BytesIO(seen.page.pdf(prefer_css_page_size=True)))
    pages = [each.extract_text() for each in printed.pages]
    assert len(pages) >= 3
    assert all("Quantity" in text for text in pages if " 1.00" in text)
    assert round(float(printed.pages[0].mediabox.width)) in {595, 596}
    assert sum("Step 1\n" in text or "Step 1 " in text for text in pages) == 1
    seen.assert_clean()
