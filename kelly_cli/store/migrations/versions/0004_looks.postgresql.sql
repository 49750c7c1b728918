CREATE TABLE products (
    id BIGSERIAL NOT NULL,
    product_id TEXT NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    price_cents BIGINT NOT NULL,
    cost_cents BIGINT,
    stock BIGINT,
    retired_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_products PRIMARY KEY (id),
    CONSTRAINT ck_products_key_length CHECK (length(key) BETWEEN 1 AND 40),
    CONSTRAINT ck_products_name_given CHECK (length(name) > 0),
    CONSTRAINT ck_products_price CHECK (price_cents >= 0),
    CONSTRAINT ck_products_cost CHECK (cost_cents IS NULL OR cost_cents >= 0),
    CONSTRAINT uq_products_product_id UNIQUE (product_id),
    CONSTRAINT uq_products_key UNIQUE (key)
);

ALTER TABLE pos_items
    ADD COLUMN catalogue_id BIGINT,
    ADD COLUMN cost_cents BIGINT,
    ADD CONSTRAINT ck_pos_items_cost CHECK (cost_cents IS NULL OR cost_cents >= 0),
    ADD CONSTRAINT fk_pos_items_catalogue_id_products FOREIGN KEY(catalogue_id) REFERENCES products (id);

CREATE INDEX ix_pos_items_catalogue_id ON pos_items (catalogue_id, sale_id) WHERE catalogue_id IS NOT NULL;

CREATE TABLE stock_moves (
    id BIGSERIAL NOT NULL,
    product_id BIGINT NOT NULL,
    sale_id BIGINT,
    quantity BIGINT NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT,
    actor TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_stock_moves PRIMARY KEY (id),
    CONSTRAINT ck_stock_moves_quantity CHECK (quantity <> 0),
    CONSTRAINT ck_stock_moves_sign CHECK ((kind <> 'sold' OR quantity < 0) AND (kind <> 'returned' OR quantity > 0)),
    CONSTRAINT ck_stock_moves_of_a_sale CHECK ((kind IN ('sold', 'returned')) = (sale_id IS NOT NULL)),
    CONSTRAINT ck_stock_moves_kind_known CHECK (kind IN ('sold', 'returned', 'counted', 'received')),
    CONSTRAINT fk_stock_moves_product_id_products FOREIGN KEY(product_id) REFERENCES products (id),
    CONSTRAINT fk_stock_moves_sale_id_pos_sales FOREIGN KEY(sale_id) REFERENCES pos_sales (id)
);

CREATE INDEX ix_stock_moves_product_id ON stock_moves (product_id);

CREATE INDEX ix_stock_moves_sale_id ON stock_moves (sale_id);

CREATE TABLE reminders (
    id BIGSERIAL NOT NULL,
    customer_id BIGINT NOT NULL,
    channel TEXT NOT NULL,
    address TEXT,
    message TEXT NOT NULL,
    owed_cents BIGINT NOT NULL,
    as_of DATE NOT NULL,
    state TEXT NOT NULL,
    error TEXT,
    actor TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_reminders PRIMARY KEY (id),
    CONSTRAINT ck_reminders_owed CHECK (owed_cents > 0),
    CONSTRAINT ck_reminders_sent CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
    CONSTRAINT ck_reminders_state_known CHECK (state IN ('ready', 'sending', 'sent', 'failed', 'cancelled')),
    CONSTRAINT fk_reminders_customer_id_customers FOREIGN KEY(customer_id) REFERENCES customers (id)
);

CREATE INDEX ix_reminders_customer_id ON reminders (customer_id, as_of);

ALTER TABLE imports
    DROP CONSTRAINT ck_imports_kind_known,
    ADD CONSTRAINT ck_imports_kind_known CHECK (kind IN ('customers', 'invoices', 'products'));

CREATE TABLE hour_totals (
    day DATE NOT NULL,
    hour INTEGER NOT NULL,
    short_code TEXT NOT NULL,
    status TEXT NOT NULL,
    payments BIGINT NOT NULL,
    amount_cents BIGINT NOT NULL,
    CONSTRAINT pk_hour_totals PRIMARY KEY (day, hour, short_code, status)
);

INSERT INTO hour_totals (day, hour, short_code, status, payments, amount_cents)
SELECT CAST(transaction_date AS DATE), CAST(extract(hour FROM transaction_date) AS INTEGER), coalesce(short_code, ''), status, count(*), sum(amount_cents)
FROM payments GROUP BY 1, 2, 3, 4;
