-- Attempts to send a changed address that panicked since the last success.
ALTER TABLE stripe_customers ADD COLUMN email_panics BIGINT NOT NULL DEFAULT 0 CHECK (email_panics >= 0);
-- When a changed address was parked, in ms since the epoch. It waits for an operator, or for the next change.
ALTER TABLE stripe_customers ADD COLUMN email_parked_ms BIGINT;
ALTER TABLE stripe_customers ADD COLUMN email_parked_reason TEXT
    CHECK ((email_parked_reason IS NULL) = (email_parked_ms IS NULL));
CREATE INDEX stripe_customers_email_parked ON stripe_customers (email_parked_ms) WHERE email_parked_ms IS NOT NULL;
