CREATE TABLE products (
    id INTEGER NOT NULL,
    product_id TEXT NOT NULL,
    "key" TEXT NOT NULL,
    name TEXT NOT NULL,
    price_cents BIGINT NOT NULL,
    cost_cents BIGINT,
    stock BIGINT,
    retired_at DATETIME,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_products PRIMARY KEY (id),
    CONSTRAINT ck_products_key_length CHECK (length(key) BETWEEN 1 AND 40),
    CONSTRAINT ck_products_name_given CHECK (length(name) > 0),
    CONSTRAINT ck_products_price CHECK (price_cents >= 0),
    CONSTRAINT ck_products_cost CHECK (cost_cents IS NULL OR cost_cents >= 0),
    CONSTRAINT ck_products_price_cents_whole CHECK (typeof(price_cents) = 'integer'),
    CONSTRAINT ck_products_cost_cents_whole CHECK (cost_cents IS NULL OR typeof(cost_cents) = 'integer'),
    CONSTRAINT ck_products_stock_whole CHECK (stock IS NULL OR typeof(stock) = 'integer'),
    CONSTRAINT uq_products_product_id UNIQUE (product_id),
    CONSTRAINT uq_products_key UNIQUE ("key")
);

CREATE TABLE pos_items_0003 AS SELECT
    id, sale_id, line, product_id, product_name, quantity, unit_price_cents
FROM pos_items;

DROP TABLE pos_items;

CREATE TABLE pos_items (
    id INTEGER NOT NULL,
    sale_id INTEGER NOT NULL,
    line INTEGER NOT NULL,
    product_id TEXT NOT NULL,
    product_name TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    unit_price_cents BIGINT NOT NULL,
    catalogue_id INTEGER,
    cost_cents BIGINT,
    CONSTRAINT pk_pos_items PRIMARY KEY (id),
    CONSTRAINT ck_pos_items_quantity CHECK (quantity > 0),
    CONSTRAINT ck_pos_items_unit_price CHECK (unit_price_cents >= 0),
    CONSTRAINT ck_pos_items_cost CHECK (cost_cents IS NULL OR cost_cents >= 0),
    CONSTRAINT ck_pos_items_quantity_whole CHECK (typeof(quantity) = 'integer'),
    CONSTRAINT ck_pos_items_unit_price_cents_whole CHECK (typeof(unit_price_cents) = 'integer'),
    CONSTRAINT ck_pos_items_cost_cents_whole CHECK (cost_cents IS NULL OR typeof(cost_cents) = 'integer'),
    CONSTRAINT uq_pos_items_sale_id_line UNIQUE (sale_id, line),
    CONSTRAINT fk_pos_items_sale_id_pos_sales FOREIGN KEY(sale_id) REFERENCES pos_sales (id),
    CONSTRAINT fk_pos_items_catalogue_id_products FOREIGN KEY(catalogue_id) REFERENCES products (id)
);

INSERT INTO pos_items (
    id, sale_id, line, product_id, product_name, quantity, unit_price_cents
)
SELECT
    id, sale_id, line, product_id, product_name, quantity, unit_price_cents
FROM pos_items_0003 ORDER BY id;

DROP TABLE pos_items_0003;

CREATE INDEX ix_pos_items_catalogue_id ON pos_items (catalogue_id, sale_id) WHERE catalogue_id IS NOT NULL;

CREATE TABLE stock_moves (
    id INTEGER NOT NULL,
    product_id INTEGER NOT NULL,
    sale_id INTEGER,
    quantity BIGINT NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT,
    actor TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_stock_moves PRIMARY KEY (id),
    CONSTRAINT ck_stock_moves_quantity CHECK (quantity <> 0),
    CONSTRAINT ck_stock_moves_sign CHECK ((kind <> 'sold' OR quantity < 0) AND (kind <> 'returned' OR quantity > 0)),
    CONSTRAINT ck_stock_moves_of_a_sale CHECK ((kind IN ('sold', 'returned')) = (sale_id IS NOT NULL)),
    CONSTRAINT ck_stock_moves_quantity_whole CHECK (typeof(quantity) = 'integer'),
    CONSTRAINT ck_stock_moves_kind_known CHECK (kind IN ('sold', 'returned', 'counted', 'received')),
    CONSTRAINT fk_stock_moves_product_id_products FOREIGN KEY(product_id) REFERENCES products (id),
    CONSTRAINT fk_stock_moves_sale_id_pos_sales FOREIGN KEY(sale_id) REFERENCES pos_sales (id)
);

CREATE INDEX ix_stock_moves_product_id ON stock_moves (product_id);

CREATE INDEX ix_stock_moves_sale_id ON stock_moves (sale_id);

CREATE TABLE reminders (
    id INTEGER NOT NULL,
    customer_id INTEGER NOT NULL,
    channel TEXT NOT NULL,
    address TEXT,
    message TEXT NOT NULL,
    owed_cents BIGINT NOT NULL,
    as_of DATE NOT NULL,
    state TEXT NOT NULL,
    error TEXT,
    actor TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    sent_at DATETIME,
    CONSTRAINT pk_reminders PRIMARY KEY (id),
    CONSTRAINT ck_reminders_owed CHECK (owed_cents > 0),
    CONSTRAINT ck_reminders_sent CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
    CONSTRAINT ck_reminders_owed_cents_whole CHECK (typeof(owed_cents) = 'integer'),
    CONSTRAINT ck_reminders_state_known CHECK (state IN ('ready', 'sending', 'sent', 'failed', 'cancelled')),
    CONSTRAINT fk_reminders_customer_id_customers FOREIGN KEY(customer_id) REFERENCES customers (id)
);

CREATE INDEX ix_reminders_customer_id ON reminders (customer_id, as_of);

CREATE TABLE imports_0003 AS SELECT
    id, kind, file_name, sha256, row_count, actor, created_at, undone_at
FROM imports;

DROP TABLE imports;

CREATE TABLE imports (
    id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    file_name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    actor TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    undone_at DATETIME,
    CONSTRAINT pk_imports PRIMARY KEY (id),
    CONSTRAINT ck_imports_kind_known CHECK (kind IN ('customers', 'invoices', 'products'))
);

INSERT INTO imports (
    id, kind, file_name, sha256, row_count, actor, created_at, undone_at
)
SELECT
    id, kind, file_name, sha256, row_count, actor, created_at, undone_at
FROM imports_0003 ORDER BY id;

DROP TABLE imports_0003;

CREATE TABLE hour_totals (
    day DATE NOT NULL,
    hour INTEGER NOT NULL,
    short_code TEXT NOT NULL,
    status TEXT NOT NULL,
    payments BIGINT NOT NULL,
    amount_cents BIGINT NOT NULL,
    CONSTRAINT pk_hour_totals PRIMARY KEY (day, hour, short_code, status),
    CONSTRAINT ck_hour_totals_payments_whole CHECK (typeof(payments) = 'integer'),
    CONSTRAINT ck_hour_totals_amount_cents_whole CHECK (typeof(amount_cents) = 'integer')
)
 WITHOUT ROWID;

INSERT INTO hour_totals (day, hour, short_code, status, payments, amount_cents)
SELECT substr(transaction_date, 1, 10), CAST(substr(transaction_date, 12, 2) AS INTEGER), coalesce(short_code, ''), status, count(*), sum(amount_cents)
FROM payments GROUP BY 1, 2, 3, 4;
