"""Single corruptions of healthy books, each with the invariants that must be named.

The SQL runs on both databases. ``bare``: parts of a table's definition that stand in its way, taken
out for the moment (SQLite: table → text in its DDL) or for good (``drops``: PostgreSQL).
"""

from typing import NamedTuple

_PLACED = "FROM payments WHERE matched_by = 'customer' AND allocated_cents > 1 AND NOT pinned)"
ORIGIN, PLACED = f"(SELECT min(log_id) {_PLACED}", f"(SELECT min(id) {_PLACED}"
LONE = "(SELECT min(id) FROM payments WHERE status = 'UNMATCHED' AND NOT pinned)"
REPEAT = "(SELECT min(id) FROM webhook_logs WHERE is_duplicate AND error IS NULL)"
MOVED = "(SELECT min(id) FROM allocations WHERE reason = 'fifo')"
OPEN = "(SELECT max(id) FROM invoices WHERE status = 'PARTIALLY_PAID')"
PAID = "(SELECT min(id) FROM invoices WHERE status = 'PAID')"
SOLD = "(SELECT min(id) FROM pos_sales WHERE invoice_id IS NOT NULL AND voided_at IS NULL)"
UNSOLD = "(SELECT max(id) FROM pos_sales WHERE invoice_id IS NULL AND voided_at IS NULL)"
COPIED = (
    "channel, short_code, amount_cents, transaction_date, bill_ref_number, customer_id, "
    "matched_by, unmatched_reason, log_id, created_at"
)


class Corruption(NamedTuple):
    name: str
    expects: tuple[str, ...]
    sql: tuple[str, ...]
    bare: tuple[tuple[str, str], ...] = ()
    drops: tuple[str, ...] = ()
    on_postgres: bool = False


def c(name, expects, *sql, bare=(), drops=(), on_postgres=False):
    return Corruption(name, tuple(expects.split()), sql, bare, drops, on_postgres)


def constraint(table, name):
    return f"ALTER TABLE {table} DROP CONSTRAINT {name}"


WHOLE = "typeof({0}) = 'integer'"
STATUS = r"GENERATED ALWAYS AS \(CASE.*?END\) STORED"
AMOUNT = r"GENERATED ALWAYS AS \(round.*?\)\) STORED|GENERATED ALWAYS AS \(round.*?2\)\) STORED"
UNIQUE_RECEIPT = r", *\s*CONSTRAINT uq_payments_mpesa_receipt_number UNIQUE \(mpesa_receipt_number\)"
UNIQUE_INVOICE = r", *\s*CONSTRAINT uq_pos_sales_invoice_id UNIQUE \(invoice_id\)"

CORRUPTIONS = [
    # Money
    c("amount_as_real", "I-01", f"UPDATE payments SET amount_cents = amount_cents + 0.5 WHERE id = {LONE}"),
    c("paid_as_text", "I-01", f"UPDATE invoices SET amount_paid_cents = 'all' WHERE id = {PAID}"),
    c("amount_missing", "I-01", f"UPDATE pos_items SET quantity = x'01' WHERE sale_id = {UNSOLD}"),
    c(
        "amount_for_people_off",
        "I-01",
        f"UPDATE payments SET amount = amount + 1 WHERE id = {LONE}",
        bare=(("payments", AMOUNT),),
    ),
    c(
        "negative_payment",
        "I-02",
        f"UPDATE payments SET amount_cents = -amount_cents WHERE id = {LONE}",
        drops=(constraint("payments", "ck_payments_amount"), constraint("payments", "ck_payments_allocated")),
        on_postgres=True,
    ),
    c("invoice_for_nothing", "I-02", "UPDATE invoices SET amount_cents = 0 WHERE amount_paid_cents = 0"),
    c("an_impossible_amount", "I-02", f"UPDATE invoices SET amount_cents = 100000000000001 WHERE id = {OPEN}"),
    c("a_move_of_nothing", "I-02", f"UPDATE allocations SET amount_cents = 0 WHERE id = {MOVED}"),
    c("a_negative_move_on_account", "I-02", "UPDATE allocations SET reason = 'fifo' WHERE reason = 'void'"),
    c("one_more_in_a_line", "I-03", f"UPDATE pos_items SET quantity = quantity + 1 WHERE sale_id = {UNSOLD}", on_postgres=True),
    c("a_dearer_line", "I-03", f"UPDATE pos_items SET unit_price_cents = unit_price_cents + 1 WHERE sale_id = {SOLD}"),
    c("a_line_lost", "I-03", f"DELETE FROM pos_items WHERE sale_id = {UNSOLD}"),
    c("a_larger_total", "I-03", f"UPDATE pos_sales SET total_cents = total_cents + 1 WHERE id = {UNSOLD}"),
    # Receipts and logs
    c(
        "receipt_again_in_lower_case",
        "I-04",
        f"INSERT INTO payments (mpesa_receipt_number, {COPIED}) "
        f"SELECT lower(mpesa_receipt_number), {COPIED} FROM payments WHERE id = {PLACED}",
        on_postgres=True,
    ),
    c(
        "receipt_twice",
        "I-04",
        f"INSERT INTO payments (mpesa_receipt_number, {COPIED}) "
        f"SELECT mpesa_receipt_number, {COPIED} FROM payments WHERE id = {PLACED}",
        bare=(("payments", UNIQUE_RECEIPT),),
        drops=(constraint("payments", "uq_payments_mpesa_receipt_number"),),
        on_postgres=True,
    ),
    c("receipt_with_a_blank", "I-04", f"UPDATE payments SET mpesa_receipt_number = ' ' || mpesa_receipt_number WHERE id = {LONE}"),
    c("log_lost", "I-05", f"DELETE FROM webhook_logs WHERE id = {ORIGIN}", on_postgres=True),
    c("log_forgets_its_payment", "I-05", f"UPDATE webhook_logs SET payment_id = NULL WHERE id = {ORIGIN}"),
    c("log_names_another_receipt", "I-05", f"UPDATE webhook_logs SET trans_id = 'OTHER00001' WHERE id = {ORIGIN}"),
    c("payment_forgets_its_log", "I-05", f"UPDATE payments SET log_id = NULL WHERE id = {PLACED}"),
    c("two_payments_of_one_log", "I-05", f"UPDATE payments SET log_id = {ORIGIN} WHERE id = {LONE}"),
    c("origin_marked_duplicate", "I-05 I-07", f"UPDATE webhook_logs SET processed = false, is_duplicate = true WHERE id = {ORIGIN}"),
    c("repeat_marked_processed", "I-05", f"UPDATE webhook_logs SET processed = true, is_duplicate = false WHERE id = {REPEAT}"),
    c("log_forgotten", "I-06", f"UPDATE webhook_logs SET processed = false WHERE id = {ORIGIN}", on_postgres=True),
    c(
        "two_outcomes",
        "I-06 I-11",
        f"UPDATE webhook_logs SET is_duplicate = true WHERE id = {ORIGIN}",
        drops=(constraint("webhook_logs", "ck_webhook_logs_one_outcome"),),
        on_postgres=True,
    ),
    c("processed_twice_over", "I-06", f"UPDATE webhook_logs SET processed = 2 WHERE id = {ORIGIN}"),
    c("duplicate_of_nothing", "I-07", f"UPDATE webhook_logs SET payment_id = NULL WHERE id = {REPEAT}"),
    c("duplicate_of_another", "I-07", f"UPDATE webhook_logs SET payment_id = {LONE} WHERE id = {REPEAT}"),
    c("settled_by_nobody", "I-07", "UPDATE webhook_logs SET trans_id = 'OTHER00001' WHERE is_duplicate AND payment_id IS NULL"),
    c("failure_of_placed_money", "I-08", f"UPDATE webhook_logs SET processed = false, error = 'x' WHERE id = {ORIGIN}", on_postgres=True),
    c("a_cent_more_received", "I-09", f"UPDATE payments SET amount_cents = amount_cents + 1 WHERE id = {LONE}", on_postgres=True),
    c("three_hours_later", "I-09", f"UPDATE payments SET transaction_date = '2026-01-05 01:02:03.000000' WHERE id = {PLACED}", on_postgres=True),
    c("another_till", "I-09", f"UPDATE payments SET short_code = '600000' WHERE id = {PLACED}"),
    c("another_reference", "I-09", f"UPDATE payments SET bill_ref_number = 'CUST-009' WHERE id = {PLACED}"),
    c("a_reference_nobody_gave", "I-09", "UPDATE payments SET bill_ref_number = 'CUST-009' WHERE channel = 'stk'"),
    c("money_never_booked", "I-09", f"UPDATE webhook_logs SET payment_id = NULL WHERE id = {ORIGIN}"),
    c("a_byte_changed", "I-10", f"UPDATE webhook_logs SET raw_payload = replace(raw_payload, 'JANE', 'JOHN') WHERE id = {ORIGIN}", on_postgres=True),
    c("base64_broken", "I-10", "UPDATE webhook_logs SET raw_payload = '*' WHERE raw_encoding = 'base64'"),
    c("a_digest_changed", "I-10", f"UPDATE webhook_logs SET raw_sha256 = x'00' WHERE id = {REPEAT}"),
    # Allocation
    c("a_cent_more_allocated", "I-12 I-13", f"UPDATE allocations SET amount_cents = amount_cents + 1 WHERE id = {MOVED}", on_postgres=True),
    c("allocated_sum_off", "I-12 I-20", f"UPDATE payments SET allocated_cents = allocated_cents - 1 WHERE id = {PLACED}"),
    c("an_allocation_lost", "I-12 I-24", f"DELETE FROM allocations WHERE id = {MOVED}", on_postgres=True),
    c(
        "taken_back_twice",
        "I-12",
        "INSERT INTO allocations (payment_id, invoice_id, amount_cents, reason, created_at) "
        "SELECT payment_id, invoice_id, amount_cents, reason, created_at FROM allocations WHERE reason = 'void'",
    ),
    c("paid_sum_off", "I-13 I-25", f"UPDATE invoices SET amount_paid_cents = amount_paid_cents + 1 WHERE id = {OPEN}", on_postgres=True),
    c("paid_too_much", "I-14", f"UPDATE invoices SET amount_paid_cents = amount_cents + 1 WHERE id = {PAID}"),
    c("invoice_status_flipped", "I-15", f"UPDATE invoices SET status = 'UNPAID' WHERE id = {PAID}", bare=(("invoices", STATUS),)),
    c("invoice_status_void", "I-15", f"UPDATE invoices SET status = 'VOID' WHERE id = {OPEN}", bare=(("invoices", STATUS),)),
    c("payment_status_flipped", "I-15", f"UPDATE payments SET status = 'COMPLETED' WHERE id = {LONE}", bare=(("payments", STATUS),)),
    c(
        "void_with_money",
        "I-15 I-30",
        f"UPDATE invoices SET voided_at = created_at WHERE id = {PAID}",
        drops=(constraint("invoices", "ck_invoices_void_holds_nothing"),),
        on_postgres=True,
    ),
    c(
        "to_another_customers_invoice",
        "I-13 I-16",
        f"UPDATE allocations SET invoice_id = (SELECT max(i.id) FROM invoices i WHERE i.customer_id <> "
        f"(SELECT p.customer_id FROM payments p WHERE p.id = allocations.payment_id)) WHERE id = {MOVED}",
        on_postgres=True,
    ),
    c("payer_changed", "I-16", f"UPDATE payments SET customer_id = customer_id + 1 WHERE id = {PLACED}"),
    c(
        "reversed_with_money",
        "I-17 I-30",
        f"UPDATE payments SET reversed_at = created_at WHERE id = {PLACED}",
        drops=(constraint("payments", "ck_payments_reversed_holds_nothing"),),
        on_postgres=True,
    ),
    c(
        "the_younger_first",
        "I-18",
        "UPDATE allocations SET reason = 'fifo' WHERE invoice_id = "
        "(SELECT id FROM invoices WHERE description = 'the younger')",
        on_postgres=True,
    ),
    c(
        "days_of_issue_swapped",
        "I-18 I-27",
        "UPDATE invoices SET issued_on = CASE description WHEN 'first due' THEN '2026-02-20' "
        "ELSE '2026-01-20' END WHERE description IN ('first due', 'then due')",
    ),
    c("freed_money_unpinned", "I-19", "UPDATE payments SET pinned = false WHERE pinned", on_postgres=True),
    # Customers, suspense, sales
    c("sums_of_another_customer", "I-20 I-13", f"UPDATE invoices SET amount_paid_cents = amount_paid_cents - 1 WHERE id = {OPEN}"),
    c("suspense_with_a_customer", "I-21", f"UPDATE payments SET customer_id = 1 WHERE id = {LONE}", on_postgres=True),
    c(
        "suspense_with_an_allocation",
        "I-21",
        "INSERT INTO allocations (payment_id, invoice_id, amount_cents, reason, created_at) "
        f"SELECT {LONE}, id, 1, 'reference', created_at FROM invoices WHERE id = {OPEN}",
        f"UPDATE invoices SET amount_paid_cents = amount_paid_cents + 1 WHERE id = {OPEN}",
        f"UPDATE payments SET allocated_cents = 1 WHERE id = {LONE}",
    ),
    c("suspense_without_a_reason", "I-21", f"UPDATE payments SET unmatched_reason = NULL WHERE id = {LONE}"),
    c("suspense_called_processed", "I-21", f"UPDATE webhook_logs SET processed = true, error = NULL WHERE payment_id = {LONE}"),
    c("placed_by_no_hand", "I-21", f"UPDATE payments SET matched_by = 'hand' WHERE id = {PLACED}"),
    c("a_sale_void_alone", "I-22 I-30", f"UPDATE pos_sales SET voided_at = created_at WHERE id = {SOLD}", on_postgres=True),
    c("a_sale_alive_again", "I-22", "UPDATE pos_sales SET voided_at = NULL WHERE voided_at IS NOT NULL AND invoice_id IS NOT NULL"),
    c("a_sale_orphaned", "I-23", f"UPDATE pos_sales SET invoice_id = NULL WHERE id = {SOLD}", on_postgres=True),
    c("a_sale_with_anothers_invoice", "I-23", f"UPDATE pos_sales SET invoice_id = {OPEN} WHERE id = {UNSOLD}"),
    c("a_sale_of_another_day", "I-23", f"UPDATE pos_sales SET sold_on = '2025-12-31' WHERE id = {SOLD}"),
    c(
        "two_sales_of_one_invoice",
        "I-23",
        f"UPDATE pos_sales SET invoice_id = (SELECT invoice_id FROM pos_sales WHERE id = {SOLD}) WHERE id = {UNSOLD}",
        bare=(("pos_sales", UNIQUE_INVOICE),),
    ),
    c("payment_deleted", "I-24 I-29", f"DELETE FROM payments WHERE id = {PLACED}"),
    c("invoice_deleted", "I-29", f"DELETE FROM invoices WHERE id = {PAID}"),
    # References, times
    c("an_invoices_name_for_a_customer", "I-27", "UPDATE customers SET customer_id = (SELECT min(invoice_id) FROM invoices) WHERE id = 1"),
    c("a_key_lost", "I-27", "DELETE FROM reference_keys WHERE sale_id IS NOT NULL", on_postgres=True),
    c("a_key_of_another", "I-27", f"UPDATE reference_keys SET invoice_id = {OPEN} WHERE invoice_id = {PAID}", on_postgres=True),
    c("a_key_for_two", "I-27", "UPDATE reference_keys SET customer_id = 1 WHERE invoice_id = 1"),
    c("a_second_key", "I-27", "INSERT INTO reference_keys (key, customer_id) VALUES ('ALIAS', 1)"),
    c("an_id_nobody_can_type", "I-27", "UPDATE reference_keys SET key = 'CUST-001' WHERE customer_id = 1"),
    c("a_counter_put_back", "I-27", "UPDATE counters SET value = 0 WHERE name LIKE 'INV-%'"),
    c("a_fraction_of_a_second", "I-28", f"UPDATE payments SET transaction_date = '2026-01-05 09:00:00.500000' WHERE id = {LONE}", on_postgres=True),
    c("another_way_to_write_a_time", "I-28", f"UPDATE payments SET transaction_date = replace(transaction_date, ' ', 'T') WHERE id = {LONE}"),
    c("before_mpesa", "I-28", f"UPDATE payments SET transaction_date = '2006-12-31 23:59:59.000000' WHERE id = {LONE}"),
    c("made_in_the_future", "I-28", "UPDATE invoices SET created_at = '2099-01-01 00:00:00.000000' WHERE id = 1"),
    c("an_instant_with_a_zone", "I-28", "UPDATE allocations SET created_at = created_at || '+03:00' WHERE id = 1"),
    c("a_day_in_words", "I-28", "UPDATE invoices SET due_on = 'Friday' WHERE id = 1"),
    # Schema
    c("an_index_lost", "I-29", "DROP INDEX ix_payments_free", on_postgres=True),
    c("an_index_made_full", "I-29", "DROP INDEX ix_invoices_open", "CREATE INDEX ix_invoices_open ON invoices (customer_id, issued_on, number)"),
    c("a_table_lost", "I-29", "DROP TABLE validation_requests"),
    c("a_column_lost", "I-29", "ALTER TABLE customers DROP COLUMN email", on_postgres=True),
    c("another_revision", "I-29", "UPDATE alembic_version SET version_num = '0000'"),
    c("a_customer_of_nobody", "I-29", f"UPDATE payments SET customer_id = 999 WHERE id = {PLACED}", on_postgres=True),
    c("an_allocation_to_nothing", "I-29", f"UPDATE allocations SET invoice_id = 999 WHERE id = {MOVED}"),
    # Audit
    c("a_reason_rewritten", "I-30", "UPDATE audit SET reason = 'another' WHERE id = 3", on_postgres=True),
    c("an_audit_row_deleted", "I-30", "DELETE FROM audit WHERE id = 5", on_postgres=True),
    c("the_first_audit_row_deleted", "I-30", "DELETE FROM audit WHERE id = 1"),
    c("the_last_audit_rows_deleted", "I-30", "DELETE FROM audit WHERE id >= (SELECT max(id) FROM audit WHERE action = 'invoice.create')"),
    c("a_link_of_the_chain_changed", "I-30", "UPDATE audit SET previous_hash = hash WHERE id = 4"),
    c(
        "a_customer_nobody_made",
        "I-30",
        "INSERT INTO customers (customer_id, name, created_at) VALUES ('GHOST', 'Ghost', '2026-01-05 06:00:00.000000')",
        "INSERT INTO reference_keys (key, customer_id) SELECT 'GHOST', id FROM customers WHERE customer_id = 'GHOST'",
    ),
    c("dismissed_by_nobody", "I-30", "UPDATE webhook_logs SET processed = true WHERE NOT processed AND NOT is_duplicate"),
    c("held_by_nobody", "I-30", f"UPDATE invoices SET on_hold = true WHERE customer_id IS NULL"),
]

STRIPPED = [
    (table, name)
    for table, name in [
        ("payments", "uq_payments_mpesa_receipt_number"),
        ("payments", "ck_payments_amount"),
        ("payments", "fk_payments_customer_id_customers"),
        ("invoices", "ck_invoices_amount_paid"),
        ("allocations", "ck_allocations_amount"),
        ("webhook_logs", "uq_webhook_logs_delivery_id"),
        ("audit", "uq_audit_hash"),
    ]
]
"""Constraints whose loss alone must be named (I-29)."""
