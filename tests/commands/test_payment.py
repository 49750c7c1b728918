import json
import re
import sys

import pytest

from kelly_cli.services.inbox import Delivery


@pytest.fixture
def come(inbox):
    """Let confirmations come in: receipt, amount, reference, other fields."""
    ids = iter(range(1000))

    def take(receipt, amount, reference, **changes):
        body = {
            "TransID": receipt,
            "TransTime": "20260203143022",
            "TransAmount": amount,
            "BusinessShortCode": "174379",
            "BillRefNumber": reference,
            "MSISDN": "254712345678",
            "FirstName": "JANE",
            **changes,
        }
        inbox.take([Delivery(json.dumps(body).encode(), None, "file", f"d{next(ids)}")])

    return take


@pytest.fixture
def terminal(monkeypatch):
    """Make stdout a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)


def test_a_payment_prints_the_keys_of_the_contract(kelly, come):
    kelly("customer", "create", "Ann")
    come("QGK12XYZ91", "5000.00", "cust 001")
    shown = kelly("payment", "show", " qgk12xyz91", "--json").json
    logs = shown.pop("logs")
    assert (shown.pop("flags"), shown.pop("claim")) == ([], None)
    created_at = shown.pop("created_at")
    assert created_at.endswith("+00:00")
    assert shown == {
        "mpesa_receipt_number": "QGK12XYZ91",
        "status": "COMPLETED",
        "amount": "5000.00",
        "transaction_date": "2026-02-03T14:30:22+03:00",
        "bill_ref_number": "cust 001",
        "msisdn": "254712345678",
        "payer_name": "JANE",
        "customer_id": "CUST-001",
        "allocations": [],
        "unallocated": "5000.00",
        "verified_by": "callback",
        "method": "mpesa",
        "short_code": "174379",
        "environment": "local",
        "matched_by": "customer",
        "unmatched_reason": None,
        "pinned": False,
        "reversed_at": None,
    }
    assert logs == [{"id": 1, "source": "file", "outcome": "processed", "error": None}]
    listed = kelly("payment", "list", "--json").json
    assert listed == [{**shown, "created_at": created_at}]


def test_options_choose_what_is_listed(kelly, come):
    kelly("customer", "create", "Ann")
    come("QGK12XYZ91", "1.00", "CUST-001")
    come("QGK12XYZ92", "2.00", "x", TransTime="20260201000000")
    for options, found in {
        ("--status", "unmatched"): ["QGK12XYZ92"],
        ("--customer", "cust001"): ["QGK12XYZ91"],
        ("--from", "2026-02-02"): ["QGK12XYZ91"],
        ("--to", "2026-02-01"): ["QGK12XYZ92"],
        ("--search", "jane"): ["QGK12XYZ91", "QGK12XYZ92"],
        ("--short-code", "174379"): ["QGK12XYZ91", "QGK12XYZ92"],
        ("--unverified",): ["QGK12XYZ91", "QGK12XYZ92"],
        ("--verified-by", "callback"): ["QGK12XYZ91", "QGK12XYZ92"],
        ("--verified-by", "Pull"): [],
        ("--limit", 1): ["QGK12XYZ91"],
    }.items():
        ran = kelly("payment", "list", "--json", *options)
        assert [each["mpesa_receipt_number"] for each in ran.json] == found


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (["list", "--status", "PAID"], "usage", "PAID"),
        (["list", "--from", "3/2/2026"], "usage", "--from"),
        (["list", "--from", "2026-02-03", "--to", "2026-02-02"], "usage", "after"),
        (["list", "--unverified", "--verified-by", "hand"], "usage", "--unverified"),
        (["list", "--verified-by", "rumour"], "usage", "rumour"),
        (["list", "--search", " "], "usage", "--search"),
        (["list", "--search", "a\udc80"], "usage", "--search"),
        (["list", "--limit", "0"], "usage", "limit"),
        (["list", "--limit", "9" * 30], "usage", "limit"),
        (["list", "--customer", "CUST-404"], "customer_not_found", "CUST-404"),
        (["show", "QGK12XYZ99"], "payment_not_found", "QGK12XYZ99"),
        (["show"], "usage", "RECEIPT"),
    ],
)
def test_wrong_words_are_refused_plainly(kelly, words, code, named):
    kelly("customer", "create", "Ann")
    ran = kelly("payment", *words, "--json")
    assert ran.code == (2 if code == "usage" else 1)
    assert (ran.out, ran.error["code"]) == ("", code)
    assert named in ran.error["message"]


def test_without_books_the_next_step_is_told(kelly):
    ran = kelly("payment", "list", "--json")
    assert (ran.code, ran.error["code"]) == (1, "database_not_found")


def test_a_pipe_gets_whole_values_tab_separated(kelly, come):
    come("QGK12XYZ91", "1234567.89", "a\tb\x1b[5m")
    header, line = kelly("payment", "list").out.splitlines()
    assert header.split("\t")[0] == "Receipt"
    assert line.split("\t") == [
        "QGK12XYZ91",
        "2026-02-03 14:30:22",
        "1,234,567.89",
        "a\ufffdb\ufffd[5m",
        "",
        "254712345678",
        "JANE",
        "1,234,567.89",
        "UNMATCHED",
        "callback",
        "174379",
        "local",
    ]


def test_at_80_columns_receipts_amounts_and_phones_are_whole(kelly, come, terminal):
    receipt = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    come(receipt, "999999999999.99", "a reference that is long", MSISDN="f" * 64)
    come("QGK12XYZ91", "1.00", "x")
    listed = kelly("payment", "list").out
    lines = re.sub(r"\x1b\[[0-9;]*m", "", listed).splitlines()
    assert max(map(len, lines)) <= 80
    for whole in (receipt, "999,999,999,999.99", "QGK12XYZ91"):
        assert whole in listed
    shown = kelly("payment", "show", receipt).out
    assert "f" * 64 in shown
    assert "999,999,999,999.99" in shown


def test_the_day_tells_what_a_callback_alone_vouches_for_trap_33(kelly, come, database_url):
    from kelly_cli.store.database import Database

    come("QGK12XYZ91", "1.00", "x")
    come("QGK12XYZ92", "2.00", "x")
    database = Database(database_url)
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE payments SET verified_by = 'statement' WHERE id = 1")
    database.close()
    day = kelly("report", "daily", "--date", "2026-02-03", "--json").json
    assert day["callback_only"] == {"count": 1, "total": "2.00"}
    assert day["verified_by"] == {
        "callback": {"count": 1, "total": "2.00"},
        "statement": {"count": 1, "total": "1.00"},
    }
    told = kelly("report", "daily", "--date", "2026-02-03").out
    assert "Known by a callback alone\t1\t2.00" in told
    ran = kelly("payment", "list", "--verified-by", "statement", "--json")
    assert [each["verified_by"] for each in ran.json] == ["statement"]
