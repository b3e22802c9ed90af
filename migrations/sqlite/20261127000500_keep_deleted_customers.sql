-- An account has several Stripe customers over time: staff can delete one in Stripe's dashboard, and the next Checkout
-- creates another one. SQLite cannot drop the UNIQUE of `user_id`, so the table is created again. The rows that refer to
-- it are checked at the end of the transaction, when their customers exist again.
PRAGMA defer_foreign_keys = ON;
CREATE TABLE stripe_customers_copy AS SELECT * FROM stripe_customers;
DROP TABLE stripe_customers;
CREATE TABLE stripe_customers (
    id             TEXT   PRIMARY KEY,
    user_id        TEXT   REFERENCES users (id) ON DELETE SET NULL,
    -- ms since the epoch.
    created_at     BIGINT NOT NULL,
    -- Stripe has a card to charge.
    has_card       BIGINT NOT NULL DEFAULT 0 CHECK (has_card IN (0, 1)),
    -- Counts the applied webhooks, so that an open page detects a change.
    revision       BIGINT NOT NULL DEFAULT 0,
    -- When the next attempt to send a changed address is due, in ms since the epoch. NULL: none is due.
    email_due_ms   BIGINT,
    -- Counts the changes, so that an attempt can detect a change that happened while it ran.
    email_changes  BIGINT NOT NULL DEFAULT 0,
    -- Failed attempts since the last success.
    email_failures BIGINT NOT NULL DEFAULT 0,
    -- When the customer of a deleted account was erased, in ms since the epoch.
    erased_ms      BIGINT,
    -- When our record learned that Stripe has deleted the customer, in ms since the epoch.
    deleted_ms     BIGINT
);
INSERT INTO stripe_customers (id, user_id, created_at, has_card, revision, email_due_ms, email_changes, email_failures,
                              erased_ms)
SELECT id, user_id, created_at, has_card, revision, email_due_ms, email_changes, email_failures, erased_ms
FROM stripe_customers_copy;
DROP TABLE stripe_customers_copy;
-- An account has at most one customer that Stripe has not deleted.
CREATE UNIQUE INDEX stripe_customers_current ON stripe_customers (user_id) WHERE deleted_ms IS NULL;
CREATE INDEX stripe_customers_by_user ON stripe_customers (user_id);
CREATE INDEX stripe_customers_email_due ON stripe_customers (email_due_ms) WHERE email_due_ms IS NOT NULL;
CREATE INDEX stripe_customers_erased ON stripe_customers (erased_ms) WHERE erased_ms IS NOT NULL;

-- Whether it runs beside an older subscription of the same customer.
ALTER TABLE subscriptions ADD COLUMN is_second BIGINT NOT NULL DEFAULT 0 CHECK (is_second IN (0, 1));
CREATE INDEX subscriptions_second ON subscriptions (fetched_at) WHERE is_second = 1 OR turned_away = 1;
-- Their payments are summed on the operations page.
CREATE INDEX paid_invoices_by_subscription ON paid_invoices (subscription_id);
