-- Attempts that panicked, per row. After three the row is parked.
ALTER TABLE outbox ADD COLUMN panics BIGINT NOT NULL DEFAULT 0 CHECK (panics >= 0);
ALTER TABLE stripe_inbox ADD COLUMN panics BIGINT NOT NULL DEFAULT 0 CHECK (panics >= 0);
ALTER TABLE mails ADD COLUMN panics BIGINT NOT NULL DEFAULT 0 CHECK (panics >= 0);
ALTER TABLE account_deletions ADD COLUMN panics BIGINT NOT NULL DEFAULT 0 CHECK (panics >= 0);

-- A parked deletion waits for an operator, or for the setting that its reason names. Time in ms since the epoch.
ALTER TABLE account_deletions ADD COLUMN parked_ms BIGINT;
ALTER TABLE account_deletions ADD COLUMN parked_reason TEXT CHECK ((parked_reason IS NULL) = (parked_ms IS NULL));
CREATE INDEX account_deletions_parked ON account_deletions (parked_ms) WHERE parked_ms IS NOT NULL;

-- These deletions were reported as done although Amplitude was not asked.
UPDATE account_deletions
SET step = 'amplitude', parked_ms = finished_at, parked_reason = 'AMPLITUDE_SECRET_KEY is not set',
    finished_at = NULL, last_error = NULL
WHERE step = 'done' AND last_error LIKE '%AMPLITUDE_SECRET_KEY is not set%';
