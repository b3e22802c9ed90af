-- The inbox of Stripe's webhooks becomes a queue of crates/queue. Times are ms since the epoch.

CREATE TABLE stripe_inbox_queue (
    sequence         BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Stripe's customer, or `event:` and the event's ID for an event whose customer is unknown.
    lane             TEXT    NOT NULL,
    state            TEXT    NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'applied', 'parked')),
    next_attempt_ms  BIGINT  NOT NULL,
    attempts         BIGINT  NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    panics           BIGINT  NOT NULL DEFAULT 0 CHECK (panics >= 0),
    -- Start of the first attempt of unknown outcome.
    first_unknown_ms BIGINT,
    last_error       TEXT,
    enqueued_ms      BIGINT  NOT NULL,
    parked_ms        BIGINT,
    parked_reason    TEXT,

    -- Unique in all states: Stripe sends a webhook several times.
    event_id         TEXT    NOT NULL UNIQUE,
    event_type       TEXT    NOT NULL,
    -- The body as received.
    payload          TEXT,
    -- Number of new events of an applied webhook.
    events           BIGINT,
    applied_ms       BIGINT,

    CHECK ((state = 'applied') = (applied_ms IS NOT NULL)),
    CHECK ((state = 'parked') = (parked_ms IS NOT NULL)),
    CHECK ((state = 'parked') = (parked_reason IS NOT NULL)),
    CHECK (payload IS NOT NULL OR state = 'applied')
);

INSERT INTO stripe_inbox_queue (lane, state, next_attempt_ms, attempts, panics, last_error, enqueued_ms, parked_ms,
                                parked_reason, event_id, event_type, payload, events, applied_ms)
SELECT lane, state, next_attempt_ms, attempts, panics, last_error, received_ms,
       CASE state WHEN 'parked' THEN settled_ms END, parked_reason, event_id, event_type, payload, events,
       CASE state WHEN 'applied' THEN settled_ms END
FROM stripe_inbox ORDER BY received_ms, event_id;

DROP TABLE stripe_inbox;
DROP TABLE stripe_lanes;
ALTER TABLE stripe_inbox_queue RENAME TO stripe_inbox;

CREATE INDEX stripe_inbox_pending_by_lane ON stripe_inbox (lane, sequence) WHERE state = 'pending';
CREATE INDEX stripe_inbox_pending ON stripe_inbox (sequence) WHERE state = 'pending';
CREATE INDEX stripe_inbox_parked ON stripe_inbox (parked_ms) WHERE state = 'parked';
CREATE INDEX stripe_inbox_applied ON stripe_inbox (applied_ms) WHERE state = 'applied';
-- Without the state as first column SQLite prefers `stripe_inbox_applied`, which has every applied row.
CREATE INDEX stripe_inbox_prunable ON stripe_inbox (state, applied_ms) WHERE state = 'applied' AND payload IS NOT NULL;
-- A customer's webhooks in any state.
CREATE INDEX stripe_inbox_history ON stripe_inbox (lane, event_type);

-- One row for each lane with pending rows (crates/queue).
CREATE TABLE stripe_inbox_lanes (
    lane        TEXT   NOT NULL PRIMARY KEY,
    next_due_ms BIGINT NOT NULL,
    lease_owner TEXT,
    leased_ms   BIGINT,
    leased_to   BIGINT,
    CHECK ((lease_owner IS NULL) = (leased_ms IS NULL) AND (lease_owner IS NULL) = (leased_to IS NULL))
);

INSERT INTO stripe_inbox_lanes (lane, next_due_ms)
SELECT lane, next_attempt_ms FROM stripe_inbox
WHERE sequence IN (SELECT MIN(sequence) FROM stripe_inbox WHERE state = 'pending' GROUP BY lane);

CREATE INDEX stripe_inbox_lanes_due ON stripe_inbox_lanes (next_due_ms, lane);
CREATE INDEX stripe_inbox_lanes_leased ON stripe_inbox_lanes (lane) WHERE lease_owner IS NOT NULL;
