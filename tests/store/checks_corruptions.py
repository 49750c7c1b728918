"""Single corruptions of healthy books, each with the invariants that must be named.

name: the invariants that must be named, * when PostgreSQL is tried too
    without TABLE PART    SQLite: taken out of the table's definition first
    drop TABLE CONSTRAINT    PostgreSQL: dropped first
    SQL for both;
"""

from typing import NamedTuple

STATUS = r"GENERATED ALWAYS AS \(CASE.*?END\) STORED"
AMOUNT = r"GENERATED ALWAYS AS \(round.*?\)\) STORED"
UNIQUE_RECEIPT = r",\s*CONSTRAINT uq_payments_mpesa_receipt_number UNIQUE \(mpesa_receipt_number\)"
UNIQUE_INVOICE = r",\s*CONSTRAINT uq_pos_sales_invoice_id UNIQUE \(invoice_id\)"

_PLACED = "FROM payments WHERE matched_by = 'customer' AND allocated_cents > 1 AND NOT pinned)"
NAMES = {
    "ORIGIN": f"(SELECT min(log_id) {_PLACED}",
    "PLACED": f"(SELECT min(id) {_PLACED}",
    "LONE": "(SELECT min(id) FROM payments WHERE status = 'UNMATCHED' AND NOT pinned)",
    "REPEAT": "(SELECT min(id) FROM webhook_logs WHERE is_duplicate AND error IS NULL)",
    "MOVED": "(SELECT min(id) FROM allocations WHERE reason = 'fifo')",
    "OPEN": "(SELECT max(id) FROM invoices WHERE status = 'PARTIALLY_PAID')",
    "PAID": "(SELECT min(id) FROM invoices WHERE status = 'PAID')",
    "SOLD": "(SELECT min(id) FROM pos_sales WHERE invoice_id IS NOT NULL AND voided_at IS NULL)",
    "UNSOLD": "(SELECT max(id) FROM pos_sales WHERE invoice_id IS NULL AND voided_at IS NULL)",
    "COPIED": (
        "channel, short_code, amount_cents, transaction_date, bill_ref_number, customer_id, "
        "matched_by, unmatched_reason, log_id, created_at"
    ),
}
"""What the SQL calls by a name in braces: rows of the story, and the columns of a copy."""


class Corruption(NamedTuple):
    name: str
    expects: tuple[str, ...]
    sql: tuple[str, ...]
    bare: tuple[tuple[str, str], ...]
    drops: tuple[str, ...]
    on_postgres: bool


MONEY = """
amount_as_real: I-01
    UPDATE payments SET amount_cents = amount_cents + 0.5 WHERE id = {LONE};

paid_as_text: I-01
    UPDATE invoices SET amount_paid_cents = 'all' WHERE id = {PAID};

amount_missing: I-01
    UPDATE pos_items SET quantity = x'01' WHERE sale_id = {UNSOLD};

amount_for_people_off: I-01
    without payments AMOUNT
    UPDATE payments SET amount = amount + 1 WHERE id = {LONE};

negative_payment: I-02 *
    drop payments ck_payments_amount
    drop payments ck_payments_allocated
    UPDATE payments SET amount_cents = -amount_cents WHERE id = {LONE};

invoice_for_nothing: I-02
    UPDATE invoices SET amount_cents = 0 WHERE amount_paid_cents = 0;

an_impossible_amount: I-02
    UPDATE invoices SET amount_cents = 100000000000001 WHERE id = {OPEN};

a_move_of_nothing: I-02
    UPDATE allocations SET amount_cents = 0 WHERE id = {MOVED};

a_negative_move_on_account: I-02
    UPDATE allocations SET reason = 'fifo' WHERE reason = 'void';

one_more_in_a_line: I-03 *
    UPDATE pos_items SET quantity = quantity + 1 WHERE sale_id = {UNSOLD};

a_dearer_line: I-03
    UPDATE pos_items SET unit_price_cents = unit_price_cents + 1 WHERE sale_id = {SOLD};

a_line_lost: I-03
    DELETE FROM pos_items WHERE sale_id = {UNSOLD};

a_larger_total: I-03
    UPDATE pos_sales SET total_cents = total_cents + 1 WHERE id = {UNSOLD};
"""

LOGS = """
receipt_again_in_lower_case: I-04 *
    INSERT INTO payments (mpesa_receipt_number, {COPIED}) SELECT lower(mpesa_receipt_number),
        {COPIED} FROM payments WHERE id = {PLACED};

receipt_twice: I-04 *
    without payments UNIQUE_RECEIPT
    drop payments uq_payments_mpesa_receipt_number
    INSERT INTO payments (mpesa_receipt_number, {COPIED}) SELECT mpesa_receipt_number, {COPIED}
        FROM payments WHERE id = {PLACED};

receipt_with_a_blank: I-04
    UPDATE payments SET mpesa_receipt_number = ' ' || mpesa_receipt_number WHERE id = {LONE};

log_lost: I-05 *
    DELETE FROM webhook_logs WHERE id = {ORIGIN};

log_forgets_its_payment: I-05
    UPDATE webhook_logs SET payment_id = NULL WHERE id = {ORIGIN};

log_names_another_receipt: I-05
    UPDATE webhook_logs SET trans_id = 'OTHER00001' WHERE id = {ORIGIN};

payment_forgets_its_log: I-05
    UPDATE payments SET log_id = NULL WHERE id = {PLACED};

two_payments_of_one_log: I-05
    UPDATE payments SET log_id = {ORIGIN} WHERE id = {LONE};

origin_marked_duplicate: I-05 I-07
    UPDATE webhook_logs SET processed = false, is_duplicate = true WHERE id = {ORIGIN};

repeat_marked_processed: I-05
    UPDATE webhook_logs SET processed = true, is_duplicate = false WHERE id = {REPEAT};

log_forgotten: I-06 *
    UPDATE webhook_logs SET processed = false WHERE id = {ORIGIN};

two_outcomes: I-06 I-11 *
    drop webhook_logs ck_webhook_logs_one_outcome
    UPDATE webhook_logs SET is_duplicate = true WHERE id = {ORIGIN};

processed_twice_over: I-06
    UPDATE webhook_logs SET processed = 2 WHERE id = {ORIGIN};

duplicate_of_nothing: I-07
    UPDATE webhook_logs SET payment_id = NULL WHERE id = {REPEAT};

duplicate_of_another: I-07
    UPDATE webhook_logs SET payment_id = {LONE} WHERE id = {REPEAT};

settled_by_nobody: I-07
    UPDATE webhook_logs SET trans_id = 'OTHER00001' WHERE is_duplicate AND payment_id IS NULL;

failure_of_placed_money: I-08 *
    UPDATE webhook_logs SET processed = false, error = 'x' WHERE id = {ORIGIN};

a_cent_more_received: I-09 *
    UPDATE payments SET amount_cents = amount_cents + 1 WHERE id = {LONE};

three_hours_later: I-09 *
    UPDATE payments SET transaction_date = '2026-01-05 01:02:03.000000' WHERE id = {PLACED};

another_till: I-09
    UPDATE payments SET short_code = '600000' WHERE id = {PLACED};

another_reference: I-09
    UPDATE payments SET bill_ref_number = 'CUST-009' WHERE id = {PLACED};

a_reference_nobody_gave: I-09
    UPDATE payments SET bill_ref_number = 'CUST-009' WHERE channel = 'stk';

money_never_booked: I-09
    UPDATE webhook_logs SET payment_id = NULL WHERE id = {ORIGIN};

a_byte_changed: I-10 *
    UPDATE webhook_logs SET raw_payload = replace(raw_payload, 'JANE', 'JOHN') WHERE id =
        {ORIGIN};

base64_broken: I-10
    UPDATE webhook_logs SET raw_payload = '*' WHERE raw_encoding = 'base64';

a_digest_changed: I-10
    UPDATE webhook_logs SET raw_sha256 = x'00' WHERE id = {REPEAT};
"""

ALLOCATION = """
a_cent_more_allocated: I-12 I-13 *
    UPDATE allocations SET amount_cents = amount_cents + 1 WHERE id = {MOVED};

allocated_sum_off: I-12 I-20 I-26
    UPDATE payments SET allocated_cents = allocated_cents - 1 WHERE id = {PLACED};

an_allocation_lost: I-12 I-24 I-26 *
    DELETE FROM allocations WHERE id = {MOVED};

taken_back_twice: I-12
    INSERT INTO allocations (payment_id, invoice_id, amount_cents, reason, created_at) SELECT
        payment_id, invoice_id, amount_cents, reason, created_at FROM allocations WHERE reason =
        'void';

paid_sum_off: I-13 I-25 I-26 *
    UPDATE invoices SET amount_paid_cents = amount_paid_cents + 1 WHERE id = {OPEN};

paid_too_much: I-14
    UPDATE invoices SET amount_paid_cents = amount_cents + 1 WHERE id = {PAID};

invoice_status_flipped: I-15
    without invoices STATUS
    UPDATE invoices SET status = 'UNPAID' WHERE id = {PAID};

invoice_status_void: I-15
    without invoices STATUS
    UPDATE invoices SET status = 'VOID' WHERE id = {OPEN};

payment_status_flipped: I-15
    without payments STATUS
    UPDATE payments SET status = 'COMPLETED' WHERE id = {LONE};

void_with_money: I-15 I-26 I-30 *
    drop invoices ck_invoices_void_holds_nothing
    UPDATE invoices SET voided_at = created_at WHERE id = {PAID};

to_another_customers_invoice: I-13 I-16 *
    UPDATE allocations SET invoice_id = (SELECT max(i.id) FROM invoices i WHERE i.customer_id <>
        (SELECT p.customer_id FROM payments p WHERE p.id = allocations.payment_id)) WHERE id =
        {MOVED};

payer_changed: I-16
    UPDATE payments SET customer_id = customer_id + 1 WHERE id = {PLACED};

reversed_with_money: I-17 I-26 I-30 *
    drop payments ck_payments_reversed_holds_nothing
    UPDATE payments SET reversed_at = created_at WHERE id = {PLACED};

the_younger_first: I-18 *
    UPDATE allocations SET reason = 'fifo' WHERE invoice_id = (SELECT id FROM invoices WHERE
        description = 'the younger');

days_of_issue_swapped: I-18 I-27
    UPDATE invoices SET issued_on = CASE description WHEN 'first due' THEN '2026-02-20' ELSE
        '2026-01-20' END WHERE description IN ('first due', 'then due');

freed_money_unpinned: I-19 *
    UPDATE payments SET pinned = false WHERE pinned;
"""

PEOPLE = """
sums_of_another_customer: I-20 I-13
    UPDATE invoices SET amount_paid_cents = amount_paid_cents - 1 WHERE id = {OPEN};

suspense_with_a_customer: I-21 *
    UPDATE payments SET customer_id = 1 WHERE id = {LONE};

suspense_with_an_allocation: I-21
    INSERT INTO allocations (payment_id, invoice_id, amount_cents, reason, created_at) SELECT
        {LONE}, id, 1, 'reference', created_at FROM invoices WHERE id = {OPEN};
    UPDATE invoices SET amount_paid_cents = amount_paid_cents + 1 WHERE id = {OPEN};
    UPDATE payments SET allocated_cents = 1 WHERE id = {LONE};

suspense_without_a_reason: I-21
    UPDATE payments SET unmatched_reason = NULL WHERE id = {LONE};

suspense_called_processed: I-21
    UPDATE webhook_logs SET processed = true, error = NULL WHERE payment_id = {LONE};

placed_by_no_hand: I-21
    UPDATE payments SET matched_by = 'hand' WHERE id = {PLACED};

a_sale_void_alone: I-22 I-30 *
    UPDATE pos_sales SET voided_at = created_at WHERE id = {SOLD};

a_sale_alive_again: I-22
    UPDATE pos_sales SET voided_at = NULL WHERE voided_at IS NOT NULL AND invoice_id IS NOT
        NULL;

a_sale_orphaned: I-23 *
    UPDATE pos_sales SET invoice_id = NULL WHERE id = {SOLD};

a_sale_with_anothers_invoice: I-23
    UPDATE pos_sales SET invoice_id = {OPEN} WHERE id = {UNSOLD};

a_sale_of_another_day: I-23
    UPDATE pos_sales SET sold_on = '2025-12-31' WHERE id = {SOLD};

two_sales_of_one_invoice: I-23
    without pos_sales UNIQUE_INVOICE
    UPDATE pos_sales SET invoice_id = (SELECT invoice_id FROM pos_sales WHERE id = {SOLD}) WHERE
        id = {UNSOLD};

payment_deleted: I-24 I-29
    DELETE FROM payments WHERE id = {PLACED};

invoice_deleted: I-29
    DELETE FROM invoices WHERE id = {PAID};
"""

REFERENCES_AND_TIMES = """
an_invoices_name_for_a_customer: I-27
    UPDATE customers SET customer_id = (SELECT min(invoice_id) FROM invoices) WHERE id = 1;

a_key_lost: I-27 *
    DELETE FROM reference_keys WHERE sale_id IS NOT NULL;

a_key_of_another: I-27 *
    UPDATE reference_keys SET invoice_id = {OPEN} WHERE invoice_id = {PAID};

a_key_for_two: I-27
    UPDATE reference_keys SET customer_id = 1 WHERE invoice_id = 1;

a_second_key: I-27
    INSERT INTO reference_keys (key, customer_id) VALUES ('ALIAS', 1);

an_id_nobody_can_type: I-27
    UPDATE reference_keys SET key = 'CUST-001' WHERE customer_id = 1;

a_counter_put_back: I-27
    UPDATE counters SET value = 0 WHERE name LIKE 'INV-%';

a_fraction_of_a_second: I-28 *
    UPDATE payments SET transaction_date = '2026-01-05 09:00:00.500000' WHERE id = {LONE};

another_way_to_write_a_time: I-28
    UPDATE payments SET transaction_date = replace(transaction_date, ' ', 'T') WHERE id =
        {LONE};

before_mpesa: I-28
    UPDATE payments SET transaction_date = '2006-12-31 23:59:59.000000' WHERE id = {LONE};

made_in_the_future: I-28
    UPDATE invoices SET created_at = '2099-01-01 00:00:00.000000' WHERE id = 1;

an_instant_with_a_zone: I-28
    UPDATE allocations SET created_at = created_at || '+03:00' WHERE id = 1;

a_day_in_words: I-28
    UPDATE invoices SET due_on = 'Friday' WHERE id = 1;
"""

SCHEMA_AND_AUDIT = """
an_index_lost: I-29 *
    DROP INDEX ix_payments_free;

an_index_made_full: I-29
    DROP INDEX ix_payments_free;
    CREATE INDEX ix_payments_free ON payments (customer_id, transaction_date);

a_table_lost: I-29
    DROP TABLE validation_requests;

a_column_lost: I-29 *
    ALTER TABLE customers DROP COLUMN email;

another_revision: I-29
    UPDATE alembic_version SET version_num = '0000';

a_customer_of_nobody: I-29 *
    UPDATE payments SET customer_id = 999 WHERE id = {PLACED};

an_allocation_to_nothing: I-29
    UPDATE allocations SET invoice_id = 999 WHERE id = {MOVED};

a_reason_rewritten: I-30 *
    UPDATE audit SET reason = 'another' WHERE id = 3;

an_audit_row_deleted: I-30 *
    DELETE FROM audit WHERE id = 5;

the_first_audit_row_deleted: I-30
    DELETE FROM audit WHERE id = 1;

the_last_audit_rows_deleted: I-30
    DELETE FROM audit WHERE id >= (SELECT max(id) FROM audit WHERE action = 'invoice.create');

a_link_of_the_chain_changed: I-30
    UPDATE audit SET previous_hash = hash WHERE id = 4;

a_customer_nobody_made: I-30
    INSERT INTO customers (customer_id, name, created_at) VALUES ('GHOST', 'Ghost', '2026-01-05
        06:00:00.000000');
    INSERT INTO reference_keys (key, customer_id) SELECT 'GHOST', id FROM customers WHERE
        customer_id = 'GHOST';

dismissed_by_nobody: I-30
    UPDATE webhook_logs SET processed = true WHERE NOT processed AND NOT is_duplicate;

held_by_nobody: I-30
    UPDATE invoices SET on_hold = true WHERE customer_id IS NULL;
"""


def read(text):
    """Read one corruption."""
    head, *lines = text.splitlines()
    name, _, named = head.partition(": ")
    guards = [line.split() for line in lines if line.split()[0] in ("without", "drop")]
    body = " ".join(line.strip() for line in lines[len(guards) :]).format(**NAMES)
    return Corruption(
        name,
        tuple(named.removesuffix(" *").split()),
        tuple(statement.strip() for statement in body.split(";") if statement.strip()),
        tuple((table, globals()[part]) for what, table, part in guards if what == "without"),
        tuple(
            f"ALTER TABLE {table} DROP CONSTRAINT {part}"
            for what, table, part in guards
            if what == "drop"
        ),
        named.endswith(" *"),
    )


PARTS = (MONEY, LOGS, ALLOCATION, PEOPLE, REFERENCES_AND_TIMES, SCHEMA_AND_AUDIT)
CORRUPTIONS = [read(text) for part in PARTS for text in part.strip().split("\n\n")]
