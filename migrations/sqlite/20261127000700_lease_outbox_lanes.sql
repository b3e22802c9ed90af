-- The outbox becomes a queue of crates/queue: the lease is on the lane, a lane without pending rows has no row, and a sent
-- row keeps no payload and no device. Times are ms since the epoch.

CREATE TABLE outbox_queue (
    -- Never reused. Rows of one lane are numbered in commit order.
    sequence         INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The user. Order is kept within a lane.
    lane             TEXT    NOT NULL,
    state            TEXT    NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'parked')),
    next_attempt_ms  BIGINT  NOT NULL,
    attempts         BIGINT  NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    panics           BIGINT  NOT NULL DEFAULT 0 CHECK (panics >= 0),
    -- Start of the first attempt of unknown outcome.
    first_unknown_ms BIGINT,
    last_error       TEXT,
    enqueued_ms      BIGINT  NOT NULL,
    parked_ms        BIGINT,
    parked_reason    TEXT,

    -- Unique in all states: a handler that runs again cannot create a second event.
    insert_id        TEXT    NOT NULL UNIQUE,
    device_id        TEXT,
    event_type       TEXT    NOT NULL,
    time_ms          BIGINT  NOT NULL,
    -- The event in its wire form. The bytes are the same in every attempt.
    payload          TEXT,
    sent_ms          BIGINT,

    CHECK ((state = 'sent') = (sent_ms IS NOT NULL)),
    CHECK ((state = 'parked') = (parked_ms IS NOT NULL)),
    CHECK ((state = 'parked') = (parked_reason IS NOT NULL)),
    CHECK (payload IS NOT NULL OR state = 'sent')
);

INSERT INTO outbox_queue (sequence, lane, state, next_attempt_ms, attempts, panics, first_unknown_ms, last_error,
                          enqueued_ms, parked_ms, parked_reason, insert_id, device_id, event_type, time_ms, payload, sent_ms)
SELECT sequence, lane, CASE state WHEN 'leased' THEN 'pending' ELSE state END, next_attempt_ms, attempts, panics,
       first_unknown_ms, last_error, enqueued_ms, parked_ms, parked_reason, insert_id,
       CASE state WHEN 'sent' THEN NULL ELSE device_id END, event_type, time_ms,
       CASE state WHEN 'sent' THEN NULL ELSE payload END, sent_ms
FROM outbox ORDER BY sequence;

-- Deleted rows had numbers too.
DELETE FROM sqlite_sequence WHERE name = 'outbox_queue';
INSERT INTO sqlite_sequence (name, seq) SELECT 'outbox_queue', seq FROM sqlite_sequence WHERE name = 'outbox';

DROP TABLE outbox;
DROP TABLE outbox_lanes;
ALTER TABLE outbox_queue RENAME TO outbox;

-- The first pending rows of a lane.
CREATE INDEX outbox_pending_by_lane ON outbox (lane, sequence) WHERE state = 'pending';
-- The number of pending rows, and the oldest one.
CREATE INDEX outbox_pending ON outbox (sequence) WHERE state = 'pending';
CREATE INDEX outbox_parked ON outbox (parked_ms) WHERE state = 'parked';
CREATE INDEX outbox_sent ON outbox (sent_ms) WHERE state = 'sent';
-- A user's events in any state.
CREATE INDEX outbox_history ON outbox (lane, enqueued_ms);

-- One row for each lane with pending rows.
CREATE TABLE outbox_lanes (
    lane        TEXT   NOT NULL PRIMARY KEY,
    -- When the lane may be claimed: its first pending row is due, or its lease ends.
    next_due_ms BIGINT NOT NULL,
    -- The claim that has the lane, when it began, and the last row that it took.
    lease_owner TEXT,
    leased_ms   BIGINT,
    leased_to   BIGINT,
    CHECK ((lease_owner IS NULL) = (leased_ms IS NULL) AND (lease_owner IS NULL) = (leased_to IS NULL))
) WITHOUT ROWID;

INSERT INTO outbox_lanes (lane, next_due_ms)
SELECT lane, next_attempt_ms FROM outbox
WHERE sequence IN (SELECT MIN(sequence) FROM outbox WHERE state = 'pending' GROUP BY lane);

CREATE INDEX outbox_lanes_due ON outbox_lanes (next_due_ms, lane);
CREATE INDEX outbox_lanes_leased ON outbox_lanes (lane) WHERE lease_owner IS NOT NULL;
