"""Status, balance, reversal: asked by command, answered to a listener, seen by command."""

import pytest

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what the services' tests prove on either database."""


@pytest.fixture
def shop(serve, start_sandbox, kelly, monkeypatch):
    """A paid invoice, a listener, a pretend Safaricom, and commands that know all of them."""
    listener, sandbox = serve(), start_sandbox()
    monkeypatch.setenv("KELLY_MPESA_BASE_URL", sandbox.url)
    monkeypatch.setenv("KELLY_WEBHOOK_PORT", str(listener.port))
    sandbox.register(listener)
    kelly("customer", "create", "Jane", "--id", "CUST-001")
    invoice = kelly("invoice", "create", "--customer", "CUST-001", "--amount", "50", "--json").json
    sandbox.pay(50, invoice["invoice_id"])
    [paid] = sandbox.truth()["payments"]
    return Shop(kelly, sandbox, invoice["invoice_id"], paid["receipt"])


class Shop:
    def __init__(self, kelly, sandbox, invoice, receipt):
        self.kelly, self.sandbox, self.invoice, self.receipt = kelly, sandbox, invoice, receipt

    def ask(self, *words):
        return self.kelly("mpesa", *words, "--wait", "--timeout", "20", "--json")

    def payment(self):
        return self.kelly("payment", "show", self.receipt, "--json").json

    def invoice_status(self):
        return self.kelly("invoice", "show", self.invoice, "--json").json["status"]

    def check(self):
        assert self.kelly("db", "check", "--json").json["violations"] == []


def test_a_status_confirms_the_payment(shop):
    ran = shop.ask("status", shop.receipt.lower())
    assert ran.code == 0, ran.err
    assert (ran.json["state"], ran.json["receipt"]) == ("done", shop.receipt)
    assert ran.json["payment"]["verified_by"] == "status"
    assert ran.json["result"]["ReceiptNo"] == shop.receipt
    shop.check()


@ON_SQLITE
def test_a_balance_is_shown_account_by_account(shop):
    ran = shop.ask("balance")
    assert ran.code == 0, ran.err
    assert {"name", "currency", "current", "available"} <= ran.json["accounts"][0].keys()
    people = shop.kelly("mpesa", "balance", "--wait")
    assert ran.json["accounts"][0]["name"] in people.out


def test_a_reversal_opens_the_invoice_again(shop):
    assert shop.invoice_status() == "PAID"
    dry = shop.kelly(
        "mpesa", "reverse", shop.receipt, "--reason", "paid twice", "--dry-run", "--json"
    )
    assert dry.json["taken"] == [{"invoice_id": shop.invoice, "amount": "50.00"}]
    assert shop.payment()["status"] == "COMPLETED"
    refused = shop.kelly("mpesa", "reverse", shop.receipt, "--reason", "paid twice", "--json")
    assert refused.error["code"] == "confirmation_needed"

    ran = shop.ask("reverse", shop.receipt, "--reason", "paid twice", "--yes")
    assert ran.code == 0, ran.err
    assert (ran.json["state"], ran.json["payment"]["status"]) == ("done", "REVERSED")
    assert shop.invoice_status() == "UNPAID"
    assert shop.sandbox.truth()["payments"][0]["reversed"]
    shop.check()

    again = shop.kelly("payment", "reverse", shop.receipt, "--reason", "x", "--yes", "--json")
    assert again.error["code"] == "already_reversed"
    listed = shop.kelly("mpesa", "requests", "--receipt", shop.receipt, "--json").json
    assert [(each["kind"], each["state"]) for each in listed] == [("reversal", "done")]


@ON_SQLITE
def test_a_reversal_in_the_portal_is_found_by_status_or_told_by_hand(shop):
    shop.sandbox.reverse_in_portal(shop.receipt)
    assert shop.payment()["status"] == "COMPLETED"
    ran = shop.kelly(
        "payment", "reverse", shop.receipt, "--done-in-portal", "--reason", "paid twice", "--yes",
        "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert (ran.json["status"], ran.json["taken"][0]["invoice_id"]) == ("REVERSED", shop.invoice)
    assert shop.invoice_status() == "UNPAID"
    shop.check()


@ON_SQLITE
def test_a_time_out_is_unknown_trap_36(shop):
    shop.sandbox.play("good-day", payers={"count": 0}, results={"outcome": "timeout"})
    ran = shop.kelly(
        "mpesa", "reverse", shop.receipt, "--reason", "x", "--yes", "--wait", "--timeout", "3",
        "--json",
    )  # fmt: skip
    assert (ran.code, ran.json["state"]) == (1, "unknown")
    assert shop.payment()["status"] == "COMPLETED"
    again = shop.kelly("mpesa", "reverse", shop.receipt, "--reason", "x", "--yes", "--json")
    assert again.error["code"] == "reversal_pending"
    shop.check()


@ON_SQLITE
def test_a_receipt_that_we_do_not_hold_is_shown_and_not_booked(shop):
    shop.sandbox.play("lost", payers={"count": 2})
    held = {each["mpesa_receipt_number"] for each in shop.kelly("payment", "list", "--json").json}
    lost = [p["receipt"] for p in shop.sandbox.truth()["payments"] if p["receipt"] not in held]
    if not lost:
        pytest.skip("the scenario lost nothing")
    ran = shop.ask("status", lost[0])
    assert ran.code == 0, ran.err
    assert (ran.json["payment"], ran.json["result"]["ReceiptNo"]) == (None, lost[0])
    assert len(shop.kelly("payment", "list", "--json").json) == len(held)


@ON_SQLITE
def test_nobody_listening_is_said_after_the_wait(kelly, start_sandbox, monkeypatch):
    monkeypatch.setenv("KELLY_MPESA_BASE_URL", start_sandbox().url)
    ran = kelly("mpesa", "balance", "--wait", "--timeout", "1", "--json")
    assert (ran.code, ran.json["state"]) == (1, "accepted")
    assert "by callback" in ran.err


@ON_SQLITE
def test_nobody_there_to_ask_is_one_line(kelly, monkeypatch):
    monkeypatch.setenv("KELLY_MPESA_BASE_URL", "http://127.0.0.1:9")
    ran = kelly("mpesa", "balance", "--json")
    assert (ran.code, ran.error["code"]) == (1, "daraja_unreachable")
    assert [each["state"] for each in kelly("mpesa", "requests", "--json").json] == ["refused"]


@ON_SQLITE
def test_pulling_what_was_lost_by_command(shop):
    number = ("--nominated-number", "0708374149")
    assert shop.kelly("mpesa", "pull", "register", *number, "--json").json["outcome"] == "accepted"
    again = shop.kelly("mpesa", "pull", "register", *number, "--json")
    assert (again.code, again.json["outcome"]) == (0, "already_registered")
    dry = shop.kelly("mpesa", "pull", "--since", "60h", "--dry-run", "--json")
    assert (dry.code, dry.json["known"], dry.json["dry_run"]) == (0, 1, True)
    assert shop.payment()["verified_by"] == "callback"
    ran = shop.kelly("mpesa", "pull", "--since", "60h", "--json")
    assert (ran.json["new"], ran.json["known"]) == (0, 1)
    assert ran.json["out_of_reach"]["from"].endswith("+03:00")
    assert shop.payment()["verified_by"] == "pull"
    assert "out of reach" in shop.kelly("mpesa", "pull", "--since", "60h").err
    shop.check()
