-- Whether the subscription is one of our plan. It is not after a change to another product.
ALTER TABLE subscriptions ADD COLUMN is_plan BIGINT NOT NULL DEFAULT 1 CHECK (is_plan IN (0, 1));

-- Closed disputes about payments of our subscriptions. The amount is in minor units.
CREATE TABLE disputes (
    id          TEXT   PRIMARY KEY,
    customer_id TEXT   NOT NULL REFERENCES stripe_customers (id),
    invoice_id  TEXT   NOT NULL,
    currency    TEXT   NOT NULL,
    amount      BIGINT NOT NULL,
    status      TEXT   NOT NULL CHECK (status IN ('lost', 'other'))
);
CREATE INDEX disputes_by_customer ON disputes (customer_id);
