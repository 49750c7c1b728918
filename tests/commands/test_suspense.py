import json
import os
import subprocess
import sys

import pytest

from kelly_cli.services.inbox import Delivery


@pytest.fixture
def come(inbox):
    """Let a confirmation come in: receipt, amount, reference."""
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


def test_money_goes_from_the_list_to_its_owner(kelly, come):
    kelly("customer", "create", "Ann")
    come("QGK12XYZ91", "5000.00", "CUST-01")
    (waiting,) = kelly("suspense", "list", "--json").json
    assert waiting["mpesa_receipt_number"] == "QGK12XYZ91"
    assert (waiting["amount"], waiting["bill_ref_number"]) == ("5000.00", "CUST-01")
    assert waiting["reason"].startswith("unknown_account: ")
    assert waiting["age_days"] >= 0

    ran = kelly("suspense", "assign", "qgk12xyz91", "--to", "cust-001", "--json")
    assert ran.code == 0
    assert (ran.json["status"], ran.json["customer_id"]) == ("COMPLETED", "CUST-001")
    assert (ran.json["matched_by"], ran.json["unallocated"]) == ("hand", "5000.00")
    assert kelly("suspense", "list", "--json").json == []
    (log,) = kelly("webhook", "list", "--json").json
    assert (log["processed"], log["error"]) == (True, None)
    assert kelly("customer", "show", "CUST-001", "--json").json["balance"] == "-5000.00"


def test_a_dry_run_says_so_and_keeps_nothing(kelly, come):
    kelly("customer", "create", "Ann")
    come("QGK12XYZ91", "5000.00", "CUST-01")
    ran = kelly("suspense", "assign", "QGK12XYZ91", "--to", "CUST-001", "--dry-run", "--json")
    assert (ran.json["customer_id"], "nothing was kept" in ran.err) == ("CUST-001", True)
    assert len(kelly("suspense", "list", "--json").json) == 1


def test_a_dry_run_makes_no_books(kelly):
    ran = kelly("suspense", "assign", "QGK12XYZ91", "--to", "CUST-001", "--dry-run", "--json")
    assert (ran.code, ran.error["code"]) == (1, "database_not_found")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["QGK12XYZ99", "--to", "CUST-001"], "payment_not_found"),
        (["QGK12XYZ92", "--to", "CUST-001"], "not_in_suspense"),
        (["QGK12XYZ91", "--to", "CUST-404"], "customer_not_found"),
        (["QGK12XYZ91", "--to", "INV-20260203-0009"], "invoice_not_found"),
        (["QGK12XYZ91", "--to", "POS-20260203-0009"], "sale_not_found"),
        (["QGK12XYZ91", "--to", "CUST-001", "--reason", "\n"], "usage"),
        (["QGK12XYZ91"], "usage"),
        (["--to", "CUST-001"], "usage"),
    ],
)
def test_wrong_words_are_refused_plainly_and_move_nothing(kelly, come, words, code):
    kelly("customer", "create", "Ann")
    come("QGK12XYZ91", "1.00", "x")
    come("QGK12XYZ92", "1.00", "CUST-001")
    ran = kelly("suspense", "assign", *words, "--json")
    assert ran.code == (2 if code == "usage" else 1)
    assert (ran.out, ran.error["code"]) == ("", code)
    (waiting,) = kelly("suspense", "list", "--json").json
    assert waiting["mpesa_receipt_number"] == "QGK12XYZ91"


@pytest.mark.slow
def test_eight_at_once_assign_a_receipt_once(kelly, come, database_url, program):
    kelly("customer", "create", "Ann")
    kelly("customer", "create", "Ben")
    come("QGK12XYZ91", "5000.00", "x")
    environ = {**os.environ, "KELLY_DATABASE_URL": database_url}
    words = ("suspense", "assign", "QGK12XYZ91", "--json")
    running = [
        program.start(
            *(*words, "--to", f"CUST-00{1 + n % 2}"),
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for n in range(8)
    ]
    ended = [(process.communicate(), process.returncode) for process in running]
    assert sorted(code for _, code in ended) == [0] + [1] * 7
    errors = [json.loads(err)["error"]["code"] for (_, err), code in ended if code]
    assert errors == ["not_in_suspense"] * 7
    balances = [each["balance"] for each in kelly("customer", "list", "--json").json]
    assert sorted(balances) == ["-5000.00", "0.00"]


def test_at_80_columns_what_waits_is_whole(kelly, come, monkeypatch):
    come("QGK12XYZ91", "12345678.90", "a reference of 20 ch")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)
    ran = kelly("suspense", "list")
    for whole in ("QGK12XYZ91", "12,345,678.90"):
        assert whole in ran.out
    come("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", "999999999999.99", "x", MSISDN="f" * 64)
    ran = kelly("suspense", "list")
    for whole in ("QGK12XYZ91", "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", "999,999,999,999.99"):
        assert whole in ran.out
