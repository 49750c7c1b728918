"""A shop's day for the golden files and the hostile names: the same books every time."""

import io
import json
import re
import sys

NOON = "2026-02-03T09:30:00+00:00"
OWN_STYLES = re.compile("\x1b\\[(?:0|1|2|32|33)m")


class Terminal(io.StringIO):
    """A stream that draws: as wide as COLUMNS says."""

    encoding = "utf-8"

    def isatty(self):
        return True


def callback(receipt, amount, reference, **changes):
    """A C2B confirmation of the day, as a line of a file."""
    body = {
        "TransactionType": "Pay Bill",
        "TransID": receipt,
        "TransTime": "20260203091500",
        "TransAmount": amount,
        "BusinessShortCode": "174379",
        "BillRefNumber": reference,
        "OrgAccountBalance": "",
        "MSISDN": "254712345678",
        "FirstName": "JANE",
        "MiddleName": "WANJIKU",
    }
    return json.dumps({**body, **changes})


SHOP = (
    (
        "customer",
        "create",
        "Jane Wanjikũ",
        "--phone",
        "0712345678",
        "--email",
        "jane@example.co.ke",
    ),
    ("customer", "create", "Müller & Söhne [East Africa] Limited, Industrial Area, Nairobi"),
    ("customer", "create", "=Kamau", "--phone", "0110000001"),
    ("invoice", "create", "--customer", "CUST-001", "--amount", "5000", "--description", "Rent"),
    ("invoice", "create", "--customer", "CUST-002", "--amount", "123456.50", "--due", "2026-03-01"),
    ("invoice", "create", "--customer", "CUST-003", "--amount", "250", "--date", "2026-02-01"),
    ("pos", "create", "--item", "P1,Coca Cola 500ml,2,50", "--item", "P2,Bread,1,65"),
    ("pos", "create", "--item", "P1,Coca Cola 500ml,1,50", "--customer", "CUST-003"),
)
CALLBACKS = (
    callback("TB31AAAA01", "5000.00", "INV-20260203-0001"),
    callback("TB31AAAA02", "1000.00", "CUST-003", MSISDN="254110000001", FirstName="KAMAU"),
    callback("TB31AAAA03", "165.00", "POS-20260203-0001"),
    callback("TB31AAAA04", "700.00", "nobody at all", FirstName="[red]JOHN[/red]"),
    callback("TB31AAAA05", "80.50", "=1+1", FirstName="\x1b[31mEVIL"),
    callback("TB31AAAA01", "5000.00", "INV-20260203-0001"),
    callback("TB31AAAA01", "6000.00", "INV-20260203-0001"),
    callback("TB31AAAA06", "-5", "CUST-001"),
    "not json",
)
AFTER = (
    ("payment", "record", "--method", "cash", "--amount", "200", "--customer", "CUST-002"),
    ("suspense", "note", "TB31AAAA04", "asked the bank"),
    ("pos", "void", "POS-20260203-0002", "--reason", "wrong price", "--yes"),
)


def open_shop(kelly):
    """Make the day's books through the command line."""
    for words in SHOP:
        assert kelly(*words).code == 0, words
    ran = kelly("webhook", "ingest", "-", stdin="\n".join(CALLBACKS))
    assert ran.code == 3, ran.err
    for words in AFTER:
        ran = kelly(*words)
        assert ran.code == 0, (words, ran.err)


def on_terminal(kelly, monkeypatch, width, *words):
    """Run a command on a terminal; what it says on both streams, styles as ``\\e``."""
    out, err = Terminal(), Terminal()
    with monkeypatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        patch.setenv("TERM", "xterm-256color")
        patch.delenv("NO_COLOR", raising=False)
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        from kelly_cli.main import main

        code = main(list(words))
    return code, out.getvalue(), err.getvalue()
