-- Sessions in which Amplitude's SDK was seen to run: its cookie vouched for one in a request of a signed-in browser. The
-- verdict holds them against what has arrived. Times are ms since the epoch.
CREATE TABLE sdk_sightings (
    device_id  TEXT   NOT NULL,
    session_id BIGINT NOT NULL,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    seen_at    BIGINT NOT NULL,
    PRIMARY KEY (device_id, session_id)
);
CREATE INDEX sdk_sightings_by_user ON sdk_sightings (user_id, seen_at);
