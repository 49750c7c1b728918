DROP INDEX ix_invoices_open;

ALTER TABLE invoices
    DROP COLUMN status,
    DROP CONSTRAINT ck_invoices_void_holds_nothing,
    ADD COLUMN adjusted_cents BIGINT DEFAULT 0 NOT NULL;

ALTER TABLE invoices
    ADD COLUMN status TEXT NOT NULL GENERATED ALWAYS AS (CASE WHEN voided_at IS NOT NULL THEN 'VOID' WHEN amount_paid_cents + adjusted_cents = amount_cents THEN 'PAID' WHEN amount_paid_cents > 0 THEN 'PARTIALLY_PAID' ELSE 'UNPAID' END) STORED,
    ADD CONSTRAINT ck_invoices_adjusted CHECK (adjusted_cents >= 0),
    ADD CONSTRAINT ck_invoices_settled CHECK (amount_paid_cents + adjusted_cents <= amount_cents),
    ADD CONSTRAINT ck_invoices_void_holds_nothing CHECK (voided_at IS NULL OR (amount_paid_cents = 0 AND adjusted_cents = 0));

CREATE INDEX ix_invoices_open ON invoices (customer_id, issued_on, number) WHERE voided_at IS NULL AND amount_paid_cents + adjusted_cents < amount_cents;

CREATE TABLE day_closes (
    id BIGSERIAL NOT NULL,
    number INTEGER NOT NULL,
    day DATE NOT NULL,
    frozen TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT pk_day_closes PRIMARY KEY (id),
    CONSTRAINT uq_day_closes_number UNIQUE (number),
    CONSTRAINT uq_day_closes_hash UNIQUE (hash),
    CONSTRAINT ck_day_closes_number CHECK (number > 0)
);

CREATE INDEX ix_day_closes_day ON day_closes (day);

CREATE TABLE imports (
    id BIGSERIAL NOT NULL,
    kind TEXT NOT NULL,
    file_name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    actor TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    undone_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_imports PRIMARY KEY (id),
    CONSTRAINT ck_imports_kind_known CHECK (kind IN ('customers', 'invoices'))
);

CREATE TABLE import_rows (
    id BIGSERIAL NOT NULL,
    import_id BIGINT NOT NULL,
    line INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    subject TEXT,
    error TEXT,
    CONSTRAINT pk_import_rows PRIMARY KEY (id),
    CONSTRAINT uq_import_rows_import_id_line UNIQUE (import_id, line),
    CONSTRAINT fk_import_rows_import_id_imports FOREIGN KEY(import_id) REFERENCES imports (id)
);

CREATE TABLE payer_aliases (
    id BIGSERIAL NOT NULL,
    customer_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    amount_cents BIGINT,
    learnt_from TEXT,
    actor TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_payer_aliases PRIMARY KEY (id),
    CONSTRAINT ck_payer_aliases_amount CHECK (amount_cents IS NULL OR amount_cents > 0),
    CONSTRAINT ck_payer_aliases_value_given CHECK (length(value) > 0),
    CONSTRAINT ck_payer_aliases_kind_known CHECK (kind IN ('phone', 'hash', 'masked', 'name', 'reference')),
    CONSTRAINT fk_payer_aliases_customer_id_customers FOREIGN KEY(customer_id) REFERENCES customers (id)
);

CREATE INDEX ix_payer_aliases_customer_id ON payer_aliases (customer_id);

CREATE UNIQUE INDEX ix_payer_aliases_live ON payer_aliases (kind, value, customer_id) WHERE retired_at IS NULL;

CREATE TABLE statements (
    id BIGSERIAL NOT NULL,
    short_code TEXT NOT NULL,
    account TEXT,
    file_name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    from_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    to_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    opening_cents BIGINT,
    closing_cents BIGINT,
    lines INTEGER NOT NULL,
    actor TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_statements PRIMARY KEY (id),
    CONSTRAINT ck_statements_forward CHECK (from_at <= to_at),
    CONSTRAINT fk_statements_short_code_short_codes FOREIGN KEY(short_code) REFERENCES short_codes (code)
);

CREATE INDEX ix_statements_short_code ON statements (short_code, from_at);

CREATE TABLE invoice_adjustments (
    id BIGSERIAL NOT NULL,
    invoice_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    amount_cents BIGINT NOT NULL,
    reason TEXT,
    actor TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_invoice_adjustments PRIMARY KEY (id),
    CONSTRAINT ck_invoice_adjustments_amount CHECK (amount_cents <> 0),
    CONSTRAINT ck_invoice_adjustments_kind_known CHECK (kind IN ('writeoff', 'credit_note')),
    CONSTRAINT fk_invoice_adjustments_invoice_id_invoices FOREIGN KEY(invoice_id) REFERENCES invoices (id)
);

CREATE INDEX ix_invoice_adjustments_invoice_id ON invoice_adjustments (invoice_id);

CREATE TABLE payment_flags (
    id BIGSERIAL NOT NULL,
    payment_id BIGINT NOT NULL,
    flag TEXT NOT NULL,
    detail TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_payment_flags PRIMARY KEY (id),
    CONSTRAINT ck_payment_flags_flag_known CHECK (flag IN ('late', 'possible_double', 'over_limit')),
    CONSTRAINT uq_payment_flags_payment_id_flag UNIQUE (payment_id, flag),
    CONSTRAINT fk_payment_flags_payment_id_payments FOREIGN KEY(payment_id) REFERENCES payments (id)
);

CREATE TABLE statement_movements (
    id BIGSERIAL NOT NULL,
    statement_id BIGINT NOT NULL,
    short_code TEXT NOT NULL,
    receipt TEXT NOT NULL,
    kind TEXT NOT NULL,
    amount_cents BIGINT NOT NULL,
    occurrence INTEGER NOT NULL,
    completed_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    linked_receipt TEXT,
    balance_cents BIGINT,
    reference TEXT,
    other_party TEXT,
    details TEXT,
    payment_id BIGINT,
    CONSTRAINT pk_statement_movements PRIMARY KEY (id),
    CONSTRAINT ck_statement_movements_amount CHECK (amount_cents <> 0),
    CONSTRAINT ck_statement_movements_occurrence CHECK (occurrence > 0),
    CONSTRAINT ck_statement_movements_kind_known CHECK (kind IN ('payment', 'charge', 'settlement', 'reversal', 'withdrawal', 'other')),
    CONSTRAINT uq_statement_movements_line UNIQUE (short_code, receipt, kind, amount_cents, occurrence),
    CONSTRAINT fk_statement_movements_statement_id_statements FOREIGN KEY(statement_id) REFERENCES statements (id),
    CONSTRAINT fk_statement_movements_short_code_short_codes FOREIGN KEY(short_code) REFERENCES short_codes (code),
    CONSTRAINT fk_statement_movements_payment_id_payments FOREIGN KEY(payment_id) REFERENCES payments (id)
);

CREATE INDEX ix_statement_movements_completed_at ON statement_movements (short_code, completed_at);

CREATE INDEX ix_statement_movements_payment_id ON statement_movements (payment_id);

CREATE INDEX ix_statement_movements_statement_id ON statement_movements (statement_id);

CREATE TABLE payment_claims (
    id BIGSERIAL NOT NULL,
    payment_id BIGINT NOT NULL,
    sale_id BIGINT,
    note TEXT,
    actor TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    undone_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_payment_claims PRIMARY KEY (id),
    CONSTRAINT fk_payment_claims_payment_id_payments FOREIGN KEY(payment_id) REFERENCES payments (id),
    CONSTRAINT fk_payment_claims_sale_id_pos_sales FOREIGN KEY(sale_id) REFERENCES pos_sales (id)
);

CREATE UNIQUE INDEX ix_payment_claims_live ON payment_claims (payment_id) WHERE undone_at IS NULL;

ALTER TABLE audit ADD COLUMN log_mark BIGINT;
