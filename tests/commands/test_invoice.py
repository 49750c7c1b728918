"""kelly invoice, as people and scripts call it."""

import io
import json
import re
import sys
from datetime import UTC, datetime
from itertools import count

import pytest
import time_machine

STEPS = [
    "Open the M-Pesa menu",
    "Choose Lipa na M-Pesa",
    "Choose Pay Bill",
    "Enter the business number: 174379",
    "Enter the account number: INV-20260203-0001",
    "Enter the amount: 5000",
    "Enter your M-Pesa PIN",
    "Check the details and confirm",
]


@pytest.fixture
def shop(kelly):
    """Books with the customer of the guide."""
    made = kelly(
        "customer", "create", "Test Customer", "--id", "CUST-TEST-001", "--phone", "254712345678"
    )
    assert made.code == 0
    return kelly


@pytest.fixture
def pay(inbox):
    """Take one C2B confirmation by the one road."""
    from kelly_cli.services.inbox import Delivery

    ids = count(1)

    def take(receipt, amount, reference):
        body = {
            "TransactionType": "Pay Bill",
            "TransID": receipt,
            "TransTime": "20260203143022",
            "TransAmount": f"{amount:.2f}",
            "BusinessShortCode": "174379",
            "BillRefNumber": reference,
            "MSISDN": "254712345678",
            "FirstName": "JOHN",
            "LastName": "DOE",
        }
        raw = json.dumps(body).encode()
        (entry,) = inbox.take([Delivery(raw, None, "file", f"d{next(ids)}")])
        assert entry.processed

    return take


def create(kelly, amount="5000", *more):
    made = kelly(
        *("invoice", "create", "--customer", "CUST-TEST-001", "--amount", amount),
        *("--date", "2026-02-03", *more, "--json"),
    )
    assert (made.code, made.err) == (0, "")
    return made.json


def show(kelly, invoice_id="INV-20260203-0001"):
    return kelly("invoice", "show", invoice_id, "--json").json


def balance(kelly):
    return kelly("customer", "show", "CUST-TEST-001", "--json").json["balance"]


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def terminal(shop, monkeypatch):
    """Run a command line on a terminal of 80 columns; ``answer`` is typed there."""
    from kelly_cli.main import main

    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def run(*arguments, answer=""):
        out, err = Terminal(), Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            patch.setattr(sys, "stdin", Terminal(answer))
            code = main(list(arguments))
        return code, re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()), err.getvalue()

    return run


# The scenarios of the guide


def test_paying_an_invoice_in_full_clears_it(shop, pay):
    made = create(shop, "5000", "--description", "Test Invoice")
    assert made["status"] == "UNPAID"
    pay("QGK12XYZ91", 5000, made["invoice_id"])
    assert show(shop)["status"] == "PAID"
    assert balance(shop) == "0.00"


def test_part_of_an_invoice_leaves_the_rest(shop, pay):
    pay("QGK12XYZ91", 3000, create(shop, "10000")["invoice_id"])
    found = show(shop)
    assert (found["status"], found["amount_paid"], found["balance"]) == (
        "PARTIALLY_PAID",
        "3000.00",
        "7000.00",
    )


def test_what_is_paid_too_much_is_credit_and_pays_the_next_invoice(shop, pay):
    pay("QGK12XYZ91", 7000, create(shop)["invoice_id"])
    assert (show(shop)["status"], balance(shop)) == ("PAID", "-2000.00")
    following = create(shop)
    assert (following["credit_used"], following["status"]) == ("2000.00", "PARTIALLY_PAID")
    assert balance(shop) == "3000.00"


# Create


def test_create_prints_the_object_of_the_contract(shop):
    made = create(shop, "5,000.50", "--due", "2026-03-01")
    created_at = datetime.fromisoformat(made.pop("created_at"))
    assert created_at.utcoffset() is not None
    steps = made.pop("payment_steps")
    assert len(steps) == 8
    assert steps[5] == "Enter the amount: 5000.50 (M-Pesa takes whole shillings: 5001)"
    assert made == {
        "invoice_id": "INV-20260203-0001",
        "customer_id": "CUST-TEST-001",
        "customer_name": "Test Customer",
        "pos_id": None,
        "status": "UNPAID",
        "amount": "5000.50",
        "amount_paid": "0.00",
        "adjusted": "0.00",
        "balance": "5000.50",
        "description": None,
        "issued_on": "2026-02-03",
        "due_on": "2026-03-01",
        "overdue": datetime.now(UTC).isoformat() > "2026-03-02",
        "on_hold": False,
        "voided_at": None,
        "credit_used": "0.00",
        "kept": [],
    }


@pytest.mark.parametrize("place", [0, 1, 2, 4, 6])
def test_json_may_stand_anywhere(shop, place):
    words = ["invoice", "create", "--customer", "cust-test-001", "--amount", "5"]
    words.insert(place, "--json")
    assert shop(*words).json["amount"] == "5.00"


def test_the_day_of_issue_is_today_in_nairobi(shop):
    with time_machine.travel(datetime(2026, 2, 3, 21, 30, tzinfo=UTC)):
        made = shop("invoice", "create", "--customer", "CUST-TEST-001", "--amount", "5", "--json")
        assert made.json["invoice_id"] == "INV-20260204-0001"
        late = create(shop, "5", "--due", "2026-02-03")
        assert late["overdue"] is True
        assert create(shop, "5", "--due", "2026-02-04")["overdue"] is False
        found = shop("invoice", "list", "--overdue", "--json").json
    assert [each["invoice_id"] for each in found] == [late["invoice_id"]]


def test_an_invoice_tells_the_payer_the_eight_steps_until_it_is_paid(shop, pay):
    assert create(shop)["payment_steps"] == STEPS
    assert show(shop)["payment_steps"] == STEPS
    told = shop("invoice", "show", "inv202602030001").out
    numbered = [f"{n}. {step}" for n, step in enumerate(STEPS, 1)]
    assert told.splitlines()[-8:] == numbered
    pay("QGK12XYZ91", 3000, "INV-20260203-0001")
    assert show(shop)["payment_steps"][5] == "Enter the amount: 2000"
    pay("QGK12XYZ92", 2000, "INV-20260203-0001")
    assert show(shop)["payment_steps"] == []
    assert "PIN" not in shop("invoice", "show", "inv202602030001").out


def test_more_than_mpesa_takes_at_once_is_paid_in_parts(shop):
    steps = create(shop, "300000")["payment_steps"]
    assert steps[5] == "Enter the amount: 300000 (in parts: M-Pesa takes at most 250000 at once)"
    assert create(shop, "250000")["payment_steps"][5] == "Enter the amount: 250000"


@pytest.mark.parametrize("kind", ["till", "store"])
def test_a_till_says_buy_goods_and_asks_for_no_account_number(shop, tmp_path, kind):
    (tmp_path / "kelly.toml").write_text(
        '[mpesa]\nshort_code = "600000"\n'
        f'[[mpesa.short_codes]]\ncode = "600000"\nkind = "{kind}"\n'
        '[[mpesa.short_codes]]\ncode = "174379"\nkind = "paybill"\n'
    )
    steps = create(shop)["payment_steps"]
    assert len(steps) == 8
    assert steps[2:4] == ["Choose Buy Goods and Services", "Enter the till number: 600000"]
    assert not any("account number" in step for step in steps)


def test_people_are_told_of_the_credit_on_stderr(shop, pay):
    pay("QGK12XYZ91", 7000, create(shop)["invoice_id"])
    made = shop("invoice", "create", "--customer", "CUST-TEST-001", "--amount", "500")
    assert made.err == "Paid from the customer's credit: KES 500.00\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--amount", "5"], 2),
        (["--customer", "CUST-TEST-001"], 2),
        (["--customer", "CUST-TEST-001", "--amount", "0"], 2),
        (["--customer", "CUST-TEST-001", "--amount=-5"], 2),
        (["--customer", "CUST-TEST-001", "--amount", "5.001"], 2),
        (["--customer", "CUST-TEST-001", "--amount", "NaN"], 2),
        (["--customer", "CUST-TEST-001", "--amount", "1e3"], 2),
        (["--customer", "CUST-TEST-001", "--amount", "5", "--due", "tomorrow"], 2),
        (["--customer", "CUST-TEST-001", "--amount", "5", "--date", "2026-02-30"], 2),
        (["--customer", "NOBODY", "--amount", "5"], 1),
        (
            [
                *("--customer", "CUST-TEST-001", "--amount", "5"),
                *("--date", "2026-02-03", "--due", "2026-02-02"),
            ],
            1,
        ),
        (["--customer", "CUST-TEST-001", "--amount", "5", "--date", "0026-02-03"], 1),
        (["--customer", "CUST-TEST-001", "--amount", "5", "--description", "a\x07"], 1),
    ],
)
def test_wrong_words_write_nothing_and_say_what_is_wrong(shop, words, code):
    for place in ([], ["--json"]):
        ran = shop("invoice", "create", *words, *place)
        assert (ran.code, ran.out) == (code, "")
    assert ran.error["code"]
    assert shop("invoice", "list", "--json").json == []


# List and show


def test_a_list_is_an_array_with_the_newest_first(shop):
    create(shop)
    create(shop, "7", "--description", "Rent")
    found = shop("invoice", "list", "--json").json
    assert [each["invoice_id"] for each in found] == ["INV-20260203-0002", "INV-20260203-0001"]
    assert shop("invoice", "list", "--search", "rent", "--json").json == found[:1]
    assert shop("invoice", "list", "--limit", "1", "--json").json == found[:1]
    assert shop("invoice", "list", "--from", "2026-02-04", "--json").json == []
    assert shop("invoice", "list", "--customer", "cust test 001", "--json").json == found


@pytest.mark.parametrize("status", ["UNPAID", "unpaid", "pending", "PENDING"])
def test_pending_is_another_word_for_unpaid(shop, pay, status):
    create(shop)
    pay("QGK12XYZ91", 7, create(shop, "7")["invoice_id"])
    found = shop("invoice", "list", "--status", status, "--json").json
    assert [(each["invoice_id"], each["status"]) for each in found] == [
        ("INV-20260203-0001", "UNPAID")
    ]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--status", "OPEN"], 2),
        (["--limit", "0"], 2),
        (["--from", "yesterday"], 2),
        (["--from", "2026-02-04", "--to", "2026-02-03"], 2),
        (["--search", ""], 0),
        (["--search", "\udcff"], 2),
        (["--customer", "NOBODY"], 1),
    ],
)
def test_a_wrong_filter_is_refused(shop, words, code):
    assert shop("invoice", "list", *words, "--json").code == code


def test_show_tells_each_move_of_money(shop, pay):
    pay("QGK12XYZ91", 3000, create(shop)["invoice_id"])
    (move,) = show(shop)["allocations"]
    assert datetime.fromisoformat(move.pop("created_at")).utcoffset() is not None
    assert move == {
        "mpesa_receipt_number": "QGK12XYZ91",
        "amount": "3000.00",
        "reason": "reference",
    }
    told = shop("invoice", "show", "INV-20260203-0001").out
    assert "QGK12XYZ91\t3,000.00\treference\t2026-02-03 15:00:00\n" in told


def test_what_is_not_there_has_its_code(shop):
    ran = shop("invoice", "show", "INV-20260203-0009", "--json")
    assert (ran.code, ran.error["code"]) == (1, "invoice_not_found")


def test_a_reading_command_makes_no_books(clean_environment, tmp_path, monkeypatch, capsys):
    from kelly_cli.main import main

    monkeypatch.setenv("KELLY_DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
    void = ["invoice", "void", "INV-20260203-0001", "--reason", "x", "--dry-run"]
    for words in (["invoice", "list"], ["invoice", "show", "INV-1"], void):
        assert main([*words, "--json"]) == 1
        assert json.loads(capsys.readouterr().err)["error"]["code"] == "database_not_found"
    assert not (tmp_path / "none.db").exists()


def test_a_table_is_whole_at_80_columns(shop, pay, terminal):
    pay("QGK12XYZ91", 3000, create(shop, "50000", "--due", "2026-03-01")["invoice_id"])
    code, out, err = terminal("invoice", "list")
    assert code == 0
    assert all(len(line) <= 80 for line in out.splitlines())
    for whole in ("INV-20260203-0001", "CUST-TEST-001", "PARTIALLY_PAID", "47,000.00"):
        assert whole in out
    assert "No room at 80 columns for" in err
    code, out, _ = terminal("invoice", "show", "INV-20260203-0001")
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "QGK12XYZ91" in out


# Void


VOID = ("invoice", "void", "INV-20260203-0001", "--reason", "it's wrong")


def test_a_void_needs_a_yes_where_nobody_can_be_asked(shop, pay):
    pay("QGK12XYZ91", 3000, create(shop)["invoice_id"])
    ran = shop(*VOID, "--json", stdin="")
    assert (ran.code, ran.error["code"], ran.out) == (1, "confirmation_needed", "")
    assert "3,000.00 is freed" in ran.error["message"]
    assert ran.error["hint"].endswith("--yes")
    assert show(shop)["status"] == "PARTIALLY_PAID"


def test_a_void_frees_the_money_and_says_so(shop, pay):
    pay("QGK12XYZ91", 3000, create(shop)["invoice_id"])
    done = shop(*VOID, "--yes", "--json").json
    assert (done["status"], done["amount_paid"], done["balance"]) == ("VOID", "0.00", "0.00")
    assert done["freed"] == [{"mpesa_receipt_number": "QGK12XYZ91", "amount": "3000.00"}]
    assert (done["payment_steps"], done["dry_run"]) == ([], False)
    assert balance(shop) == "-3000.00"
    assert create(shop)["credit_used"] == "0.00"
    again = shop(*VOID, "--yes", "--json")
    assert (again.code, again.error["code"]) == (1, "already_void")


def test_a_dry_run_needs_no_yes_and_keeps_nothing(shop, pay):
    pay("QGK12XYZ91", 3000, create(shop)["invoice_id"])
    ran = shop(*VOID, "--dry-run")
    assert ran.code == 0
    assert "QGK12XYZ91\t3,000.00" in ran.out
    assert "nothing was kept" in ran.err
    assert show(shop)["status"] == "PARTIALLY_PAID"


@pytest.mark.parametrize(("answer", "status", "code"), [("y\n", "VOID", 0), ("\n", "UNPAID", 1)])
def test_on_a_terminal_a_void_asks_and_no_is_the_default(shop, terminal, answer, status, code):
    create(shop)
    ended, _, err = terminal(*VOID, answer=answer)
    assert ended == code
    assert "Void INV-20260203-0001 (5,000.00)? [y/N]" in err
    assert show(shop)["status"] == status


@pytest.mark.parametrize("reason", [[], ["--reason", " "], ["--reason", "a\x1bb"]])
def test_a_void_without_a_reason_is_a_usage_error(shop, reason):
    create(shop)
    assert shop("invoice", "void", "INV-20260203-0001", *reason, "--yes").code == 2
    assert show(shop)["status"] == "UNPAID"
