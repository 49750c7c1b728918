CREATE TABLE audit (
    id INTEGER NOT NULL,
    at DATETIME NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason TEXT,
    "before" TEXT,
    "after" TEXT,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT pk_audit PRIMARY KEY (id),
    CONSTRAINT uq_audit_hash UNIQUE (hash)
);

CREATE INDEX ix_audit_subject ON audit (subject);

CREATE TABLE counters (
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    CONSTRAINT pk_counters PRIMARY KEY (name)
);

CREATE TABLE customers (
    id INTEGER NOT NULL,
    customer_id TEXT NOT NULL,
    name TEXT NOT NULL,
    phone TEXT,
    email TEXT,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_customers PRIMARY KEY (id),
    CONSTRAINT ck_customers_customer_id_length CHECK (length(customer_id) BETWEEN 1 AND 20),
    CONSTRAINT ck_customers_name_given CHECK (length(name) > 0),
    CONSTRAINT ck_customers_phone_length CHECK (phone IS NULL OR length(phone) = 12),
    CONSTRAINT uq_customers_customer_id UNIQUE (customer_id)
);

CREATE INDEX ix_customers_phone ON customers (phone);

CREATE TABLE quarantine (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    received_at DATETIME NOT NULL,
    address TEXT NOT NULL,
    path TEXT NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    is_plausible BOOLEAN NOT NULL,
    trans_id TEXT,
    raw_bytes INTEGER NOT NULL,
    raw_payload TEXT NOT NULL,
    raw_encoding TEXT NOT NULL,
    CONSTRAINT ck_quarantine_kind_known CHECK (kind IN ('confirmation', 'validation', 'stk', 'result', 'timeout')),
    CONSTRAINT ck_quarantine_raw_encoding_known CHECK (raw_encoding IN ('utf-8', 'base64'))
);

CREATE TABLE short_codes (
    id INTEGER NOT NULL,
    code TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT,
    environment TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_short_codes PRIMARY KEY (id),
    CONSTRAINT ck_short_codes_kind_known CHECK (kind IN ('paybill', 'till', 'store')),
    CONSTRAINT ck_short_codes_environment_known CHECK (environment IN ('local', 'sandbox', 'production')),
    CONSTRAINT uq_short_codes_code UNIQUE (code)
);

CREATE TABLE validation_requests (
    id INTEGER NOT NULL,
    source TEXT NOT NULL,
    raw_payload TEXT NOT NULL,
    raw_encoding TEXT NOT NULL,
    trans_id TEXT,
    bill_ref_number TEXT,
    result_code TEXT NOT NULL,
    note TEXT,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_validation_requests PRIMARY KEY (id),
    CONSTRAINT ck_validation_requests_raw_encoding_known CHECK (raw_encoding IN ('utf-8', 'base64'))
);

CREATE TABLE invoices (
    id INTEGER NOT NULL,
    invoice_id TEXT NOT NULL,
    customer_id INTEGER,
    amount_cents BIGINT NOT NULL,
    amount_paid_cents BIGINT DEFAULT 0 NOT NULL,
    description TEXT,
    issued_on DATE NOT NULL,
    number INTEGER NOT NULL,
    due_on DATE,
    on_hold BOOLEAN DEFAULT false NOT NULL,
    voided_at DATETIME,
    created_at DATETIME NOT NULL,
    status TEXT NOT NULL GENERATED ALWAYS AS (CASE WHEN voided_at IS NOT NULL THEN 'VOID' WHEN amount_paid_cents = amount_cents THEN 'PAID' WHEN amount_paid_cents > 0 THEN 'PARTIALLY_PAID' ELSE 'UNPAID' END) STORED,
    CONSTRAINT pk_invoices PRIMARY KEY (id),
    CONSTRAINT ck_invoices_amount CHECK (amount_cents > 0 AND amount_cents <= 100000000000000),
    CONSTRAINT ck_invoices_amount_paid CHECK (amount_paid_cents >= 0 AND amount_paid_cents <= amount_cents),
    CONSTRAINT ck_invoices_void_holds_nothing CHECK (voided_at IS NULL OR amount_paid_cents = 0),
    CONSTRAINT ck_invoices_amount_cents_whole CHECK (typeof(amount_cents) = 'integer'),
    CONSTRAINT ck_invoices_amount_paid_cents_whole CHECK (typeof(amount_paid_cents) = 'integer'),
    CONSTRAINT uq_invoices_issued_on_number UNIQUE (issued_on, number),
    CONSTRAINT uq_invoices_invoice_id UNIQUE (invoice_id),
    CONSTRAINT fk_invoices_customer_id_customers FOREIGN KEY(customer_id) REFERENCES customers (id)
);

CREATE INDEX ix_invoices_customer_id ON invoices (customer_id);

CREATE INDEX ix_invoices_open ON invoices (customer_id, issued_on, number) WHERE voided_at IS NULL AND amount_paid_cents < amount_cents;

CREATE TABLE payments (
    id INTEGER NOT NULL,
    mpesa_receipt_number TEXT NOT NULL,
    method TEXT DEFAULT 'mpesa' NOT NULL,
    channel TEXT NOT NULL,
    short_code TEXT,
    amount_cents BIGINT NOT NULL,
    allocated_cents BIGINT DEFAULT 0 NOT NULL,
    transaction_date DATETIME NOT NULL,
    bill_ref_number TEXT,
    msisdn TEXT,
    payer_name TEXT,
    transaction_type TEXT,
    org_balance_cents BIGINT,
    checkout_request_id TEXT,
    customer_id INTEGER,
    matched_by TEXT,
    unmatched_reason TEXT,
    verified_by TEXT DEFAULT 'callback' NOT NULL,
    pinned BOOLEAN DEFAULT false NOT NULL,
    reversed_at DATETIME,
    log_id BIGINT,
    created_at DATETIME NOT NULL,
    status TEXT NOT NULL GENERATED ALWAYS AS (CASE WHEN reversed_at IS NOT NULL THEN 'REVERSED' WHEN customer_id IS NULL AND allocated_cents = 0 THEN 'UNMATCHED' ELSE 'COMPLETED' END) STORED,
    amount NUMERIC(18, 2) NOT NULL GENERATED ALWAYS AS (round(amount_cents / 100.0, 2)) STORED,
    CONSTRAINT pk_payments PRIMARY KEY (id),
    CONSTRAINT ck_payments_amount CHECK (amount_cents > 0 AND amount_cents <= 100000000000000),
    CONSTRAINT ck_payments_allocated CHECK (allocated_cents >= 0 AND allocated_cents <= amount_cents),
    CONSTRAINT ck_payments_reversed_holds_nothing CHECK (reversed_at IS NULL OR allocated_cents = 0),
    CONSTRAINT ck_payments_amount_cents_whole CHECK (typeof(amount_cents) = 'integer'),
    CONSTRAINT ck_payments_allocated_cents_whole CHECK (typeof(allocated_cents) = 'integer'),
    CONSTRAINT ck_payments_method_known CHECK (method IN ('mpesa', 'cash', 'bank', 'cheque')),
    CONSTRAINT ck_payments_verified_by_known CHECK (verified_by IN ('callback', 'pull', 'statement', 'status', 'hand')),
    CONSTRAINT uq_payments_mpesa_receipt_number UNIQUE (mpesa_receipt_number),
    CONSTRAINT fk_payments_short_code_short_codes FOREIGN KEY(short_code) REFERENCES short_codes (code),
    CONSTRAINT fk_payments_customer_id_customers FOREIGN KEY(customer_id) REFERENCES customers (id)
);

CREATE INDEX ix_payments_day ON payments (transaction_date, status, amount_cents, allocated_cents);

CREATE INDEX ix_payments_free ON payments (customer_id, transaction_date) WHERE reversed_at IS NULL AND allocated_cents < amount_cents;

CREATE TABLE allocations (
    id INTEGER NOT NULL,
    payment_id INTEGER NOT NULL,
    invoice_id INTEGER NOT NULL,
    amount_cents BIGINT NOT NULL,
    reason TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_allocations PRIMARY KEY (id),
    CONSTRAINT ck_allocations_amount CHECK (amount_cents <> 0),
    CONSTRAINT ck_allocations_amount_cents_whole CHECK (typeof(amount_cents) = 'integer'),
    CONSTRAINT ck_allocations_reason_known CHECK (reason IN ('reference', 'fifo', 'credit', 'hand', 'void', 'reversal')),
    CONSTRAINT fk_allocations_payment_id_payments FOREIGN KEY(payment_id) REFERENCES payments (id),
    CONSTRAINT fk_allocations_invoice_id_invoices FOREIGN KEY(invoice_id) REFERENCES invoices (id)
);

CREATE INDEX ix_allocations_invoice_id ON allocations (invoice_id);

CREATE INDEX ix_allocations_payment_id ON allocations (payment_id);

CREATE TABLE pos_sales (
    id INTEGER NOT NULL,
    pos_id TEXT NOT NULL,
    customer_id INTEGER,
    total_cents BIGINT NOT NULL,
    sold_on DATE NOT NULL,
    number INTEGER NOT NULL,
    invoice_id INTEGER,
    voided_at DATETIME,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_pos_sales PRIMARY KEY (id),
    CONSTRAINT ck_pos_sales_total CHECK (total_cents > 0 AND total_cents <= 100000000000000),
    CONSTRAINT ck_pos_sales_total_cents_whole CHECK (typeof(total_cents) = 'integer'),
    CONSTRAINT uq_pos_sales_sold_on_number UNIQUE (sold_on, number),
    CONSTRAINT uq_pos_sales_invoice_id UNIQUE (invoice_id),
    CONSTRAINT uq_pos_sales_pos_id UNIQUE (pos_id),
    CONSTRAINT fk_pos_sales_customer_id_customers FOREIGN KEY(customer_id) REFERENCES customers (id),
    CONSTRAINT fk_pos_sales_invoice_id_invoices FOREIGN KEY(invoice_id) REFERENCES invoices (id)
);

CREATE INDEX ix_pos_sales_customer_id ON pos_sales (customer_id);

CREATE TABLE webhook_logs (
    id INTEGER NOT NULL,
    delivery_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    raw_payload TEXT NOT NULL,
    raw_encoding TEXT NOT NULL,
    raw_sha256 BLOB NOT NULL,
    trans_id TEXT,
    processed BOOLEAN NOT NULL,
    is_duplicate BOOLEAN NOT NULL,
    error TEXT,
    note TEXT,
    attempts INTEGER NOT NULL,
    payment_id INTEGER,
    created_at DATETIME NOT NULL,
    purged_at DATETIME,
    original_sha256 BLOB,
    CONSTRAINT pk_webhook_logs PRIMARY KEY (id),
    CONSTRAINT ck_webhook_logs_one_outcome CHECK (NOT (processed AND is_duplicate)),
    CONSTRAINT ck_webhook_logs_kind_known CHECK (kind IN ('confirmation', 'stk', 'result', 'timeout', 'pull', 'statement', 'hand')),
    CONSTRAINT ck_webhook_logs_raw_encoding_known CHECK (raw_encoding IN ('utf-8', 'base64')),
    CONSTRAINT ck_webhook_logs_purged_keeps_its_digest CHECK ((purged_at IS NULL) = (original_sha256 IS NULL)),
    CONSTRAINT uq_webhook_logs_delivery_id UNIQUE (delivery_id),
    CONSTRAINT fk_webhook_logs_payment_id_payments FOREIGN KEY(payment_id) REFERENCES payments (id)
);

CREATE INDEX ix_webhook_logs_created_at ON webhook_logs (created_at, processed, is_duplicate);

CREATE INDEX ix_webhook_logs_open ON webhook_logs (trans_id) WHERE NOT processed AND NOT is_duplicate;

CREATE TABLE payment_prompts (
    id INTEGER NOT NULL,
    checkout_request_id TEXT NOT NULL,
    short_code TEXT,
    phone TEXT NOT NULL,
    amount_cents BIGINT NOT NULL,
    customer_id INTEGER,
    invoice_id INTEGER,
    sale_id INTEGER,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_payment_prompts PRIMARY KEY (id),
    CONSTRAINT ck_payment_prompts_amount CHECK (amount_cents > 0),
    CONSTRAINT ck_payment_prompts_amount_cents_whole CHECK (typeof(amount_cents) = 'integer'),
    CONSTRAINT uq_payment_prompts_checkout_request_id UNIQUE (checkout_request_id),
    CONSTRAINT fk_payment_prompts_short_code_short_codes FOREIGN KEY(short_code) REFERENCES short_codes (code),
    CONSTRAINT fk_payment_prompts_customer_id_customers FOREIGN KEY(customer_id) REFERENCES customers (id),
    CONSTRAINT fk_payment_prompts_invoice_id_invoices FOREIGN KEY(invoice_id) REFERENCES invoices (id),
    CONSTRAINT fk_payment_prompts_sale_id_pos_sales FOREIGN KEY(sale_id) REFERENCES pos_sales (id)
);

CREATE TABLE pos_items (
    id INTEGER NOT NULL,
    sale_id INTEGER NOT NULL,
    line INTEGER NOT NULL,
    product_id TEXT NOT NULL,
    product_name TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    unit_price_cents BIGINT NOT NULL,
    CONSTRAINT pk_pos_items PRIMARY KEY (id),
    CONSTRAINT ck_pos_items_quantity CHECK (quantity > 0),
    CONSTRAINT ck_pos_items_unit_price CHECK (unit_price_cents >= 0),
    CONSTRAINT ck_pos_items_quantity_whole CHECK (typeof(quantity) = 'integer'),
    CONSTRAINT ck_pos_items_unit_price_cents_whole CHECK (typeof(unit_price_cents) = 'integer'),
    CONSTRAINT uq_pos_items_sale_id_line UNIQUE (sale_id, line),
    CONSTRAINT fk_pos_items_sale_id_pos_sales FOREIGN KEY(sale_id) REFERENCES pos_sales (id)
);

CREATE TABLE reference_keys (
    "key" TEXT NOT NULL,
    customer_id INTEGER,
    invoice_id INTEGER,
    sale_id INTEGER,
    retired_at DATETIME,
    CONSTRAINT pk_reference_keys PRIMARY KEY ("key"),
    CONSTRAINT ck_reference_keys_key_length CHECK (length(key) BETWEEN 1 AND 20),
    CONSTRAINT ck_reference_keys_one_target CHECK ((CASE WHEN customer_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN invoice_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN sale_id IS NULL THEN 0 ELSE 1 END) = 1),
    CONSTRAINT fk_reference_keys_customer_id_customers FOREIGN KEY(customer_id) REFERENCES customers (id),
    CONSTRAINT fk_reference_keys_invoice_id_invoices FOREIGN KEY(invoice_id) REFERENCES invoices (id),
    CONSTRAINT fk_reference_keys_sale_id_pos_sales FOREIGN KEY(sale_id) REFERENCES pos_sales (id)
);
