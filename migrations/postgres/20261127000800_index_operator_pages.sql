-- The list of operators.
CREATE INDEX users_operators ON users (email_key) WHERE operator_since_ms IS NOT NULL;
-- The newest payments, the refunds and the lost disputes, for the comparison with Stripe.
CREATE INDEX paid_invoices_by_time ON paid_invoices (paid_at) WHERE amount_paid <> 0;
CREATE INDEX refunds_succeeded ON refunds (id) WHERE status = 'succeeded';
CREATE INDEX disputes_lost ON disputes (id) WHERE status = 'lost';
