-- The index for the claims and for the pages of a user. It replaces two others: each index costs a page in every transaction with
-- an event. An operator's page of a user's events sorts them now.
CREATE INDEX outbox_by_lane ON outbox (lane, state, sequence);
