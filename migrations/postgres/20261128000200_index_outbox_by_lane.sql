-- no-transaction
-- The index for the claims and for the pages of a user. It replaces two others: each index costs a write for every event. The
-- outbox may be large, and servers write to it meanwhile.
CREATE INDEX CONCURRENTLY outbox_by_lane ON outbox (lane, state, sequence);
