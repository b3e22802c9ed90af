-- The outbox: server events on their way to Amplitude. States, guarantees and the failure table: crates/outbox/README.md.

-- One row per person with events. It holds nothing that counts: it is what an enqueue and a claim lock, so that the
-- sequence of a person's rows is the order in which they were committed.
CREATE TABLE outbox_lanes (
    lane             TEXT   NOT NULL PRIMARY KEY,
    last_enqueued_ms BIGINT NOT NULL
);

CREATE TABLE outbox (
    -- Never used twice, never out of order within a lane.
    sequence         INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Unique for ever, also after the payload is gone: a handler that runs again cannot make a second event.
    insert_id        TEXT   NOT NULL UNIQUE,
    -- The person: order is kept per lane, and only there.
    lane             TEXT   NOT NULL REFERENCES outbox_lanes (lane),
    -- Frozen with the payload: Amplitude's deduplication is per device.
    device_id        TEXT,
    event_type       TEXT   NOT NULL,
    time_ms          BIGINT NOT NULL,
    -- The event as it stands on the wire, byte for byte the same in every attempt.
    payload          TEXT,

    state            TEXT   NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'leased', 'sent', 'parked')),
    attempts         BIGINT NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_ms  BIGINT NOT NULL,
    -- Start of the first attempt of which nobody knows whether it was accepted.
    first_unknown_ms BIGINT,
    lease_owner      TEXT,
    lease_until_ms   BIGINT,
    enqueued_ms      BIGINT NOT NULL,
    sent_ms          BIGINT,
    parked_ms        BIGINT,
    parked_reason    TEXT,
    last_error       TEXT,

    CHECK ((state = 'leased') = (lease_owner IS NOT NULL)),
    CHECK ((state = 'leased') = (lease_until_ms IS NOT NULL)),
    CHECK ((state = 'sent') = (sent_ms IS NOT NULL)),
    CHECK ((state = 'parked') = (parked_ms IS NOT NULL)),
    CHECK ((state = 'parked') = (parked_reason IS NOT NULL)),
    -- Only what has arrived may lose its payload.
    CHECK (payload IS NOT NULL OR state = 'sent')
);

-- The claim: unsettled rows, oldest first, and "is there an earlier one of this person?".
CREATE INDEX outbox_unsettled ON outbox (sequence) WHERE state IN ('pending', 'leased');
CREATE INDEX outbox_unsettled_by_lane ON outbox (lane, sequence) WHERE state IN ('pending', 'leased');
-- A person's events, whatever became of them.
CREATE INDEX outbox_history ON outbox (lane, enqueued_ms);
-- The operations page.
CREATE INDEX outbox_parked ON outbox (parked_ms) WHERE state = 'parked';
-- Pruning.
CREATE INDEX outbox_prunable ON outbox (sent_ms) WHERE state = 'sent' AND payload IS NOT NULL;
