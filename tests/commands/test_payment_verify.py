"""kelly payment verify and unclaim: one word, its exit code, and what scripts read."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from kelly_cli.services.inbox import Delivery

RECEIPT = "QGK12XYZ91"
SALE = ("pos", "create", "--item", "P,Coke,1,1500", "--json")


@pytest.fixture
def come(inbox):
    """Let till money come in."""

    def take(receipt=RECEIPT, amount="1500.00", **changes):
        body = {
            "TransID": receipt,
            "TransTime": "20260203143022",
            "TransAmount": amount,
            "BusinessShortCode": "174379",
            "BillRefNumber": "",
            "MSISDN": "2547 ***** 149",
            "FirstName": "JANE",
            **changes,
        }
        inbox.take([Delivery(json.dumps(body).encode(), None, "file", f"d{receipt}")])

    return take


def verify(kelly, *words, receipt=RECEIPT, amount="1500"):
    return kelly("payment", "verify", receipt, "--amount", amount, "--json", *words)


def test_the_word_and_the_exit_code(kelly, come):
    come()
    ran = verify(kelly)
    assert (ran.code, ran.json["verdict"], ran.err) == (0, "OK", "")
    assert ran.json["detail"].startswith("KES 1,500.00 came by JANE")
    assert ran.json["payment"]["amount"] == "1500.00"
    for words, verdict in [
        ({"amount": "1,500.50"}, "WRONG_AMOUNT"),
        ({"receipt": "UZZ9999999"}, "LOOKS_WRONG"),
        ({"receipt": today("9999999")}, "NOT_SEEN"),
    ]:
        ran = verify(kelly, **words)
        assert (ran.code, ran.json["verdict"]) == (1, verdict)


def today(rest):
    now = datetime.now(UTC)
    return f"{chr(now.year - 2006 + 65)}{chr(now.month + 64)}1{rest}"


def test_a_slip_of_the_fingers_is_named_and_refused(kelly, come):
    come()
    assert verify(kelly, receipt=" qgk12-xyz 91").code == 0
    ran = verify(kelly, receipt="QGKI2XYZ91")
    assert (ran.code, ran.json["did_you_mean"], ran.json["payment"]) == (1, [RECEIPT], None)


def test_a_claim_for_a_sale_spends_it(kelly, come):
    come()
    sale = kelly(*SALE).json["pos_id"]
    assert verify(kelly, "--claim", sale.lower(), "--dry-run").json["verdict"] == "OK"
    ran = verify(kelly, "--claim", sale)
    assert (ran.code, ran.json["payment"]["claim"]["pos_id"]) == (0, sale)
    again = verify(kelly, "--claim", "table 4")
    assert (again.code, again.json["verdict"]) == (1, "USED")
    assert sale in again.json["detail"]
    shown = kelly("payment", "show", RECEIPT, "--json").json
    assert (shown["claim"]["pos_id"], shown["flags"]) == (sale, [])
    freed = kelly("payment", "unclaim", RECEIPT, "--reason", "wrong sale", "--json")
    assert (freed.code, freed.json["claim"]) == (0, None)
    assert verify(kelly).code == 0


def test_people_read_one_word_and_why(kelly, come):
    come()
    ran = kelly("payment", "verify", RECEIPT, "--amount", "1500", "--claim", "table 4")
    assert ran.out.splitlines()[0].split("\t") == ["Verdict", "OK"]
    assert "table 4" in ran.out
    assert "table 4" in kelly("payment", "show", RECEIPT).out


def test_what_hides_in_a_payers_name_is_shown_harmlessly(kelly, come):
    come(FirstName="\x1b[31mJANE\u202e")
    ran = kelly("payment", "verify", RECEIPT, "--amount", "1500")
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out


def test_no_books_are_an_error_and_none_are_made(kelly):
    ran = verify(kelly)
    assert (ran.code, ran.out) == (1, "")
    assert ran.error["code"] == "database_not_found"


def test_the_answer_loads_nothing_of_the_toolkit(kelly, come, database_url):
    come()
    code = (
        "import sys; from kelly_cli.main import main; "
        f"code = main(['--db', {database_url!r}, 'payment', 'verify', {RECEIPT!r}, "
        "'--amount', '1500', '--json']); "
        "sys.exit(code or 'sqlalchemy' in sys.modules or 'sqlmodel' in sys.modules)"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", code], env=environ, check=False, timeout=60)
    assert ran.returncode == 0


def test_two_clerks_at_two_tills_claim_at_once(kelly, come, database_url, tmp_path, program):
    come()
    environ = {**os.environ, "KELLY_DATABASE_URL": database_url}
    words = ("payment", "verify", RECEIPT, "--amount", "1500", "--json", "--claim")
    clerks = [
        program.start(
            *(*words, f"till {number}"),
            cwd=tmp_path,
            env=environ,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    told = [json.loads(clerk.communicate(timeout=120)[0])["verdict"] for clerk in clerks]
    assert sorted(told) == ["OK", "USED", "USED", "USED"]
    assert sorted(clerk.returncode for clerk in clerks) == [0, 1, 1, 1]
