"""Corruptions of what Safaricom was asked for; written as in checks_corruptions."""

ASKED = """
prompt_of_another_amount: I-36 *
    UPDATE payment_prompts SET amount_cents = amount_cents + 100 WHERE payment_id IS NOT NULL;

prompt_under_another_name: I-36 *
    UPDATE payment_prompts SET checkout_request_id = 'ws_CO_another' WHERE payment_id IS NOT NULL;

prompt_paid_and_refused: I-36 *
    UPDATE payment_prompts SET state = 'refused' WHERE payment_id IS NOT NULL;

payment_that_its_prompt_lost: I-36 *
    UPDATE payment_prompts SET state = 'pending', payment_id = NULL WHERE payment_id IS NOT NULL;

payment_of_two_prompts: I-36 *
    UPDATE payment_prompts SET state = 'paid', amount_cents = 7000, checkout_request_id = NULL,
        payment_id = (SELECT max(payment_id) FROM payment_prompts) WHERE payment_id IS NULL;

prompt_answered_at_no_time: I-36 *
    UPDATE payment_prompts SET answered_at = NULL WHERE answered_at IS NOT NULL;

request_about_another_receipt: I-36 *
    UPDATE daraja_requests SET receipt = 'QGKXXXXXXX' WHERE kind = 'reversal';

reversal_of_another_amount: I-36 *
    UPDATE daraja_requests SET amount_cents = amount_cents + 100 WHERE kind = 'reversal';

result_without_its_log: I-36 *
    UPDATE daraja_requests SET log_id = NULL WHERE log_id IS NOT NULL;

reversal_that_was_not_booked: I-36 *
    UPDATE payments SET reversed_at = NULL WHERE reversed_at IS NOT NULL;
"""
