"""Each bad day of the pretend Safaricom, dealt to a real listener: the books equal the truth."""

import time

import pytest

from kelly_cli.daraja.sandbox import scenario

pytestmark = pytest.mark.long

WITHOUT_PULL = [
    "good-day", "duplicates", "late", "out-of-order", "till", "masked-hash", "garbage", "reversal"
]  # fmt: skip
WITH_PULL = ["lost", "blackout"]
ELSEWHERE = ["busy-day", "spike-arrest", "stk-cancelled", "stk-timeout", "token-thrash"]
ELSEWHERE += ["validation-only", "waf-page"]


ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what has nothing to do with the kind of database, and takes long."""


@pytest.fixture
def books(kelly):
    """What the books say of each receipt, with `db check` clean."""

    def read():
        checked = kelly("db", "check", "--json")
        assert (checked.code, checked.json["violations"]) == (0, [])
        listed = kelly("payment", "list", "--limit", 100_000, "--json").json
        return {each["mpesa_receipt_number"]: each for each in listed}

    return read


@pytest.fixture
def town(serve, start_sandbox, kelly, monkeypatch):
    """A sandbox and a listener that know each other, and commands that know both."""

    def build(name="good-day", **more):
        listener, sandbox = serve(), start_sandbox(name, **more)
        monkeypatch.setenv("KELLY_MPESA_BASE_URL", sandbox.url)
        monkeypatch.setenv("KELLY_WEBHOOK_PORT", str(listener.port))
        return sandbox, listener

    return build


def told(payments):
    """What each payment is, in the words of the books."""
    return {
        each["receipt"]: (each["amount"], each["paid_at"], each["reference"] or None)
        for each in payments
    }


def kept(books):
    return {
        receipt: (each["amount"], each["transaction_date"], each["bill_ref_number"] or None)
        for receipt, each in books.items()
    }


def done(ran):
    assert ran.code in {0, 3}, ran.err
    return ran.json


def within(seconds, holds):
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def register(kelly, listener, *more):
    base = f"http://127.0.0.1:{listener.port}/c2b"
    urls = ("--confirmation-url", f"{base}/confirmation", "--validation-url", f"{base}/validation")
    return kelly("mpesa", "register", *urls, *more, "--json")


def pull_register(kelly):
    number = ("--nominated-number", "254708374149")
    return kelly("mpesa", "pull", "register", *number, "--json")


def test_every_scenario_has_a_test_here():
    assert sorted(WITHOUT_PULL + WITH_PULL + ELSEWHERE) == scenario.names()


@ON_SQLITE
@pytest.mark.parametrize("name", WITHOUT_PULL)
def test_the_books_equal_the_truth_without_pull(name, town, kelly, books):
    kelly("customer", "create", "Jane", "--id", "CUST-001")
    sandbox, listener = town()
    sandbox.register(listener)
    played = sandbox.play(name)
    truth = sandbox.truth()
    assert truth["count"] == played["payments"] > 0
    assert kept(books()) == told(truth["payments"])
    came_twice = sum(each["confirmations"] - 1 for each in truth["payments"])
    duplicates = kelly("webhook", "list", "--duplicates", "--limit", 1000, "--json").json
    assert len(duplicates) == came_twice == (10 if name == "duplicates" else 0)


@pytest.mark.parametrize("name", WITH_PULL)
def test_what_was_lost_is_there_after_one_pull(name, town, kelly, books):
    sandbox, listener = town()
    sandbox.register(listener)
    done(pull_register(kelly))
    played = sandbox.play(name)
    truth = told(sandbox.truth()["payments"])
    before = kept(books())
    assert before.items() < truth.items()
    assert len(before) == played["payments"] - played["lost"]
    done(kelly("mpesa", "pull", "--since", "24h", "--json"))
    after = books()
    assert kept(after) == truth
    assert kelly("mpesa", "pull", "--since", "24h", "--json").json["new"] == 0
    assert books() == after


@ON_SQLITE
def test_validation_alone_is_no_payment_trap_15(town, books):
    sandbox, listener = town()
    sandbox.register(listener)
    assert sandbox.play("validation-only")["cancelled"] == 5
    assert sandbox.truth()["payments"] == []
    assert len(sandbox.truth()["cancelled"]) == 5
    assert books() == {}


@ON_SQLITE
def test_a_token_that_is_good_for_one_request_stops_nothing_trap_06(town, kelly, books):
    sandbox, listener = town("token-thrash")
    assert register(kelly, listener).code == 0
    for amount in (10, 20, 30):
        words = ("--amount", amount, "--msisdn", "254708374149", "--bill-ref", "nobody")
        assert kelly("mpesa", "simulate", *words, "--json").code == 0
    truth = sandbox.truth()
    assert [each["amount"] for each in truth["payments"]] == ["10.00", "20.00", "30.00"]
    assert kept(books()) == told(truth["payments"])
    # One for the test itself, and at most two for each of the four commands.
    assert sandbox.about()["tokens_issued"] <= 1 + 2 * 4


@ON_SQLITE
def test_a_firewall_page_is_told_and_costs_nothing_trap_07(town, kelly, books):
    sandbox, listener = town()
    sandbox.register(listener)
    done(pull_register(kelly))
    sandbox.play("lost")
    sandbox.play("waf-page", payers={"count": 0})
    for _ in range(3):
        ran = kelly("mpesa", "pull", "--json")
        assert "Traceback" not in ran.err
        assert "Incapsula" not in ran.out
    assert ran.code in {0, 3}
    assert kept(books()) == told(sandbox.truth()["payments"])


@ON_SQLITE
def test_a_spike_arrest_is_waited_out(town, kelly, books):
    sandbox, listener = town()
    sandbox.register(listener)
    done(pull_register(kelly))
    sandbox.play("lost")
    sandbox.play("spike-arrest", payers={"count": 0})
    for _ in range(3):
        ran = kelly("mpesa", "pull", "--json")
    assert ran.code in {0, 3}
    assert kept(books()) == told(sandbox.truth()["payments"])


@ON_SQLITE
def test_registering_once_is_told_and_the_first_urls_stand_trap_44(town, kelly):
    sandbox, listener = town(one_shot=True)
    assert register(kelly, listener).code == 0
    before = sandbox.registrations()
    again = register(kelly, listener)
    assert (again.code, again.error["code"]) == (1, "urls_already_registered")
    assert sandbox.registrations() == before


@ON_SQLITE
def test_each_shape_of_already_registered_is_understood_trap_03(town, kelly):
    sandbox, listener = town()
    assert register(kelly, listener).code == 0
    for says in ("error", "quiet", "envelope", "vpn"):
        once = {"once": True, "says": says}
        sandbox.play("good-day", payers={"count": 0}, registration=once)
        again = register(kelly, listener)
        assert (again.code, again.error["code"]) == (1, "urls_already_registered"), says


def test_a_busy_day_is_whole_after_one_pull(town, kelly, books):
    busy_day(400, town, kelly, books)


@ON_SQLITE
@pytest.mark.slow
def test_a_busy_day_of_ten_thousand_is_whole_after_one_pull(town, kelly, books):
    busy_day(10_000, town, kelly, books)


def busy_day(count, town, kelly, books):
    """Deal so many, a fifth lost, and hold the books to the truth after one pull."""
    sandbox, listener = town()
    sandbox.register(listener)
    done(pull_register(kelly))
    played = sandbox.play("busy-day", payers={"count": count})
    truth = sandbox.truth()
    fates = [each["fate"] for each in truth["payments"]]
    blackout = fates.count("lost") - count // 5
    assert (played["payments"], fates.count("late") > count // 15) == (count, True)
    assert count // 16 < blackout < count // 6
    done(kelly("mpesa", "pull", "--since", "25h", "--json"))
    after = books()
    assert kept(after) == told(truth["payments"])
    assert sum(round(float(each["amount"]) * 100) for each in after.values()) == sum(
        each["amount_cents"] for each in truth["payments"]
    )
    assert kelly("mpesa", "pull", "--since", "25h", "--json").json["new"] == 0
    assert books() == after


def test_a_reversal_takes_the_money_out_of_the_books(town, kelly, books):
    sandbox, listener = town()
    sandbox.register(listener)
    [first, second, *_] = sandbox.play("reversal")["receipts"]
    ran = kelly("mpesa", "reverse", first, "--reason", "twice", "--yes", "--wait", "--json")
    assert ran.code == 0, ran.err
    sandbox.reverse_in_portal(second)
    by_hand = ("--done-in-portal", "--reason", "twice", "--yes", "--json")
    assert kelly("payment", "reverse", second, *by_hand).code == 0
    dealt, kept_ones = sandbox.truth()["payments"], books()
    assert {each["receipt"] for each in dealt if each["reversed"]} == {first, second}
    assert {receipt for receipt, each in kept_ones.items() if each["status"] == "REVERSED"} == {
        first,
        second,
    }
    assert kept(kept_ones) == told(dealt)


def prompt(kelly, *more):
    asked = ("--amount", 500, "--phone", "0708374149", "--ref", "CUST-001")
    return kelly("mpesa", "prompt", *asked, *more, "--json")


@ON_SQLITE
def test_a_paid_prompt_is_one_payment_trap_14(town, kelly, books):
    kelly("customer", "create", "Jane", "--id", "CUST-001")
    sandbox, listener = town()
    sandbox.register(listener)
    ran = prompt(kelly, "--wait")
    assert ran.code == 0, ran.err
    [paid] = sandbox.truth()["payments"]
    assert (ran.json["state"], paid["confirmations"], paid["prompts"]) == ("paid", 1, 1)
    [(receipt, booked)] = books().items()
    assert (receipt, booked["amount"], booked["customer_id"]) == (
        paid["receipt"],
        "500.00",
        "CUST-001",
    )


@ON_SQLITE
@pytest.mark.parametrize("name", ["stk-cancelled", "stk-timeout"])
def test_a_prompt_that_is_not_paid_leaves_the_books_empty_trap_37(name, town, kelly, books):
    kelly("customer", "create", "Jane", "--id", "CUST-001")
    sandbox, listener = town()
    sandbox.register(listener)
    sandbox.play(name)
    ran = prompt(kelly, "--wait")
    assert (ran.code, ran.json["state"]) == (1, "refused")
    assert sandbox.truth()["payments"] == []
    assert books() == {}


@ON_SQLITE
def test_a_prompt_whose_callback_is_lost_is_found_by_its_query(town, kelly, books):
    kelly("customer", "create", "Jane", "--id", "CUST-001")
    sandbox, listener = town()
    sandbox.register(listener)
    sandbox.play("stk-cancelled", prompts={"callback": False})
    ran = prompt(kelly)
    assert ran.json["state"] == "pending"
    sandbox.truth()
    assert kelly("mpesa", "prompt", "query", ran.json["id"], "--json").json["state"] == "refused"
    assert books() == {}
