-- no-transaction
-- The index for the claims and for the pages of a user. It replaces two others: each index costs a write for every event. An
-- operator's page of a user's events sorts them now. The outbox may be large, and servers write to it meanwhile.
CREATE INDEX CONCURRENTLY outbox_by_lane ON outbox (lane, state, sequence);
