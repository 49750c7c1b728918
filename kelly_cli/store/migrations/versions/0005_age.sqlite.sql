DROP INDEX ix_invoices_open;

DROP INDEX ix_invoices_customer_id;

CREATE INDEX ix_invoices_age ON invoices (customer_id, issued_on, number);
