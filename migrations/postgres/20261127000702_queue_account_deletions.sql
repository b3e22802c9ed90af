-- Account deletions become a queue of crates/queue. Times are ms since the epoch.

CREATE TABLE account_deletions_queue (
    sequence         BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The deleted account.
    lane             TEXT    NOT NULL UNIQUE,
    state            TEXT    NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'parked')),
    next_attempt_ms  BIGINT  NOT NULL,
    attempts         BIGINT  NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    panics           BIGINT  NOT NULL DEFAULT 0 CHECK (panics >= 0),
    -- Start of the first attempt of unknown outcome.
    first_unknown_ms BIGINT,
    last_error       TEXT,
    enqueued_ms      BIGINT  NOT NULL,
    parked_ms        BIGINT,
    parked_reason    TEXT,

    -- The next step.
    step             TEXT    NOT NULL CHECK (step IN ('billing', 'erase', 'amplitude', 'done')),
    finished_ms      BIGINT,

    CHECK ((state = 'done') = (step = 'done')),
    CHECK ((state = 'done') = (finished_ms IS NOT NULL)),
    CHECK ((state = 'parked') = (parked_ms IS NOT NULL)),
    CHECK ((state = 'parked') = (parked_reason IS NOT NULL))
);

INSERT INTO account_deletions_queue (lane, state, next_attempt_ms, attempts, panics, last_error, enqueued_ms, parked_ms,
                                     parked_reason, step, finished_ms)
SELECT user_id, CASE WHEN step = 'done' THEN 'done' WHEN parked_ms IS NOT NULL THEN 'parked' ELSE 'pending' END,
       next_attempt_at, attempts, panics, last_error, requested_at, CASE WHEN step <> 'done' THEN parked_ms END,
       CASE WHEN step <> 'done' THEN parked_reason END, step, finished_at
FROM account_deletions ORDER BY requested_at, user_id;

DROP TABLE account_deletions;
ALTER TABLE account_deletions_queue RENAME TO account_deletions;

CREATE INDEX account_deletions_pending_by_lane ON account_deletions (lane, sequence) WHERE state = 'pending';
CREATE INDEX account_deletions_pending ON account_deletions (sequence) WHERE state = 'pending';
CREATE INDEX account_deletions_parked ON account_deletions (parked_ms) WHERE state = 'parked';
CREATE INDEX account_deletions_finished ON account_deletions (finished_ms) WHERE finished_ms IS NOT NULL;

-- One row for each lane with pending rows (crates/queue).
CREATE TABLE account_deletions_lanes (
    lane        TEXT   NOT NULL PRIMARY KEY,
    next_due_ms BIGINT NOT NULL,
    lease_owner TEXT,
    leased_ms   BIGINT,
    leased_to   BIGINT,
    CHECK ((lease_owner IS NULL) = (leased_ms IS NULL) AND (lease_owner IS NULL) = (leased_to IS NULL))
);

INSERT INTO account_deletions_lanes (lane, next_due_ms) SELECT lane, next_attempt_ms FROM account_deletions WHERE state = 'pending';

CREATE INDEX account_deletions_lanes_due ON account_deletions_lanes (next_due_ms, lane);
CREATE INDEX account_deletions_lanes_leased ON account_deletions_lanes (lane) WHERE lease_owner IS NOT NULL;
