-- An account has several Stripe customers over time: staff can delete one in Stripe's dashboard, and the next Checkout
-- creates another one.
ALTER TABLE stripe_customers DROP CONSTRAINT stripe_customers_user_id_key;
-- When our record learned that Stripe has deleted the customer, in ms since the epoch.
ALTER TABLE stripe_customers ADD COLUMN deleted_ms BIGINT;
-- An account has at most one customer that Stripe has not deleted.
CREATE UNIQUE INDEX stripe_customers_current ON stripe_customers (user_id) WHERE deleted_ms IS NULL;
CREATE INDEX stripe_customers_by_user ON stripe_customers (user_id);

-- Whether it runs beside an older subscription of the same customer.
ALTER TABLE subscriptions ADD COLUMN is_second BIGINT NOT NULL DEFAULT 0 CHECK (is_second IN (0, 1));
CREATE INDEX subscriptions_second ON subscriptions (fetched_at) WHERE is_second = 1 OR turned_away = 1;
-- Their payments are summed on the operations page.
CREATE INDEX paid_invoices_by_subscription ON paid_invoices (subscription_id);
