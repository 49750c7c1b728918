"""What was voided or reversed by mistake comes back; its money waits for a person."""

from datetime import UTC, date, datetime, timedelta

import pytest

from kelly_cli.errors import ConflictError, NotFoundError
from kelly_cli.services import allocating, checking, invoices, payments, reversing, reviving, sales
from kelly_cli.services.allocating import Share
from kelly_cli.services.invoices import NewInvoice
from kelly_cli.store.sale_rows import SaleItem

LATER = datetime(2026, 2, 3, 12, 0, 0, tzinfo=UTC)
RECEIPT = "QGK12XYZ91"


@pytest.fixture
def shop(books):
    books.customer()
    return books


@pytest.fixture
def issue(shop):
    def made(shillings, day=date(2026, 2, 3)):
        wanted = NewInvoice("CUST-001", shillings * 100, day)
        return invoices.create_invoice(shop.database, shop.hand, wanted).invoice.invoice_id

    return made


@pytest.fixture
def sell(shop):
    def made(shillings, customer_id=None):
        return sales.create_sale(
            shop.database,
            shop.hand,
            items=[SaleItem("P-1", "Soda", 1, shillings * 100)],
            sold_on=date(2026, 2, 3),
            customer_id=customer_id,
        ).pos_id

    return made


def sound(shop):
    found = checking.check(shop.database, now=LATER + timedelta(days=1))
    own = "no audit row customer.create"
    assert [str(each) for each in found.violations if each.detail != own] == []


def void(shop, name):
    return invoices.void_invoice(shop.database, shop.hand, name)


def revive(shop, name, **options):
    return reviving.revive_invoice(shop.database, shop.hand, name, **options)


def restore(shop, **options):
    return reversing.restore_by_hand(shop.database, shop.hand, RECEIPT, **options)


def reverse(shop):
    return reversing.reverse_by_hand(shop.database, shop.hand, RECEIPT)


def test_an_invoice_is_owed_again_and_what_was_freed_waits(shop, issue):
    name = issue(50)
    shop.pay(RECEIPT, 50, name)
    void(shop, name)
    back = revive(shop, name)
    assert (back.status, back.balance_cents, back.voided_at) == ("UNPAID", 5000, None)
    assert shop.balance() == 0
    allocating.allocate(shop.database, shop.hand, RECEIPT, [Share(name, None)])
    assert shop.invoice_state(name) == ("PAID", 50)
    sound(shop)


def test_credit_that_waits_for_nobody_pays_it_at_once(shop, issue):
    name = issue(50)
    void(shop, name)
    shop.pay(RECEIPT, 70, "CUST-001")
    back = revive(shop, name)
    assert (back.status, back.paid_cents) == ("PAID", 5000)
    assert shop.balance() == -20
    sound(shop)


def test_younger_invoices_that_were_paid_meanwhile_stay_paid(shop, issue):
    old, young = issue(50, date(2026, 2, 1)), issue(30)
    void(shop, old)
    shop.pay(RECEIPT, 30, "CUST-001")
    revive(shop, old)
    assert shop.invoice_state(young) == ("PAID", 30)
    assert shop.invoice_state(old) == ("UNPAID", 0)
    sound(shop)


@pytest.mark.parametrize("owner", [None, "CUST-001"])
def test_a_sale_stands_again_with_its_invoice(shop, sell, owner):
    name = sell(30, owner)
    shop.pay(RECEIPT, 30, name)
    sales.void_sale(shop.database, shop.hand, name)
    back = reviving.revive_sale(shop.database, shop.hand, name)
    assert (back.status, back.balance_cents, back.voided_at) == ("PENDING", 3000, None)
    assert shop.invoice_state(back.invoice_id) == ("UNPAID", 0)
    sound(shop)


def test_a_sale_that_nobody_paid_has_no_invoice_to_bring_back(shop, sell):
    name = sell(30)
    sales.void_sale(shop.database, shop.hand, name)
    assert reviving.revive_sale(shop.database, shop.hand, name).invoice_id is None
    shop.pay(RECEIPT, 30, name)
    assert sales.show_sale(shop.database, name).status == "PAID"
    sound(shop)


def test_a_reversal_that_was_a_mistake_is_taken_back(shop, issue):
    name = issue(50)
    shop.pay(RECEIPT, 70, name)
    reverse(shop)
    back = restore(shop)
    assert (back.status, back.unallocated_cents, back.pinned) == ("COMPLETED", 7000, True)
    assert shop.invoice_state(name) == ("UNPAID", 0)
    assert shop.balance() == -20
    sound(shop)


def test_nobodys_money_is_back_in_suspense_and_on_the_failed_list(shop, sell):
    shop.pay(RECEIPT, 30, sell(30))
    reverse(shop)
    assert restore(shop).status == "UNMATCHED"
    assert shop.log_words() == ["failed"]
    found = payments.show_payment(shop.database, RECEIPT).payment
    assert "its reversal was taken back" in found.unmatched_reason
    sound(shop)


def test_it_can_be_reversed_again_and_taken_back_again(shop):
    shop.pay(RECEIPT, 70, "CUST-001")
    for _ in range(2):
        reverse(shop)
        restore(shop)
    assert shop.rows(
        "SELECT action FROM audit WHERE substr(action, 1, 8) = 'payment.' ORDER BY id"
    ) == [
        ("payment.reverse",),
        ("payment.restore",),
        ("payment.reverse",),
        ("payment.restore",),
    ]
    sound(shop)


def test_what_safaricom_reversed_stays_reversed(shop):
    shop.pay(RECEIPT, 70, "CUST-001")
    with shop.database.writing() as connection:
        payment = payments.get_payment(connection, RECEIPT)
        reversing.book(connection, shop.hand, payment, "told by Safaricom")
    with pytest.raises(ConflictError, match="told by Safaricom") as caught:
        restore(shop)
    assert caught.value.code == "reversed_elsewhere"


def test_a_result_of_safaricom_outweighs_a_persons_word(shop):
    shop.pay(RECEIPT, 70, "CUST-001")
    reverse(shop)
    with shop.database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO daraja_requests (kind, environment, short_code, receipt, payment_id, "
            "amount_cents, actor, state, created_at, updated_at) VALUES ('reversal', 'local', "
            f"'174379', '{RECEIPT}', 1, 7000, 'ann', 'done', '2026-02-03 08:00:00.000000', "
            "'2026-02-03 08:00:00.000000')"
        )
    with pytest.raises(ConflictError, match="the result of request 1") as caught:
        restore(shop)
    assert caught.value.code == "reversed_elsewhere"


def test_what_stands_has_nothing_to_undo(shop, issue, sell):
    name, sale = issue(50), sell(30)
    shop.pay(RECEIPT, 30, sale)
    paid = sales.show_sale(shop.database, sale)
    for verb, subject, code in (
        (reviving.revive_invoice, name, "not_void"),
        (reviving.revive_invoice, paid.invoice_id, "invoice_of_sale"),
        (reviving.revive_sale, sale, "not_void"),
        (reversing.restore_by_hand, RECEIPT, "not_reversed"),
    ):
        with pytest.raises(ConflictError) as caught:
            verb(shop.database, shop.hand, subject)
        assert caught.value.code == code
    with pytest.raises(NotFoundError):
        reviving.revive_invoice(shop.database, shop.hand, "INV-20990101-0001")


def test_what_is_tried_dry_changes_nothing(shop, issue):
    name = issue(50)
    shop.pay(RECEIPT, 20, "CUST-001")
    void(shop, name)
    reverse(shop)
    before = shop.rows("SELECT status FROM invoices"), shop.rows("SELECT status FROM payments")
    assert revive(shop, name, dry_run=True).status == "UNPAID"
    assert restore(shop, dry_run=True).status == "COMPLETED"
    after = shop.rows("SELECT status FROM invoices"), shop.rows("SELECT status FROM payments")
    assert after == before
    sound(shop)
