"""The hand work as it is typed: what it prints, what it refuses, and that nothing is kept dry."""

import pytest

INVOICE, CASH = "INV-20240203-0001", "CSH202402030001"


@pytest.fixture
def office(kelly):
    """Ann owes 50, and brought 30 in cash."""

    def run(words, *more, code=0):
        ran = kelly(*words.split(), *more, "--json")
        assert ran.code == code, ran
        return ran.json if code == 0 else ran.error["code"]

    run("customer create Ann --id ANN")
    run("invoice create --customer ANN --amount 50 --date 2024-02-03")
    paid = run("payment record --method cash --amount 30 --customer ANN --date 2024-02-03")
    assert (paid["mpesa_receipt_number"], paid["method"]) == (CASH, "cash")
    return run


def invoice(office):
    shown = office(f"invoice show {INVOICE}")
    return shown["status"], shown["amount_paid"], shown["adjusted"], shown["balance"]


def test_money_is_taken_back_and_given_again(office):
    taken = office(f"payment unallocate csh-20240203-0001 --from {INVOICE}:10 --reason wrong")
    assert (taken["unallocated"], taken["pinned"], taken["dry_run"]) == ("10.00", True, False)
    assert taken["moved"] == [
        {
            "mpesa_receipt_number": CASH,
            "invoice_id": INVOICE,
            "amount": "-10.00",
            "reason": "hand",
        }
    ]
    assert [each["credit"] for each in office("credit list --customer ann --pinned")] == ["10.00"]
    given = office(f"payment allocate {CASH} --to {INVOICE}:4 --to {INVOICE} --reason right")
    assert (given["unallocated"], len(given["moved"])) == ("0.00", 2)
    assert invoice(office) == ("PARTIALLY_PAID", "30.00", "0.00", "20.00")


def test_an_invoice_is_written_off_credited_and_both_are_undone(office):
    refused = office(f"invoice writeoff {INVOICE} --max 19 --reason x --yes", code=1)
    assert refused == "more_than_max"
    assert office(f"invoice writeoff {INVOICE} --max 20 --reason x", code=1) == (
        "confirmation_needed"
    )
    done = office(f"invoice writeoff {INVOICE} --max 20 --reason x --yes")
    assert (done["status"], done["changed"], done["adjusted"]) == ("PAID", "20.00", "20.00")
    noted = office(f"invoice credit-note {INVOICE} --amount 10 --reason bag")
    assert noted["freed"] == [{"mpesa_receipt_number": CASH, "amount": "10.00"}]
    assert invoice(office) == ("PAID", "20.00", "30.00", "0.00")
    office(f"invoice credit-note {INVOICE} --undo --reason no")
    office(f"invoice writeoff {INVOICE} --undo --reason no")
    assert invoice(office) == ("PARTIALLY_PAID", "20.00", "0.00", "30.00")
    shown = office(f"invoice show {INVOICE}")["adjustments"]
    assert [(each["kind"], each["amount"]) for each in shown] == [
        ("writeoff", "20.00"),
        ("credit_note", "10.00"),
        ("credit_note", "-10.00"),
        ("writeoff", "-20.00"),
    ]


@pytest.mark.parametrize(
    "words",
    [
        f"invoice hold {INVOICE} --reason x",
        f"invoice writeoff {INVOICE} --max 20 --reason x",
        f"invoice credit-note {INVOICE} --amount 45 --reason x",
        f"payment unallocate {CASH} --reason x",
        f"payment unallocate {CASH} --to-suspense --reason x",
        "payment record --method bank --amount 5 --customer ANN",
    ],
)
def test_a_dry_run_keeps_nothing(office, words):
    before = office(f"payment show {CASH}"), invoice(office), office("audit list")
    assert office(words, "--dry-run")["dry_run"] is True
    assert (office(f"payment show {CASH}"), invoice(office), office("audit list")) == before


def test_money_of_another_goes_to_suspense_and_to_its_owner(office):
    office("customer create Bob --id BOB")
    office(f"payment unallocate {CASH} --to-suspense --reason not-hers")
    assert [each["mpesa_receipt_number"] for each in office("suspense list")] == [CASH]
    assigned = office(f"suspense assign {CASH} --to BOB --keep-credit")
    assert (assigned["customer_id"], assigned["pinned"]) == ("BOB", True)
    office("invoice create --customer BOB --amount 10 --date 2024-02-03")
    assert office("suspense list") == []
    released = office(f"payment allocate {CASH} --reason now")
    assert (released["pinned"], released["unallocated"]) == (False, "20.00")


def test_kept_credit_leaves_a_new_invoice_open(office):
    office(f"payment unallocate {CASH} --reason x")
    office(f"payment allocate {CASH} --to {INVOICE}:20 --reason x")
    made = office("invoice create --customer ANN --amount 5 --date 2024-02-03", "--keep-credit")
    assert (made["status"], made["credit_used"]) == ("UNPAID", "0.00")


def test_recorded_money_is_given_back_without_safaricom(office, kelly):
    ran = kelly("payment", "reverse", CASH, "--reason", "bounced")
    assert ran.code == 1
    assert "as given back?" in ran.err
    done = office(f"payment reverse {CASH} --reason bounced --yes")
    assert (done["status"], invoice(office)[0]) == ("REVERSED", "UNPAID")


def test_a_payment_is_explained(office, kelly):
    office(f"payment unallocate {CASH} --reason wrong")
    steps = office(f"payment explain {CASH}")["steps"]
    assert {each["step"] for each in steps} == {"log", "match", "allocation", "hand"}
    assert all(
        set(each) == {"at", "step", "rule", "text", "invoice_id", "amount"} for each in steps
    )
    ran = kelly("payment", "explain", CASH)
    assert "a person took it back" in ran.out
    assert ran.out.endswith("Of 30.00: 30.00 credit of ANN, pinned: it waits for a person\n")


def test_the_audit_is_listed_and_verified(office, kelly):
    rows = office("audit list --subject", CASH)
    assert [each["action"] for each in rows] == ["payment.record"]
    assert rows[0]["after"]["asked"] == {"to": "ANN", "keep_credit": False, "number": None}
    whole = office("audit verify")
    assert (whole["ok"], whole["rows"], whole["broken"]) == (True, 3, None)
    ran = kelly("audit", "verify", "--known", "beef", "--json")
    assert (ran.code, ran.json["ok"]) == (1, False)


@pytest.mark.parametrize(
    "words",
    [
        f"payment allocate {CASH} --to {INVOICE}:0 --reason x",
        f"payment allocate {CASH} --to {INVOICE}:x --reason x",
        f"payment allocate {CASH} --keep-credit --reason x",
        f"payment unallocate {CASH} --from {INVOICE} --to-suspense --reason x",
        f"payment unallocate {CASH}",
        f"invoice writeoff {INVOICE} --max 5 --undo --reason x",
        f"invoice credit-note {INVOICE} --reason x",
        "payment record --method barter --amount 5",
        "payment record --method cash --amount 0 --customer ANN",
    ],
)
def test_wrong_words_are_a_usage_error(office, words):
    assert office(words, code=2) == "usage"
