"""The one road, through real books: every promise of the contract about a callback."""

import random
from datetime import date

import pytest
from sqlalchemy import insert

from kelly_cli.services.inbox import Delivery, Inbox, OurCode
from kelly_cli.store import inbox_rows
from kelly_cli.store.tables import PaymentPrompt


def test_paying_an_invoice_in_full_clears_it(books):
    books.customer()
    invoice = books.invoice(5000)
    assert books.pay("QGK12XYZ91", 5000, invoice) == "processed"
    assert books.invoice_state(invoice) == ("PAID", 5000)
    assert books.balance() == 0


def test_part_of_an_invoice_leaves_the_rest_owed(books):
    books.customer()
    invoice = books.invoice(10000)
    books.pay("QGK12XYZ91", 3000, invoice)
    assert books.invoice_state(invoice) == ("PARTIALLY_PAID", 3000)
    assert books.balance() == 7000


def test_what_is_paid_too_much_becomes_credit(books):
    books.customer()
    invoice = books.invoice(5000)
    books.pay("QGK12XYZ91", 7000, invoice)
    assert books.invoice_state(invoice) == ("PAID", 5000)
    assert books.balance() == -2000


def test_a_sale_gets_its_invoice_with_its_own_day_from_its_first_payment(books):
    sale = books.sale(100, day=date(2026, 1, 31))
    books.pay("QGK12XYZ91", 60, sale)
    found = books.one(
        "SELECT i.invoice_id, i.status FROM pos_sales s JOIN invoices i ON i.id = s.invoice_id"
    )
    assert found == ("INV-20260131-0001", "PARTIALLY_PAID")
    books.pay("QGK12XYZ92", 40, sale)
    assert books.invoice_state("INV-20260131-0001") == ("PAID", 100)


def test_money_on_account_pays_the_oldest_day_first_then_the_lowest_number(books):
    books.customer()
    late = books.invoice(100, day=date(2026, 2, 3))
    early = books.invoice(100, day=date(2026, 1, 3))
    second = books.invoice(100, day=date(2026, 1, 3))
    books.pay("QGK12XYZ91", 250, "CUST-001")
    states = [books.invoice_state(i) for i in (early, second, late)]
    assert states == [("PAID", 100), ("PAID", 100), ("PARTIALLY_PAID", 50)]


def test_more_than_an_invoice_pays_the_customers_other_invoices_before_it_is_credit_trap_42(books):
    books.customer()
    older = books.invoice(100, day=date(2026, 1, 3))
    named = books.invoice(100)
    books.pay("QGK12XYZ91", 250, named)
    assert books.invoice_state(older) == ("PAID", 100)
    assert books.invoice_state(named) == ("PAID", 100)
    assert books.balance() == -50


def test_credit_pays_a_sales_invoice_as_soon_as_it_is_made(books):
    books.customer()
    books.pay("QGK12XYZ91", 80, "CUST-001")
    sale = books.sale(100, "CUST-001")
    books.pay("QGK12XYZ92", 50, sale)
    assert books.one("SELECT status FROM invoices") == ("PAID",)
    assert books.balance() == -30


def test_surplus_on_a_sale_without_a_customer_stays_unallocated_without_an_owner(books):
    sale = books.sale(100)
    assert books.pay("QGK12XYZ91", 130, sale) == "processed"
    row = books.one("SELECT status, customer_id, amount_cents - allocated_cents FROM payments")
    assert row == ("COMPLETED", None, 3000)


def test_a_paid_sale_without_a_customer_takes_no_more_and_the_money_waits(books):
    sale = books.sale(100)
    books.pay("QGK12XYZ91", 100, sale)
    assert books.pay("QGK12XYZ92", 100, sale) == "failed"
    assert books.rows("SELECT status FROM payments ORDER BY id") == [("COMPLETED",), ("UNMATCHED",)]


@pytest.mark.parametrize(
    "written", ["inv-20260203-0001", "INV 20260203 0001", "#inv202602030001.", "INV–20260203–0001"]
)
def test_a_reference_is_folded_and_then_exact_trap_21(books, written):
    books.customer()
    books.invoice(100)
    assert books.pay("QGK12XYZ91", 100, written) == "processed"


@pytest.mark.parametrize("written", ["INV-20260203-000I", "INV-2026O203-0001", "ÍNV-20260203-0001"])
def test_a_reference_one_slip_away_is_never_guessed_trap_22(books, written):
    books.customer()
    books.invoice(100)
    assert books.pay("QGK12XYZ91", 100, written) == "failed"
    assert books.balance() == 100


@pytest.mark.parametrize(
    "written", ["0712345678", "254712345678", "+254 712 345 678", "712345678", "0712-345-678"]
)
def test_a_phone_in_any_written_form_is_its_customer(books, written):
    books.customer(phone="0712345678")
    assert books.pay("QGK12XYZ91", 100, written) == "processed"
    assert books.balance() == -100


def test_a_phone_of_two_customers_matches_neither_trap_22(books):
    books.customer("CUST-001", phone="0712345678")
    books.customer("CUST-002", phone="0712345678")
    assert books.pay("QGK12XYZ91", 100, "0712345678") == "failed"
    assert "ambiguous_phone" in books.one("SELECT error FROM webhook_logs")[0]


@pytest.mark.parametrize("reference", [..., "", "  ", None, 12, ["INV"], "NOBODY", "\u0000"])
def test_a_reference_that_fits_nothing_leaves_unmatched_money_and_a_failed_log(books, reference):
    assert books.pay("QGK12XYZ91", 100, reference) == "failed"
    assert books.one("SELECT status, amount_cents FROM payments") == ("UNMATCHED", 10000)


def test_a_second_copy_of_a_callback_changes_nothing(books):
    books.customer()
    books.invoice(5000)
    body = books.body("QGK12XYZ91", 7000, "CUST-001")
    assert books.take(body) == ["processed"]
    before = books.money()
    assert books.take(body, body) == ["duplicate", "duplicate"]
    assert books.take(body.replace(b"QGK12XYZ91", b" qgk12xyz91 ")) == ["duplicate"]
    assert books.money() == before
    assert books.one("SELECT count(*) FROM payments") == (1,)


def test_copies_in_one_batch_are_one_payment(books):
    books.customer()
    body = books.body("QGK12XYZ91", 70, "CUST-001")
    assert books.take(body, body, body) == ["processed", "duplicate", "duplicate"]
    assert books.balance() == -70


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"TransAmount": "71.00"}, "amount 71.00, first 70.00"),
        ({"TransTime": "20260203143023"}, "time 2026-02-03 14:30:23, first 2026-02-03 14:30:22"),
        ({"BillRefNumber": "CUST-002"}, "reference 'CUST-002', first 'CUST-001'"),
        ({"BusinessShortCode": "600000"}, "short code 600000, first 174379"),
    ],
)
def test_a_repeat_with_other_facts_is_a_conflict_that_names_them_and_moves_nothing_trap_13(
    books, changes, named
):
    books.inbox = Inbox(
        books.database,
        [OurCode("174379", "paybill", None, "local"), OurCode("600000", "till", None, "local")],
        lambda: books.hand.at,
    )
    books.customer("CUST-001")
    books.customer("CUST-002")
    books.pay("QGK12XYZ91", 70, "CUST-001")
    assert books.pay("QGK12XYZ91", 70, "CUST-001", **changes) == "conflict"
    assert named in books.rows("SELECT error FROM webhook_logs ORDER BY id")[-1][0]
    assert books.balance("CUST-001") == -70


def test_a_repeat_of_unmatched_money_gives_the_first_another_try(books):
    body = books.body("QGK12XYZ91", 100, "CUST-001")
    assert books.take(body) == ["failed"]
    books.customer()
    assert books.take(body) == ["duplicate"]
    assert books.log_words() == ["processed", "duplicate"]
    assert books.balance() == -100


def test_making_the_customer_alone_moves_nothing(books):
    books.pay("QGK12XYZ91", 100, "CUST-001")
    books.customer()
    assert books.balance() == 0
    assert books.log_words() == ["failed"]


def test_reprocess_places_what_was_put_right_and_only_once(books):
    books.pay("QGK12XYZ91", 100, "CUST-001")
    books.customer()
    assert books.retry() == ["processed"]
    assert books.retry() == []
    assert books.balance() == -100
    assert books.rows("SELECT attempts, error FROM webhook_logs") == [(2, None)]


def test_a_bad_body_does_not_use_up_its_receipt(books):
    books.customer()
    assert books.pay("QGK12XYZ91", "1.005", "CUST-001") == "failed"
    assert books.one("SELECT count(*) FROM payments") == (0,)
    assert books.pay("QGK12XYZ91", "1.00", "CUST-001") == "processed"
    assert books.rows("SELECT is_duplicate, error IS NOT NULL FROM webhook_logs ORDER BY id") == [
        (True, True),
        (False, False),
    ]


def test_a_bad_body_settled_in_the_same_batch_keeps_its_error(books):
    books.customer()
    bad, good = (books.body("QGK12XYZ91", amount, "CUST-001") for amount in ("-1", "1.00"))
    books.take(bad, good)
    assert books.log_words() == ["conflict", "processed"]  # a duplicate with its error kept


def test_a_bad_body_after_the_good_one_fails_and_reprocess_takes_it_off_the_list(books):
    books.customer()
    books.pay("QGK12XYZ91", "1.00", "CUST-001")
    assert books.pay("QGK12XYZ91", "0", "CUST-001") == "failed"
    assert books.retry() == ["duplicate"]


def test_a_short_code_that_is_not_ours_books_nothing_trap_33(books):
    assert books.pay("QGK12XYZ91", 1, "X", BusinessShortCode="999999") == "failed"
    assert books.one("SELECT count(*) FROM payments") == (0,)


def test_a_prompt_that_we_sent_says_where_its_money_goes(books):
    books.customer()
    invoice = books.invoice(100)
    with books.database.writing() as connection:
        row = connection.exec_driver_sql("SELECT id FROM invoices").scalar_one()
        connection.execute(
            insert(PaymentPrompt).values(
                checkout_request_id="ws_CO_1",
                phone="254708374149",
                amount_cents=10000,
                invoice_id=row,
                environment="local",
                state="pending",
                actor="tester",
                created_at=books.hand.at,
                updated_at=books.hand.at,
            )
        )
    assert books.take(books.stk("QGK12XYZ91", 100.00)) == ["processed"]
    assert books.invoice_state(invoice) == ("PAID", 100)


def test_the_c2b_twin_of_an_stk_callback_is_the_same_payment_and_fills_its_blanks(books):
    books.customer()
    assert books.take(books.stk("QGK12XYZ91", 100.00)) == ["failed"]
    assert books.pay("QGK12XYZ91", 100, "CUST-001") == "duplicate"
    assert books.log_words() == ["processed", "duplicate"]
    assert books.balance() == -100
    row = books.one("SELECT bill_ref_number, short_code, payer_name, msisdn FROM payments")
    assert row == ("CUST-001", "174379", "JANE", "254708374149")


def test_twins_in_one_batch_are_one_payment_in_either_order(books):
    books.customer()
    stk, c2b = books.stk("QGK12XYZ91", 100.00), books.body("QGK12XYZ91", 100, "CUST-001")
    books.take(stk, c2b)
    c2b2, stk2 = books.body("QGK12XYZ92", 5, "CUST-001"), books.stk("QGK12XYZ92", 5.00)
    books.take(c2b2, stk2)
    assert books.balance() == -105
    assert books.log_words() == ["processed", "duplicate", "processed", "duplicate"]


def test_a_refused_prompt_is_processed_without_money(books):
    assert books.take(books.stk("", 0, code=1032)) == ["processed"]
    assert books.one("SELECT count(*) FROM payments") == (0,)


def test_over_http_the_path_says_what_a_body_is(books):
    books.customer()
    c2b, stk = books.body("QGK12XYZ91", 1, "CUST-001"), books.stk("QGK12XYZ92", 1.00)
    assert books.take(c2b, kind="stk") == ["failed"]
    assert books.take(stk, kind="confirmation") == ["failed"]
    assert books.one("SELECT count(*) FROM payments") == (0,)


@pytest.mark.parametrize(
    "raw", [b"", b"\xff\xfe", b"{", b"null", b"[]", b'{"TransID":"A\x00B"}', b"x" * 70000]
)
def test_what_cannot_be_read_is_kept_to_the_byte_trap_10(books, raw):
    from kelly_cli.store.inbox_rows import raw_bytes

    assert books.take(raw) == ["failed"]
    payload, encoding = books.one("SELECT raw_payload, raw_encoding FROM webhook_logs")
    assert raw_bytes(payload, encoding) == raw


def test_one_poisonous_callback_costs_only_itself(books, monkeypatch):
    """A bug that only one body meets: the rest of its batch is booked, its bytes are kept."""
    from kelly_cli.core import posting

    books.customer()
    honest = posting.settle

    def buggy(core_books, money, target, make_invoice, **more):
        if money.receipt == "POISON0001":
            raise RuntimeError("a bug")
        honest(core_books, money, target, make_invoice, **more)

    monkeypatch.setattr("kelly_cli.services.batch.posting.settle", buggy)
    bodies = [books.body(f"QGK12XYZ{n}", 1, "CUST-001") for n in range(10, 20)]
    bodies.insert(5, books.body("POISON0001", 1, "CUST-001"))
    assert books.take(*bodies) == ["processed"] * 5 + ["failed"] + ["processed"] * 5
    assert books.balance() == -10
    books.pay("QGK12XYZ90", 1, "CUST-002")
    books.customer("CUST-002")
    assert books.retry() == ["failed", "processed"]
    monkeypatch.undo()
    assert books.retry() == ["processed"]
    assert books.balance() == -11


def test_pending_logs_of_a_crash_are_worked_off(books):

    books.customer()
    with books.database.writing() as connection:
        body = books.body("QGK12XYZ91", 1, "CUST-001")
        inbox_rows.add_pending_logs(
            connection, [("d1", "confirmation", "http", body)], books.hand.at
        )
    assert books.log_words() == ["pending"]
    done = [e.processed for _, es in books.inbox.retry(pending_only=True) for e in es]
    assert done == [True]


def test_a_rehearsal_shows_the_effect_and_keeps_nothing(books):
    books.pay("QGK12XYZ91", 100, "CUST-001")
    books.customer()
    with books.database.rehearsing() as connection:
        _, entries = books.inbox.retry_next(connection, (), 0)
        assert [entry.processed for entry in entries] == [True]
    assert books.log_words() == ["failed"]
    assert books.balance() == 0


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_the_same_callbacks_gives_the_same_balances(books, seed, tmp_path):
    """Balances, suspense and counts agree, and nothing is made or lost."""
    books.customer("CUST-001")
    books.customer("CUST-002", phone="0712345678")
    refs = [books.invoice(100, "CUST-001"), books.invoice(300, "CUST-002"), books.sale(50)]
    refs += ["CUST-001", "0712345678", "NOBODY"]
    chance = random.Random(seed)
    bodies = [
        books.body(f"QGK00000{n:02d}", chance.randint(1, 150), chance.choice(refs))
        for n in range(40)
    ]
    bodies += chance.sample(bodies, 10)
    chance.shuffle(bodies)
    for start in range(0, len(bodies), 7):
        books.take(*bodies[start : start + 7])
    books.retry()
    total = sum(int(float(__import__("json").loads(b)["TransAmount"]) * 100) for b in set(bodies))
    amount, allocated, free = books.money()
    assert amount == total == allocated + free
    suspense = books.one(
        "SELECT coalesce(sum(amount_cents - allocated_cents), 0) FROM payments "
        "WHERE customer_id IS NULL"
    )[0]
    to_sale = books.one("SELECT amount_paid_cents FROM invoices WHERE customer_id IS NULL")[0]
    balances = books.balance("CUST-001") + books.balance("CUST-002")
    assert round(balances * 100) == 40000 - (total - int(suspense) - int(to_sale))


def test_delivery_ids_are_taken_once(books):
    from kelly_cli.services.inbox import delivery_ids

    ids = delivery_ids()
    deliveries = [Delivery(b"{}", None, "http", next(ids)) for _ in range(100)]
    books.inbox.take(deliveries)
    assert books.one("SELECT count(DISTINCT delivery_id) FROM webhook_logs") == (100,)


def test_a_callback_may_name_the_invoice_that_one_of_its_own_batch_made(books):
    """The invoice of a sale is made by its first payment: in one batch as in two."""
    books.customer()
    sale = books.sale(100, "CUST-001")
    first = books.body("QGK12XYZ91", 40, sale)
    second = books.body("QGK12XYZ92", 60, "INV-20260203-0001")
    assert books.take(first, second) == ["processed", "processed"]
    assert books.one("SELECT amount_paid_cents FROM invoices")[0] == 10_000
