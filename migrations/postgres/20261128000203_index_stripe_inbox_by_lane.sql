-- no-transaction
-- For the claims: they no longer use an index of pending rows only (crates/queue).
CREATE INDEX CONCURRENTLY stripe_inbox_by_lane ON stripe_inbox (lane, state, sequence);
