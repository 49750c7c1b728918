"""Single corruptions of what people add by hand; written as in ``checks_corruptions``."""

ADJUSTMENTS = """
adjusted_sum_off: I-13 *
    UPDATE invoices SET adjusted_cents = adjusted_cents - 1 WHERE adjusted_cents > 1;

an_adjustment_lost: I-13 *
    DELETE FROM invoice_adjustments WHERE kind = 'writeoff';

one_kind_taken_back_for_another: I-13
    UPDATE invoice_adjustments SET kind = 'writeoff' WHERE amount_cents < 0;

adjusted_beyond_the_charge: I-13 I-14
    UPDATE invoices SET adjusted_cents = amount_cents + 1 WHERE adjusted_cents > 0;

adjusted_below_nothing: I-02 I-14
    UPDATE invoices SET adjusted_cents = -1 WHERE id = {OPEN};

void_with_an_adjustment: I-15
    UPDATE invoices SET voided_at = created_at WHERE adjusted_cents > 0 AND amount_paid_cents > 0;

given_up_by_nobody: I-30 *
    INSERT INTO invoice_adjustments (invoice_id, kind, amount_cents, actor, created_at) VALUES
        ({OPEN}, 'writeoff', 100, 'x', '2026-01-05 06:00:00.000000');
    INSERT INTO invoice_adjustments (invoice_id, kind, amount_cents, actor, created_at) VALUES
        ({OPEN}, 'writeoff', -100, 'x', '2026-01-05 06:00:00.000000');

an_action_put_before_its_callbacks: I-30 *
    UPDATE audit SET log_mark = 0 WHERE id = (SELECT max(id) FROM audit);

an_action_behind_callbacks_that_never_came: I-30 *
    UPDATE audit SET log_mark = 1000000 WHERE id = 3;

recorded_by_nobody: I-30
    DELETE FROM audit WHERE action = 'payment.record';

other_cash_than_was_told: I-09
    UPDATE payments SET amount_cents = amount_cents + 1 WHERE method = 'cash';
"""

COUNTER = """
claimed_by_nobody: I-30 *
    DELETE FROM payment_claims WHERE undone_at IS NOT NULL;

a_claim_taken_back_by_nobody: I-30 *
    UPDATE payment_claims SET undone_at = created_at WHERE undone_at IS NULL;

claimed_twice: I-29 I-30 *
    DROP INDEX ix_payment_claims_live;
    UPDATE payment_claims SET undone_at = NULL;
"""

STATEMENTS = """
a_line_of_another_payment: I-31 *
    UPDATE statement_movements SET payment_id = {LONE} WHERE kind = 'payment';

a_charge_as_a_payment: I-31
    UPDATE statement_movements SET payment_id = {LONE} WHERE kind = 'charge';

a_line_of_another_amount: I-31 *
    UPDATE statement_movements SET amount_cents = amount_cents + 1 WHERE kind = 'payment';

a_proof_made_up: I-31 *
    UPDATE payments SET verified_by = 'statement' WHERE id = {LONE};

a_line_of_another_short_code: I-31
    UPDATE statement_movements SET short_code = '600000' WHERE kind = 'charge';
"""

TIDIED = """
a_close_said_otherwise: I-30 *
    UPDATE day_closes SET frozen = replace(frozen, '0.00', '9.00') WHERE number = 1;

a_close_taken_out: I-30 *
    DELETE FROM day_closes WHERE number = 1;

a_close_of_another_day: I-30
    UPDATE day_closes SET day = '2020-01-01' WHERE number = 2;

imported_by_nobody: I-30
    INSERT INTO imports (kind, file_name, sha256, row_count, actor, created_at) VALUES
        ('customers', 'x', 'x', 0, 'x', '2026-01-05 06:00:00.000000');

undone_by_nobody: I-30 *
    UPDATE imports SET undone_at = created_at WHERE undone_at IS NULL;

a_merged_id_finds_another: I-27 *
    UPDATE reference_keys SET customer_id = (SELECT min(id) FROM customers) WHERE key =
        (SELECT replace(subject, '-', '') FROM audit WHERE action = 'customer.merge');

a_merged_id_finds_nobody: I-27
    DELETE FROM reference_keys WHERE customer_id = (SELECT customer_id FROM reference_keys
        WHERE customer_id IS NOT NULL GROUP BY customer_id HAVING count(*) > 1);
"""

TOTALS = """
a_total_off_by_a_cent: I-38 *
    UPDATE hour_totals SET amount_cents = amount_cents + 1 WHERE status = 'UNMATCHED';

a_payment_not_counted: I-38 *
    UPDATE hour_totals SET payments = payments - 1 WHERE status = 'COMPLETED';

an_hour_lost: I-38 *
    DELETE FROM hour_totals WHERE status = 'COMPLETED';

an_hour_made_up: I-38 *
    INSERT INTO hour_totals VALUES ('2026-01-05', 3, '', 'COMPLETED', 1, 100);

counted_in_another_hour: I-38 *
    UPDATE hour_totals SET hour = hour + 24;

counted_as_another_status: I-38 *
    UPDATE hour_totals SET status = 'VOID' WHERE status = 'UNMATCHED';

money_of_another_short_code: I-38 *
    UPDATE hour_totals SET short_code = short_code || '0' WHERE short_code <> '';
"""

SHELF = """
a_stock_off_by_one: I-26 I-37 *
    UPDATE products SET stock = stock + 1 WHERE key = 'TEA';

a_move_lost: I-37 *
    DELETE FROM stock_moves WHERE kind = 'returned';

a_move_made_up: I-30 *
    INSERT INTO stock_moves (product_id, quantity, kind, actor, created_at)
        SELECT id, 5, 'received', 'x', '2026-01-05 06:00:00.000000' FROM products;
    UPDATE products SET stock = stock + 5;

sold_by_a_sale_that_has_none_of_it: I-37
    UPDATE stock_moves SET product_id = 2 WHERE id = (SELECT min(id) FROM stock_moves
        WHERE kind = 'sold');

a_line_that_forgot_its_product: I-37 *
    UPDATE pos_items SET catalogue_id = NULL WHERE catalogue_id = 2;

more_pieces_than_moved: I-03 I-37 *
    UPDATE pos_items SET quantity = quantity + 1 WHERE catalogue_id = 2;

a_cost_changed_by_nobody: I-26 *
    UPDATE products SET cost_cents = cost_cents + 1 WHERE key = 'TEA';

a_product_of_nobody: I-30 *
    UPDATE products SET product_id = 'OTHER' WHERE key = 'CUT';
"""

PARTS = (SHELF, ADJUSTMENTS, STATEMENTS, COUNTER, TIDIED, TOTALS)
CORRUPTIONS = [text for part in PARTS for text in part.strip().split("\n\n")]
