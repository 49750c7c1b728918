"""kelly report weekly … unproved: figures by hand, empty books, hostile names, every form."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta

import pytest

REPORTS = (
    "daily", "weekly", "monthly", "aging", "webhooks", "customers", "products", "fees", "unproved",
)  # fmt: skip
HOSTILE = ("=1+1", "<script>alert(1)</script>", "Ann\u202eexe", "a\tb", "[red]x[/red]", "{{ 7*7 }}")


def body(receipt, amount, reference, when, **changes):
    told = {
        "TransactionType": "Pay Bill", "TransID": receipt, "TransTime": when,
        "TransAmount": amount, "BusinessShortCode": "174379", "BillRefNumber": reference,
        "MSISDN": "254712345678", "FirstName": "ANN",
    }  # fmt: skip
    return json.dumps(told | changes)


@pytest.fixture
def today():
    from kelly_cli.core.times import nairobi_day

    return nairobi_day(datetime.now(UTC))


@pytest.fixture
def books(kelly, today):
    """Two customers, an invoice 40 days old, payments of this week and of the week before."""
    assert kelly("customer", "create", "Ann").code == 0
    assert kelly("customer", "create", "Bob").code == 0
    old = today - timedelta(days=40)
    kelly("invoice", "create", "--customer", "CUST-001", "--amount", "1000", "--date", old)
    kelly("invoice", "create", "--customer", "CUST-002", "--amount", "300", "--date", today)
    monday = today - timedelta(days=today.weekday())
    lines = [
        body("RAA00001", "400.00", "CUST-001", f"{monday:%Y%m%d}000001"),
        body("RAA00002", "100.50", "NOBODY", f"{monday:%Y%m%d}000002"),
        body("RAA00003", "250.00", "CUST-002", f"{monday - timedelta(days=7):%Y%m%d}000001"),
        body("RAA00004", "50.00", "CUST-002", f"{monday - timedelta(days=8):%Y%m%d}235959"),
        body("RAA00004", "50.00", "CUST-002", f"{monday - timedelta(days=8):%Y%m%d}235959"),
        '{"no": "payment"}',
    ]
    kelly("webhook", "ingest", "-", stdin="\n".join(lines))
    return kelly


def test_a_week_stands_beside_as_many_days_of_the_week_before(books):
    found = books("report", "weekly", "--weeks", "3", "--json").json
    this, before, first = found["weeks"]
    assert (this["count"], this["total"]) == (1, "400.00")
    assert this["unmatched"] == {"count": 1, "total": "100.50"}
    assert this["before"] == {"count": 1, "total": "250.00"}
    assert (this["change"], this["change_share"]) == ("150.00", 0.6)
    assert (before["total"], before["before"]["total"]) == ("250.00", "50.00")
    assert first["before"] is None
    assert before["complete"]
    assert date.fromisoformat(before["from"]).weekday() == 0


def test_a_month_holds_its_days_and_no_others(books, today):
    months = books("report", "monthly", "--months", "3", "--json").json["months"]
    assert [each["from"][-2:] for each in months] == ["01"] * 3
    assert sum(float(each["total"]) for each in months) == 700.0
    assert months[0]["to"] == today.isoformat()


def test_days_say_what_single_days_say(books):
    days = books("report", "daily", "--days", "30", "--json").json["days"]
    assert len(days) == 30
    for each in days[:16]:
        one = books("report", "daily", "--date", each["date"], "--json").json
        for key in ("payments", "unmatched", "reversed"):
            assert one[key] == each[key]


def test_aging_puts_the_rest_into_its_bucket(books, today):
    found = books("report", "aging", "--json").json
    assert found["total"] == {
        "current": "0.00", "days_1_30": "0.00", "days_31_60": "600.00", "days_61_90": "0.00",
        "over_90": "0.00", "owed": "600.00", "overdue": "600.00", "credit": "0.00",
    }  # fmt: skip
    assert found["customers"][0]["oldest_days"] == 40
    then = books("report", "aging", "--as-at", today - timedelta(days=20), "--json").json
    assert then["total"]["days_1_30"] == "1000.00"
    assert books("report", "aging", "--as-at", "2020-01-01", "--json").json["customers"] == []
    assert books("report", "aging", "--as-at", "x").code == 2


def test_callbacks_are_counted_with_their_reasons(books, today):
    found = books("report", "webhooks", "--days", "2", "--json").json
    assert found["total"] == {
        "total": 6, "processed": 3, "duplicates": 1, "failed": 2, "pending": 0, "conflicts": 0,
        "success_rate": 0.6,
    }  # fmt: skip
    assert found["days"][0] | {"date": ""} == found["total"] | {"date": ""}
    assert sum(each["count"] for each in found["reasons"]) == 2
    assert not any("NOBODY" in each["reason"] for each in found["reasons"])


def test_customers_say_who_pays_who_owes_and_after_how_long(books, today):
    found = books("report", "customers", "--days", "60", "--json").json
    ann, bob = found["customers"]
    monday = today - timedelta(days=today.weekday())
    assert (ann["customer_id"], ann["paid"], ann["owed"], ann["share"]) == (
        "CUST-001", "400.00", "600.00", 0.5714,
    )  # fmt: skip
    assert ann["days_to_pay"] == (monday - (today - timedelta(days=40))).days
    assert (bob["paid"], bob["count"], bob["days_to_pay"]) == ("300.00", 2, 0.0)
    assert found["total"] == {"paid": "700.00", "owed": "600.00"}


def test_products_count_what_is_paid_and_what_is_not(kelly):
    kelly("pos", "create", "--item", "PROD-001,Coca Cola,2,50", "--item", "P2,Bread,1,70")
    kelly("pos", "create", "--item", "prod-001,Coca Cola,5,50")
    sale = kelly("pos", "list", "--json").json[-1]["pos_id"]
    kelly("payment", "record", "--method", "cash", "--amount", "170", "--sale", sale)
    found = kelly("report", "products", "--json").json
    cola = next(each for each in found["products"] if each["quantity"] == 2)
    assert (cola["revenue"], cola["margin"]) == ("100.00", None)
    assert found["total"]["revenue"] == "170.00"
    assert sum(each["open_quantity"] for each in found["products"]) == 5


def test_a_tariff_that_cannot_be_read_is_a_usage_error(kelly, tmp_path):
    kelly("customer", "create", "Ann")
    wrong = tmp_path / "t.csv"
    wrong.write_bytes(b"from,to,fee\n1,2,\xff")
    for place in (wrong, tmp_path, tmp_path / "none.csv"):
        ran = kelly("report", "fees", "--tariff", place, "--json")
        assert (ran.code, ran.error["code"]) == (2, "usage")
        assert str(place) in ran.error["message"]


def test_charges_are_compared_with_the_operators_own_tariff(kelly, tmp_path, database_url):
    from kelly_cli.store.database import Database

    kelly("customer", "create", "Ann")
    database = Database(database_url)
    move = (
        "INSERT INTO statement_movements (statement_id, short_code, receipt, kind, amount_cents, "
        "occurrence, completed_at) VALUES (1, '174379', '{}', '{}', {}, 1, "
        "'2026-01-31 09:00:00.000000')"
    )
    with database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO short_codes (code, kind, environment, created_at) VALUES "
            "('174379', 'paybill', 'local', '2026-01-01 00:00:00.000000')"
        )
        connection.exec_driver_sql(
            "INSERT INTO statements (short_code, file_name, sha256, from_at, to_at, lines, actor, "
            "created_at) VALUES ('174379', 's.csv', 'x', '2026-01-31 00:00:00.000000', "
            "'2026-01-31 23:59:59.000000', 5, 'x', '2026-02-01 00:00:00.000000')"
        )
        for receipt, kind, cents in (
            ("RAA1", "payment", 100000), ("RAA1", "charge", -550),
            ("RAA2", "payment", 5000), ("RAA2", "charge", -100), ("RAA9", "charge", -3000),
        ):  # fmt: skip
            connection.exec_driver_sql(move.format(receipt, kind, cents))
    database.close()
    tariff = tmp_path / "tariff.csv"
    tariff.write_text("from,to,fee\n1,100,0\n101,250000,0.55%\n")
    arguments = ("report", "fees", "--date", "2026-02-01", "--days", "5", "--json")
    found = kelly(*arguments, "--tariff", tariff).json
    assert found["total"] == {
        "gross": "1050.00", "charged": "6.50", "expected": "5.50", "other_charges": "30.00",
        "net": "1013.50",
    }  # fmt: skip
    assert [each["receipt"] for each in found["not_as_expected"]] == ["RAA2"]
    assert found["days"][0]["difference"] == "1.00"
    bare = kelly(*arguments).json
    assert bare["total"]["expected"] is None
    assert bare["not_as_expected"] == []


def test_unproved_days_and_payments_are_listed(books):
    found = books("report", "unproved", "--days", "20", "--json").json
    assert found["unverified"] == 4
    assert all(each["state"] != "proved" for each in found["days"])
    assert (
        books("report", "unproved", "--days", "20", "--limit", "2", "--json").json["days"][2:] == []
    )


@pytest.mark.parametrize("name", REPORTS)
def test_empty_books_have_every_report_in_every_form(kelly, tmp_path, name):
    kelly("customer", "create", "Ann")
    for form in ((), ("--json",), ("--csv",), ("--xlsx", "-o", tmp_path / "r.xlsx")):
        ran = kelly("report", name, *form)
        assert ran.code == 0, ran.err
    assert kelly("report", name, "--html", tmp_path / "r.html").code == 0
    assert "<html" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert (tmp_path / "r.xlsx").read_bytes()[:2] == b"PK"


@pytest.mark.parametrize("name", REPORTS)
def test_csv_is_a_line_for_each_object_of_the_list(books, name):
    text = books("report", name, "--csv").out
    rows = list(csv.DictReader(io.StringIO(text)))
    document = books("report", name, "--json").json
    if name == "daily":
        assert (rows[0]["date"], rows[0]["total"]) == (
            document["date"], document["payments"]["total"],
        )  # fmt: skip
        return
    (listed,) = [value for key, value in document.items() if isinstance(value, list)
                 and key in {"weeks", "months", "days", "customers", "products"}]  # fmt: skip
    assert len(rows) == len(listed)


@pytest.mark.parametrize("name", REPORTS)
def test_hostile_names_come_out_harmless(kelly, tmp_path, name):
    for number, text in enumerate(HOSTILE):
        kelly("customer", "create", text)
        who = f"CUST-{number + 1:03d}"
        kelly("invoice", "create", "--customer", who, "--amount", "999999999999")
        kelly("pos", "create", "--item", f'P{number},"{text}",1,{number + 1}')
    page = tmp_path / "r.html"
    for form in ((), ("--csv",), ("--html", page)):
        out = kelly("report", name, *form).out
        assert "\u202e" not in out
        assert not any(cell[:1] in "=+@" for cell in out.split(",") if form == ("--csv",) and cell)
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize("name", REPORTS)
def test_a_foreign_short_code_is_refused_and_ours_narrows(books, name):
    ran = books("report", name, "--short-code", "999", "--json")
    assert (ran.code, ran.error["code"]) == (1, "unknown_short_code")
    assert books("report", name, "--short-code", "174379", "--json").code == 0


def test_a_page_stands_alone(books, tmp_path):
    page = tmp_path / "r.html"
    for more in (("--csv",), ("-o", tmp_path / "x.csv")):
        ran = books("report", "weekly", "--html", page, *more)
        assert ran.code == 2
    assert books("report", "weekly", "--html", "-").code == 2
    assert books("report", "weekly", "--html", tmp_path / "no" / "r.html").code == 1
    assert not page.exists()
    both = books("report", "weekly", "--html", page, "--json")
    assert both.json["weeks"]
    assert page.exists()


def test_days_before_the_calendar_are_refused(kelly):
    kelly("customer", "create", "Ann")
    for name in ("daily", "webhooks", "customers", "products", "fees"):
        assert kelly("report", name, "--date", "0001-01-05", "--days", "30").code == 2
    assert kelly("report", "weekly", "--date", "0001-02-05").code == 2
    for name in ("daily", "weekly", "monthly", "webhooks", "customers", "products", "fees"):
        assert kelly("report", name, "--date", "9999-12-31").code == 2
        assert kelly("report", name, "--date", "8999-12-31").code == 0
    assert kelly("report", "aging", "--as-at", "9999-12-31").code == 2
