"""The short name that a prompt carries finds its invoice or sale, unless it is somebody's id."""

import pytest

from kelly_cli.core.books import Target
from kelly_cli.store import book_rows


@pytest.mark.parametrize("typed", ["I2602030001", " i-260203-0001 ", "inv-20260203-0001"])
def test_both_names_of_an_invoice_pay_it(till, typed):
    assert till.pay("QGK12XYZ91", 100, typed) == "processed"
    assert till.invoice_state(till.number) == ("PAID", 100)


def test_the_short_name_of_a_sale(till):
    till.sale(50)
    assert till.pay("QGK12XYZ91", 50, "P2602030001") == "processed"


def test_an_id_of_before_wins_and_a_prompt_then_takes_the_customers_name(till, ask):
    with till.database.writing() as connection:
        for statement in (
            "UPDATE reference_keys SET key = 'I2602030001' WHERE customer_id IS NOT NULL",
            "UPDATE customers SET customer_id = 'I2602030001'",
        ):
            connection.exec_driver_sql(statement)
        row = connection.exec_driver_sql("SELECT id FROM customers").scalar_one()
        found = book_rows.find_keys(connection, ["I2602030001", "INV202602030001"])
    assert found["I2602030001"] == Target(customer=row)
    assert found["INV202602030001"].invoice is not None
    assert ask(invoice_id=till.number).reference == "I2602030001"


def test_purge_takes_the_phone_out_of_a_prompt(till, ask):
    from datetime import timedelta

    from kelly_cli.services import purging

    sent = ask(amount_cents=1_000, phone="0712345678")
    assert sent.reference == "254712345678"
    before = till.hand.at + timedelta(days=1)
    done = purging.purge(till.database, till.hand, before=before, age="1d")
    assert done.prompts == 1
    ((phone, reference),) = till.rows("SELECT phone, reference FROM payment_prompts")
    assert "12345" not in phone + reference
    assert phone.startswith("2547")
    again = purging.purge(till.database, till.hand, before=before, age="1d")
    assert again.prompts == 0
