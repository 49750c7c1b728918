"""What is asked, of whom, under which reference; and never twice."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from kelly_cli.daraja.client.errors import DarajaRefusedError
from kelly_cli.errors import ConflictError, DomainError, KellyError, NotFoundError
from kelly_cli.services import prompt_lookup, prompting

PHONE = "254708374149"
CHECKOUT = "ws_CO_1"
CALLBACK = "http://127.0.0.1:8000/stk/callback"


# what is sent


def test_a_prompt_for_an_invoice_asks_its_customer_for_what_is_open(till, safaricom, ask, sound):
    sent = ask(invoice_id=till.number)
    assert (sent.state, sent.checkout_request_id) == ("pending", CHECKOUT)
    assert (sent.amount_cents, sent.phone, sent.invoice_id) == (10_000, PHONE, till.number)
    (body,) = safaricom.pushes()
    assert (body["Amount"], body["AccountReference"]) == (100, "I2602030001")
    assert body["TransactionDesc"] == "Invoice"
    assert body["CallBackURL"] == CALLBACK
    assert (body["PartyB"], body["TransactionType"]) == ("174379", "CustomerPayBillOnline")
    sound()


def test_a_prompt_for_a_sale_and_a_part_of_an_invoice(till, safaricom, ask):
    sale = till.sale(50)
    ask(pos_id=sale, phone="0712 345 678")
    ask(invoice_id=till.number, amount_cents=3_000)
    first, second = safaricom.pushes()
    assert (first["AccountReference"], first["Amount"]) == ("P2602030001", 50)
    assert str(first["PhoneNumber"]) == "254712345678"
    assert second["Amount"] == 30


@pytest.mark.parametrize(
    ("values", "reference"),
    [
        ({"reference": "cust001"}, "CUST-001"),
        ({"reference": "HELLO-1", "phone": "0712345678"}, "HELLO-1"),
        ({"phone": "0712345678"}, "254712345678"),
        ({"reference": "I2602030001"}, "I2602030001"),
        ({"reference": "INV-20260203-0001"}, "I2602030001"),
    ],
)
def test_the_reference_is_what_the_twin_will_carry(till, safaricom, values, reference, ask):
    sent = ask(amount_cents=1_000, **values)
    assert safaricom.pushes()[0]["AccountReference"] == sent.reference == reference
    assert len(sent.reference) <= 12


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"invoice_id": "INV-20260203-0009"}, "invoice_not_found"),
        ({"pos_id": "POS-20260203-0009"}, "sale_not_found"),
        ({"invoice_id": "INV-20260203-0001", "amount_cents": 10_100}, "more_than_open"),
        ({"invoice_id": "INV-20260203-0001", "amount_cents": 1_050}, "amount_not_whole"),
        ({"invoice_id": "INV-20260203-0001", "phone": "12"}, "bad_phone"),
        ({"amount_cents": 1_000}, "no_phone"),
        ({"amount_cents": 1_000, "phone": PHONE, "reference": "a&b"}, "bad_reference"),
        ({"amount_cents": 1_000, "phone": PHONE, "reference": "a" * 13}, "bad_reference"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_kept_or_sent(
    till, desk, safaricom, values, code, ask
):
    with pytest.raises((DomainError, NotFoundError)) as caught:
        ask(**values)
    assert caught.value.code == code
    assert safaricom.asked == []
    assert prompt_lookup.list_prompts(desk.database) == []


def test_a_paid_invoice_is_not_asked_for(till, ask):
    till.pay("QGK12XYZ91", 100, till.number)
    with pytest.raises(ConflictError) as caught:
        ask(invoice_id=till.number)
    assert caught.value.code == "nothing_open"


def test_the_intent_is_on_disk_before_the_request_goes_out(till, desk, safaricom, ask):
    seen = []

    def look(body):
        seen.extend(prompt_lookup.list_prompts(desk.database))
        return safaricom.accept(body)

    safaricom.push = look
    ask(invoice_id=till.number)
    assert [(each.state, each.checkout_request_id) for each in seen] == [("intended", None)]


# never twice


def test_a_prompt_that_may_still_be_paid_stops_a_second_one(till, safaricom, ask, query):
    first = ask(invoice_id=till.number)
    for values in ({"invoice_id": till.number}, {"invoice_id": till.number, "amount_cents": 900}):
        with pytest.raises(ConflictError) as caught:
            ask(**values)
        assert caught.value.code == "prompt_open"
        assert f"kelly mpesa prompt query {first.id}" in caught.value.hint
    assert len(safaricom.pushes()) == 1
    ask(invoice_id=till.number, again=True)
    assert len(safaricom.pushes()) == 2


def test_eight_at_once_ring_the_phone_once(till, safaricom, ask):
    def try_it(_):
        try:
            return ask(invoice_id=till.number).state
        except ConflictError as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        found = sorted(pool.map(try_it, range(8)))
    assert found == ["pending"] + ["prompt_open"] * 7
    assert len(safaricom.pushes()) == 1


def test_a_refused_prompt_may_be_tried_again(till, desk, safaricom, ask):
    safaricom.push = lambda _body: safaricom.BAD
    with pytest.raises(DarajaRefusedError):
        ask(invoice_id=till.number)
    (kept,) = prompt_lookup.list_prompts(desk.database)
    assert (kept.state, kept.result_code) == ("refused", "400.002.02")
    safaricom.push = safaricom.accept
    assert ask(invoice_id=till.number).state == "pending"


def test_books_that_cannot_note_the_reply_say_what_was_sent(till, monkeypatch, ask):
    def broken(*_args, **_values):
        raise KellyError("disk full")

    monkeypatch.setattr(prompting, "name_prompt", broken)
    with pytest.raises(KellyError, match="ws_CO_1") as caught:
        ask(invoice_id=till.number)
    assert caught.value.code == "prompt_not_noted"


def test_a_prompt_is_found_by_either_name(till, desk, ask):
    sent = ask(invoice_id=till.number)
    assert prompt_lookup.find_prompt(desk.database, CHECKOUT).id == sent.id
    for name in ("99", "ws_CO_9", "9" * 40, "\u0661"):
        with pytest.raises(NotFoundError) as caught:
            prompt_lookup.find_prompt(desk.database, name)
        assert caught.value.code == "prompt_not_found"
    assert prompt_lookup.list_prompts(desk.database, states=["paid"]) == []
