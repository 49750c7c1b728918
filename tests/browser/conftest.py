"""A real Chromium for the pages that kelly writes and serves.

``look(file_or_url, width=..., dark=..., paper=...)`` opens a page and returns what a person and a
network guard would see: :class:`Look`. Skips, and says why, where Chromium or playwright is absent.
Pictures go to KELLY_TEST_PICTURES or to the test's own folder, never into the repository.
"""

import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PHONE, DESK = 360, 1280
"""The two widths in pixels at which every page is read."""

CHARTS = """() => [...document.querySelectorAll('figure svg, svg.pygal-chart')].map(svg => ({
    box: (({width, height}) => ({width, height}))(svg.getBoundingClientRect()),
    title: (svg.getAttribute('aria-label') || svg.querySelector('title')?.textContent || ''),
    shapes: [...svg.querySelectorAll('rect, path, circle, polyline, polygon')].filter(shape => {
        const {width, height} = shape.getBoundingClientRect();
        return width > 0 && height > 0;
    }).length,
    cut: [...svg.querySelectorAll('text')].filter(text => {
        const box = text.getBoundingClientRect(), room = svg.getBoundingClientRect();
        return box.left < room.left - 1 || box.right > room.right + 1
            || box.top < room.top - 1 || box.bottom > room.bottom + 1;
    }).map(text => text.textContent),
}))"""
WIDER = """() => [...document.querySelectorAll('body *')].filter(each => {
    for (let up = each; up; up = up.parentElement)
        if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(up).overflowX)) return false;
    return each.getBoundingClientRect().right > document.documentElement.clientWidth + 1;
}).map(each => each.tagName + '.' + each.className).slice(0, 10)"""
NARROW = """() => [...document.querySelectorAll('td.text')].filter(each =>
    each.textContent.trim().length > 12 && each.getBoundingClientRect().width < 80
).map(each => each.textContent.slice(0, 30)).slice(0, 10)"""
SMALL = """() => [...document.querySelectorAll('body *')].filter(each =>
    [...each.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())
    && each.getClientRects().length
    && !each.closest('svg')
    && parseFloat(getComputedStyle(each).fontSize) < 11
).map(each => each.tagName + ': ' + each.textContent.slice(0, 30)).slice(0, 10)"""
CONTRAST = """() => {
    const light = text => {
        const parts = text.match(/[\\d.]+/g).map(Number);
        if (parts.length > 3 && parts[3] === 0) return null;
        const line = parts.slice(0, 3).map(each => each / 255)
            .map(each => each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
        return 0.2126 * line[0] + 0.7152 * line[1] + 0.0722 * line[2];
    };
    const found = [];
    for (const each of document.querySelectorAll('body *')) {
        if (each.closest('svg') || !each.getClientRects().length) continue;
        if (![...each.childNodes].some(
            node => node.nodeType === 3 && node.textContent.trim())) continue;
        let back = null;
        for (let up = each; up && back === null; up = up.parentElement)
            back = light(getComputedStyle(up).backgroundColor);
        if (back === null) back = 1;
        const ink = light(getComputedStyle(each).color);
        const ratio = (Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05);
        if (ratio < 4.5) found.push(each.tagName + ' ' + ratio.toFixed(1) + ': '
            + each.textContent.trim().slice(0, 30));
    }
    return found.slice(0, 10);
}"""


@dataclass
class Look:
    """One page as it stands in the browser. ``page`` is playwright's own, for all the rest."""

    page: object
    width: int
    complaints: list = field(default_factory=list)
    outside: list = field(default_factory=list)
    folder: Path = Path()

    @property
    def text(self):
        """What a person can read on it."""
        return self.page.inner_text("body")

    @property
    def charts(self):
        """Every chart: ``box`` (width, height), ``title``, number of ``shapes``, texts ``cut``."""
        return self.page.evaluate(CHARTS)

    @property
    def background(self):
        """The colour behind everything, as ``rgb(…)``."""
        return self.page.evaluate("() => getComputedStyle(document.body).backgroundColor")

    def rows(self, css="table"):
        """The cells of a table, row by row, as they are read."""
        return self.page.evaluate(
            "css => [...document.querySelectorAll(css + ' tr')]"
            ".map(row => [...row.cells].map(cell => cell.innerText.trim()))",
            css,
        )

    def assert_clean(self):
        """No complaint on the console, and nothing asked of anybody but the page itself."""
        assert self.complaints == []
        assert self.outside == []

    def assert_readable(self):
        """Nothing hangs over the right edge, no letters are too small or too pale."""
        beyond = self.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert beyond <= 0, self.page.evaluate(WIDER)
        assert self.page.evaluate(WIDER) == []
        assert self.page.evaluate(SMALL) == []
        assert self.page.evaluate(CONTRAST) == []

    def assert_wide(self):
        """No column of words is so narrow that its words are broken into letters."""
        assert self.page.evaluate(NARROW) == []

    def assert_drawn(self, at_least=1):
        """At least so many charts, each of a size to see and with shapes in it."""
        charts = self.charts
        assert len(charts) >= at_least, charts
        for chart in charts:
            assert chart["box"]["width"] > 100, chart
            assert chart["box"]["height"] > 40, chart
            assert chart["shapes"] > 0, chart
            assert chart["cut"] == [], chart

    def picture(self, name):
        """Take a picture of the whole page for a person to look at, where one asks for it."""
        path = self.folder / f"{name}-{self.width}.png"
        if "KELLY_TEST_PICTURES" in os.environ:
            self.page.screenshot(path=path, full_page=True)
        return path


@pytest.fixture(scope="module")
def chromium():
    """The browser, started once a file: while it runs, no other event loop may in its thread."""
    program = os.environ.get("KELLY_TEST_CHROMIUM") or shutil.which("chromium")
    if program is None:
        pytest.skip("no Chromium: apt-get install chromium, or set KELLY_TEST_CHROMIUM")
    driver = pytest.importorskip("playwright.sync_api", reason="no playwright (pip)")
    with driver.sync_playwright() as playing:
        browser = playing.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        yield browser
        browser.close()


@pytest.fixture
def look(chromium, tmp_path):
    """Open a page: ``look(path_or_url, width=DESK, dark=False, paper=False) -> Look``.

    A file may ask for nothing at all; an address may ask for what is below its own address.
    ``wait``: when it counts as open, "load" or (for a page that keeps a stream) "domcontentloaded".
    """
    folder = Path(os.environ.get("KELLY_TEST_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:

        def run(place, *, width=DESK, dark=False, paper=False, wait="load"):
            url = place if "://" in str(place) else Path(place).resolve().as_uri()
            own = url if url.startswith("file:") else "/".join(url.split("/")[:3]) + "/"
            context = chromium.new_context(
                viewport={"width": width, "height": 800},
                color_scheme="dark" if dark else "light",
                is_mobile=width <= PHONE,
                device_scale_factor=2 if width <= PHONE else 1,
            )
            opened.callback(context.close)
            page = context.new_page()
            seen = Look(page, width, folder=folder)

            def guard(route):
                asked = route.request.url
                if asked.startswith(("data:", "blob:", "about:", own)):
                    route.continue_()
                    return
                seen.outside.append(asked)
                route.abort()

            context.route("**/*", guard)
            page.on("pageerror", lambda error: seen.complaints.append(str(error)))
            page.on(
                "console",
                lambda said: (
                    seen.complaints.append(said.text) if said.type in {"error", "warning"} else None
                ),
            )
            if paper:
                page.emulate_media(media="print", color_scheme="light")
            page.goto(url, wait_until=wait)
            return seen

        yield run
