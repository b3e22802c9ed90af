-- Where accounts came from, and the context of clicks. All of it is recorded with consent only, and deleted when consent is
-- denied. Columns that end in `_ms` are ms since the epoch.

-- The first touch of an account.
CREATE TABLE first_touches (
    user_id      TEXT   PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    device_id    TEXT   NOT NULL,
    -- Campaign parameters, click IDs, referrer and landing page, as JSON.
    touch        TEXT   NOT NULL,
    -- The name of the touch in reports.
    campaign     TEXT   NOT NULL,
    touched_ms   BIGINT NOT NULL,
    -- The name of the first touch that the SDK reported for the device. NULL: none has arrived.
    sdk_campaign TEXT
);
CREATE INDEX first_touches_by_device ON first_touches (device_id);

-- The touches of the sessions in which an account signed up or ordered.
CREATE TABLE last_touches (
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id BIGINT NOT NULL,
    campaign   TEXT   NOT NULL,
    touched_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, session_id)
);

-- The context of the click as JSON, without the address.
ALTER TABLE handoffs ADD COLUMN context TEXT;
-- The browser's network address, until the event of the click is written.
ALTER TABLE handoffs ADD COLUMN address TEXT;
CREATE INDEX handoffs_with_address ON handoffs (created_at) WHERE address IS NOT NULL;
ALTER TABLE portal_visits ADD COLUMN context TEXT;

-- The name of the first touch that the SDK reported for the device. NULL: none has arrived.
ALTER TABLE browser_counts ADD COLUMN sdk_campaign TEXT;

-- The end of the trial by the subscription's clock, in seconds since the epoch. NULL: it has no trial.
ALTER TABLE subscriptions ADD COLUMN trial_end_secs BIGINT;
UPDATE subscriptions SET trial_end_secs = CAST(CAST(object AS json) ->> 'trial_end' AS BIGINT);
