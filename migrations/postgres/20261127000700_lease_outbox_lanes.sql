-- The outbox becomes a queue of crates/queue: the lease is on the lane, a lane without pending rows has no row, and a sent
-- row keeps no payload and no device. Times are ms since the epoch.

-- Dropping a column drops the constraints and indexes that name it.
DROP INDEX outbox_unsettled;
DROP INDEX outbox_unsettled_by_lane;
DROP INDEX outbox_prunable;
ALTER TABLE outbox DROP COLUMN lease_owner, DROP COLUMN lease_until_ms;
ALTER TABLE outbox DROP CONSTRAINT outbox_state_check;
ALTER TABLE outbox DROP CONSTRAINT outbox_lane_fkey;
DROP TABLE outbox_lanes;

UPDATE outbox SET state = 'pending' WHERE state = 'leased';
UPDATE outbox SET payload = NULL, device_id = NULL WHERE state = 'sent' AND (payload IS NOT NULL OR device_id IS NOT NULL);
ALTER TABLE outbox ADD CONSTRAINT outbox_state_check CHECK (state IN ('pending', 'sent', 'parked'));

-- The first pending rows of a lane.
CREATE INDEX outbox_pending_by_lane ON outbox (lane, sequence) WHERE state = 'pending';
-- The number of pending rows, and the oldest one.
CREATE INDEX outbox_pending ON outbox (sequence) WHERE state = 'pending';

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
);

INSERT INTO outbox_lanes (lane, next_due_ms)
SELECT DISTINCT ON (lane) lane, next_attempt_ms FROM outbox WHERE state = 'pending' ORDER BY lane, sequence;

CREATE INDEX outbox_lanes_due ON outbox_lanes (next_due_ms, lane);
CREATE INDEX outbox_lanes_leased ON outbox_lanes (lane) WHERE lease_owner IS NOT NULL;
