-- A changed address that Stripe's customer has not received yet.
-- When the next attempt is due, in ms since the epoch. NULL: Stripe has the account's address.
ALTER TABLE stripe_customers ADD COLUMN email_due_ms BIGINT;
-- Counts the changes, so that an attempt can detect a change that happened while it ran.
ALTER TABLE stripe_customers ADD COLUMN email_changes BIGINT NOT NULL DEFAULT 0;
-- Failed attempts since the last success.
ALTER TABLE stripe_customers ADD COLUMN email_failures BIGINT NOT NULL DEFAULT 0;
CREATE INDEX stripe_customers_email_due ON stripe_customers (email_due_ms) WHERE email_due_ms IS NOT NULL;
