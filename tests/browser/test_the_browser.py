"""The browser of these tests sees what it promises to see."""

import pytest

PAGE = """<!doctype html><html><head><meta name=viewport content="width=device-width">
<style>@media (prefers-color-scheme: dark) {{ body {{ background: #000; color: #fff }} }}</style>
</head><body><p>Money</p>{}</body></html>"""
CHART = '<figure><svg width="200" height="90"><rect width="50" height="50"/></svg></figure>'


@pytest.fixture
def at(tmp_path):
    def write(body):
        path = tmp_path / "page.html"
        path.write_text(PAGE.format(body), encoding="utf-8")
        return path

    return write


def test_a_good_page_passes(look, at):
    seen = look(at(CHART), width=360)
    seen.assert_clean()
    seen.assert_readable()
    seen.assert_drawn()
    assert "Money" in seen.text


@pytest.mark.parametrize(
    "bad",
    [
        '<img src="https://example.com/pixel.png">',
        '<script src="http://example.com/x.js"></script>',
        "<script>fetch('http://127.0.0.1:9/')</script>",
        "<script>throw new Error('broken')</script>",
        "<script>console.error('told')</script>",
    ],
)
def test_a_page_that_asks_or_complains_fails(look, at, bad):
    seen = look(at(bad))
    seen.page.wait_for_timeout(100)
    with pytest.raises(AssertionError):
        seen.assert_clean()


@pytest.mark.parametrize(
    "bad",
    [
        '<div style="width: 900px">too wide</div>',
        '<p style="font-size: 7px">too small</p>',
        '<p style="color: #ddd">too pale</p>',
    ],
)
def test_a_page_that_cannot_be_read_fails(look, at, bad):
    with pytest.raises(AssertionError):
        look(at(bad), width=360).assert_readable()


@pytest.mark.parametrize("bad", ["", "<figure><svg width=200 height=90></svg></figure>"])
def test_a_chart_that_is_not_drawn_fails(look, at, bad):
    with pytest.raises(AssertionError):
        look(at(bad)).assert_drawn()


def test_dark_is_dark_and_paper_is_white(look, at):
    assert look(at(CHART), dark=True).background == "rgb(0, 0, 0)"
    assert look(at(CHART), paper=True).background != "rgb(0, 0, 0)"
