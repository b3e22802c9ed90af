-- How many webhooks were not ours, by Stripe's event type and reason. Nothing else of them is kept.
CREATE TABLE stripe_not_ours (
    event_type       TEXT   NOT NULL,
    reason           TEXT   NOT NULL CHECK (reason IN ('other mode', 'no effect', 'unknown customer', 'other product')),
    webhooks         BIGINT NOT NULL,
    -- ms since the epoch.
    last_received_ms BIGINT NOT NULL,
    PRIMARY KEY (event_type, reason)
);

-- The payments of our paid invoices. A dispute names only its payment.
CREATE TABLE invoice_payments (
    payment_intent TEXT PRIMARY KEY,
    customer_id    TEXT NOT NULL REFERENCES stripe_customers (id)
);
CREATE INDEX invoice_payments_by_customer ON invoice_payments (customer_id);
-- Whether `invoice_payments` has the invoice's payments. 0: recorded before that table existed.
ALTER TABLE paid_invoices ADD COLUMN has_payments BIGINT NOT NULL DEFAULT 0 CHECK (has_payments IN (0, 1));
CREATE INDEX paid_invoices_without_payments ON paid_invoices (id) WHERE has_payments = 0 AND amount_paid > 0;

-- The billing page reads the refunds of an invoice.
CREATE INDEX refunds_by_invoice ON refunds (invoice_id);
