"""What became of prompts: callbacks in any order, lost replies, questions to Safaricom."""

import pytest

from kelly_cli.daraja.client.errors import OutcomeUnknownError
from kelly_cli.errors import ConflictError
from kelly_cli.services import prompt_lookup, prompt_watching

CHECKOUT = "ws_CO_1"


def waited(desk, prompt, timeout_s=60):
    seen = prompt_watching.wait(
        desk, prompt, business_code="174379", timeout_s=timeout_s, sleep=desk.clock.sleep
    )
    return [each.state for each in seen]


# the answer


def test_trap_14_a_paid_prompt_and_its_c2b_twin_are_one_payment(till, ask, again, sound):
    sent = ask(invoice_id=till.number)
    assert till.take(till.stk("QGK12XYZ91", 100.00)) == ["processed"]
    paid = again(sent)
    assert (paid.state, paid.receipt, paid.result_code) == ("paid", "QGK12XYZ91", "0")
    assert till.invoice_state(till.number) == ("PAID", 100)
    assert till.pay("QGK12XYZ91", 100, sent.reference) == "duplicate"
    assert till.money() == (10_000, 10_000, 0)
    sound()


def test_trap_14_the_twin_first_with_the_reference_that_was_sent(till, ask, again, sound):
    sent = ask(invoice_id=till.number)
    assert till.pay("QGK12XYZ91", 100, sent.reference) == "processed"
    assert till.invoice_state(till.number) == ("PAID", 100)
    assert again(sent).state == "pending"
    assert till.take(till.stk("QGK12XYZ91", 100.00)) == ["duplicate"]
    paid = again(sent)
    assert (paid.state, paid.receipt) == ("paid", "QGK12XYZ91")
    assert till.money() == (10_000, 10_000, 0)
    sound()


def test_trap_14_the_twin_first_with_a_reference_that_nobody_knows(till, ask, again, sound):
    sent = ask(invoice_id=till.number)
    assert till.pay("QGK12XYZ91", 100, "whatever") == "failed"
    assert till.take(till.stk("QGK12XYZ91", 100.00)) == ["duplicate"]
    assert (again(sent).receipt, till.log_words()) == (
        "QGK12XYZ91",
        ["processed", "duplicate"],
    )
    assert till.invoice_state(till.number) == ("PAID", 100)
    sound()


def test_both_channels_in_one_batch_settle_the_prompt_once(till, ask, again, sound):
    sent = ask(invoice_id=till.number)
    stk = till.stk("QGK12XYZ91", 100.00)
    till.take(till.body("QGK12XYZ91", 100, sent.reference), stk, stk)
    assert again(sent).receipt == "QGK12XYZ91"
    assert till.money() == (10_000, 10_000, 0)
    sound()


def test_a_refusal_by_the_payer_settles_the_prompt(till, ask, again):
    sent = ask(invoice_id=till.number)
    assert till.take(till.stk("", 0, code=1032)) == ["processed"]
    refused = again(sent)
    assert (refused.state, refused.result_code) == ("refused", "1032")
    assert refused.result_desc == "Request cancelled by user"
    assert ask(invoice_id=till.number).id != sent.id


def test_money_is_more_than_a_refusal_in_either_order(till, ask, again, sound):
    sent = ask(invoice_id=till.number)
    refusal, money = till.stk("", 0, code=1032), till.stk("QGK12XYZ91", 100.00)
    till.take(refusal)
    till.take(money)
    till.take(refusal)
    till.take(money, refusal)
    assert (again(sent).state, again(sent).receipt) == ("paid", "QGK12XYZ91")
    sound()


@pytest.mark.parametrize("code", [0, 1032])
def test_a_callback_that_comes_before_the_reply_is_tied_by_it(till, safaricom, code, ask, sound):
    def early(body):
        reply = safaricom.accept(body)
        till.take(till.stk("QGK12XYZ91", 100.00, code=code))
        return reply

    safaricom.push = early
    sent = ask(invoice_id=till.number)
    assert sent.checkout_request_id == CHECKOUT
    if code:
        assert (sent.state, sent.result_code) == ("refused", "1032")
        return
    assert (sent.state, sent.receipt) == ("paid", "QGK12XYZ91")
    assert till.invoice_state(till.number) == ("PAID", 100)
    assert till.log_words() == ["processed"]
    sound()


def test_both_twins_before_the_reply(till, safaricom, ask, sound):
    def early(body):
        reply = safaricom.accept(body)
        till.take(till.stk("QGK12XYZ91", 100.00))
        till.take(till.body("QGK12XYZ91", 100, body["AccountReference"]))
        return reply

    safaricom.push = early
    sent = ask(invoice_id=till.number)
    assert (sent.state, sent.receipt) == ("paid", "QGK12XYZ91")
    assert till.money() == (10_000, 10_000, 0)
    sound()


# a lost reply


def test_a_lost_reply_leaves_the_prompt_unknown_and_says_how_to_look(
    till, desk, safaricom, ask, query
):
    safaricom.push = lambda _body: None
    with pytest.raises(OutcomeUnknownError) as caught:
        ask(invoice_id=till.number)
    (kept,) = prompt_lookup.list_prompts(desk.database)
    assert (kept.state, kept.checkout_request_id) == ("unknown", None)
    assert f"kelly mpesa prompt query {kept.id}" in caught.value.hint
    assert len(safaricom.pushes()) == 1
    with pytest.raises(ConflictError):
        ask(invoice_id=till.number)
    assert query(kept).state == "unknown"


def test_a_lost_reply_is_found_among_the_callbacks_when_only_one_can_be_it(
    till, desk, safaricom, ask, query, sound
):
    safaricom.push = lambda _body: None
    with pytest.raises(OutcomeUnknownError):
        ask(invoice_id=till.number)
    assert till.take(till.stk("QGK12XYZ91", 100.00, checkout="ws_CO_77")) == ["failed"]
    (kept,) = prompt_lookup.list_prompts(desk.database)
    found = query(kept)
    assert (found.state, found.receipt, found.checkout_request_id) == (
        "paid",
        "QGK12XYZ91",
        "ws_CO_77",
    )
    assert till.invoice_state(till.number) == ("PAID", 100)
    sound()


@pytest.mark.parametrize("doubt", ["two prompts", "two callbacks", "another amount"])
def test_a_lost_reply_is_not_guessed(till, desk, safaricom, doubt, ask, query):
    safaricom.push = lambda _body: None
    for _ in range(2 if doubt == "two prompts" else 1):
        with pytest.raises(OutcomeUnknownError):
            ask(invoice_id=till.number, again=True)
    amount = 99.00 if doubt == "another amount" else 100.00
    till.take(till.stk("QGK12XYZ91", amount, checkout="ws_CO_77"))
    if doubt == "two callbacks":
        till.take(till.stk("QGK12XYZ92", amount, checkout="ws_CO_78"))
    for kept in prompt_lookup.list_prompts(desk.database):
        assert query(kept).state == "unknown"
    assert till.invoice_state(till.number) == ("UNPAID", 0)


@pytest.mark.parametrize("stopped", [KeyboardInterrupt, RuntimeError])
def test_a_sender_that_is_stopped_leaves_the_prompt_unknown(till, ask, desk, stopped, monkeypatch):
    def stop(**_):
        raise stopped

    monkeypatch.setattr(desk.daraja, "stk_push", stop)
    with pytest.raises(stopped):
        ask(invoice_id=till.number)
    (kept,) = prompt_lookup.list_prompts(desk.database)
    assert kept.state == "unknown"


def test_an_intent_whose_program_died_is_unknown_after_a_while(
    till, ask, query, desk, clock, safaricom
):
    seen = []

    def look(_body):
        (kept,) = prompt_lookup.list_prompts(desk.database)
        seen.append(query(kept).state)
        clock.sleep(121)
        seen.append(query(kept).state)
        return safaricom.accept(_body)

    safaricom.push = look
    assert ask(invoice_id=till.number).state == "pending"
    assert seen == ["intended", "unknown"]


# asking


@pytest.mark.parametrize("reply", ["500.001.1001", "4999"])
def test_trap_37_pending_is_not_failure(till, desk, safaricom, reply, ask, again, query):
    sent = ask(invoice_id=till.number)
    if reply == "4999":
        safaricom.state("4999", "The transaction is still under processing")
    assert query(sent).state == "pending"
    assert waited(desk, sent, 30) == []
    assert again(sent).state == "pending"


def test_a_refusal_and_a_payment_are_told_by_query(till, safaricom, ask, again, query):
    sent = ask(invoice_id=till.number)
    safaricom.state("1037", "DS timeout user cannot be reached")
    found = query(sent)
    assert (found.state, found.result_code) == ("refused", "1037")
    sent = ask(invoice_id=till.number)
    safaricom.state("0", "The service request is processed successfully.")
    found = query(sent)
    assert (found.state, found.receipt) == ("paid", None)
    till.take(till.stk("QGK12XYZ91", 100.00, checkout="ws_CO_2"))
    assert again(sent).receipt == "QGK12XYZ91"


def test_a_paid_prompt_finds_its_twin_when_its_own_callback_never_came(till, safaricom, ask, query):
    sent = ask(invoice_id=till.number)
    till.pay("QGK12XYZ90", 100, sent.reference)
    till.pay("QGK12XYZ91", 100, sent.reference, TransTime="20260203150010")
    safaricom.state("0")
    found = query(sent)
    assert (found.state, found.receipt) == ("paid", "QGK12XYZ91")


def test_waiting_sees_the_callback_come(till, desk, clock, ask):
    sent = ask(invoice_id=till.number)
    sleeps = []

    def sleep(seconds):
        clock.sleep(seconds)
        sleeps.append(seconds)
        if len(sleeps) == 3:
            till.take(till.stk("QGK12XYZ91", 100.00))

    seen = prompt_watching.wait(desk, sent, business_code="174379", timeout_s=60, sleep=sleep)
    assert [(each.state, each.receipt) for each in seen] == [("paid", "QGK12XYZ91")]
    assert len(sleeps) == 3


def test_waiting_asks_ever_more_seldom_and_survives_a_broken_answer(till, desk, safaricom, ask):
    sent = ask(invoice_id=till.number)
    asked = len(safaricom.asked)
    assert waited(desk, sent, 100) == []
    assert len(safaricom.asked) - asked == 3
    safaricom.query = lambda _body: safaricom.BAD
    assert waited(desk, sent, 15) == []
    safaricom.state("1032", "Request cancelled by user")
    assert waited(desk, sent, 60) == ["refused"]
