"""Report pages in a real browser: drawn, readable, alone, and with the numbers of the JSON."""

import json
from datetime import UTC, datetime, timedelta

import pytest

REPORTS = {
    "daily": 2, "days": 2, "weekly": 2, "monthly": 2, "aging": 2, "webhooks": 2, "customers": 2,
    "products": 2, "unproved": 1,
}  # fmt: skip
"""How many charts each page has, of the books below."""

SOON = {"daily", "aging", "unproved"}
"""Looked at in every run; the others are marked long."""

COMMANDS = {"days": ("daily", "--days", "30")}
LISTS = {"days": "total", "weekly": "total", "monthly": "total", "aging": "owed",
         "customers": "paid", "products": "revenue"}  # fmt: skip
"""The list's money that must stand in its table."""


@pytest.fixture(params=["sqlite"])
def database_url(tmp_path):
    """SQLite alone: the pages are the same."""
    return f"sqlite:///{tmp_path}/books.db"


@pytest.fixture
def books(kelly):
    """Forty days of payments by customers with names that would break a careless page."""
    names = (
        "Wanjikũ Mwangi", "<script>alert(1)</script>", "=1+1",
        "Baraka Transport and Haulage Company of Nairobi West Limited", "x" * 150,
    )  # fmt: skip
    now = datetime.now(UTC) + timedelta(hours=3)
    for number, name in enumerate(names):
        kelly("customer", "create", name)
        made = (now - timedelta(days=number * 35)).date()
        amount = "999999999999" if number == 4 else 5000
        who = f"CUST-{number + 1:03d}"
        kelly("invoice", "create", "--customer", who, "--amount", amount, "--date", made)
    lines = [
        json.dumps(
            {
                "TransactionType": "Pay Bill", "TransID": f"RAA{number:05d}",
                "TransTime": f"{now - timedelta(days=number % 40, hours=1):%Y%m%d%H%M%S}",
                "TransAmount": f"{100 + number}.50", "BusinessShortCode": "174379",
                "BillRefNumber": f"CUST-{number % 8:03d}", "MSISDN": "254712345678",
            }
        )
        for number in range(100)
    ]  # fmt: skip
    kelly("webhook", "ingest", "-", stdin="\n".join([*lines, lines[0], "{bad"]))
    kelly("pos", "create", "--item", "P1,<b>Bread</b>,3,70")
    sale = kelly("pos", "list", "--json").json[0]["pos_id"]
    kelly("payment", "record", "--method", "cash", "--amount", "210", "--sale", sale)
    return kelly


@pytest.mark.parametrize(
    "name",
    [name if name in SOON else pytest.param(name, marks=pytest.mark.long) for name in REPORTS],
)
def test_a_page_is_drawn_readable_and_alone(books, look, tmp_path, name):
    page = tmp_path / f"{name}.html"
    arguments = ("report", *COMMANDS.get(name, (name,)))
    assert books(*arguments, "--html", page).code == 0
    for width, dark in ((360, True), (1280, False)):
        seen = look(page, width=width, dark=dark)
        seen.picture(f"{name}-{'dark' if dark else 'light'}")
        seen.assert_clean()
        seen.assert_readable()
        seen.assert_wide()
        seen.assert_drawn(REPORTS[name])
        assert (sum(map(int, seen.background[4:-1].split(", "))) < 200) == dark
    seen = look(page, paper=True)
    seen.assert_wide()
    seen.assert_drawn(REPORTS[name])
    assert seen.background == "rgb(255, 255, 255)"


@pytest.mark.long
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("width", [360, 1280])
def test_a_page_is_readable_by_day_and_by_night(books, look, tmp_path, name, width):
    page = tmp_path / f"{name}.html"
    assert books("report", *COMMANDS.get(name, (name,)), "--html", page).code == 0
    for dark in (False, True):
        seen = look(page, width=width, dark=dark)
        seen.assert_clean()
        seen.assert_readable()


@pytest.mark.parametrize(
    "name", [name if name in SOON else pytest.param(name, marks=pytest.mark.long) for name in LISTS]
)
def test_the_numbers_of_a_page_are_those_of_the_json(books, look, tmp_path, name):
    page = tmp_path / "r.html"
    arguments = ("report", *COMMANDS.get(name, (name,)))
    document = books(*arguments, "--html", page, "--json").json
    listed = next(document[key] for key in ("days", "weeks", "months", "customers", "products")
                  if key in document)  # fmt: skip
    rows = look(page).rows("table")
    shown = [row for row in rows[1:] if len(row) == len(rows[0])][: len(listed)]
    assert len(shown) == len(listed) > 0
    for row, each in zip(shown, listed, strict=True):
        assert f"{float(each[LISTS[name]]):,.2f}" in row


def test_books_of_one_customer_have_a_page_without_charts(kelly, look, tmp_path):
    kelly("customer", "create", "Ann")
    for name in ("aging", "customers", "weekly", "fees", "webhooks"):
        page = tmp_path / f"{name}.html"
        assert kelly("report", name, "--html", page).code == 0
        seen = look(page, width=360)
        seen.assert_clean()
        seen.assert_readable()
        assert seen.charts == []
