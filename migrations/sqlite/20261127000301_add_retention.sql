-- What the retention sweeps need (docs/retention.md). Times are ms since the epoch.

-- When a webhook of this lane was last received. 0: before this column existed.
ALTER TABLE stripe_lanes ADD COLUMN last_received_ms BIGINT NOT NULL DEFAULT 0;
CREATE INDEX stripe_lanes_by_age ON stripe_lanes (last_received_ms);

-- When the customer of a deleted account was erased.
ALTER TABLE stripe_customers ADD COLUMN erased_ms BIGINT;
UPDATE stripe_customers SET erased_ms = CAST(strftime('%s', 'now') AS INTEGER) * 1000 WHERE user_id IS NULL;
CREATE INDEX stripe_customers_erased ON stripe_customers (erased_ms) WHERE erased_ms IS NOT NULL;

CREATE INDEX logins_idle ON logins (last_seen_at) WHERE ended_at IS NULL;
CREATE INDEX logins_open ON logins (created_at) WHERE ended_at IS NULL;
CREATE INDEX logins_ended ON logins (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX handoffs_by_age ON handoffs (created_at);
CREATE INDEX portal_visits_by_age ON portal_visits (created_at);
CREATE INDEX sdk_sightings_by_age ON sdk_sightings (seen_at);
CREATE INDEX stripe_inbox_settled ON stripe_inbox (settled_ms) WHERE settled_ms IS NOT NULL;
CREATE INDEX mails_settled ON mails (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX account_deletions_finished ON account_deletions (finished_at) WHERE finished_at IS NOT NULL;

-- Deleting an account or a lane looks for the rows that refer to it.
CREATE INDEX logins_by_user ON logins (user_id);
CREATE INDEX stripe_inbox_by_lane ON stripe_inbox (lane);

-- Without the state as first column SQLite prefers `outbox_sent`, which has every sent row.
DROP INDEX outbox_prunable;
CREATE INDEX outbox_prunable ON outbox (state, sent_ms) WHERE state = 'sent' AND payload IS NOT NULL;
DROP INDEX stripe_inbox_prunable;
CREATE INDEX stripe_inbox_prunable ON stripe_inbox (state, settled_ms) WHERE state = 'applied' AND payload IS NOT NULL;
