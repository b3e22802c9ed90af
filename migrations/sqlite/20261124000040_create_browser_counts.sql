-- What browsers fire in a session by the script's own count, and what of it Amplitude took: the loss meter. Untrusted, and
-- nothing but figures follows from it. `user_id`: who was signed in, if anybody. Times are ms since the epoch.
CREATE TABLE browser_counts (
    device_id      TEXT   NOT NULL,
    session_id     BIGINT NOT NULL,
    user_id        TEXT   REFERENCES users (id) ON DELETE CASCADE,
    fired_events   BIGINT NOT NULL,
    fired_pages    BIGINT NOT NULL,
    arrived_events BIGINT NOT NULL DEFAULT 0,
    arrived_pages  BIGINT NOT NULL DEFAULT 0,
    sdk_arrived    BIGINT NOT NULL DEFAULT 0,
    updated_at     BIGINT NOT NULL,
    PRIMARY KEY (device_id, session_id)
);
CREATE INDEX browser_counts_by_user ON browser_counts (user_id);
CREATE INDEX browser_counts_by_age ON browser_counts (updated_at);
