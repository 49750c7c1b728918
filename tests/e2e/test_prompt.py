"""A prompt from command to paid invoice: command, pretend Safaricom and listener over real HTTP."""

import pytest

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what the services' tests prove on either database."""


@pytest.fixture
def shop(serve, start_sandbox, kelly, monkeypatch, tmp_path):
    """A listener, a pretend Safaricom whose payers behave as told, a customer with an invoice."""

    def run(**prompts):
        listener = serve()
        script = tmp_path / "payers.toml"
        lines = ["[prompts]", *(f"{name} = {value}" for name, value in prompts.items())]
        script.write_text("\n".join(lines) + "\n")
        sandbox = start_sandbox(str(script))
        monkeypatch.setenv("KELLY_MPESA_BASE_URL", sandbox.url)
        monkeypatch.setenv("KELLY_WEBHOOK_PORT", str(listener.port))
        sandbox.register(listener)
        kelly("customer", "create", "Jane", "--phone", "0708374149")
        made = kelly("invoice", "create", "--customer", "CUST-001", "--amount", "50", "--json")
        return Shop(kelly, sandbox, made.json["invoice_id"])

    return run


class Shop:
    def __init__(self, kelly, sandbox, invoice):
        self.kelly, self.sandbox, self.invoice = kelly, sandbox, invoice

    def prompt(self, *words):
        named = ("mpesa", "prompt", "--invoice", self.invoice)
        return self.kelly(*named, "--wait", "--timeout", "30", "--json", *words)

    def books(self):
        """All is delivered, the books are sound; status of the invoice, and the receipts."""
        dealt = [each["receipt"] for each in self.sandbox.truth()["payments"]]
        assert self.kelly("db", "check", "--json").json["violations"] == []
        paid = self.kelly("payment", "list", "--json").json
        assert [each["mpesa_receipt_number"] for each in paid] == dealt
        status = self.kelly("invoice", "show", self.invoice, "--json").json["status"]
        return status, dealt


@pytest.mark.parametrize("order", ["", "twin_first", "callback_first"])
def test_trap_14_a_prompt_is_paid_once_whatever_comes_first(shop, order):
    at = shop(**({order: "true"} if order else {}))
    ran = at.prompt()
    assert (ran.code, ran.json["state"]) == (0, "paid"), ran.err
    status, receipts = at.books()
    assert (status, receipts) == ("PAID", [ran.json["mpesa_receipt_number"]])


@ON_SQLITE
def test_a_payer_who_refuses(shop):
    at = shop(outcome='"cancelled"')
    ran = at.prompt()
    assert (ran.code, ran.json["state"], ran.json["result_code"]) == (1, "refused", "1032")
    assert at.books() == ("UNPAID", [])


def test_trap_37_a_lost_callback_is_asked_for_and_the_twin_found(shop, monkeypatch):
    from kelly_cli.services import prompt_watching

    monkeypatch.setattr(prompt_watching, "FIRST_QUESTION_S", 0.1)
    at = shop(callback="false", delay_s=1)
    ran = at.prompt()
    assert (ran.code, ran.json["state"]) == (0, "paid"), ran.err
    status, receipts = at.books()
    assert (status, [ran.json["mpesa_receipt_number"]]) == ("PAID", receipts)


@ON_SQLITE
def test_a_picture_to_pay_with(shop, tmp_path):
    at = shop()
    picture = tmp_path / "pay.png"
    ran = at.kelly("mpesa", "qr", "--invoice", at.invoice, "-o", picture, "--json")
    assert ran.code == 0, ran.err
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert (ran.json["drawn_by"], ran.json["amount"]) == ("safaricom", "50.00")
