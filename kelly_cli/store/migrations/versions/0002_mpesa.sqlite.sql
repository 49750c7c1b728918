CREATE TABLE mpesa_registrations (
    id INTEGER NOT NULL,
    environment TEXT NOT NULL,
    short_code TEXT NOT NULL,
    api TEXT NOT NULL,
    confirmation_url TEXT NOT NULL,
    validation_url TEXT,
    response_type TEXT,
    outcome TEXT NOT NULL,
    reply TEXT,
    actor TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    answered_at DATETIME,
    CONSTRAINT pk_mpesa_registrations PRIMARY KEY (id),
    CONSTRAINT ck_mpesa_registrations_environment_known CHECK (environment IN ('local', 'sandbox', 'production')),
    CONSTRAINT ck_mpesa_registrations_api_known CHECK (api IN ('v1', 'v2', 'pull')),
    CONSTRAINT ck_mpesa_registrations_response_type_known CHECK (response_type IN ('Completed', 'Cancelled')),
    CONSTRAINT ck_mpesa_registrations_outcome_known CHECK (outcome IN ('intended', 'accepted', 'already_registered', 'refused', 'unknown'))
);

CREATE TABLE pulls (
    id INTEGER NOT NULL,
    environment TEXT NOT NULL,
    short_code TEXT NOT NULL,
    from_at DATETIME NOT NULL,
    to_at DATETIME NOT NULL,
    state TEXT NOT NULL,
    records INTEGER NOT NULL,
    added INTEGER NOT NULL,
    note TEXT,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_pulls PRIMARY KEY (id),
    CONSTRAINT ck_pulls_environment_known CHECK (environment IN ('local', 'sandbox', 'production')),
    CONSTRAINT ck_pulls_state_known CHECK (state IN ('ok', 'nothing', 'failed'))
);

CREATE TABLE daraja_requests (
    id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    environment TEXT NOT NULL,
    short_code TEXT NOT NULL,
    receipt TEXT,
    payment_id INTEGER,
    amount_cents BIGINT,
    reason TEXT,
    actor TEXT NOT NULL,
    conversation_id TEXT,
    originator_conversation_id TEXT,
    state TEXT NOT NULL,
    result_code TEXT,
    result_desc TEXT,
    result TEXT,
    log_id INTEGER,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    CONSTRAINT pk_daraja_requests PRIMARY KEY (id),
    CONSTRAINT ck_daraja_requests_amount CHECK (amount_cents IS NULL OR amount_cents > 0),
    CONSTRAINT ck_daraja_requests_amount_cents_whole CHECK (amount_cents IS NULL OR typeof(amount_cents) = 'integer'),
    CONSTRAINT ck_daraja_requests_kind_known CHECK (kind IN ('status', 'balance', 'reversal')),
    CONSTRAINT ck_daraja_requests_environment_known CHECK (environment IN ('local', 'sandbox', 'production')),
    CONSTRAINT ck_daraja_requests_state_known CHECK (state IN ('intended', 'accepted', 'done', 'failed', 'refused', 'unknown')),
    CONSTRAINT fk_daraja_requests_payment_id_payments FOREIGN KEY(payment_id) REFERENCES payments (id),
    CONSTRAINT fk_daraja_requests_log_id_webhook_logs FOREIGN KEY(log_id) REFERENCES webhook_logs (id)
);

CREATE INDEX ix_daraja_requests_conversation_id ON daraja_requests (conversation_id);

CREATE INDEX ix_daraja_requests_originator_conversation_id ON daraja_requests (originator_conversation_id);

ALTER TABLE payment_prompts RENAME TO payment_prompts_0001;

CREATE TABLE payment_prompts (
    id INTEGER NOT NULL,
    checkout_request_id TEXT,
    short_code TEXT,
    phone TEXT NOT NULL,
    amount_cents BIGINT NOT NULL,
    customer_id INTEGER,
    invoice_id INTEGER,
    sale_id INTEGER,
    created_at DATETIME NOT NULL,
    merchant_request_id TEXT,
    environment TEXT NOT NULL,
    reference TEXT,
    state TEXT NOT NULL,
    result_code TEXT,
    result_desc TEXT,
    payment_id INTEGER,
    log_id INTEGER,
    answered_at DATETIME,
    updated_at DATETIME NOT NULL,
    actor TEXT NOT NULL,
    CONSTRAINT pk_payment_prompts PRIMARY KEY (id),
    CONSTRAINT ck_payment_prompts_amount CHECK (amount_cents > 0),
    CONSTRAINT ck_payment_prompts_amount_cents_whole CHECK (typeof(amount_cents) = 'integer'),
    CONSTRAINT ck_payment_prompts_environment_known CHECK (environment IN ('local', 'sandbox', 'production')),
    CONSTRAINT ck_payment_prompts_state_known CHECK (state IN ('intended', 'pending', 'paid', 'refused', 'unknown')),
    CONSTRAINT uq_payment_prompts_checkout_request_id UNIQUE (checkout_request_id),
    CONSTRAINT fk_payment_prompts_short_code_short_codes FOREIGN KEY(short_code) REFERENCES short_codes (code),
    CONSTRAINT fk_payment_prompts_customer_id_customers FOREIGN KEY(customer_id) REFERENCES customers (id),
    CONSTRAINT fk_payment_prompts_invoice_id_invoices FOREIGN KEY(invoice_id) REFERENCES invoices (id),
    CONSTRAINT fk_payment_prompts_sale_id_pos_sales FOREIGN KEY(sale_id) REFERENCES pos_sales (id),
    CONSTRAINT fk_payment_prompts_payment_id_payments FOREIGN KEY(payment_id) REFERENCES payments (id),
    CONSTRAINT fk_payment_prompts_log_id_webhook_logs FOREIGN KEY(log_id) REFERENCES webhook_logs (id)
);

INSERT INTO payment_prompts (
    id, checkout_request_id, short_code, phone, amount_cents, customer_id, invoice_id, sale_id,
    created_at, environment, state, result_code, payment_id, log_id, answered_at, updated_at, actor
)
SELECT
    o.id, o.checkout_request_id, o.short_code, o.phone, o.amount_cents, o.customer_id, o.invoice_id,
    o.sale_id, o.created_at, coalesce(s.environment, 'local'),
    CASE WHEN p.id IS NULL THEN 'unknown' ELSE 'paid' END,
    CASE WHEN p.id IS NULL THEN NULL ELSE '0' END,
    p.id, l.id, p.created_at, coalesce(p.created_at, o.created_at), 'unknown'
FROM payment_prompts_0001 AS o
LEFT JOIN short_codes AS s ON s.code = o.short_code
LEFT JOIN (
    SELECT checkout_request_id, min(id) AS first_id FROM payments
    WHERE checkout_request_id IS NOT NULL GROUP BY checkout_request_id
) AS f ON f.checkout_request_id = o.checkout_request_id
LEFT JOIN payments AS p ON p.id = f.first_id
LEFT JOIN webhook_logs AS l ON l.id = p.log_id;

DROP TABLE payment_prompts_0001;

CREATE INDEX ix_payment_prompts_unsettled ON payment_prompts (phone) WHERE state IN ('intended', 'pending', 'unknown');
