CREATE TABLE mpesa_registrations (
    id BIGSERIAL NOT NULL,
    environment TEXT NOT NULL,
    short_code TEXT NOT NULL,
    api TEXT NOT NULL,
    confirmation_url TEXT NOT NULL,
    validation_url TEXT,
    response_type TEXT,
    outcome TEXT NOT NULL,
    reply TEXT,
    actor TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_mpesa_registrations PRIMARY KEY (id),
    CONSTRAINT ck_mpesa_registrations_environment_known CHECK (environment IN ('local', 'sandbox', 'production')),
    CONSTRAINT ck_mpesa_registrations_api_known CHECK (api IN ('v1', 'v2', 'pull')),
    CONSTRAINT ck_mpesa_registrations_response_type_known CHECK (response_type IN ('Completed', 'Cancelled')),
    CONSTRAINT ck_mpesa_registrations_outcome_known CHECK (outcome IN ('intended', 'accepted', 'already_registered', 'refused', 'unknown'))
);

CREATE TABLE pulls (
    id BIGSERIAL NOT NULL,
    environment TEXT NOT NULL,
    short_code TEXT NOT NULL,
    from_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    to_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    state TEXT NOT NULL,
    records INTEGER NOT NULL,
    added INTEGER NOT NULL,
    note TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_pulls PRIMARY KEY (id),
    CONSTRAINT ck_pulls_environment_known CHECK (environment IN ('local', 'sandbox', 'production')),
    CONSTRAINT ck_pulls_state_known CHECK (state IN ('ok', 'nothing', 'failed'))
);

CREATE TABLE daraja_requests (
    id BIGSERIAL NOT NULL,
    kind TEXT NOT NULL,
    environment TEXT NOT NULL,
    short_code TEXT NOT NULL,
    receipt TEXT,
    payment_id BIGINT,
    amount_cents BIGINT,
    reason TEXT,
    actor TEXT NOT NULL,
    conversation_id TEXT,
    originator_conversation_id TEXT,
    state TEXT NOT NULL,
    result_code TEXT,
    result_desc TEXT,
    result TEXT,
    log_id BIGINT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_daraja_requests PRIMARY KEY (id),
    CONSTRAINT ck_daraja_requests_amount CHECK (amount_cents IS NULL OR amount_cents > 0),
    CONSTRAINT ck_daraja_requests_kind_known CHECK (kind IN ('status', 'balance', 'reversal')),
    CONSTRAINT ck_daraja_requests_environment_known CHECK (environment IN ('local', 'sandbox', 'production')),
    CONSTRAINT ck_daraja_requests_state_known CHECK (state IN ('intended', 'accepted', 'done', 'failed', 'refused', 'unknown')),
    CONSTRAINT fk_daraja_requests_payment_id_payments FOREIGN KEY(payment_id) REFERENCES payments (id),
    CONSTRAINT fk_daraja_requests_log_id_webhook_logs FOREIGN KEY(log_id) REFERENCES webhook_logs (id)
);

CREATE INDEX ix_daraja_requests_conversation_id ON daraja_requests (conversation_id);

CREATE INDEX ix_daraja_requests_originator_conversation_id ON daraja_requests (originator_conversation_id);

ALTER TABLE payment_prompts
    ALTER COLUMN checkout_request_id DROP NOT NULL,
    ADD COLUMN merchant_request_id TEXT,
    ADD COLUMN environment TEXT,
    ADD COLUMN reference TEXT,
    ADD COLUMN state TEXT,
    ADD COLUMN result_code TEXT,
    ADD COLUMN result_desc TEXT,
    ADD COLUMN payment_id BIGINT,
    ADD COLUMN log_id BIGINT,
    ADD COLUMN answered_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN updated_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN actor TEXT;

UPDATE payment_prompts AS o
SET environment = coalesce(
        (SELECT s.environment FROM short_codes AS s WHERE s.code = o.short_code), 'local'
    ),
    state = 'unknown', updated_at = o.created_at, actor = 'unknown';

UPDATE payment_prompts AS o
SET state = 'paid', result_code = '0', payment_id = p.id, answered_at = p.created_at,
    log_id = (SELECT l.id FROM webhook_logs AS l WHERE l.id = p.log_id), updated_at = p.created_at
FROM (
    SELECT checkout_request_id, min(id) AS first_id FROM payments
    WHERE checkout_request_id IS NOT NULL GROUP BY checkout_request_id
) AS f
JOIN payments AS p ON p.id = f.first_id
WHERE f.checkout_request_id = o.checkout_request_id;

ALTER TABLE payment_prompts
    ALTER COLUMN environment SET NOT NULL,
    ALTER COLUMN state SET NOT NULL,
    ALTER COLUMN updated_at SET NOT NULL,
    ALTER COLUMN actor SET NOT NULL,
    ADD CONSTRAINT ck_payment_prompts_environment_known CHECK (environment IN ('local', 'sandbox', 'production')),
    ADD CONSTRAINT ck_payment_prompts_state_known CHECK (state IN ('intended', 'pending', 'paid', 'refused', 'unknown')),
    ADD CONSTRAINT fk_payment_prompts_payment_id_payments FOREIGN KEY(payment_id) REFERENCES payments (id),
    ADD CONSTRAINT fk_payment_prompts_log_id_webhook_logs FOREIGN KEY(log_id) REFERENCES webhook_logs (id);

CREATE INDEX ix_payment_prompts_unsettled ON payment_prompts (phone) WHERE state IN ('intended', 'pending', 'unknown');
